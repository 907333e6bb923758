//! A rule that knows how much reports scatter.

use strix_reduce::{Aggregator, Engine, Reducer, SecondMoments, Variance};

use super::Pruner;
use crate::Error;
use crate::trial::{Direction, State, Trial};

/// Ends a trial when chance alone no longer explains that it is behind the best one: when, over the last `window` steps, its
/// mean is worse than that of the best complete trial over the same steps by more than `deviations` standard errors of their
/// difference (Welch 1947).
///
/// A step may be an epoch or a fold. Means and variances are merged states of [`Variance`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// Steps that are looked at, at least 2.
    pub window: usize,
    /// Standard errors.
    pub deviations: f64,
    /// Complete trials that there must be.
    pub startup: usize,
}

impl Default for Spread {
    fn default() -> Self {
        Self { window: 3, deviations: 3.0, startup: 3 }
    }
}

impl Pruner for Spread {
    fn ends(&self, trial: &Trial, trials: &[Trial], direction: Direction) -> Result<bool, Error> {
        if self.window < 2 || self.deviations.is_nan() || self.deviations <= 0.0 {
            return Err(Error::Config(format!(
                "a window of {} steps and {} standard errors tell nothing; it takes 2 steps or more, and a positive number",
                self.window, self.deviations
            )));
        }
        let complete = trials.iter().filter(|other| other.state == State::Complete && other.number != trial.number);
        if complete.clone().count() < self.startup {
            return Ok(false);
        }
        let costs = complete.filter_map(|other| Some((direction.cost(other.value?), other)));
        let Some((_, best)) = costs.min_by(|(a, _), (b, _)| a.total_cmp(b)) else { return Ok(false) };
        let steps: Vec<u64> = trial.reports.keys().rev().take(self.window).copied().collect();
        let over = |trial: &Trial| {
            let values: Option<Vec<f64>> = steps.iter().map(|step| trial.reports.get(step).copied()).collect();
            values.map(|values| moments(&values)).transpose()
        };
        let (Some(own), Some(other)) = (over(trial)?, over(best)?) else { return Ok(false) };
        let parts = |moments: &SecondMoments| {
            let variance = moments.sample_variance()?;
            Some((direction.cost(moments.mean()?), variance / moments.count as f64))
        };
        let (Some((cost, error)), Some((least, other_error))) = (parts(&own), parts(&other)) else { return Ok(false) };
        if !(least.is_finite() && other_error.is_finite()) {
            return Ok(false);
        }
        // Not so of what is no number.
        let by_chance = cost - least <= self.deviations * (error + other_error).sqrt();
        Ok(steps.len() == self.window && !by_chance)
    }
}

/// Each step's state, merged.
fn moments(values: &[f64]) -> Result<SecondMoments, Error> {
    let mut merged = Reducer::<f64, _>::new(Variance, &Engine::cpu())?;
    for value in values {
        merged.push_state(Variance.state_of(&[*value]), 1)?;
    }
    Ok(merged.finish())
}
