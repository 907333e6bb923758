//! Every optimizer against PyTorch 2.15 in float64, on four parameters over five steps.
//!
//! The figures are what this prints, for each class and its arguments below:
//!
//! ```python
//! p = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0, 0.0], dtype=torch.float64))
//! o = torch.optim.Adamax([p], lr=0.01)
//! for t in range(5):
//!     p.grad = torch.tensor([0.1 * (t + 1), -0.5 / (t + 1), 2.0 - t, 0.0], dtype=torch.float64)
//!     o.step()
//! print(p.detach().tolist())
//! ```
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use strix_train::optimizer::OptimizerKind;

#[derive(Module, Debug)]
struct Parameter {
    values: Param<Tensor<1>>,
}

fn five_steps(kind: OptimizerKind, decay: f64, restart: bool) -> Vec<f32> {
    let device = Device::flex().autodiff();
    let mut model = Parameter { values: Param::from_tensor(Tensor::from_floats([1.0, -2.0, 3.0, 0.0], &device)) };
    let mut optimizer = kind.init(decay);
    for t in 0..5 {
        let t = t as f32;
        let gradient = Tensor::<1>::from_floats([0.1 * (t + 1.0), -0.5 / (t + 1.0), 2.0 - t, 0.0], &Device::flex());
        let mut gradients = GradientsParams::new();
        gradients.register(model.values.id, gradient);
        model = optimizer.step(0.01, model, gradients);
        if restart {
            // The state survives its own record.
            let bytes = optimizer.into_bytes().unwrap();
            optimizer = kind.init(decay).from_bytes(bytes).unwrap();
        }
    }
    model.values.val().into_data().try_to_vec().unwrap()
}

fn check(kind: OptimizerKind, decay: f64, expected: [f64; 4]) {
    for restart in [false, true] {
        let found = five_steps(kind, decay, restart);
        for (found, expected) in found.iter().zip(expected) {
            assert!(
                (f64::from(*found) - expected).abs() <= 2e-6,
                "{kind:?}, restart {restart}: {found} for {expected}"
            );
        }
    }
}

#[test]
fn adam() {
    check(OptimizerKind::Adam, 0.0, [0.9514916931736009, -1.95598539226272, 2.9719435550860744, 0.0]);
}

#[test]
fn adamw_with_weight_decay_001() {
    check(OptimizerKind::AdamW, 0.01, [0.9510015641363846, -1.954994955370401, 2.970452392975885, 0.0]);
}

#[test]
fn adamax() {
    check(OptimizerKind::Adamax, 0.0, [0.9624704054434721, -1.9676152797093873, 2.9771649132212454, 0.0]);
}

#[test]
fn nadam() {
    check(OptimizerKind::Nadam, 0.0, [0.9500663648460269, -1.9728780056151596, 2.995681846275389, 0.0]);
}

#[test]
fn rms_prop_with_alpha_099() {
    check(OptimizerKind::RmsProp, 0.0, [0.5891170939098992, -1.7882483798457294, 2.96028264246017, 0.0]);
}

#[test]
fn sgd_with_nesterov_momentum_09() {
    check(OptimizerKind::Sgd, 0.0, [0.95646721, -1.9553151333333334, 2.9304372, 0.0]);
}

/// With `weight_decay=0.1` in the constructor.
#[test]
fn weight_decay_joins_the_gradients() {
    check(OptimizerKind::Adam, 0.1, [0.9504101115797158, -1.9526943954906644, 2.967029435493371, 0.0]);
    check(OptimizerKind::Adamax, 0.1, [0.9595889207197031, -1.962622900274586, 2.9736321004086776, 0.0]);
    check(OptimizerKind::Nadam, 0.1, [0.9522654068688766, -1.9671843392936756, 2.990188762403598, 0.0]);
    check(OptimizerKind::RmsProp, 0.1, [0.6129480725318098, -1.7461412751480683, 2.9200469015036754, 0.0]);
    check(OptimizerKind::Sgd, 0.1, [0.9398261269123699, -1.922035795453902, 2.8810035117090136, 0.0]);
}
