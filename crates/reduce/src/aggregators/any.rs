//! Whether any item is true.

use crate::state::Signature;
use crate::{Aggregator, Block, Portable};

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
    fn lift(&self, item: &bool) -> Option<bool> {
        Some(*item)
    }
    fn merge(&self, a: Option<bool>, b: Option<bool>) -> Option<bool> {
        a.max(b)
    }
    fn finish(&self, state: Option<bool>) -> Option<bool> {
        state
    }
    #[inline(always)]
    fn lift_block(&self, block: &Block<'_, bool>) -> Option<bool> {
        block.iter().copied().max()
    }
}

impl Portable<bool> for Any {
    fn signature(&self) -> Signature {
        "any of bool".into()
    }
}
