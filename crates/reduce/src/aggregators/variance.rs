//! Variance and standard deviation, in one pass over memory.

use crate::arithmetic::{Moments, Unit};
use crate::state::Signature;
use crate::{Aggregator, Block, Element, Facts, Portable};

/// The first two moments, from which population and sample variance are read.
///
/// Floats hold (count, mean, M2) in f64 and merge by Chan, Golub and LeVeque 1979; integers hold
/// exact sums, so their state is the same bits for every order. Relative to the exact variance of
/// the elements the error is at most about `(3000 + 8 log2(n)) 2^-53` for floats, and `2^-51` for
/// integers. Elements of any size have their standard deviation; a variance past the largest f64 is infinite, one
/// below the least is 0.
///
/// ```
/// # use strix_reduce::{Engine, Reducer, Variance};
/// let mut reducer = Reducer::new(Variance, &Engine::cpu())?;
/// reducer.push(&[1e8, 1e8 + 1.0, 1e8 + 2.0])?;
/// let moments = reducer.finish();
/// assert_eq!(moments.sample_variance(), Some(1.0));
/// assert_eq!(moments.population_variance(), Some(2.0 / 3.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Variance;

/// Count, mean and M2: what every variance is read from.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub struct SecondMoments {
    /// Elements seen.
    pub count: u64,
    /// Their mean; meaningless when `count` is 0, where [`SecondMoments::mean`] says so.
    pub(crate) mean: f64,
    /// Sum of squared deviations from the mean, counted in `unit`; never negative.
    pub(crate) m2: f64,
    pub(crate) unit: Unit,
}

impl SecondMoments {
    /// The mean; `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then_some(self.mean)
    }

    /// M2 / (count - ddof); `None` unless there are more than `ddof` elements.
    pub fn variance(&self, ddof: u64) -> Option<f64> {
        (self.count > ddof).then(|| self.unit.times(self.m2 / (self.count - ddof) as f64, 2))
    }

    /// The square root of the variance, in the elements' unit; `None` unless there are more than `ddof` elements.
    pub fn sd(&self, ddof: u64) -> Option<f64> {
        // Of a variance that may itself be outside the range of f64.
        (self.count > ddof).then(|| self.unit.times((self.m2 / (self.count - ddof) as f64).sqrt(), 1))
    }

    /// M2 / count, in the elements' unit squared; `None` of nothing.
    pub fn population_variance(&self) -> Option<f64> {
        self.variance(0)
    }

    /// M2 / (count - 1), in the elements' unit squared; `None` of fewer than two.
    pub fn sample_variance(&self) -> Option<f64> {
        self.variance(1)
    }

    /// Square root of the population variance, in the elements' unit.
    pub fn population_sd(&self) -> Option<f64> {
        self.sd(0)
    }

    /// Square root of the sample variance, in the elements' unit.
    pub fn sample_sd(&self) -> Option<f64> {
        self.sd(1)
    }
}

impl<T: Element> Aggregator<T> for Variance {
    type State = T::Moments;
    type Output = SecondMoments;

    fn identity(&self) -> Self::State {
        T::Moments::default()
    }
    #[inline(always)]
    fn lift(&self, state: &mut Self::State, item: &T) {
        *state = state.with(item);
    }
    #[inline(always)]
    fn merge(&self, state: &mut Self::State, other: Self::State) {
        *state = state.join(other);
    }
    fn finish(&self, state: Self::State) -> SecondMoments {
        state.finish()
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut Self::State, block: &Block<'_, T>) {
        *state = state.join(T::Moments::of(block));
    }
    fn block_items(&self) -> usize {
        crate::cpu::one_pass::<T>()
    }
    fn facts(&self) -> Facts {
        Facts::MOMENTS
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
        Some(crate::gpu::GpuHalf::new(vec![T::Moments::SNIPPET], T::Moments::from_gpu))
    }
}

impl<T: Element> Portable<T> for Variance {
    fn signature(&self) -> Signature {
        format!("variance of {}", T::NAME)
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        state.check(items)
    }
}
