//! The greatest element.

use crate::state::Signature;
use crate::{Aggregator, Block, Element, Facts, Portable};

/// The greatest element, exactly; `None` of nothing. NaN if any element is NaN, and +0 is above -0
/// (IEEE 754-2019 `maximum`).
///
/// ```
/// # use strix_reduce::{Engine, Max, NanPolicy, Reducer};
/// let mut reducer = Reducer::new(Max, &Engine::cpu())?.nan_policy(NanPolicy::Skip);
/// reducer.push(&[3.0, f64::NAN, 1.0])?;
/// assert_eq!(reducer.finish(), Some(3.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Max;

impl<T: Element> Aggregator<T> for Max {
    type State = Option<T>;
    type Output = Option<T>;

    fn identity(&self) -> Option<T> {
        None
    }
    #[inline(always)]
    fn lift(&self, state: &mut Option<T>, item: &T) {
        // One NaN for all of them, as a block's.
        *state = Some(state.unwrap_or(*item).greater(*item));
    }
    #[inline(always)]
    fn merge(&self, state: &mut Option<T>, other: Option<T>) {
        if let Some(other) = other {
            *state = Some(state.unwrap_or(other).greater(other));
        }
    }
    fn finish(&self, state: Option<T>) -> Option<T> {
        state
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut Option<T>, block: &Block<'_, T>) {
        Aggregator::<T>::merge(self, state, T::greatest(block));
    }
    fn block_items(&self) -> usize {
        crate::cpu::one_pass::<T>()
    }
    fn facts(&self) -> Facts {
        Facts::EXTREMES
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Option<T>>> {
        Some(crate::gpu::GpuHalf::new(vec![strix_shaders::MAX], |partial| partial.extreme("max")))
    }
}

impl<T: Element> Portable<T> for Max {
    fn signature(&self) -> Signature {
        format!("max of {}", T::NAME)
    }
}

/// The greatest text in the order of its UTF-8 bytes, which is that of its code points.
impl Aggregator<String> for Max {
    type State = Option<String>;
    type Output = Option<String>;

    fn identity(&self) -> Option<String> {
        None
    }
    fn lift(&self, state: &mut Option<String>, item: &String) {
        // Copied only where it is kept.
        if state.as_ref().is_none_or(|kept| item > kept) {
            *state = Some(item.clone());
        }
    }
    fn merge(&self, state: &mut Option<String>, other: Option<String>) {
        if let Some(other) = other.filter(|other| state.as_ref().is_none_or(|kept| other > kept)) {
            *state = Some(other);
        }
    }
    fn finish(&self, state: Option<String>) -> Option<String> {
        state
    }
}

impl Portable<String> for Max {
    fn signature(&self) -> Signature {
        "max of text".into()
    }
}
