//! What is known of a trial.

use std::collections::BTreeMap;

use crate::space::Codes;

/// How a trial stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be run again, as its worker died or let it go; or chosen by hand, and not begun.
    Waiting,
    /// Under way.
    Running,
    /// Done, with a value.
    Complete,
    /// Ended early, as it did not look good.
    Pruned,
    /// Ended by an error, or a value that is no number.
    Failed,
}

/// Which values are good ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Small ones, as of a loss.
    Minimize,
    /// Great ones, as of an accuracy.
    Maximize,
}

impl Direction {
    /// The value such that less is better.
    pub(crate) fn cost(self, value: f64) -> f64 {
        match self {
            Self::Minimize => value,
            Self::Maximize => -value,
        }
    }
}

/// One choice of parameters, and what came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its number in the study, from 0 on.
    pub number: u64,
    /// How it stands.
    pub state: State,
    /// The codes of its parameters.
    pub codes: Codes,
    /// What it came to, if it is complete; its last report, if it is pruned.
    pub value: Option<f64>,
    /// What it reported on the way, by the step, such as an epoch.
    pub reports: BTreeMap<u64, f64>,
}

impl Trial {
    /// The last step that it reported a number at, and that number.
    pub(crate) fn last_report(&self) -> Option<(u64, f64)> {
        self.reports.iter().rev().find(|(_, value)| !value.is_nan()).map(|(step, value)| (*step, *value))
    }
}
