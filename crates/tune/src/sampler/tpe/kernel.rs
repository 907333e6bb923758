//! Kernels along one parameter: normal ones, cut off at the ends of its range, or shares of choices.

use rand::{Rng, RngExt};
use statrs::function::erf::{erf, erf_inv};

use crate::space::Domain;

/// The kernels of all trials along one parameter, and the wide one behind them.
pub(super) struct Axis<'a> {
    domain: &'a Domain,
    form: Form,
}

enum Form {
    Range(Range),
    /// The shares of the choices, a row for each kernel.
    Shares(Vec<Vec<f64>>),
}

/// Normal kernels between two ends, in the numbers whose differences count.
struct Range {
    low: f64,
    high: f64,
    /// Half of the stretch that a countable value stands for; 0 for any number.
    half_step: f64,
    log: bool,
    /// Mean and deviation of each kernel.
    kernels: Vec<(f64, f64)>,
}

pub(super) fn axis(domain: &Domain, codes: Vec<f64>) -> Axis<'_> {
    // The last value, which steps from the first on may reach short of the end of the range.
    let last = |high: f64| domain.size().map_or(high, |size| domain.code_at(size - 1));
    let form = match domain {
        Domain::Choice(values) => Form::Shares(shares(values.len(), &codes)),
        Domain::Float { low, high, step, log } => {
            Form::Range(Range::new((*low, last(*high)), step.unwrap_or(0.0), *log, &codes))
        }
        Domain::Int { low, high, step, log } => {
            Form::Range(Range::new((*low as f64, last(*high as f64)), *step as f64, *log, &codes))
        }
    };
    Axis { domain, form }
}

/// Each kernel gives its own choice one share, and all choices together as much as they would have by chance, less the more
/// kernels there are.
fn shares(choices: usize, codes: &[f64]) -> Vec<Vec<f64>> {
    let base = 1.0 / (codes.len() + 1) as f64;
    let all = 1.0 + base * choices as f64;
    let kernel = |code: &f64| {
        let mut row = vec![base / all; choices];
        row[*code as usize] += 1.0 / all;
        row
    };
    codes.iter().map(kernel).chain([vec![1.0 / choices as f64; choices]]).collect()
}

impl Range {
    fn new((low, high): (f64, f64), step: f64, log: bool, codes: &[f64]) -> Self {
        let half_step = step / 2.0;
        let scale = |x: f64| if log { x.ln() } else { x };
        let (low, high) = (scale(low - half_step), scale(high + half_step));
        let places: Vec<f64> = codes.iter().map(|code| scale(*code)).collect();
        let mut kernels = widths(low, high, &places);
        kernels.push((0.5 * (low + high), high - low));
        Self { low, high, half_step, log, kernels }
    }

    fn scaled(&self, code: f64) -> f64 {
        if self.log { code.ln() } else { code }
    }
}

/// Each place with the distance to its farther neighbour as the deviation, neither too narrow nor too wide.
fn widths(low: f64, high: f64, places: &[f64]) -> Vec<(f64, f64)> {
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by(|&a, &b| places[a].total_cmp(&places[b]));
    let (range, count) = (high - low, places.len());
    let least = range / 100f64.min(2.0 + count as f64);
    let mut kernels = vec![(0.0, 0.0); count];
    for (rank, &at) in order.iter().enumerate() {
        let place = places[at];
        let before = rank.checked_sub(1).map(|rank| place - places[order[rank]]);
        let after = order.get(rank + 1).map(|&next| places[next] - place);
        // The first and the last have one neighbour, a single one the ends.
        let distance = match (before, after) {
            (None, None) => (place - low).max(high - place),
            (before, after) => before.unwrap_or(0.0).max(after.unwrap_or(0.0)),
        };
        kernels[at] = (place, distance.clamp(least, range));
    }
    kernels
}

/// The share of a normal distribution up to z deviations from its mean.
fn share_below(z: f64) -> f64 {
    0.5 * (1.0 + erf(z * std::f64::consts::FRAC_1_SQRT_2))
}

/// The share between two numbers of deviations, also far out on one side, where both shares are nearly 1.
fn share_between(from: f64, to: f64) -> f64 {
    if from > 0.0 { share_below(-from) - share_below(-to) } else { share_below(to) - share_below(from) }
}

impl Axis<'_> {
    /// A code of this kernel.
    pub(super) fn draw(&self, kernel: usize, random: &mut impl Rng) -> f64 {
        let range = match &self.form {
            Form::Shares(rows) => {
                let mut left: f64 = random.random();
                let passes = |share: &f64| {
                    left -= share;
                    left < 0.0
                };
                return rows[kernel].iter().position(passes).unwrap_or(rows[kernel].len() - 1) as f64;
            }
            Form::Range(range) => range,
        };
        let (mean, sd) = range.kernels[kernel];
        let (from, to) = (share_below((range.low - mean) / sd), share_below((range.high - mean) / sd));
        let share = from + random.random::<f64>() * (to - from);
        let place = mean + sd * std::f64::consts::SQRT_2 * erf_inv(2.0 * share - 1.0);
        let place = place.clamp(range.low, range.high);
        self.nearest(if range.log { place.exp() } else { place })
    }

    /// The code of the domain next to a number.
    fn nearest(&self, number: f64) -> f64 {
        match self.domain {
            Domain::Float { low, high, step: None, .. } => number.clamp(*low, *high),
            Domain::Float { low, step: Some(step), .. } => self.counted((number - low) / step),
            Domain::Int { low, step, .. } => self.counted((number - *low as f64) / *step as f64),
            Domain::Choice(_) => number,
        }
    }

    fn counted(&self, at: f64) -> f64 {
        self.domain.code_at((at.round().max(0.0) as usize).min(self.domain.size().unwrap_or(1) - 1))
    }

    /// Adds the logarithm of each kernel's density, or probability, at a code.
    pub(super) fn add_at(&self, code: f64, terms: &mut [f64]) {
        match &self.form {
            Form::Shares(rows) => {
                for (term, row) in terms.iter_mut().zip(rows) {
                    *term += row[code as usize].ln();
                }
            }
            Form::Range(range) => {
                for (term, kernel) in terms.iter_mut().zip(&range.kernels) {
                    *term += range.log_density(*kernel, code);
                }
            }
        }
    }
}

impl Range {
    fn log_density(&self, (mean, sd): (f64, f64), code: f64) -> f64 {
        let deviations = |place: f64| (place - mean) / sd;
        let whole = share_between(deviations(self.low), deviations(self.high)).ln();
        if self.half_step > 0.0 {
            let [from, to] = [code - self.half_step, code + self.half_step]
                .map(|end| deviations(self.scaled(end).clamp(self.low, self.high)));
            return share_between(from, to).ln() - whole;
        }
        let z = deviations(self.scaled(code));
        -0.5 * z * z - sd.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln() - whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn density(axis: &Axis<'_>, kernel: usize, kernels: usize, code: f64) -> f64 {
        let mut terms = vec![0.0; kernels];
        axis.add_at(code, &mut terms);
        terms[kernel].exp()
    }

    #[test]
    fn every_kernel_of_a_range_has_an_integral_of_one() {
        let domain = Domain::Float { low: -1.0, high: 3.0, step: None, log: false };
        let axis = axis(&domain, vec![-1.0, 0.5, 2.9]);
        for kernel in 0..4 {
            let cells = 4000;
            let sum: f64 = (0..cells)
                .map(|cell| density(&axis, kernel, 4, -1.0 + 4.0 * (f64::from(cell) + 0.5) / f64::from(cells)))
                .sum();
            assert!((sum * 4.0 / f64::from(cells) - 1.0).abs() < 1e-5, "{kernel}: {sum}");
        }
    }

    #[test]
    fn every_kernel_of_countable_values_sums_to_one() {
        for domain in [
            Domain::Int { low: 1, high: 9, step: 1, log: true },
            Domain::Int { low: 2, high: 16, step: 2, log: false },
            Domain::Float { low: 0.05, high: 0.5, step: Some(0.05), log: false },
            // Whose steps do not reach the end.
            Domain::Int { low: 2, high: 17, step: 5, log: false },
            Domain::Int { low: 0, high: 9, step: 5, log: false },
            Domain::Float { low: 0.0, high: 0.35, step: Some(0.1), log: false },
            Domain::Float { low: -1.0, high: 0.99, step: Some(1.0), log: false },
            Domain::Choice((0..4).map(crate::Value::Int).collect()),
        ] {
            let size = domain.size().unwrap_or(0);
            let codes: Vec<f64> = [0, 1, size - 1].map(|at| domain.code_at(at)).into();
            let axis = axis(&domain, codes);
            for kernel in 0..4 {
                let sum: f64 = (0..size).map(|at| density(&axis, kernel, 4, domain.code_at(at))).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{domain}, {kernel}: {sum}");
            }
        }
    }

    #[test]
    fn draws_follow_the_density_and_stay_in_the_domain() {
        for (high, step) in [(4, 1), (9, 2)] {
            let domain = Domain::Int { low: 0, high, step, log: false };
            let axis = axis(&domain, vec![4.0 * step as f64]);
            let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
            let mut counts = [0u32; 5];
            for _ in 0..20_000 {
                counts[axis.draw(0, &mut random) as usize / step as usize] += 1;
            }
            for (at, count) in counts.into_iter().enumerate() {
                let expected = 20_000.0 * density(&axis, 0, 2, domain.code_at(at));
                let far = (f64::from(count) - expected).abs();
                assert!(far < 5.0 * expected.sqrt(), "{domain}, {at}: {count}, not {expected}");
            }
        }
    }

    #[test]
    fn deviations_are_the_farther_neighbours_within_bounds() {
        let kernels = widths(0.0, 10.0, &[1.0, 9.0, 2.0]);
        // Least: 10 / 5.
        assert_eq!(kernels, [(1.0, 2.0), (9.0, 7.0), (2.0, 7.0)]);
        assert_eq!(widths(0.0, 10.0, &[8.0]), [(8.0, 8.0)]);
        assert_eq!(widths(0.0, 10.0, &[3.0, 3.0]), [(3.0, 2.5), (3.0, 2.5)]);
    }
}
