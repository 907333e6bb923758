//! Dense layers with dropout, and one output a class: the end of FCNN, ConvStrix and VGGStrix.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Initializer, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};

use crate::config::{ActivationKind, DenseConfig};
use crate::export::Graph;
use crate::ops;

/// Features of any shape to logits.
#[derive(Module, Debug)]
pub struct Head {
    dense: Vec<Linear>,
    dropout: Dropout,
    output: Linear,
    #[module(skip)]
    activation: Activation,
}

/// The activation, as a module keeps it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Activation(pub(super) ActivationKind);

impl Activation {
    pub(super) fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self.0 {
            ActivationKind::Relu => activation::relu(x),
            ActivationKind::Selu => activation::selu(x),
            ActivationKind::Tanh => activation::tanh(x),
        }
    }

    /// The initialisation that keeps the variance through the layers: He for relu, LeCun for selu
    /// (He, Zhang, Ren, Sun 2015; Klambauer et al. 2017), Glorot for tanh (Glorot and Bengio 2010).
    pub(super) fn initializer(self) -> Initializer {
        match self.0 {
            ActivationKind::Relu => Initializer::KaimingNormal { gain: std::f64::consts::SQRT_2, fan_out_only: false },
            ActivationKind::Selu => Initializer::KaimingNormal { gain: 1.0, fan_out_only: false },
            ActivationKind::Tanh => Initializer::XavierNormal { gain: 1.0 },
        }
    }
}

impl Head {
    /// For `width` features.
    pub(super) fn new(config: &DenseConfig, width: usize, classes: usize, device: &Device) -> Self {
        let activation = Activation(config.activation);
        let dense = (0..config.dense_layers).map(|layer| {
            let inputs = if layer == 0 { width } else { config.dense_width };
            LinearConfig::new(inputs, config.dense_width).with_initializer(activation.initializer()).init(device)
        });
        let last = if config.dense_layers == 0 { width } else { config.dense_width };
        Self {
            dense: dense.collect(),
            dropout: DropoutConfig::new(config.dropout).init(),
            output: LinearConfig::new(last, classes).init(device),
            activation,
        }
    }

    /// `[batch, channels, height, width]` to `[batch, classes]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut x: Tensor<2> = x.flatten(1, 3);
        for layer in &self.dense {
            x = self.dropout.forward(self.activation.forward(ops::linear(layer, x)));
        }
        ops::linear(&self.output, x)
    }
    pub(super) fn trace(&self, graph: &mut Graph, x: String) -> String {
        let mut x = graph.flatten(&x);
        for layer in &self.dense {
            x = graph.linear(layer, &x);
            x = graph.activation(self.activation.0, &x);
        }
        graph.linear(&self.output, &x)
    }
}
