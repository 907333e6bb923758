//! The tree-structured Parzen estimator (Bergstra et al. 2011; Watanabe 2023, arXiv 2304.11127).
//!
//! The trials so far are split into the good ones and the rest. One density is laid through the parameters of each; of a few
//! candidates drawn from the good ones' density, the one is taken that is likeliest by it against the other.

mod kernel;
mod parzen;

use super::random::draw;
use super::{Sampler, random_of};
use crate::Error;
use crate::space::{Codes, Parameter, Space};
use crate::trial::{Direction, State, Trial};
use parzen::Density;

/// The sampler and its settings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tpe {
    /// Another seed makes other choices.
    pub seed: u64,
    /// Trials that are chosen at random before there is enough to learn from.
    pub startup: usize,
    /// Candidates for each choice.
    pub candidates: usize,
    /// Parameters that exist together are drawn together, so that how they depend on each other is learnt; else each for
    /// itself.
    pub multivariate: bool,
    /// Trials under way count as bad ones, so that parallel workers keep away from them.
    pub constant_liar: bool,
}

impl Tpe {
    /// The settings that do well on most spaces.
    pub fn new(seed: u64) -> Self {
        Self { seed, startup: 10, candidates: 96, multivariate: true, constant_liar: true }
    }
}

/// How many of so many finished trials are good ones.
fn good(finished: usize) -> usize {
    finished.div_ceil(10).min(25)
}

impl Sampler for Tpe {
    fn choose(&self, space: &Space, trials: &[Trial], direction: Direction, number: u64) -> Result<Codes, Error> {
        if self.candidates == 0 {
            return Err(Error::Config("TPE with 0 candidates has nothing to choose from".into()));
        }
        let mut random = random_of(self.seed, number);
        let (good, rest) = self.split(trials, direction, number);
        let finished = good.len() + rest.iter().filter(|trial| trial.state != State::Running).count();
        let mut codes = Codes::new();
        for group in space.groups() {
            if !space.exists(group[0], &codes) {
                continue;
            }
            let single = |parameter: &&&Parameter| parameter.domain.size() == Some(1);
            for parameter in group.iter().filter(single) {
                codes.insert(parameter.name.clone(), parameter.domain.code_at(0));
            }
            let open: Vec<&Parameter> = group.iter().filter(|parameter| !single(parameter)).copied().collect();
            let parts = if self.multivariate { vec![open] } else { open.into_iter().map(|one| vec![one]).collect() };
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                let chosen = if finished < self.startup {
                    part.iter().map(|parameter| draw(&parameter.domain, &mut random)).collect()
                } else {
                    let [likely, unlikely] = [&good, &rest].map(|trials| Density::of(&part, trials));
                    likely.best_against(&unlikely, self.candidates, &mut random)
                };
                codes.extend(part.iter().zip(chosen).map(|(parameter, code)| (parameter.name.clone(), code)));
            }
        }
        Ok(codes)
    }
}

impl Tpe {
    /// The good trials and the rest, each in the order of their numbers. Failed ones are never good: where losses stop being
    /// numbers, or networks do not fit, is no place to look again.
    fn split<'a>(&self, trials: &'a [Trial], direction: Direction, number: u64) -> (Vec<&'a Trial>, Vec<&'a Trial>) {
        let mut ordered: Vec<_> = trials
            .iter()
            .filter(|trial| trial.number != number)
            .filter_map(|trial| Some((trial.rank(direction)?, trial)))
            .collect();
        ordered.sort_by(|(a, trial), (b, other)| a.order(b).then(trial.number.cmp(&other.number)));
        let not_failed = ordered.iter().filter(|(_, trial)| trial.state != State::Failed).count();
        let count = good(ordered.len()).min(not_failed);
        let mut rest: Vec<&Trial> = ordered.split_off(count).into_iter().map(|(_, trial)| trial).collect();
        let mut good: Vec<&Trial> = ordered.into_iter().map(|(_, trial)| trial).collect();
        let under_way = |trial: &&Trial| trial.state == State::Running && trial.number != number;
        rest.extend(trials.iter().filter(under_way).filter(|_| self.constant_liar));
        good.sort_by_key(|trial| trial.number);
        rest.sort_by_key(|trial| trial.number);
        (good, rest)
    }
}
