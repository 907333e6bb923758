//! Whether all items are true.

use crate::state::Signature;
use crate::{Aggregator, Block, Portable};

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
    fn lift(&self, item: &bool) -> Option<bool> {
        Some(*item)
    }
    fn merge(&self, a: Option<bool>, b: Option<bool>) -> Option<bool> {
        match (a, b) {
            (Some(a), Some(b)) => Some(a && b),
            (one, other) => one.or(other),
        }
    }
    fn finish(&self, state: Option<bool>) -> Option<bool> {
        state
    }
    #[inline(always)]
    fn lift_block(&self, block: &Block<'_, bool>) -> Option<bool> {
        block.iter().copied().min()
    }
}

impl Portable<bool> for All {
    fn signature(&self) -> Signature {
        "all of bool".into()
    }
}
