//! The exponentially decayed mean: what is recent counts more.

use serde::{Deserialize, Serialize};

use crate::arithmetic::{Compensated, FloatSum, sums};
use crate::state::{MadeBy, Signature};
use crate::{Aggregator, Block, Element, Error, Portable};

/// The mean of (time, value) items in which a value's weight halves with every half-life of its age.
///
/// The age counts from the latest time among the items, so the answer does not depend on when it is
/// asked for, and pieces merge in any order: the older state is decayed to the newer one's time. Times are
/// in the half-life's unit. An item with a time that is NaN or infinite makes the mean NaN; infinite values do
/// not fade. With n items of a mean age of a half-lives, by weight, the error is at most about
/// `(600 + 8 log2(n) + 4 a) 2^-53` of the weighted mean magnitude.
///
/// ```
/// # use strix_reduce::{DecayedMean, Engine, Reducer};
/// let mut reducer = Reducer::new(DecayedMean::new(60.0)?, &Engine::cpu())?;
/// reducer.push(&[(0.0, 10.0), (60.0, 40.0)])?; // the first counts half
/// assert_eq!(reducer.finish(), Some(30.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DecayedMean {
    half_life: f64,
}

/// The latest time, and the weight and weighted sum as of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct DecayedState {
    #[serde(with = "crate::state::float")]
    time: f64,
    #[serde(with = "crate::state::float")]
    weight: f64,
    sum: FloatSum,
    #[serde(skip)]
    made_by: MadeBy,
}

impl DecayedMean {
    /// The mean with this half-life, in the unit of the items' times.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless it is positive and finite.
    pub fn new(half_life: f64) -> Result<Self, Error> {
        if half_life > 0.0 && half_life.is_finite() {
            Ok(Self { half_life })
        } else {
            Err(Error::Parameter(format!("a half-life is positive and finite, unlike {half_life}")))
        }
    }

    fn made_by(self) -> MadeBy {
        MadeBy::parameters(self.half_life.to_bits())
    }

    /// The state, if it decays as fast as this one.
    #[inline(always)]
    fn own(self, state: DecayedState) -> DecayedState {
        if let Some(other) = state.made_by.other_than(self.half_life.to_bits()) {
            let (other, own) = (f64::from_bits(other), self.half_life);
            panic!("a mean of half-life {other} is not one of half-life {own}; merge means of one half-life");
        }
        state
    }

    /// What is left of a weight of 1 from `time` to `latest`.
    #[inline(always)]
    fn decay(self, time: f64, latest: f64) -> f64 {
        ((time - latest) / self.half_life).exp2()
    }
}

/// An item's time and value; one without a time is of time 0, and makes the mean NaN.
#[inline(always)]
fn placed(time: f64, value: f64) -> (f64, f64) {
    if time.is_finite() { (time, value) } else { (0.0, f64::NAN) }
}

/// An infinite value times a decay of 0 would be NaN, and its age would show in the answer.
#[inline(always)]
fn faded(value: f64, decay: f64) -> f64 {
    if value.is_finite() { value * decay } else { value }
}

impl<T: Element> Aggregator<(f64, T)> for DecayedMean {
    type State = DecayedState;
    type Output = Option<f64>;

    fn identity(&self) -> DecayedState {
        DecayedState { made_by: self.made_by(), ..DecayedState::default() }
    }
    #[inline(always)]
    fn lift(&self, state: &mut DecayedState, &(time, value): &(f64, T)) {
        let (time, value) = placed(time, value.to_f64());
        let one = DecayedState { time, weight: 1.0, sum: value.into(), made_by: self.made_by() };
        Aggregator::<(f64, T)>::merge(self, state, one);
    }
    #[inline(always)]
    fn merge(&self, state: &mut DecayedState, other: DecayedState) {
        let (a, b) = (self.own(*state), self.own(other));
        if a.weight == 0.0 && a.sum.value() == 0.0 {
            *state = b;
            return;
        }
        if b.weight == 0.0 && b.sum.value() == 0.0 {
            return;
        }
        let (new, old) = if a.time >= b.time { (a, b) } else { (b, a) };
        let decay = self.decay(old.time, new.time);
        let sum = new.sum.plus(old.sum.times(decay));
        let weight = new.weight + old.weight * decay;
        *state = DecayedState { time: new.time, weight, sum, made_by: self.made_by() };
    }
    /// Each item is decayed once: item after item would add up the roundings of as many decays.
    fn lift_block(&self, state: &mut DecayedState, block: &Block<'_, (f64, T)>) {
        if block.is_empty() {
            return;
        }
        let times = block.iter().map(|item| item.0).filter(|time| time.is_finite());
        let time = times.reduce(f64::max).unwrap_or_default();
        let decayed = |item: &(f64, T)| {
            let (placed, value) = placed(item.0, item.1.to_f64());
            // At most 1, where an item without a time counts as of time 0.
            let decay = self.decay(placed, time).min(1.0);
            [decay, faded(value, decay)]
        };
        let [weight, sum] = sums(block, decayed).map(Compensated::value);
        let sum = if sum.is_finite() {
            sum.into()
        } else {
            block.iter().fold(FloatSum::default(), |sum, item| sum.plus(decayed(item)[1].into()))
        };
        let decayed = DecayedState { time, weight, sum, made_by: self.made_by() };
        Aggregator::<(f64, T)>::merge(self, state, decayed);
    }
    fn finish(&self, state: DecayedState) -> Option<f64> {
        let DecayedState { weight, sum, .. } = self.own(state);
        (weight > 0.0).then(|| sum.per(weight))
    }
}

impl<T: Element> Portable<(f64, T)> for DecayedMean {
    fn signature(&self) -> Signature {
        format!("decayed_mean(half_life={:?}) of (f64, {})", self.half_life, T::NAME)
    }
    fn check(&self, state: &DecayedState, items: u64) -> Result<(), String> {
        // No item weighs more than 1.
        let weighs = (0.0..=items as f64).contains(&state.weight);
        let sound = state.time.is_finite() && weighs && state.sum.is_sound();
        if sound { Ok(()) } else { Err("no items have such a time or weight".into()) }
    }
}
