//! The least element.

use crate::state::Signature;
use crate::{Aggregator, Block, Element, Facts, Portable};

/// The least element, exactly; `None` of nothing. NaN if any element is NaN, and -0 is below +0
/// (IEEE 754-2019 `minimum`).
///
/// ```
/// # use strix_reduce::{Engine, Min, NanPolicy, Reducer};
/// let mut reducer = Reducer::new(Min, &Engine::cpu())?.nan_policy(NanPolicy::Skip);
/// reducer.push(&[3.0, f64::NAN, 1.0])?;
/// assert_eq!(reducer.finish(), Some(1.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Min;

impl<T: Element> Aggregator<T> for Min {
    type State = Option<T>;
    type Output = Option<T>;

    fn identity(&self) -> Option<T> {
        None
    }
    #[inline(always)]
    fn lift(&self, state: &mut Option<T>, item: &T) {
        // One NaN for all of them, as a block's.
        *state = Some(state.unwrap_or(*item).lesser(*item));
    }
    #[inline(always)]
    fn merge(&self, state: &mut Option<T>, other: Option<T>) {
        if let Some(other) = other {
            *state = Some(state.unwrap_or(other).lesser(other));
        }
    }
    fn finish(&self, state: Option<T>) -> Option<T> {
        state
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut Option<T>, block: &Block<'_, T>) {
        Aggregator::<T>::merge(self, state, T::least(block));
    }
    fn block_items(&self) -> usize {
        crate::cpu::one_pass::<T>()
    }
    fn facts(&self) -> Facts {
        Facts::EXTREMES
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Option<T>>> {
        Some(crate::gpu::GpuHalf::new(vec![strix_shaders::MIN], |partial| partial.extreme("min")))
    }
}

impl<T: Element> Portable<T> for Min {
    fn signature(&self) -> Signature {
        format!("min of {}", T::NAME)
    }
}

/// The least text in the order of its UTF-8 bytes, which is that of its code points.
impl Aggregator<String> for Min {
    type State = Option<String>;
    type Output = Option<String>;

    fn identity(&self) -> Option<String> {
        None
    }
    fn lift(&self, state: &mut Option<String>, item: &String) {
        // Copied only where it is kept.
        if state.as_ref().is_none_or(|kept| item < kept) {
            *state = Some(item.clone());
        }
    }
    fn merge(&self, state: &mut Option<String>, other: Option<String>) {
        if let Some(other) = other.filter(|other| state.as_ref().is_none_or(|kept| other < kept)) {
            *state = Some(other);
        }
    }
    fn finish(&self, state: Option<String>) -> Option<String> {
        state
    }
}

impl Portable<String> for Min {
    fn signature(&self) -> Signature {
        "min of text".into()
    }
}
