//! The harmonic mean.

use super::SumState;
use crate::arithmetic::Compensated;
use crate::state::{Signature, check_count};
use crate::{Aggregator, Block, Element, Portable};

/// n over the sum of the n reciprocals; `None` of nothing.
///
/// Defined for elements of one sign; a 0 among them makes it 0, elements of both signs make it NaN. The
/// relative error is at most about `2^-52` for elements whose reciprocals are normal f64; that of an element
/// below about 2^-1024 is infinite, which makes the mean 0.
///
/// ```
/// # use strix_reduce::{Engine, HarmonicMean, Reducer};
/// let mut reducer = Reducer::new(HarmonicMean, &Engine::cpu())?;
/// reducer.push(&[40.0, 60.0])?; // km/h there and back
/// assert_eq!(reducer.finish(), Some(48.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HarmonicMean;

/// The sum of reciprocals, and which signs there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReciprocalState {
    sum: SumState<Compensated>,
    zero: bool,
    negative: bool,
    positive: bool,
}

impl<T: Element> Aggregator<T> for HarmonicMean {
    type State = ReciprocalState;
    type Output = Option<f64>;

    fn identity(&self) -> ReciprocalState {
        ReciprocalState::default()
    }
    #[inline(always)]
    fn lift(&self, item: &T) -> ReciprocalState {
        let x = item.to_f64();
        let reciprocal = if x == 0.0 { 0.0 } else { 1.0 / x };
        // What rounding left out of the reciprocal, to about as many digits again.
        let rest = f64::mul_add(-reciprocal, x, 1.0) / x;
        let rest = if rest.is_finite() && x.is_finite() { rest } else { 0.0 };
        ReciprocalState {
            sum: SumState { count: 1, sum: Compensated::of_two(reciprocal, rest) },
            zero: x == 0.0,
            negative: x < 0.0,
            positive: x > 0.0,
        }
    }
    #[inline(always)]
    fn merge(&self, a: ReciprocalState, b: ReciprocalState) -> ReciprocalState {
        ReciprocalState {
            sum: SumState { count: a.sum.count + b.sum.count, sum: a.sum.sum.plus(b.sum.sum) },
            zero: a.zero || b.zero,
            negative: a.negative || b.negative,
            positive: a.positive || b.positive,
        }
    }
    fn finish(&self, state: ReciprocalState) -> Option<f64> {
        let SumState { count, sum } = state.sum;
        (count > 0).then(|| match (state.negative && state.positive || sum.value().is_nan(), state.zero) {
            (true, _) => f64::NAN,
            (_, true) => 0.0,
            _ => sum.dividing(count as f64),
        })
    }
    #[inline(always)]
    fn lift_block(&self, block: &Block<'_, T>) -> ReciprocalState {
        block.iter().fold(ReciprocalState::default(), |all, x| Aggregator::<T>::merge(self, all, self.lift(x)))
    }
}

impl<T: Element> Portable<T> for HarmonicMean {
    fn signature(&self) -> Signature {
        format!("harmonic_mean of {}", T::NAME)
    }
    fn check(&self, state: &ReciprocalState) -> Result<(), String> {
        check_count(state.sum.count)
    }
}
