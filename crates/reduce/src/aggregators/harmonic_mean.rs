//! The harmonic mean.

use super::SumState;
use crate::arithmetic::Compensated;
use crate::state::{Signature, check_count};
use crate::{Aggregator, Element, Portable};

/// n over the sum of the n reciprocals; `None` of nothing.
///
/// Defined for elements of one sign; a 0 among them makes it 0, elements of both signs make it NaN, and an
/// infinity counts without adding to the sum. The relative error is at most about `2^-52`.
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

/// Reciprocals are summed times 2^64, so that those of the largest elements are normal numbers.
const ONE: f64 = f64::from_bits((1023 + 64) << 52);

/// Elements below this have reciprocals so large that their sums could overflow: they are summed times 2^-128.
const TINY: f64 = f64::from_bits((1023 - 900) << 52);
const ONE_OF_TINY: f64 = f64::from_bits((1023 - 128) << 52);

/// The sum of reciprocals, and which signs there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReciprocalState {
    sum: SumState<Compensated>,
    tiny: Compensated,
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
    fn lift(&self, state: &mut ReciprocalState, item: &T) {
        let x = item.to_f64();
        let is_tiny = x.abs() < TINY;
        let one = if is_tiny { ONE_OF_TINY } else { ONE };
        let reciprocal = if x == 0.0 { 0.0 } else { one / x };
        // What rounding left out of the reciprocal, to about as many digits again.
        let rest = f64::mul_add(-reciprocal, x, one) / x;
        let rest = if rest.is_finite() && x.is_finite() { rest } else { 0.0 };
        let reciprocal = Compensated::of_two(reciprocal, rest);
        let (sum, tiny) =
            if is_tiny { (Compensated::default(), reciprocal) } else { (reciprocal, Compensated::default()) };
        let sum = SumState { count: 1, sum };
        let one = ReciprocalState { sum, tiny, zero: x == 0.0, negative: x < 0.0, positive: x > 0.0 };
        Aggregator::<T>::merge(self, state, one);
    }
    #[inline(always)]
    fn merge(&self, a: &mut ReciprocalState, b: ReciprocalState) {
        *a = ReciprocalState {
            sum: SumState { count: a.sum.count + b.sum.count, sum: a.sum.sum.plus(b.sum.sum) },
            tiny: a.tiny.plus(b.tiny),
            zero: a.zero || b.zero,
            negative: a.negative || b.negative,
            positive: a.positive || b.positive,
        };
    }
    fn finish(&self, state: ReciprocalState) -> Option<f64> {
        let SumState { count, sum } = state.sum;
        (count > 0).then(|| match (state.negative && state.positive || sum.value().is_nan(), state.zero) {
            (true, _) => f64::NAN,
            (_, true) => 0.0,
            _ if state.tiny.value() != 0.0 => {
                state.tiny.plus(sum.scaled(ONE_OF_TINY / ONE)).dividing(count as f64 * ONE_OF_TINY)
            }
            // The reciprocal of an infinity is a 0 whose sign a sum forgets.
            _ if sum.value() == 0.0 && state.negative => f64::NEG_INFINITY,
            // The mean of the largest elements may round up before it is corrected.
            _ => sum.dividing(count as f64 * (ONE / 16.0)) * 16.0,
        })
    }
}

impl<T: Element> Portable<T> for HarmonicMean {
    fn signature(&self) -> Signature {
        format!("harmonic_mean of {}", T::NAME)
    }
    fn check(&self, state: &ReciprocalState, items: u64) -> Result<(), String> {
        check_count(state.sum.count, items)
    }
}
