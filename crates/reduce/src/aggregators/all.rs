//! Whether all items are true.

use crate::state::Signature;
use crate::{Aggregator, Portable};

/// Whether all of the items are true; `None` of nothing.
///
/// ```
/// # use strix_reduce::{All, Engine, Reducer};
/// let mut reducer = Reducer::new(All, &Engine::cpu())?;
/// reducer.push(&[true, false])?;
/// assert_eq!(reducer.finish(), Some(false));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct All;

impl Aggregator<bool> for All {
    type State = Option<bool>;
    type Output = Option<bool>;

    fn identity(&self) -> Option<bool> {
        None
    }
    #[inline(always)]
    fn lift(&self, state: &mut Option<bool>, item: &bool) {
        *state = Some(state.unwrap_or(true) & *item);
    }
    fn merge(&self, state: &mut Option<bool>, other: Option<bool>) {
        if let Some(other) = other {
            *state = Some(state.unwrap_or(true) & other);
        }
    }
    fn finish(&self, state: Option<bool>) -> Option<bool> {
        state
    }
}

impl Portable<bool> for All {
    fn signature(&self) -> Signature {
        "all of bool".into()
    }
}
