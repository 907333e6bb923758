//! The networks: a trunk of blocks, each from images to images, and a head from images to logits.
//!
//! Every network is cut in the same way, so that blocks can be frozen, given learning rates of their own, and run once
//! over the data where they are frozen ([`Network::features`]).

mod conv_strix;
mod fcnn;
mod head;
mod layers;
mod parameters;
mod resnet;
mod strix_net;
mod vgg_strix;
mod weights;

use burn::module::{Module, ModuleVisitor, ParamGroup};
use burn::tensor::{Device, Tensor};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub use conv_strix::ConvStrix;
pub use fcnn::Fcnn;
pub use head::Head;
pub(crate) use parameters::{average, gather, named, numbered, scatter};
pub use resnet::ResNet;
pub use strix_net::StrixNet;
pub use vgg_strix::VggStrix;
pub use weights::{Pretrained, Weights};

use crate::config::NetworkConfig;
use crate::export::Graph;
use layers::Layers;

/// A network of any of the architectures.
#[derive(Module, Debug)]
pub enum Network {
    /// Dense layers alone.
    Fcnn(Fcnn),
    /// Small, VGG-like.
    ConvStrix(ConvStrix),
    /// Residual, made for this size of images.
    StrixNet(StrixNet),
    /// Pretrained VGG19 blocks under a head.
    VggStrix(VggStrix),
    /// He et al.'s CIFAR networks.
    ResNet(ResNet),
}

/// Calls the same method of whichever network it is.
macro_rules! each {
    ($network:expr, $inner:ident => $call:expr) => {
        match $network {
            Network::Fcnn($inner) => $call,
            Network::ConvStrix($inner) => $call,
            Network::StrixNet($inner) => $call,
            Network::VggStrix($inner) => $call,
            Network::ResNet($inner) => $call,
        }
    };
}

/// What every network is made of.
pub(crate) trait Architecture {
    /// Blocks of the trunk.
    fn blocks(&self) -> usize;
    /// The block's output, shape `[batch, channels, height, width]`.
    fn block(&self, block: usize, x: Tensor<4>) -> Tensor<4>;
    /// The logits, shape `[batch, classes]`; where there are random numbers, they drop units.
    fn head(&self, x: Tensor<4>, random: Option<&mut StdRng>) -> Tensor<2>;
    /// Writes the whole network down, from images to logits.
    fn trace(&self, graph: &mut Graph, x: String) -> String;
    /// Shows a block's parameters, or those of the head for a block behind the last.
    fn visit_block<V: ModuleVisitor>(&self, block: usize, visitor: &mut V);
}

impl Network {
    /// A network whose weights will be others: those of the seed 0, as [`Network::seeded`] draws them.
    ///
    /// `config` must have passed [`crate::config::TrainConfig::check`] for this size.
    pub fn new(config: &NetworkConfig, size: usize, classes: usize, device: &Device) -> Self {
        Self::seeded(config, size, classes, 0, device)
    }

    /// A network with random weights for images of `size` x `size` pixels. A seed draws the same weights on every device and
    /// beside any other threads; the parameters' names and numbers are the same in every process.
    ///
    /// `config` must have passed [`crate::config::TrainConfig::check`] for this size.
    pub fn seeded(config: &NetworkConfig, size: usize, classes: usize, seed: u64, device: &Device) -> Self {
        let layers = &mut Layers::new(seed, device);
        numbered(match config {
            NetworkConfig::Fcnn(config) => Self::Fcnn(Fcnn::new(config, size, classes, layers)),
            NetworkConfig::ConvStrix(config) => Self::ConvStrix(ConvStrix::new(config, size, classes, layers)),
            NetworkConfig::StrixNet(config) => Self::StrixNet(StrixNet::new(config, classes, layers)),
            NetworkConfig::VggStrix(config) => Self::VggStrix(VggStrix::new(config, size, classes, layers)),
            NetworkConfig::ResNet(config) => Self::ResNet(ResNet::new(config, classes, layers)),
        })
    }

    /// Blocks of the trunk.
    pub fn blocks(&self) -> usize {
        each!(self, net => net.blocks())
    }

    /// What the first `blocks` blocks make of prepared images `[batch, channels, size, size]`.
    pub fn features(&self, images: Tensor<4>, blocks: usize) -> Tensor<4> {
        (0..blocks).fold(images, |x, block| each!(self, net => net.block(block, x)))
    }

    /// Logits, shape `[batch, classes]`, from what the first `blocks` blocks gave. The softmax is taken by the loss and by
    /// the evaluation.
    pub fn finish(&self, features: Tensor<4>, blocks: usize) -> Tensor<2> {
        self.logits(features, blocks, None)
    }

    /// As [`Network::finish`], while it trains: without the units that this seed drops.
    pub fn finish_training(&self, features: Tensor<4>, blocks: usize, seed: u64) -> Tensor<2> {
        self.logits(features, blocks, Some(&mut StdRng::seed_from_u64(seed)))
    }

    fn logits(&self, features: Tensor<4>, blocks: usize, random: Option<&mut StdRng>) -> Tensor<2> {
        let x = (blocks..self.blocks()).fold(features, |x, block| each!(self, net => net.block(block, x)));
        each!(self, net => net.head(x, random))
    }

    /// Prepared images `[batch, channels, size, size]` to logits `[batch, classes]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.finish(images, 0)
    }

    /// Writes itself down, from prepared images to logits.
    pub(crate) fn trace(&self, graph: &mut Graph, images: String) -> String {
        each!(self, net => net.trace(graph, images))
    }

    /// How many weights and biases there are, trained or not; running statistics are none.
    pub fn parameters(&self) -> usize {
        parameters::count(self)
    }

    /// The parameters of a block, or those of the head for the number behind the last block.
    pub fn group(&self, block: usize) -> ParamGroup {
        let mut ids = parameters::Ids::default();
        each!(self, net => net.visit_block(block, &mut ids));
        ParamGroup::from_ids(ids.0)
    }
}
