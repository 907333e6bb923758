//! The optimizers: burn's own where it has them, else written here after the papers.

mod adamax;
mod nadam;
mod state;

use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig};
use serde::{Deserialize, Serialize};

pub use adamax::Adamax;
pub use nadam::Nadam;
pub use state::MomentState;

/// Which optimizer trains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Kingma and Ba 2015.
    #[default]
    Adam,
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW,
    /// Adam by the infinity norm (Kingma and Ba 2015, section 7.1).
    Adamax,
    /// Adam with Nesterov momentum (Dozat 2016).
    Nadam,
    /// Hinton 2012, without momentum, alpha 0.99.
    #[serde(rename = "rms-prop")]
    RmsProp,
    /// Stochastic gradient descent with Nesterov momentum 0.9.
    Sgd,
}

impl OptimizerKind {
    /// A fresh optimizer. Epsilon is 1e-8 throughout, as in the papers. `weight_decay` times the weights is added to the
    /// gradients; AdamW takes it off the weights instead, times the learning rate.
    pub fn init(self, weight_decay: f64) -> ModuleOptimizer {
        let decay = (weight_decay > 0.0).then(|| WeightDecayConfig::new(weight_decay as f32));
        match self {
            Self::Adam => AdamConfig::new().with_epsilon(1e-8).with_weight_decay(decay).init(),
            Self::AdamW => AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(weight_decay as f32).init(),
            Self::Adamax => ModuleOptimizer::from(Adamax::new(weight_decay)),
            Self::Nadam => ModuleOptimizer::from(Nadam::new(weight_decay)),
            Self::RmsProp => RmsPropConfig::new().with_epsilon(1e-8).with_momentum(0.0).with_weight_decay(decay).init(),
            Self::Sgd => {
                let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0).with_nesterov(true);
                SgdConfig::new().with_momentum(Some(momentum)).with_weight_decay(decay).init()
            }
        }
    }
}
