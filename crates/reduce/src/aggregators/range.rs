//! The range: greatest less least.

use super::{Max, Min};
use crate::state::Signature;
use crate::{Aggregator, Block, Element, Facts, Portable};

/// The greatest element less the least, as f64, rounded once; `None` of nothing, NaN if any element is.
///
/// ```
/// # use strix_reduce::{Engine, Range, Reducer};
/// let mut reducer = Reducer::new(Range, &Engine::cpu())?;
/// reducer.push(&[-1i8, 127, 5])?;
/// assert_eq!(reducer.finish(), Some(128.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Range;

impl<T: Element> Aggregator<T> for Range {
    type State = (Option<T>, Option<T>);
    type Output = Option<f64>;

    fn identity(&self) -> Self::State {
        (None, None)
    }
    #[inline(always)]
    fn lift(&self, state: &mut Self::State, item: &T) {
        (Min, Max).lift(state, item);
    }
    #[inline(always)]
    fn merge(&self, state: &mut Self::State, other: Self::State) {
        Aggregator::<T>::merge(&(Min, Max), state, other);
    }
    fn finish(&self, (least, greatest): Self::State) -> Option<f64> {
        Some(greatest?.less(least?))
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut Self::State, block: &Block<'_, T>) {
        (Min, Max).lift_block(state, block);
    }
    fn block_items(&self) -> usize {
        crate::cpu::one_pass::<T>()
    }
    fn facts(&self) -> Facts {
        Facts::EXTREMES
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
        Aggregator::<T>::gpu(&(Min, Max))
    }
}

impl<T: Element> Portable<T> for Range {
    fn signature(&self) -> Signature {
        format!("range of {}", T::NAME)
    }
    fn check(&self, state: &Self::State, _items: u64) -> Result<(), String> {
        match state {
            (None, None) => Ok(()),
            (Some(least), Some(greatest)) if least.order(greatest).is_le() => Ok(()),
            _ => Err("its extremes are the wrong way round".into()),
        }
    }
}
