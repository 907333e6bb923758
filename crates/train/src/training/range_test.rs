//! The learning-rate range test (Smith 2017, arXiv 1506.01186): a few steps at ever greater rates show which ones train.

use serde::Serialize;
use strix_reduce::{Aggregator, DecayedMean, Engine, Reducer};

use super::{Job, ready};
use crate::Error;
use crate::batch::shuffled;

/// Steps after which a loss counts half.
const HALF_LIFE: f64 = 5.0;

/// The test ends when the smoothed loss is so many times its least.
const DIVERGED: f64 = 4.0;

/// The rates to try, each greater than the one before by the same factor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RangeTest {
    /// The first.
    pub least: f64,
    /// The last.
    pub most: f64,
    /// How many, one a step.
    pub steps: usize,
}

impl Default for RangeTest {
    fn default() -> Self {
        Self { least: 1e-6, most: 10.0, steps: 200 }
    }
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RatePoint {
    /// Its learning rate.
    pub rate: f64,
    /// The mean cross-entropy of its images before it, in nats.
    pub loss: f64,
    /// The loss, where those of the steps before still count, half as much every five steps.
    pub smoothed: f64,
}

/// What the test found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RateCurve {
    /// In the order of their rates.
    pub points: Vec<RatePoint>,
    /// Whether the loss left all bounds before the last rate.
    pub diverged: bool,
}

impl RateCurve {
    /// Where the smoothed loss was least.
    pub fn lowest(&self) -> Option<RatePoint> {
        self.points.iter().copied().min_by(|a, b| a.smoothed.total_cmp(&b.smoothed))
    }

    /// Where the smoothed loss fell fastest, by the logarithm of the rate, before it was least. The fall is that over a tenth
    /// of all steps, which one batch of hard images does not make.
    pub fn steepest(&self) -> Option<RatePoint> {
        let (lowest, reach) = (self.lowest()?.rate, self.points.len() / 20 + 1);
        let stretches = self.points.windows(2 * reach + 1).filter(|stretch| stretch[2 * reach].rate <= lowest);
        let slope = |stretch: &[RatePoint]| {
            let (first, last) = (stretch[0], stretch[2 * reach]);
            (last.smoothed - first.smoothed) / (last.rate / first.rate).ln()
        };
        let steepest = stretches.map(|stretch| (slope(stretch), stretch[reach]));
        let (fall, point) = steepest.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
        (fall < 0.0).then_some(point)
    }

    /// The greatest rate to train with: a tenth of the one at which the loss was least, and none where no rate lowered it.
    pub fn suggestion(&self) -> Option<f64> {
        self.steepest()?;
        Some(self.lowest()?.rate / 10.0)
    }
}

impl RangeTest {
    /// # Errors
    /// [`Error::Config`], naming the setting, its value and what it may be.
    fn check(&self) -> Result<(), Error> {
        let &Self { least, most, steps } = self;
        if !(least > 0.0 && least < most && most.is_finite()) {
            return Err(Error::Config(format!(
                "--least {least} and --most {most} are no range: both are positive numbers, and the first is the smaller"
            )));
        }
        if !(10..=100_000).contains(&steps) {
            return Err(Error::Config(format!("--steps is {steps}, but must be from 10 to 100000")));
        }
        Ok(())
    }

    fn rate(&self, step: usize) -> f64 {
        self.least * (self.most / self.least).powf(step as f64 / (self.steps - 1) as f64)
    }
}

/// Trains a network as `job` says, but each step at a greater rate, and throws it away. Nothing is written. `watch` hears of
/// each step, and stops the test by `false`.
///
/// The job's own learning rate, schedule and epochs do not matter. The same job gives the same curve, to the bit, on a CPU.
///
/// # Errors
/// [`Error::Config`], [`Error::Overflow`] and [`Error::Device`].
pub fn find_rate(
    job: &Job<'_>,
    test: &RangeTest,
    watch: &mut dyn FnMut(&RatePoint) -> bool,
) -> Result<RateCurve, Error> {
    test.check()?;
    let (trainer, mut state, _) = ready(job, &mut || false)?;
    let smoother = DecayedMean::new(HALF_LIFE)?;
    let mut losses = Reducer::<(f64, f64), _>::new(smoother, &Engine::cpu())?;
    let mut curve = RateCurve { points: Vec::with_capacity(test.steps), diverged: false };
    let mut least = f64::INFINITY;
    let (images, size) = (trainer.training_images(), job.config.batch_size);
    let mut epoch = 0;
    'test: loop {
        epoch += 1;
        let order = shuffled(images, job.config.seed, epoch);
        let batches: Vec<&[usize]> = order.chunks(size).collect();
        for group in batches.chunks(job.config.accumulate) {
            let step = curve.points.len();
            let rate = test.rate(step);
            let loss = trainer.measured_step(&mut state, group, rate)?;
            losses.push(&[(step as f64, loss)])?;
            let smoothed = Aggregator::<(f64, f64)>::finish(&smoother, *losses.state()).unwrap_or(loss);
            if !smoothed.is_finite() || smoothed > DIVERGED * least {
                curve.diverged = true;
                break 'test;
            }
            least = least.min(smoothed);
            let point = RatePoint { rate, loss, smoothed };
            curve.points.push(point);
            if curve.points.len() == test.steps || !watch(&point) {
                break 'test;
            }
        }
    }
    Ok(curve)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    fn curve(losses: &[f64]) -> RateCurve {
        let point =
            |(at, &smoothed): (usize, &f64)| RatePoint { rate: 10f64.powi(at as i32 - 5), loss: smoothed, smoothed };
        RateCurve { points: losses.iter().enumerate().map(point).collect(), diverged: false }
    }

    #[test]
    fn the_suggestion_is_a_tenth_of_the_rate_of_least_loss() {
        let found = curve(&[2.3, 2.2, 1.4, 0.8, 0.7, 5.0]);
        assert_eq!(found.lowest().unwrap().rate, 0.1);
        // From 2.2 to 0.8, around 1e-3.
        assert_eq!(found.steepest().unwrap().rate, 1e-3);
        assert_eq!(found.suggestion(), Some(0.01));
    }

    #[test]
    fn where_no_rate_lowers_the_loss_none_is_suggested() {
        assert_eq!(curve(&[2.3, 2.4, 2.5, 2.6]).suggestion(), None);
        assert_eq!(curve(&[]).suggestion(), None);
        assert_eq!(curve(&[2.3]).suggestion(), None);
    }

    #[test]
    fn rates_rise_by_one_factor_and_bad_ranges_are_refused() {
        let test = RangeTest { least: 1e-4, most: 1.0, steps: 10 };
        assert_eq!((test.rate(0), test.rate(9)), (1e-4, 1.0));
        assert!((test.rate(4) / test.rate(3) - test.rate(9) / test.rate(8)).abs() < 1e-9);
        for bad in [
            RangeTest { least: 0.0, ..test },
            RangeTest { least: 2.0, ..test },
            RangeTest { most: f64::INFINITY, ..test },
            RangeTest { least: f64::NAN, ..test },
            RangeTest { steps: 9, ..test },
        ] {
            assert!(matches!(bad.check(), Err(Error::Config(_))), "{bad:?}");
        }
    }
}
