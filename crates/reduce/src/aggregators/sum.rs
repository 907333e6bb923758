//! The sum of all elements.

use crate::arithmetic::Accumulator;
use crate::state::Signature;
use crate::{Aggregator, Block, Element, Facts, Portable};

/// Adds elements up: f64 for floats, exact i128 for integers; `None` of nothing.
///
/// Floats of either width accumulate in f64, blocks merge as pairs of f64. With n elements the
/// error is at most `2^-53 |sum| + 2^-44 sum(|x|)` for f32 and `2^-53 |sum| + n 2^-103 sum(|x|)`
/// for f64 on the CPU; see [`crate::gpu`] for the bound there. Infinities follow IEEE addition:
/// of both signs they give NaN. A sum past the largest f64 is infinite; one that passes it only on the way is not.
///
/// ```
/// # use strix_reduce::{Engine, Reducer, Sum};
/// let mut reducer = Reducer::new(Sum, &Engine::cpu())?;
/// reducer.push(&[1e16, 1.0, -1e16])?;
/// assert_eq!(reducer.finish(), Some(1.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum;

/// How many elements, and their sum in the element's own accumulator.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct SumState<S> {
    /// Elements summed.
    pub count: u64,
    /// Their sum.
    pub sum: S,
}

impl<S: 'static> SumState<S> {
    #[inline(always)]
    pub(crate) fn of<T>(block: &Block<'_, T>) -> Self
    where
        S: Accumulator<T>,
    {
        Self { count: block.len() as u64, sum: S::of(block) }
    }

    #[inline(always)]
    pub(crate) fn join<T>(self, other: Self) -> Self
    where
        S: Accumulator<T>,
    {
        Self { count: self.count + other.count, sum: self.sum.join(other.sum) }
    }

    #[cfg(feature = "gpu")]
    pub(crate) fn gpu_half<T>() -> crate::gpu::GpuHalf<Self>
    where
        S: Accumulator<T>,
    {
        crate::gpu::GpuHalf::new(vec![S::SNIPPET], |partial| Self {
            count: partial.census().items(),
            sum: S::from_gpu(partial),
        })
    }
}

impl<T: Element> Aggregator<T> for Sum {
    type State = SumState<T::Sum>;
    type Output = Option<<T::Sum as Accumulator<T>>::Total>;

    fn identity(&self) -> Self::State {
        SumState::default()
    }
    #[inline(always)]
    fn lift(&self, state: &mut Self::State, item: &T) {
        *state = SumState { count: state.count + 1, sum: state.sum.with(item) };
    }
    #[inline(always)]
    fn merge(&self, state: &mut Self::State, other: Self::State) {
        *state = state.join(other);
    }
    fn finish(&self, state: Self::State) -> Self::Output {
        (state.count > 0).then(|| state.sum.total())
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut Self::State, block: &Block<'_, T>) {
        *state = state.join(SumState::of(block));
    }
    fn block_items(&self) -> usize {
        crate::cpu::one_pass::<T>()
    }
    fn facts(&self) -> Facts {
        Facts::SUM
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
        Some(SumState::gpu_half::<T>())
    }
}

impl<T: Element> Portable<T> for Sum {
    fn signature(&self) -> Signature {
        format!("sum of {}", T::NAME)
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        crate::state::check_count(state.count, items)?;
        state.sum.check(state.count)
    }
}
