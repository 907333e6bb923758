//! ConvStrix: a small VGG-like network.
//!
//! Block b is `block_layers` 3x3 same convolutions of 32 (b + 1) filters, each followed by the
//! activation; after every block but the last come batch norm and a 2x2 max-pool; then dense layers
//! with dropout, and one output a class.

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Initializer, Linear, LinearConfig, PaddingConfig2d,
};
use burn::tensor::{Device, Tensor, activation};

use crate::config::{ActivationKind, ConvStrixConfig};
use crate::ops;

/// Filters of the first block; each further block has as many more.
const FILTERS: usize = 32;

/// The network. Its softmax is taken by the loss and by the evaluation, not here.
#[derive(Module, Debug)]
pub struct ConvStrix {
    convolutions: Vec<Vec<Conv2d>>,
    norms: Vec<BatchNorm>,
    dense: Vec<Linear>,
    dropout: Dropout,
    output: Linear,
    #[module(skip)]
    activation: Activation,
}

/// The activation, as a module keeps it.
#[derive(Debug, Clone, Copy)]
struct Activation(ActivationKind);

impl Activation {
    fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self.0 {
            ActivationKind::Relu => activation::relu(x),
            ActivationKind::Selu => activation::selu(x),
            ActivationKind::Tanh => activation::tanh(x),
        }
    }

    /// The initialisation that keeps the variance through the layers: He for relu, LeCun for selu
    /// (He, Zhang, Ren, Sun 2015; Klambauer et al. 2017), Glorot for tanh (Glorot and Bengio 2010).
    fn initializer(self) -> Initializer {
        match self.0 {
            ActivationKind::Relu => Initializer::KaimingNormal { gain: std::f64::consts::SQRT_2, fan_out_only: false },
            ActivationKind::Selu => Initializer::KaimingNormal { gain: 1.0, fan_out_only: false },
            ActivationKind::Tanh => Initializer::XavierNormal { gain: 1.0 },
        }
    }
}

impl ConvStrix {
    /// A network with random weights for grey images of `size` x `size` pixels.
    ///
    /// `config` must have passed [`crate::config::TrainConfig::check`] for this size.
    pub fn new(config: &ConvStrixConfig, size: usize, classes: usize, device: &Device) -> Self {
        let activation = Activation(config.activation);
        let mut channels = 1;
        let mut side = size;
        let mut convolutions = Vec::with_capacity(config.blocks);
        let mut norms = Vec::with_capacity(config.blocks - 1);
        for block in 0..config.blocks {
            let filters = FILTERS * (block + 1);
            let mut layers = Vec::with_capacity(config.block_layers);
            for _ in 0..config.block_layers {
                let layer = Conv2dConfig::new([channels, filters], [3, 3])
                    .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                    .with_initializer(activation.initializer());
                layers.push(layer.init(device));
                channels = filters;
            }
            convolutions.push(layers);
            if block + 1 < config.blocks {
                norms.push(BatchNormConfig::new(filters).init(device));
                side /= 2;
            }
        }
        let mut width = channels * side * side;
        let mut dense = Vec::with_capacity(config.dense_layers);
        for _ in 0..config.dense_layers {
            let layer = LinearConfig::new(width, config.dense_width).with_initializer(activation.initializer());
            dense.push(layer.init(device));
            width = config.dense_width;
        }
        Self {
            convolutions,
            norms,
            dense,
            dropout: DropoutConfig::new(config.dropout).init(),
            output: LinearConfig::new(width, classes).init(device),
            activation,
        }
    }

    /// Images of shape `[batch, 1, size, size]` to logits of shape `[batch, classes]`.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        let mut x = images;
        for (block, layers) in self.convolutions.iter().enumerate() {
            for layer in layers {
                x = match self.activation.0 {
                    ActivationKind::Relu => ops::conv2d(layer, x, true),
                    _ => self.activation.forward(ops::conv2d(layer, x, false)),
                };
            }
            if let Some(norm) = self.norms.get(block) {
                x = ops::max_pool(ops::batch_norm(norm, x, None, false));
            }
        }
        let mut x: Tensor<2> = x.flatten(1, 3);
        for layer in &self.dense {
            x = self.dropout.forward(self.activation.forward(layer.forward(x)));
        }
        self.output.forward(x)
    }
}
