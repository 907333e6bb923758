//! ConvStrix: a small VGG-like network.
//!
//! Block b is `block_layers` 3x3 same convolutions of 32 (b + 1) filters, each followed by the
//! activation; after every block but the last come batch norm and a 2x2 max-pool; then the dense head.

use burn::module::{Module, ModuleVisitor};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, PaddingConfig2d};
use burn::tensor::Tensor;
use rand::rngs::StdRng;

use super::head::Activation;
use super::layers::Layers;
use super::resnet::norm;
use super::{Architecture, Head};
use crate::config::{ActivationKind, ConvStrixConfig};
use crate::export::Graph;
use crate::ops;

/// Filters of the first block; each further block has as many more.
const FILTERS: usize = 32;

/// The network.
#[derive(Module, Debug)]
pub struct ConvStrix {
    blocks: Vec<Block>,
    head: Head,
}

/// One block.
#[derive(Module, Debug)]
pub(super) struct Block {
    convolutions: Vec<Conv2d>,
    norm: Option<BatchNorm>,
    #[module(skip)]
    activation: Activation,
}

impl Block {
    /// The blocks of `config` from images of `channels` on, and the channels and the size of what the last gives.
    pub(super) fn chain(
        config: &ConvStrixConfig,
        mut channels: usize,
        mut size: usize,
        layers: &mut Layers<'_>,
    ) -> (Vec<Self>, usize, usize) {
        let activation = Activation(config.dense.activation);
        let mut blocks = Vec::with_capacity(config.blocks);
        for block in 0..config.blocks {
            let filters = FILTERS * (block + 1);
            let mut convolutions = Vec::with_capacity(config.block_layers);
            for _ in 0..config.block_layers {
                let layer =
                    Conv2dConfig::new([channels, filters], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
                convolutions.push(layers.conv(activation.draw(), &layer));
                channels = filters;
            }
            let last = block + 1 == config.blocks;
            let norm = (!last).then(|| norm(filters, layers.device));
            size = if last { size } else { size / 2 };
            blocks.push(Self { convolutions, norm, activation });
        }
        (blocks, channels, size)
    }

    pub(super) fn forward(&self, mut x: Tensor<4>) -> Tensor<4> {
        for layer in &self.convolutions {
            x = match self.activation.0 {
                ActivationKind::Relu => ops::conv2d(layer, x, true),
                _ => self.activation.forward(ops::conv2d(layer, x, false)),
            };
        }
        match &self.norm {
            Some(norm) => ops::max_pool(ops::batch_norm(norm, x, None, false)),
            None => x,
        }
    }

    pub(super) fn trace(&self, graph: &mut Graph, mut x: String) -> String {
        for layer in &self.convolutions {
            x = graph.conv(layer, &x, false);
            x = graph.activation(self.activation.0, &x);
        }
        match &self.norm {
            Some(norm) => {
                let x = graph.batch_norm(norm, &x, None, false);
                graph.max_pool(&x)
            }
            None => x,
        }
    }
}

impl ConvStrix {
    pub(super) fn new(config: &ConvStrixConfig, size: usize, classes: usize, layers: &mut Layers<'_>) -> Self {
        let (blocks, channels, size) = Block::chain(config, 1, size, layers);
        Self { blocks, head: Head::new(&config.dense, channels * size * size, classes, layers) }
    }
}

impl Architecture for ConvStrix {
    fn blocks(&self) -> usize {
        self.blocks.len()
    }

    fn block(&self, block: usize, x: Tensor<4>) -> Tensor<4> {
        self.blocks[block].forward(x)
    }

    fn head(&self, x: Tensor<4>, random: Option<&mut StdRng>) -> Tensor<2> {
        self.head.forward(x, random)
    }

    fn trace(&self, graph: &mut Graph, x: String) -> String {
        let x = self.blocks.iter().fold(x, |x, block| block.trace(graph, x));
        self.head.trace(graph, x)
    }

    fn visit_block<V: ModuleVisitor>(&self, block: usize, visitor: &mut V) {
        match self.blocks.get(block) {
            Some(block) => block.visit(visitor),
            None => self.head.visit(visitor),
        }
    }
}
