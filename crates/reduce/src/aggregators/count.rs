//! How many items there are.

use crate::state::Signature;
use crate::{Aggregator, Block, Portable};

/// Counts items, as u64; 0 of nothing. Under [`crate::NanPolicy::Skip`] a NaN is not counted.
///
/// ```
/// # use strix_reduce::{Count, Engine, Reducer};
/// let mut reducer = Reducer::new(Count, &Engine::cpu())?;
/// reducer.push(&[1.5f32, 2.5])?;
/// assert_eq!(reducer.finish(), 2);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count;

impl<T> Aggregator<T> for Count {
    type State = u64;
    type Output = u64;

    fn identity(&self) -> u64 {
        0
    }
    #[inline(always)]
    fn lift(&self, state: &mut u64, _item: &T) {
        *state += 1;
    }
    #[inline(always)]
    fn merge(&self, state: &mut u64, other: u64) {
        *state += other;
    }
    fn finish(&self, state: u64) -> u64 {
        state
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut u64, block: &Block<'_, T>) {
        *state += block.len() as u64;
    }
    fn block_items(&self) -> usize {
        crate::cpu::one_pass::<u8>()
    }

    /// Every kernel takes a census; the count needs no WGSL of its own.
    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<u64>> {
        Some(crate::gpu::GpuHalf::new(vec![], |partial| partial.census().items()))
    }
}

impl<T> Portable<T> for Count {
    fn signature(&self) -> Signature {
        "count".into()
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        crate::state::check_count(*state, items)
    }
}
