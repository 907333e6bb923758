//! FCNN: dense layers alone, the baseline.

use burn::module::{Module, ModuleVisitor};
use burn::tensor::Tensor;
use rand::rngs::StdRng;

use super::layers::Layers;
use super::{Architecture, Head};
use crate::config::DenseConfig;
use crate::export::Graph;

/// The network: no trunk, all head.
#[derive(Module, Debug)]
pub struct Fcnn {
    head: Head,
}

impl Fcnn {
    pub(super) fn new(config: &DenseConfig, size: usize, classes: usize, layers: &mut Layers<'_>) -> Self {
        Self { head: Head::new(config, size * size, classes, layers) }
    }
}

impl Architecture for Fcnn {
    fn blocks(&self) -> usize {
        0
    }

    fn block(&self, _block: usize, x: Tensor<4>) -> Tensor<4> {
        x
    }

    fn head(&self, x: Tensor<4>, random: Option<&mut StdRng>) -> Tensor<2> {
        self.head.forward(x, random)
    }

    fn trace(&self, graph: &mut Graph, x: String) -> String {
        self.head.trace(graph, x)
    }

    fn visit_block<V: ModuleVisitor>(&self, _block: usize, visitor: &mut V) {
        self.head.visit(visitor);
    }
}
