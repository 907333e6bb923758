//! The last item.

use super::place::{Placed, positional};
use crate::state::Signature;
use crate::{Aggregator, Block, Item, Label, Portable};

/// The last item, by its place among all that were pushed; `None` of nothing.
///
/// ```
/// # use strix_reduce::{Engine, Last, Reducer};
/// let mut reducer = Reducer::new(Last, &Engine::cpu())?;
/// reducer.push(&[3, 1, 2])?;
/// assert_eq!(reducer.finish(), Some(2));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Last;

impl<T: Item> Aggregator<T> for Last {
    type State = Option<Placed<T>>;
    type Output = Option<T>;

    fn identity(&self) -> Self::State {
        None
    }
    fn lift(&self, item: &T) -> Self::State {
        Some(Placed { place: 0, item: item.clone() })
    }
    fn merge(&self, a: Self::State, b: Self::State) -> Self::State {
        match (a, b) {
            (Some(a), Some(b)) => Some(if a.place > b.place { a } else { b }),
            (one, other) => one.or(other),
        }
    }
    fn finish(&self, state: Self::State) -> Option<T> {
        state.map(|placed| placed.item)
    }
    fn lift_block(&self, block: &Block<'_, T>) -> Self::State {
        block.last().map(|item| Placed { place: block.len() as u64 - 1, item: item.clone() })
    }
    positional!(T);
}

impl<T: Label> Portable<T> for Last {
    fn signature(&self) -> Signature {
        format!("last of {}", T::NAME)
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        Placed::check(state, items)
    }
}
