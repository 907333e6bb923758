//! Layers with random weights, drawn on the host from a generator of the network's own.
//!
//! burn has one sequence of random numbers for a whole process: what another thread draws from it, or a seed that it sets,
//! would change the weights.

use burn::module::Param;
use burn::nn::Linear;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// How the weights and biases of a layer are drawn, by its inputs and outputs: channels times the pixels of a filter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Draw {
    /// Evenly, up to 1 / sqrt(inputs) on either side of 0, as PyTorch does.
    Even,
    /// Normal, with the standard deviation `gain` / sqrt(inputs) (He, Zhang, Ren, Sun 2015).
    Normal {
        /// What the activation takes off the standard deviation.
        gain: f64,
    },
    /// Normal, with the variance 2 / (inputs + outputs) (Glorot and Bengio 2010).
    Glorot,
}

impl Draw {
    fn distribution(self, [inputs, outputs]: [usize; 2]) -> Distribution {
        let share = 1.0 / (inputs as f64).sqrt();
        match self {
            Self::Even => Distribution::Uniform(-share, share),
            Self::Normal { gain } => Distribution::Normal(0.0, gain * share),
            Self::Glorot => Distribution::Normal(0.0, (2.0 / (inputs + outputs) as f64).sqrt()),
        }
    }
}

/// Makes layers one after another, each of the next random numbers.
pub(super) struct Layers<'a> {
    pub(super) device: &'a Device,
    random: StdRng,
}

impl<'a> Layers<'a> {
    pub(super) fn new(seed: u64, device: &'a Device) -> Self {
        Self { device, random: StdRng::seed_from_u64(seed) }
    }

    fn draw<const D: usize>(&mut self, distribution: Distribution, shape: [usize; D]) -> Param<Tensor<D>> {
        Param::from_data(TensorData::random::<f32, _, _>(shape, distribution, &mut self.random), self.device)
    }

    pub(super) fn linear(&mut self, how: Draw, inputs: usize, outputs: usize) -> Linear {
        let distribution = how.distribution([inputs, outputs]);
        Linear { weight: self.draw(distribution, [inputs, outputs]), bias: Some(self.draw(distribution, [outputs])) }
    }

    /// A convolution in one group. What `config` says of the weights does not matter.
    pub(super) fn conv(&mut self, how: Draw, config: &Conv2dConfig) -> Conv2d {
        let ([inputs, outputs], [rows, columns]) = (config.channels, config.kernel_size);
        let distribution = how.distribution([inputs, outputs].map(|channels| channels * rows * columns));
        // burn draws weights when they are first asked for: of those that are replaced, none.
        let mut conv = config.init(self.device);
        conv.weight = self.draw(distribution, [outputs, inputs, rows, columns]);
        conv.bias = config.bias.then(|| self.draw(distribution, [outputs]));
        conv
    }
}
