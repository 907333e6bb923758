//! Dense layers with dropout, and one output a class: the end of FCNN, ConvStrix and VGGStrix.

use burn::module::Module;
use burn::nn::Linear;
use burn::tensor::{Distribution, Tensor, TensorData, activation};
use rand::rngs::StdRng;

use super::layers::{Draw, Layers};
use crate::config::{ActivationKind, DenseConfig};
use crate::export::Graph;
use crate::ops;

/// Features of any shape to logits.
#[derive(Module, Debug)]
pub struct Head {
    dense: Vec<Linear>,
    /// The probability of dropping a unit.
    #[module(skip)]
    dropout: f64,
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

    /// The weights that keep the variance through the layers: He's for relu, LeCun's for selu
    /// (He, Zhang, Ren, Sun 2015; Klambauer et al. 2017), Glorot's for tanh (Glorot and Bengio 2010).
    pub(super) fn draw(self) -> Draw {
        match self.0 {
            ActivationKind::Relu => Draw::Normal { gain: std::f64::consts::SQRT_2 },
            ActivationKind::Selu => Draw::Normal { gain: 1.0 },
            ActivationKind::Tanh => Draw::Glorot,
        }
    }
}

impl Head {
    /// For `width` features.
    pub(super) fn new(config: &DenseConfig, width: usize, classes: usize, layers: &mut Layers<'_>) -> Self {
        let activation = Activation(config.activation);
        let mut dense = Vec::with_capacity(config.dense_layers);
        for layer in 0..config.dense_layers {
            let inputs = if layer == 0 { width } else { config.dense_width };
            dense.push(layers.linear(activation.draw(), inputs, config.dense_width));
        }
        let last = if config.dense_layers == 0 { width } else { config.dense_width };
        Self { dense, dropout: config.dropout, output: layers.linear(Draw::Even, last, classes), activation }
    }

    /// `[batch, channels, height, width]` to `[batch, classes]`; where there are random numbers, they drop units.
    pub(super) fn forward(&self, x: Tensor<4>, mut random: Option<&mut StdRng>) -> Tensor<2> {
        let mut x: Tensor<2> = x.flatten(1, 3);
        for layer in &self.dense {
            x = self.activation.forward(ops::linear(layer, x));
            if let Some(random) = random.as_deref_mut() {
                x = dropped(x, self.dropout, random);
            }
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

/// Each unit with this probability 0, and the others larger by as much as are missing (Srivastava et al. 2014).
fn dropped(x: Tensor<2>, probability: f64, random: &mut StdRng) -> Tensor<2> {
    if probability == 0.0 {
        return x;
    }
    let kept = 1.0 - probability;
    let mask = TensorData::random::<f32, _, _>(x.dims(), Distribution::Bernoulli(kept), random);
    let mask = Tensor::<2>::from_data(mask, &x.device()).cast(x.dtype());
    x * mask * (1.0 / kept)
}
