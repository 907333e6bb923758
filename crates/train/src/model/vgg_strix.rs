//! VGGStrix: pretrained VGG19 blocks, ConvStrix blocks if asked for, and the dense head.
//!
//! Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition" (2015), configuration E:
//! blocks of 2, 2, 4, 4 and 4 rectified 3x3 convolutions of 64, 128, 256, 512 and 512 filters, each block before a 2x2
//! max-pool. Of the five as many are built as the weights file holds. A batch norm, trained with the head, brings their
//! outputs, which run into the thousands, to ordinary size.

use burn::module::{Module, ModuleVisitor};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, PaddingConfig2d};
use burn::tensor::Tensor;
use rand::rngs::StdRng;

use super::conv_strix::Block;
use super::layers::{Draw, Layers};
use super::resnet::norm;
use super::{Architecture, Head};
use crate::config::{VGG19, VggStrixConfig};
use crate::export::Graph;
use crate::ops;

/// The network.
#[derive(Module, Debug)]
pub struct VggStrix {
    vgg: Vec<Vec<Conv2d>>,
    norm: BatchNorm,
    blocks: Vec<Block>,
    head: Head,
}

impl VggStrix {
    pub(super) fn new(config: &VggStrixConfig, size: usize, classes: usize, layers: &mut Layers<'_>) -> Self {
        let (mut channels, mut side) = (3, size);
        let mut vgg = Vec::with_capacity(config.vgg_blocks);
        for &(count, filters) in &VGG19[..config.vgg_blocks] {
            let mut convolutions = Vec::with_capacity(count);
            for _ in 0..count {
                let layer =
                    Conv2dConfig::new([channels, filters], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1));
                convolutions.push(layers.conv(Draw::Even, &layer));
                channels = filters;
            }
            vgg.push(convolutions);
            side /= 2;
        }
        let scale = norm(channels, layers.device);
        let (blocks, channels, side) = Block::chain(&config.own, channels, side, layers);
        Self { vgg, norm: scale, blocks, head: Head::new(&config.own.dense, channels * side * side, classes, layers) }
    }
}

impl VggStrix {
    /// What goes into `block` (or into the head), which is the pretrained blocks' output if it is the first after them.
    fn scaled(&self, x: Tensor<4>, block: usize) -> Tensor<4> {
        if block == self.vgg.len() { ops::batch_norm(&self.norm, x, None, false) } else { x }
    }
}

impl Architecture for VggStrix {
    fn blocks(&self) -> usize {
        self.vgg.len() + self.blocks.len()
    }

    fn block(&self, block: usize, x: Tensor<4>) -> Tensor<4> {
        match self.vgg.get(block) {
            Some(layers) => ops::max_pool(layers.iter().fold(x, |x, layer| ops::conv2d(layer, x, true))),
            None => self.blocks[block - self.vgg.len()].forward(self.scaled(x, block)),
        }
    }

    fn head(&self, x: Tensor<4>, random: Option<&mut StdRng>) -> Tensor<2> {
        self.head.forward(self.scaled(x, self.blocks()), random)
    }

    fn trace(&self, graph: &mut Graph, mut x: String) -> String {
        for layers in &self.vgg {
            x = layers.iter().fold(x, |x, layer| graph.conv(layer, &x, true));
            x = graph.max_pool(&x);
        }
        x = graph.batch_norm(&self.norm, &x, None, false);
        x = self.blocks.iter().fold(x, |x, block| block.trace(graph, x));
        self.head.trace(graph, x)
    }

    fn visit_block<V: ModuleVisitor>(&self, block: usize, visitor: &mut V) {
        match (self.vgg.get(block), block.checked_sub(self.vgg.len()).map(|own| self.blocks.get(own))) {
            (Some(layers), _) => layers.visit(visitor),
            (None, Some(Some(block))) => block.visit(visitor),
            _ => {
                self.norm.visit(visitor);
                self.head.visit(visitor);
            }
        }
    }
}
