//! A density through trials: one kernel a trial, and a wide one over the whole space.

use rand::{Rng, RngExt};

use super::kernel::{Axis, axis};
use crate::space::Parameter;
use crate::trial::Trial;

/// Trials whose kernels weigh in full; those before them weigh ever less.
const RECENT: usize = 25;

/// A mixture of kernels, each a product over the parameters.
pub(super) struct Density<'a> {
    /// The logarithm of each kernel's weight; the last is of the wide one.
    weights: Vec<f64>,
    axes: Vec<Axis<'a>>,
}

impl<'a> Density<'a> {
    /// Through those of the trials that have all these parameters; they are in the order in which they came.
    pub(super) fn of(parameters: &[&'a Parameter], trials: &[&Trial]) -> Self {
        let has_all = |trial: &&&Trial| {
            parameters.iter().all(|Parameter { name, domain, .. }| {
                trial.codes.get(name).is_some_and(|code| domain.value(*code).is_ok())
            })
        };
        let trials: Vec<&Trial> = trials.iter().filter(has_all).copied().collect();
        let mut weights: Vec<f64> = (0..trials.len()).map(|at| weight(at, trials.len())).collect();
        weights.push(1.0);
        let all: f64 = weights.iter().sum();
        let axes = parameters.iter().map(|parameter| {
            let codes = trials.iter().map(|trial| trial.codes[&parameter.name]).collect();
            axis(&parameter.domain, codes)
        });
        Self { axes: axes.collect(), weights: weights.into_iter().map(|weight| (weight / all).ln()).collect() }
    }

    fn draw(&self, random: &mut impl Rng) -> Vec<f64> {
        let mut left: f64 = random.random();
        let passes = |weight: &f64| {
            left -= weight.exp();
            left < 0.0
        };
        let kernel = self.weights.iter().position(passes).unwrap_or(self.weights.len() - 1);
        self.axes.iter().map(|axis| axis.draw(kernel, random)).collect()
    }

    /// The logarithm of the density.
    fn at(&self, codes: &[f64]) -> f64 {
        let mut terms = self.weights.clone();
        for (axis, code) in self.axes.iter().zip(codes) {
            axis.add_at(*code, &mut terms);
        }
        let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most + terms.iter().map(|term| (term - most).exp()).sum::<f64>().ln()
    }

    /// Of so many codes drawn from this density the ones that are likeliest by it against the other.
    pub(super) fn best_against(&self, other: &Self, candidates: usize, random: &mut impl Rng) -> Vec<f64> {
        let drawn = (0..candidates).map(|_| {
            let codes = self.draw(random);
            (self.at(&codes) - other.at(&codes), codes)
        });
        drawn.max_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, codes)| codes).unwrap_or_default()
    }
}

/// What the trial at place `at` of so many weighs, the last the most.
fn weight(at: usize, count: usize) -> f64 {
    let old = count.saturating_sub(RECENT);
    match old {
        _ if at >= old => 1.0,
        1 => 1.0 / count as f64,
        _ => {
            let first = 1.0 / count as f64;
            first + (1.0 - first) * at as f64 / (old - 1) as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_trials_weigh_less() {
        let weights = |count: usize| (0..count).map(|at| weight(at, count)).collect::<Vec<_>>();
        assert_eq!(weights(25), [1.0; 25]);
        assert_eq!(weights(26)[..2], [1.0 / 26.0, 1.0]);
        let many = weights(50);
        assert_eq!((many[0], many[24], many[49]), (0.02, 1.0, 1.0));
        assert!(many.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}
