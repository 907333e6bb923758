//! A step's gradients as one vector: their norm, scaling and sum.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

use crate::model::Network;

/// Visits each gradient and puts back what `change` makes of it.
struct Each<'a, F> {
    gradients: &'a mut GradientsParams,
    change: F,
}

/// What is done to each gradient.
trait Change {
    fn change<const D: usize>(&mut self, gradient: Tensor<D>) -> Tensor<D>;
}

impl<F: Change> ModuleVisitor for Each<'_, F> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, self.change.change(gradient));
        }
    }
}

struct Squares(Option<Tensor<1>>);

impl Change for Squares {
    fn change<const D: usize>(&mut self, gradient: Tensor<D>) -> Tensor<D> {
        let sum = gradient.clone().square().sum();
        self.0 = Some(match self.0.take() {
            Some(before) => before + sum,
            None => sum,
        });
        gradient
    }
}

struct Scale(Tensor<1>);

impl Change for Scale {
    fn change<const D: usize>(&mut self, gradient: Tensor<D>) -> Tensor<D> {
        gradient * self.0.clone().reshape([1; D])
    }
}

struct Divide(f64);

impl Change for Divide {
    fn change<const D: usize>(&mut self, gradient: Tensor<D>) -> Tensor<D> {
        gradient.div_scalar(self.0)
    }
}

/// Takes the scale of the loss off the gradients.
pub(crate) fn unscale(gradients: &mut GradientsParams, network: &Network, scale: f64) {
    network.visit(&mut Each { gradients, change: Divide(scale) });
}

/// The Euclidean norm over all parameters, shape `[1]`, on the device; scaled down to `most` first if that is given. The
/// norm is of the gradients as they came.
pub(crate) fn clip(gradients: &mut GradientsParams, network: &Network, most: Option<f64>) -> Option<Tensor<1>> {
    let mut each = Each { gradients: &mut *gradients, change: Squares(None) };
    network.visit(&mut each);
    let norm = each.change.0?.sqrt();
    if let Some(most) = most {
        let scale = norm.clone().add_scalar(1e-12).recip().mul_scalar(most).clamp_max(1.0);
        network.visit(&mut Each { gradients, change: Scale(scale) });
    }
    Some(norm)
}
