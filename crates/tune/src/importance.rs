//! How much each parameter matters (PED-ANOVA: Watanabe et al. 2023, arXiv 2304.10255).
//!
//! Where good trials lie otherwise than trials at large, in one parameter alone, that parameter matters: the measure is the
//! Pearson divergence of the two densities. It takes neither a model nor a fit.

use crate::space::{Domain, Space};
use crate::trial::{Direction, Rank, State, Trial};

/// The share of trials that count as good.
const GOOD: f64 = 0.1;
/// Cells that a range of numbers is cut into.
const CELLS: usize = 50;

/// The share of each parameter in what all of them matter, in the order of the space; none where too little is known. The
/// shares are 1 in sum, or all 0 where good trials lie as all do.
///
/// A parameter is judged by the trials that have it: complete ones, and behind them pruned ones.
pub fn importances(space: &Space, trials: &[Trial], direction: Direction) -> Option<Vec<(String, f64)>> {
    let ended = trials.iter().filter(|trial| trial.state != State::Failed);
    let mut ordered: Vec<_> = ended.filter_map(|trial| Some((trial.rank(direction)?, trial))).collect();
    ordered.sort_by(|(a, _), (b, _)| a.order(b));
    let good = ((ordered.len() as f64 * GOOD).ceil() as usize).max(2);
    if ordered.len() < 2 * good {
        return None;
    }
    let divergences: Vec<f64> = space
        .parameters()
        .iter()
        .map(|parameter| {
            let places = |trials: &[(Rank, &Trial)]| -> Vec<f64> {
                let codes = trials.iter().filter_map(|(_, trial)| trial.codes.get(&parameter.name));
                codes.map(|code| place(&parameter.domain, *code)).collect()
            };
            let cells = cells(&parameter.domain);
            divergence(
                &places(&ordered[..good]),
                &places(&ordered),
                cells,
                matches!(parameter.domain, Domain::Choice(_)),
            )
        })
        .collect();
    let all: f64 = divergences.iter().sum();
    let share = |divergence: f64| if all > 0.0 { divergence / all } else { 0.0 };
    let named = space.parameters().iter().zip(divergences);
    Some(named.map(|(parameter, divergence)| (parameter.name.clone(), share(divergence))).collect())
}

/// In how many cells a domain is looked at: as many as it has values, if these are few.
fn cells(domain: &Domain) -> usize {
    domain.size().map_or(CELLS, |size| size.min(CELLS)).max(1)
}

/// Where in its domain a code is, from 0 to 1; of choices and the values of a step, the middle of their cell.
pub(crate) fn place(domain: &Domain, code: f64) -> f64 {
    let share = |low: f64, high: f64, code: f64| if high > low { (code - low) / (high - low) } else { 0.5 };
    let stepped = |low: f64, step: f64, size: usize| ((code - low) / step + 0.5) / size as f64;
    let size = domain.size();
    match domain {
        Domain::Float { low, high, log: true, .. } => share(low.ln(), high.ln(), code.ln()),
        Domain::Float { low, step: Some(step), .. } => stepped(*low, *step, size.unwrap_or(1)),
        Domain::Float { low, high, .. } => share(*low, *high, code),
        Domain::Int { low, high, log: true, .. } => {
            share((*low as f64 - 0.5).ln(), (*high as f64 + 0.5).ln(), code.ln())
        }
        Domain::Int { low, step, .. } => stepped(*low as f64, *step as f64, size.unwrap_or(1)),
        Domain::Choice(_) => (code + 0.5) / size.unwrap_or(1) as f64,
    }
    .clamp(0.0, 1.0)
}

/// The Pearson divergence of the density of the good from that of all.
fn divergence(good: &[f64], all: &[f64], cells: usize, unordered: bool) -> f64 {
    if good.is_empty() || cells < 2 {
        return 0.0;
    }
    let (good, all) = (density(good, cells, unordered), density(all, cells, unordered));
    good.iter().zip(all).map(|(good, all)| all * (good / all - 1.0).powi(2)).sum()
}

/// The mass in each cell: a kernel for each place, as wide as Scott's rule says (1992), and one more, as wide as all cells.
fn density(places: &[f64], cells: usize, unordered: bool) -> Vec<f64> {
    let count = places.len() as f64;
    let mut mass = vec![1.0 / cells as f64; cells];
    if unordered {
        for place in places {
            mass[((place * cells as f64) as usize).min(cells - 1)] += 1.0;
        }
    } else {
        let mut places: Vec<f64> = places.iter().map(|place| place * cells as f64).collect();
        places.sort_by(f64::total_cmp);
        let mean = places.iter().sum::<f64>() / count;
        let squares = places.iter().map(|place| (place - mean).powi(2)).sum::<f64>();
        let quartile = |share: f64| places[((count * share) as usize).min(places.len() - 1)];
        let spread = ((quartile(0.75) - quartile(0.25)) / 1.34).min((squares / (count - 1.0).max(1.0)).sqrt());
        // Nine tenths of a kernel are in a cell, at least.
        let width = (1.059 * spread * count.powf(-0.2)).max(0.5 / 1.64);
        for place in places {
            let kernel = (0..cells).map(|cell| (-0.5 * ((cell as f64 + 0.5 - place) / width).powi(2)).exp());
            let kernel: Vec<f64> = kernel.collect();
            let sum: f64 = kernel.iter().sum();
            mass.iter_mut().zip(kernel).for_each(|(mass, kernel)| *mass += kernel / sum);
        }
    }
    mass.iter().map(|mass| mass / (count + 1.0)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;
    use crate::{Random, Sampler};

    #[test]
    fn what_decides_the_value_matters_and_what_does_not_does_not() {
        let space = Space::from_toml(
            "
            [x]
            float = [-1.0, 1.0]
            [weak]
            float = [1e-3, 1.0]
            log = true
            [idle]
            int = [1, 9]
            [kind]
            choice = ['a', 'b', 'c']
            [single]
            choice = ['one']
        ",
        )
        .unwrap();
        let trials: Vec<Trial> = (0..300)
            .map(|number| {
                let codes = Random { seed: 1 }.choose(&space, &[], Direction::Minimize, number).unwrap();
                let value = (codes["x"] - 0.3).powi(2)
                    + 0.02 * codes["weak"].ln().abs()
                    + 0.3 * f64::from(codes["kind"] != 1.0);
                Trial { number, state: State::Complete, codes, value: Some(value), reports: Default::default() }
            })
            .collect();
        let found = importances(&space, &trials, Direction::Minimize).unwrap();
        let of = |name: &str| found.iter().find(|(other, _)| other == name).unwrap().1;
        assert!((found.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(of("x") > 0.3 && of("kind") > 0.3, "{found:?}");
        assert!(of("weak") < of("kind") && of("idle") < 0.1 && of("single") == 0.0, "{found:?}");
        // The other way round the worst are the best, and lie elsewhere.
        let opposite = importances(&space, &trials, Direction::Maximize).unwrap();
        assert!(opposite[0].1 > 0.3 && opposite != found, "{opposite:?}");
        assert_eq!(importances(&space, &trials[..3], Direction::Minimize), None);
    }
}
