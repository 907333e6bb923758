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

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Pruned => "pruned",
            Self::Failed => "failed",
        })
    }
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

/// See [`Trial::rank`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rank(u8, u64, f64);

impl Rank {
    /// The better first.
    pub(crate) fn order(&self, other: &Self) -> std::cmp::Ordering {
        (self.0, self.1).cmp(&(other.0, other.1)).then(self.2.total_cmp(&other.2))
    }
}

impl Trial {
    /// Its place among those that have ended, the less the better: complete ones by their values; behind them pruned ones, those
    /// that came farther before the others; failed ones at last.
    pub(crate) fn rank(&self, direction: Direction) -> Option<Rank> {
        match self.state {
            State::Complete => self.value.map(|value| Rank(0, 0, direction.cost(value))),
            State::Pruned => {
                // One that reported nothing is the worst.
                let (step, cost) =
                    self.last_report().map_or((0, f64::INFINITY), |(at, value)| (at, direction.cost(value)));
                Some(Rank(1, u64::MAX - step, cost))
            }
            State::Failed => Some(Rank(2, 0, f64::INFINITY)),
            State::Waiting | State::Running => None,
        }
    }

    /// The last step that it reported a number at, and that number.
    pub(crate) fn last_report(&self) -> Option<(u64, f64)> {
        self.reports.iter().rev().find(|(_, value)| !value.is_nan()).map(|(step, value)| (*step, *value))
    }
}
