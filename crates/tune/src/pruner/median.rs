//! The median rule (Golovin et al. 2017, Vizier, section 3.2.2).

use strix_reduce::{Engine, Quantiles, Reducer};

use super::{Pruner, costs_at};
use crate::Error;
use crate::trial::{Direction, State, Trial};

/// Ends a trial whose best report so far is worse than the median of what complete trials reported at the same step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Median {
    /// Complete trials that there must be.
    pub startup: usize,
    /// Steps that every trial may take.
    pub warmup: u64,
}

impl Default for Median {
    fn default() -> Self {
        Self { startup: 5, warmup: 0 }
    }
}

impl Pruner for Median {
    fn ends(&self, trial: &Trial, trials: &[Trial], direction: Direction) -> Result<bool, Error> {
        let Some((&step, _)) = trial.reports.last_key_value() else { return Ok(false) };
        let complete = |other: &&Trial| other.state == State::Complete && other.number != trial.number;
        if step <= self.warmup || trials.iter().filter(complete).count() < self.startup {
            return Ok(false);
        }
        let costs: Vec<f64> = costs_at(step, trial, trials, direction)
            .filter(|(other, cost)| other.state == State::Complete && !cost.is_nan())
            .map(|(_, cost)| cost)
            .collect();
        let mut reducer = Reducer::new(Quantiles::default(), &Engine::cpu())?;
        reducer.push(&costs)?;
        let Some(median) = reducer.finish().median() else { return Ok(false) };
        let best = trial.reports.values().map(|value| direction.cost(*value)).fold(f64::INFINITY, f64::min);
        // Reports that are no numbers never get better.
        Ok(best > median)
    }
}
