//! The step size over a run.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::Error;

/// How the learning rate goes from step to step, as a share of its greatest value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Schedule {
    /// The same throughout.
    #[default]
    Constant,
    /// Times `factor` every `epochs` epochs.
    Step {
        /// Epochs between two falls.
        epochs: usize,
        /// What is left at each fall.
        factor: f64,
    },
    /// Half a cosine down to nothing (Loshchilov and Hutter 2017), after a linear rise over the first `warm` of all steps.
    Cosine {
        /// The share of steps that rise.
        warm: f64,
    },
    /// A linear rise over the first `warm` of all steps, and a linear fall to nothing over the rest (after Smith 2018).
    OneCycle {
        /// The share of steps that rise.
        warm: f64,
    },
}

impl Schedule {
    /// The share of the learning rate at `step` of `steps`, both counted over the whole run from 0.
    ///
    /// ```
    /// use strix_train::schedule::Schedule;
    /// let schedule = Schedule::OneCycle { warm: 0.5 };
    /// assert_eq!(schedule.at(5, 10, 5), 1.0);
    /// assert_eq!(schedule.at(6, 10, 5), 0.8);
    /// ```
    pub fn at(&self, step: usize, steps: usize, steps_an_epoch: usize) -> f64 {
        let along = step as f64 / steps.max(1) as f64;
        // A rise begins above 0, so that the first step is not lost.
        let rise = |warm: f64| (step + 1) as f64 / (warm * steps as f64).max(1.0);
        match *self {
            Self::Constant => 1.0,
            Self::Step { epochs, factor } => factor.powi((step / (epochs * steps_an_epoch).max(1)) as i32),
            Self::Cosine { warm } if along < warm => rise(warm).min(1.0),
            Self::Cosine { warm } => 0.5 * (1.0 + (PI * (along - warm) / (1.0 - warm)).cos()),
            Self::OneCycle { warm } if along < warm => rise(warm).min(1.0),
            Self::OneCycle { warm } => (1.0 - along) / (1.0 - warm),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        match *self {
            Self::Step { epochs: 0, .. } => {
                Err(Error::Config("the schedule falls every 0 epochs, but must be at least 1".into()))
            }
            Self::Step { factor, .. } if !(factor > 0.0 && factor <= 1.0) => {
                Err(Error::Config(format!("the schedule's factor is {factor}, but must be above 0 and at most 1")))
            }
            Self::Cosine { warm } | Self::OneCycle { warm } if !(0.0..1.0).contains(&warm) => Err(Error::Config(
                format!("the schedule's warm-up is {warm} of the run, but must be at least 0 and below 1"),
            )),
            _ => Ok(()),
        }
    }
}

impl std::str::FromStr for Schedule {
    type Err = String;

    /// `constant`, `step:EPOCHS:FACTOR`, `cosine[:WARM]` or `one-cycle[:WARM]`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default();
        let rest: Vec<&str> = parts.collect();
        let number = |text: &str| text.parse::<f64>().map_err(|_| format!("{text:?} is no number"));
        match (name, rest.as_slice()) {
            ("constant", []) => Ok(Self::Constant),
            ("step", [epochs, factor]) => Ok(Self::Step {
                epochs: epochs.parse().map_err(|_| format!("{epochs:?} is no number of epochs"))?,
                factor: number(factor)?,
            }),
            ("cosine", []) => Ok(Self::Cosine { warm: 0.0 }),
            ("cosine", [warm]) => Ok(Self::Cosine { warm: number(warm)? }),
            ("one-cycle", []) => Ok(Self::OneCycle { warm: 0.2 }),
            ("one-cycle", [warm]) => Ok(Self::OneCycle { warm: number(warm)? }),
            _ => Err("it is constant, step:EPOCHS:FACTOR, cosine[:WARM] or one-cycle[:WARM]".into()),
        }
    }
}
