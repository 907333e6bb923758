//! Adamax: Adam with the infinity norm of past gradients.
//!
//! Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), section 7.1, algorithm 2.

use burn::optim::{LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};

use super::state::MomentState;

/// The hyper-parameters.
#[derive(Debug, Clone, Copy)]
pub struct Adamax {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    weight_decay: f64,
}

impl Adamax {
    /// The paper's values; `weight_decay` times the weights is added to the gradients.
    pub fn new(weight_decay: f64) -> Self {
        Self { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay }
    }
}

impl Optimizer for Adamax {
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
        let momenta = momenta * self.beta_1;
        let first = first.mul_scalar(self.beta_1).add(grad.clone().mul_scalar(1.0 - self.beta_1));
        // Epsilon joins the gradient, as in PyTorch: a parameter without gradient has a norm above 0.
        let second = second.mul_scalar(self.beta_2).max_pair(grad.abs().add_scalar(self.epsilon));
        let step = first.clone().div(second.clone()).mul_scalar(lr / (1.0 - momenta));
        (tensor - step, Some(MomentState { time: time + 1, momenta, first, second }))
    }

    fn to_device<const D: usize>(state: MomentState<D>, device: &Device) -> MomentState<D> {
        state.moved_to(device)
    }
}
