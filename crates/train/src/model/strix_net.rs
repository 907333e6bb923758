//! StrixNet: a small residual network for grey images of about 28 x 28 pixels, made for few processors.
//!
//! A 3x3 stem and a pool, then stages of twice the width each: a widening 3x3 convolution and a residual block of two
//! (He et al. 2016), with a pool between stages; the greatest value of each channel over all places; one linear layer. Batch
//! norm and a rectifier follow every convolution (the residual sum comes before the rectifier), so convolutions have no bias.

use burn::module::{Module, ModuleVisitor};
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear};
use burn::tensor::Tensor;
use rand::rngs::StdRng;

use super::Architecture;
use super::layers::{Draw, Layers};
use super::resnet::{convolution, norm};
use crate::config::StrixNetConfig;
use crate::export::Graph;
use crate::ops;

/// The network.
#[derive(Module, Debug)]
pub struct StrixNet {
    stem: Conv2d,
    stem_norm: BatchNorm,
    stages: Vec<Stage>,
    output: Linear,
}

/// Widens, then refines.
#[derive(Module, Debug)]
pub(super) struct Stage {
    widen: Conv2d,
    widen_norm: BatchNorm,
    first: Conv2d,
    first_norm: BatchNorm,
    second: Conv2d,
    second_norm: BatchNorm,
}

impl Stage {
    fn new(inputs: usize, width: usize, layers: &mut Layers<'_>) -> Self {
        Self {
            widen: convolution(inputs, width, 1, layers),
            widen_norm: norm(width, layers.device),
            first: convolution(width, width, 1, layers),
            first_norm: norm(width, layers.device),
            second: convolution(width, width, 1, layers),
            second_norm: norm(width, layers.device),
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let x = ops::batch_norm(&self.widen_norm, ops::conv2d(&self.widen, x, false), None, true);
        let y = ops::batch_norm(&self.first_norm, ops::conv2d(&self.first, x.clone(), false), None, true);
        ops::batch_norm(&self.second_norm, ops::conv2d(&self.second, y, false), Some(x), true)
    }

    fn trace(&self, graph: &mut Graph, x: String) -> String {
        let x = graph.conv(&self.widen, &x, false);
        let x = graph.batch_norm(&self.widen_norm, &x, None, true);
        let y = graph.conv(&self.first, &x, false);
        let y = graph.batch_norm(&self.first_norm, &y, None, true);
        let y = graph.conv(&self.second, &y, false);
        graph.batch_norm(&self.second_norm, &y, Some(&x), true)
    }
}

impl StrixNet {
    pub(super) fn new(config: &StrixNetConfig, classes: usize, layers: &mut Layers<'_>) -> Self {
        let mut width = config.width;
        let (stem, stem_norm) = (convolution(1, width, 1, layers), norm(width, layers.device));
        let mut stages = Vec::with_capacity(config.stages);
        for _ in 0..config.stages {
            stages.push(Stage::new(width, 2 * width, layers));
            width *= 2;
        }
        Self { stem, stem_norm, stages, output: layers.linear(Draw::Even, width, classes) }
    }
}

impl Architecture for StrixNet {
    fn blocks(&self) -> usize {
        1 + self.stages.len()
    }

    fn block(&self, block: usize, x: Tensor<4>) -> Tensor<4> {
        let Some(stage) = block.checked_sub(1) else {
            let x = ops::batch_norm(&self.stem_norm, ops::conv2d(&self.stem, x, false), None, true);
            return ops::max_pool(x);
        };
        let x = self.stages[stage].forward(x);
        if stage + 1 < self.stages.len() { ops::max_pool(x) } else { x }
    }

    fn head(&self, x: Tensor<4>, _random: Option<&mut StdRng>) -> Tensor<2> {
        let places: Tensor<3> = x.flatten(2, 3);
        ops::linear(&self.output, places.max_dim(2).squeeze_dim(2))
    }

    fn trace(&self, graph: &mut Graph, x: String) -> String {
        let x = graph.conv(&self.stem, &x, false);
        let mut x = graph.batch_norm(&self.stem_norm, &x, None, true);
        for stage in &self.stages {
            x = graph.max_pool(&x);
            x = stage.trace(graph, x);
        }
        let x = graph.global_pool(&x, true);
        graph.linear(&self.output, &x)
    }

    fn visit_block<V: ModuleVisitor>(&self, block: usize, visitor: &mut V) {
        match block.checked_sub(1) {
            None => {
                self.stem.visit(visitor);
                self.stem_norm.visit(visitor);
            }
            Some(stage) => match self.stages.get(stage) {
                Some(stage) => stage.visit(visitor),
                None => self.output.visit(visitor),
            },
        }
    }
}
