//! The arithmetic mean.

use super::SumState;
use crate::arithmetic::Accumulator;
use crate::state::Signature;
use crate::{Aggregator, Block, Element, Facts, Portable};

/// The mean as f64; `None` of nothing. The state is a [`super::Sum`]'s: sum and count.
///
/// The division works on the whole accumulator, so the mean's error is the sum's error over n, and
/// one rounding; of integers it is within one unit in the last place. The mean of finite elements is finite, also where
/// their sum is past the largest f64.
///
/// ```
/// # use strix_reduce::{Engine, Mean, Reducer};
/// let mut reducer = Reducer::new(Mean, &Engine::cpu())?;
/// reducer.push(&[1u8, 2, 4])?;
/// assert_eq!(reducer.finish(), Some(7.0 / 3.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mean;

impl<T: Element> Aggregator<T> for Mean {
    type State = SumState<T::Sum>;
    type Output = Option<f64>;

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
        (state.count > 0).then(|| state.sum.over(state.count))
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

impl<T: Element> Portable<T> for Mean {
    fn signature(&self) -> Signature {
        format!("mean of {}", T::NAME)
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        crate::state::check_count(state.count, items)?;
        state.sum.check(state.count)
    }
}
