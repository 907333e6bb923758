//! Which trials are not worth going on with.

mod halving;
mod median;
mod spread;

use crate::Error;
use crate::trial::{Direction, Trial};

pub use halving::{Asha, Hyperband};
pub use median::Median;
pub use spread::Spread;

/// A rule that ends trials early. It looks at what trials reported, and keeps nothing: any worker decides alike.
pub trait Pruner {
    /// Whether `trial` is to end after its last report. `trials` are those of the study, with or without it. Steps count from
    /// 1, as epochs do.
    ///
    /// # Errors
    /// [`Error::Config`] for a setting that makes no sense.
    fn ends(&self, trial: &Trial, trials: &[Trial], direction: Direction) -> Result<bool, Error>;
}

/// The costs that other trials reported at a step.
fn costs_at<'a>(
    step: u64,
    trial: &'a Trial,
    trials: &'a [Trial],
    direction: Direction,
) -> impl Iterator<Item = (&'a Trial, f64)> {
    let others = trials.iter().filter(|other| other.number != trial.number);
    others.filter_map(move |other| Some((other, direction.cost(*other.reports.get(&step)?))))
}
