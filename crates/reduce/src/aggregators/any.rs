//! Whether any item is true.

use crate::state::Signature;
use crate::{Aggregator, Portable};

/// Whether any of the items is true; `None` of nothing.
///
/// ```
/// # use strix_reduce::{Any, Combine, Engine, Reducer};
/// let hot = Any.map_input(|celsius: &f32| *celsius > 30.0);
/// let mut reducer = Reducer::new(hot, &Engine::cpu())?;
/// reducer.push(&[21.5f32, 31.0])?;
/// assert_eq!(reducer.finish(), Some(true));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Any;

impl Aggregator<bool> for Any {
    type State = Option<bool>;
    type Output = Option<bool>;

    fn identity(&self) -> Option<bool> {
        None
    }
    #[inline(always)]
    fn lift(&self, state: &mut Option<bool>, item: &bool) {
        *state = Some(state.unwrap_or(false) | *item);
    }
    fn merge(&self, state: &mut Option<bool>, other: Option<bool>) {
        if let Some(other) = other {
            *state = Some(state.unwrap_or(false) | other);
        }
    }
    fn finish(&self, state: Option<bool>) -> Option<bool> {
        state
    }
}

impl Portable<bool> for Any {
    fn signature(&self) -> Signature {
        "any of bool".into()
    }
}
