//! Nadam: Adam with Nesterov momentum on a warming schedule.
//!
//! Dozat, "Incorporating Nesterov Momentum into Adam" (2016), with its momentum schedule
//! mu(t) = beta_1 (1 - 0.96^(0.004 t) / 2), as PyTorch and Keras have it.

use burn::optim::{LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

use super::state::MomentState;

/// The hyper-parameters.
#[derive(Debug, Clone, Copy)]
pub struct Nadam {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    weight_decay: f64,
    decay: f64,
}

impl Nadam {
    /// The paper's values; `weight_decay` times the weights is added to the gradients.
    pub fn new(weight_decay: f64) -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, decay: 0.004, weight_decay }
    }
}

impl Nadam {
    fn momentum(&self, time: u64) -> f64 {
        self.beta_1 * (1.0 - 0.5 * 0.96f64.powf(time as f64 * self.decay))
    }
}

impl Optimizer for Nadam {
    type State<const D: usize> = MomentState<D>;

    fn step<const D: usize>(
        &self,
        lr: LearningRate,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<MomentState<D>>,
    ) -> (Tensor<D>, Option<MomentState<D>>) {
        let MomentState { time, momenta, first, second } = state.unwrap_or_else(|| MomentState::new(&grad));
        let grad = if self.weight_decay == 0.0 { grad } else { grad + tensor.clone().mul_scalar(self.weight_decay) };
        let time = time + 1;
        let (now, next) = (self.momentum(time), self.momentum(time + 1));
        let momenta = momenta * now;
        let first = first.mul_scalar(self.beta_1).add(grad.clone().mul_scalar(1.0 - self.beta_1));
        let second = second.mul_scalar(self.beta_2).add(grad.clone().square().mul_scalar(1.0 - self.beta_2));
        let bias = 1.0 - self.beta_2.powf(time as f64);
        let scale = second.clone().div_scalar(bias).sqrt().add_scalar(self.epsilon);
        let gradient = grad.mul_scalar(lr * (1.0 - now) / (1.0 - momenta));
        let momentum = first.clone().mul_scalar(lr * next / (1.0 - momenta * next));
        let tensor = tensor - gradient.add(momentum).div(scale);
        (tensor, Some(MomentState { time, momenta, first, second }))
    }

    fn to_device<const D: usize>(state: MomentState<D>, device: &Device) -> MomentState<D> {
        state.moved_to(device)
    }
}
