//! ResNet-20, 32, 44 and 56: He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition" (2016), section 4.2.
//!
//! Three layers of n basic blocks of 16, 32 and 64 channels on 32 x 32 RGB images. Where a block halves the image and
//! doubles the channels its shortcut has no parameters (option A): every other pixel, and channels of zeros.

use burn::module::{Module, ModuleVisitor};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, PaddingConfig2d};
use burn::tensor::{Device, Tensor};
use rand::rngs::StdRng;

use super::Architecture;
use super::layers::{Draw, Layers};
use crate::config::ResNetConfig;
use crate::export::Graph;
use crate::ops;

/// The network, with the names of its published weights.
#[derive(Module, Debug)]
pub struct ResNet {
    conv1: Conv2d,
    bn1: BatchNorm,
    layer1: Vec<BasicBlock>,
    layer2: Vec<BasicBlock>,
    layer3: Vec<BasicBlock>,
    linear: Linear,
}

/// Two convolutions around a shortcut.
#[derive(Module, Debug)]
pub(super) struct BasicBlock {
    conv1: Conv2d,
    bn1: BatchNorm,
    conv2: Conv2d,
    bn2: BatchNorm,
}

/// A 3x3 convolution without bias, initialised for a rectifier (He et al. 2015).
pub(super) fn convolution(inputs: usize, outputs: usize, stride: usize, layers: &mut Layers<'_>) -> Conv2d {
    let config = Conv2dConfig::new([inputs, outputs], [3, 3])
        .with_stride([stride, stride])
        .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
        .with_bias(false);
    layers.conv(Draw::Normal { gain: std::f64::consts::SQRT_2 }, &config)
}

pub(super) fn norm(channels: usize, device: &Device) -> BatchNorm {
    BatchNormConfig::new(channels).init(device)
}

impl BasicBlock {
    fn new(inputs: usize, outputs: usize, stride: usize, layers: &mut Layers<'_>) -> Self {
        Self {
            conv1: convolution(inputs, outputs, stride, layers),
            bn1: norm(outputs, layers.device),
            conv2: convolution(outputs, outputs, 1, layers),
            bn2: norm(outputs, layers.device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = ops::batch_norm(&self.bn1, ops::conv2d(&self.conv1, x.clone(), false), None, true);
        let y = ops::conv2d(&self.conv2, y, false);
        let [_, outputs, ..] = y.dims();
        ops::batch_norm(&self.bn2, y, Some(shortcut(x, outputs)), true)
    }
}

impl BasicBlock {
    fn trace(&self, graph: &mut Graph, x: String) -> String {
        let y = graph.conv(&self.conv1, &x, false);
        let y = graph.batch_norm(&self.bn1, &y, None, true);
        let y = graph.conv(&self.conv2, &y, false);
        let [outputs, ..] = self.conv2.weight.dims();
        let [_, inputs, ..] = self.conv1.weight.dims();
        let shortcut = if inputs == outputs { x } else { graph.halved(&x, (outputs - inputs) / 2) };
        graph.batch_norm(&self.bn2, &y, Some(&shortcut), true)
    }
}

/// Option A: `x` itself, or every other pixel of it between as many channels of zeros on either side.
fn shortcut(x: Tensor<4>, outputs: usize) -> Tensor<4> {
    let [batch, inputs, height, width] = x.dims();
    if inputs == outputs {
        return x;
    }
    let x = x.slice_dim(2, burn::tensor::Slice::with_step(0, None, 2));
    let x = x.slice_dim(3, burn::tensor::Slice::with_step(0, None, 2));
    let zeros = Tensor::zeros([batch, (outputs - inputs) / 2, height.div_ceil(2), width.div_ceil(2)], &x.device());
    Tensor::cat(vec![zeros.clone(), x, zeros], 1)
}

impl ResNet {
    pub(super) fn new(config: &ResNetConfig, classes: usize, layers: &mut Layers<'_>) -> Self {
        let each = (config.depth - 2) / 6;
        let layer = |inputs: usize, outputs: usize, stride: usize, layers: &mut Layers<'_>| {
            let mut blocks = vec![BasicBlock::new(inputs, outputs, stride, layers)];
            blocks.extend((1..each).map(|_| BasicBlock::new(outputs, outputs, 1, layers)));
            blocks
        };
        Self {
            conv1: convolution(3, 16, 1, layers),
            bn1: norm(16, layers.device),
            layer1: layer(16, 16, 1, layers),
            layer2: layer(16, 32, 2, layers),
            layer3: layer(32, 64, 2, layers),
            linear: layers.linear(Draw::Even, 64, classes),
        }
    }
}

impl Architecture for ResNet {
    fn blocks(&self) -> usize {
        4
    }

    fn block(&self, block: usize, x: Tensor<4>) -> Tensor<4> {
        let layer = match block {
            0 => return ops::batch_norm(&self.bn1, ops::conv2d(&self.conv1, x, false), None, true),
            1 => &self.layer1,
            2 => &self.layer2,
            _ => &self.layer3,
        };
        layer.iter().fold(x, |x, block| block.forward(x))
    }

    fn head(&self, x: Tensor<4>, _random: Option<&mut StdRng>) -> Tensor<2> {
        let places: Tensor<3> = x.flatten(2, 3);
        ops::linear(&self.linear, places.mean_dim(2).squeeze_dim(2))
    }

    fn trace(&self, graph: &mut Graph, x: String) -> String {
        let x = graph.conv(&self.conv1, &x, false);
        let x = graph.batch_norm(&self.bn1, &x, None, true);
        let blocks = self.layer1.iter().chain(&self.layer2).chain(&self.layer3);
        let x = blocks.fold(x, |x, block| block.trace(graph, x));
        let x = graph.global_pool(&x, false);
        graph.linear(&self.linear, &x)
    }

    fn visit_block<V: ModuleVisitor>(&self, block: usize, visitor: &mut V) {
        match block {
            0 => {
                self.conv1.visit(visitor);
                self.bn1.visit(visitor);
            }
            1 => self.layer1.visit(visitor),
            2 => self.layer2.visit(visitor),
            3 => self.layer3.visit(visitor),
            _ => self.linear.visit(visitor),
        }
    }
}
