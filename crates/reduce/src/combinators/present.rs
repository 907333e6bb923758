//! Items that may be missing.

use crate::state::Signature;
use crate::{Aggregator, Block, Portable, Subtract};

/// An aggregator over `Option`s that leaves out `None`; see [`crate::Combine::present`].
///
/// Around [`crate::Count`] it counts what is not missing.
///
/// ```
/// # use strix_reduce::{Combine, Count, Engine, Mean, Reducer};
/// let mut reducer = Reducer::new((Count, Count.present(), Mean.present()), &Engine::cpu())?;
/// reducer.push(&[Some(1.0), None, Some(4.0)])?;
/// assert_eq!(reducer.finish(), (3, 2, Some(2.5)));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Present<A>(pub(super) A);

impl<T: Clone, A: Aggregator<T>> Aggregator<Option<T>> for Present<A> {
    type State = A::State;
    type Output = A::Output;

    fn identity(&self) -> A::State {
        self.0.identity()
    }
    #[inline(always)]
    fn lift(&self, item: &Option<T>) -> A::State {
        item.as_ref().map_or_else(|| self.0.identity(), |item| self.0.lift(item))
    }
    #[inline(always)]
    fn merge(&self, a: A::State, b: A::State) -> A::State {
        self.0.merge(a, b)
    }
    fn finish(&self, state: A::State) -> A::Output {
        self.0.finish(state)
    }
    #[inline(always)]
    fn lift_block(&self, block: &Block<'_, Option<T>>) -> A::State {
        if self.0.positional() {
            // Every item at its own place.
            return block.iter().enumerate().fold(self.0.identity(), |state, (place, item)| {
                let lifted = self.0.shift(self.lift(item), place as u64);
                self.0.merge(state, lifted)
            });
        }
        let present: Vec<T> = block.iter().flatten().cloned().collect();
        self.0.lift_block(&Block::with_facts(&present, self.0.facts()))
    }
    fn block_items(&self) -> usize {
        self.0.block_items()
    }
    #[inline(always)]
    fn reads_nan(&self, item: &Option<T>, itself: bool) -> bool {
        item.as_ref().is_some_and(|item| self.0.reads_nan(item, itself))
    }
    fn positional(&self) -> bool {
        self.0.positional()
    }
    fn shift(&self, state: A::State, places: u64) -> A::State {
        self.0.shift(state, places)
    }
}

impl<T: Clone, A: Portable<T>> Portable<Option<T>> for Present<A> {
    fn signature(&self) -> Signature {
        format!("present ({})", self.0.signature())
    }
    fn check(&self, state: &A::State, items: u64) -> Result<(), String> {
        self.0.check(state, items)
    }
}

impl<T: Clone, A: Subtract<T>> Subtract<Option<T>> for Present<A> {
    fn subtract(&self, whole: A::State, part: A::State) -> A::State {
        self.0.subtract(whole, part)
    }
}
