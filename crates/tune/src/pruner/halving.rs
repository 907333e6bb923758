//! Successive halving, decided at once for each trial: ASHA (Li et al. 2018, arXiv 1810.05934) and Hyperband (Li et al. 2017).

use super::Pruner;
use crate::Error;
use crate::trial::{Direction, State, Trial};

/// At steps `first`, `first` x `factor`, `first` x `factor`^2, ... only the best of `factor` trials goes on, by what has been
/// reported there so far. These steps need not be reported: a trial is judged by its first report there or later, as in
/// Optuna.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asha {
    /// The step of the first decision.
    pub first: u64,
    /// One in so many goes on.
    pub factor: u64,
}

impl Default for Asha {
    fn default() -> Self {
        Self { first: 1, factor: 3 }
    }
}

impl Asha {
    fn check(&self) -> Result<(), Error> {
        if self.first == 0 || self.factor < 2 {
            let (first, factor) = (self.first, self.factor);
            return Err(Error::Config(format!(
                "halving begins at step {first} and keeps one in {factor}; the first is at least 1, the second at least 2"
            )));
        }
        Ok(())
    }

    /// The steps from which on a decision is due.
    fn rungs(&self) -> impl Iterator<Item = u64> {
        let factor = self.factor;
        std::iter::successors(Some(self.first), move |rung| rung.checked_mul(factor))
    }

    fn ends_among(
        &self,
        trial: &Trial,
        trials: &[Trial],
        direction: Direction,
        competes: impl Fn(&Trial) -> bool,
    ) -> Result<bool, Error> {
        self.check()?;
        let mut steps = trial.reports.keys().rev();
        let (last, before) = (steps.next().copied(), steps.next().copied());
        let Some(last) = last else { return Ok(false) };
        let mut others: Vec<&Trial> =
            trials.iter().filter(|other| other.number != trial.number && competes(other)).collect();
        for rung in self.rungs().take_while(|rung| *rung <= last) {
            let Some((_, cost)) = judged(trial, rung, direction) else { return Ok(false) };
            // One that came this far with an earlier report was let on then.
            let due = before.is_none_or(|before| before < rung);
            if due && cost.is_nan() {
                return Ok(true);
            }
            let there = others.iter().filter_map(|other| Some((*other, judged(other, rung, direction)?)));
            let there: Vec<_> = there.filter(|(_, (_, cost))| !cost.is_nan()).collect();
            let own = Some(cost).filter(|cost| !cost.is_nan());
            let costs: Vec<f64> = there.iter().map(|(_, (_, cost))| *cost).chain(own).collect();
            let goes_on = |cost: f64| {
                let better = costs.iter().filter(|other| **other < cost).count() as u64;
                better < (costs.len() as u64 / self.factor).max(1)
            };
            if due && !goes_on(cost) {
                return Ok(true);
            }
            // Whose last report was at several rungs was ended at one of them, and has no part in those behind it.
            let in_the_next = there.into_iter().filter(|(other, (step, cost))| {
                other.state != State::Pruned || other.reports.keys().next_back() != Some(step) || goes_on(*cost)
            });
            others = in_the_next.map(|(other, _)| other).collect();
        }
        Ok(false)
    }
}

/// The step and cost by which a trial is judged at a rung, if it came so far.
fn judged(trial: &Trial, rung: u64, direction: Direction) -> Option<(u64, f64)> {
    trial.reports.range(rung..).next().map(|(step, value)| (*step, direction.cost(*value)))
}

impl Pruner for Asha {
    fn ends(&self, trial: &Trial, trials: &[Trial], direction: Direction) -> Result<bool, Error> {
        self.ends_among(trial, trials, direction, |_| true)
    }
}

/// Several ASHAs beside one another, of which each next one decides `factor` times later: a safeguard where the first steps
/// tell little. A trial belongs to one of them, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hyperband {
    /// The step of the first decision of the most eager one.
    pub first: u64,
    /// The steps of a whole trial.
    pub last: u64,
    /// One in so many goes on.
    pub factor: u64,
}

impl Hyperband {
    /// How many ASHAs there are.
    fn brackets(&self) -> u64 {
        let mut brackets = 1;
        let mut step = self.first.max(1);
        while let Some(next) = step.checked_mul(self.factor.max(2)).filter(|next| *next <= self.last) {
            (brackets, step) = (brackets + 1, next);
        }
        brackets
    }

    /// The one that a trial belongs to. The shares are such that all cost about the same: one of s decisions has room for
    /// more trials the more of them it ends.
    fn bracket(&self, number: u64) -> u64 {
        let brackets = self.brackets();
        // (s + 1) factor^-s ... of Li et al. 2017, from the most eager one on, as whole numbers.
        let shares: Vec<u64> = (0..brackets)
            .map(|bracket| {
                let decisions = brackets - 1 - bracket;
                (brackets * self.factor.saturating_pow(decisions as u32)).div_ceil(decisions + 1)
            })
            .collect();
        let mut left = number % shares.iter().sum::<u64>();
        for (bracket, share) in (0..).zip(&shares) {
            if left < *share {
                return bracket;
            }
            left -= share;
        }
        0
    }
}

impl Pruner for Hyperband {
    fn ends(&self, trial: &Trial, trials: &[Trial], direction: Direction) -> Result<bool, Error> {
        let eager = Asha { first: self.first, factor: self.factor };
        eager.check()?;
        if self.last < self.first {
            return Err(Error::Config(format!(
                "halving from step {} on, of trials of {} steps",
                self.first, self.last
            )));
        }
        let bracket = self.bracket(trial.number);
        let first = self.first.saturating_mul(self.factor.saturating_pow(bracket as u32));
        let competes = |other: &Trial| self.bracket(other.number) == bracket;
        Asha { first, ..eager }.ends_among(trial, trials, direction, competes)
    }
}
