//! FCNN: dense layers alone, the baseline.

use burn::module::{Module, ModuleVisitor};
use burn::tensor::{Device, Tensor};

use super::{Architecture, Head};
use crate::config::DenseConfig;
use crate::export::Graph;

/// The network: no trunk, all head.
#[derive(Module, Debug)]
pub struct Fcnn {
    head: Head,
}

impl Fcnn {
    pub(super) fn new(config: &DenseConfig, size: usize, classes: usize, device: &Device) -> Self {
        Self { head: Head::new(config, size * size, classes, device) }
    }
}

impl Architecture for Fcnn {
    fn blocks(&self) -> usize {
        0
    }

    fn block(&self, _block: usize, x: Tensor<4>) -> Tensor<4> {
        x
    }

    fn head(&self, x: Tensor<4>) -> Tensor<2> {
        self.head.forward(x)
    }

    fn trace(&self, graph: &mut Graph, x: String) -> String {
        self.head.trace(graph, x)
    }

    fn visit_block<V: ModuleVisitor>(&self, _block: usize, visitor: &mut V) {
        self.head.visit(visitor);
    }
}
