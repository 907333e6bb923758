//! The first item.

use super::place::{Placed, positional};
use crate::state::Signature;
use crate::{Aggregator, Block, Item, Label, Portable};

/// The first item, by its place among all that were pushed; `None` of nothing.
///
/// ```
/// # use strix_reduce::{Engine, First, Reducer};
/// let mut reducer = Reducer::new(First, &Engine::cpu())?;
/// reducer.push(&[3, 1, 2])?;
/// assert_eq!(reducer.finish(), Some(3));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct First;

impl<T: Item> Aggregator<T> for First {
    type State = Option<Placed<T>>;
    type Output = Option<T>;

    fn identity(&self) -> Self::State {
        None
    }
    fn lift(&self, state: &mut Self::State, item: &T) {
        self.lift_at(state, item, 0);
    }
    #[inline]
    fn lift_at(&self, state: &mut Self::State, item: &T, place: u64) {
        // Copied only where it is kept.
        if state.as_ref().is_none_or(|kept| place < kept.place) {
            *state = Some(Placed { place, item: item.clone() });
        }
    }
    fn merge(&self, state: &mut Self::State, other: Self::State) {
        if let Some(other) = other
            && state.as_ref().is_none_or(|kept| other.place < kept.place)
        {
            *state = Some(other);
        }
    }
    fn finish(&self, state: Self::State) -> Option<T> {
        state.map(|placed| placed.item)
    }
    fn lift_block(&self, state: &mut Self::State, block: &Block<'_, T>) {
        if let Some(item) = block.first() {
            self.lift_at(state, item, block.place());
        }
    }
    positional!(T);
}

impl<T: Label> Portable<T> for First {
    fn signature(&self) -> Signature {
        format!("first of {}", T::NAME)
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        Placed::check(state, items)
    }
}
