//! What Adamax and Nadam remember of a parameter, in burn's record form.

use burn::optim::{RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};

/// Two moments of the gradient, and how far they have come.
///
/// Written by hand, as burn's derive works only inside of burn.
#[derive(Debug, Clone)]
pub struct MomentState<const D: usize> {
    /// Steps taken.
    pub(super) time: u64,
    /// The product of the momenta of all steps, for the bias correction.
    pub(super) momenta: f64,
    /// The running mean of gradients.
    pub(super) first: Tensor<D>,
    /// The running mean of squares (Nadam) or the infinity norm (Adamax).
    pub(super) second: Tensor<D>,
}

impl<const D: usize> MomentState<D> {
    /// Before the first step, for a gradient of this shape.
    pub(super) fn new(grad: &Tensor<D>) -> Self {
        Self { time: 0, momenta: 1.0, first: grad.zeros_like(), second: grad.zeros_like() }
    }

    pub(super) fn moved_to(self, device: &Device) -> Self {
        Self { first: self.first.to_device(device), second: self.second.to_device(device), ..self }
    }
}

impl<const D: usize> RecordState for MomentState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_scalar(prefix, "time", self.time.into());
        out.push_scalar(prefix, "momenta", self.momenta.into());
        out.push_tensor(prefix, "first", self.first.to_data());
        out.push_tensor(prefix, "second", self.second.to_data());
    }

    fn state_unflatten(prefix: &str, src: &mut StateSource, device: &Device) -> Option<Self> {
        Some(Self {
            time: src.take_scalar(prefix, "time")?.try_into().ok()?,
            momenta: src.take_scalar(prefix, "momenta")?.try_into().ok()?,
            first: Tensor::from_data(src.take_tensor(prefix, "first")?, device),
            second: Tensor::from_data(src.take_tensor(prefix, "second")?, device),
        })
    }
}
