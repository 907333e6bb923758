//! Only some of the items.

use super::Named;
use crate::{Aggregator, Block, Subtract};

/// An aggregator that leaves out the items of which a function is false; see [`crate::Combine::filter`].
#[derive(Debug, Clone, Copy)]
pub struct Filter<A, F> {
    aggregator: A,
    keep: F,
}

impl<A, F> Filter<A, F> {
    pub(super) fn new(aggregator: A, keep: F) -> Self {
        Self { aggregator, keep }
    }

    pub(super) fn inner(&self) -> &A {
        &self.aggregator
    }

    /// The same, its function named, so that states of it can be stored; see [`Named`].
    pub fn named(self, name: &str) -> Named<Self> {
        Named::new(self, name)
    }
}

impl<T: Clone, A: Aggregator<T>, F: Fn(&T) -> bool + Send + Sync> Aggregator<T> for Filter<A, F> {
    type State = A::State;
    type Output = A::Output;

    fn identity(&self) -> A::State {
        self.aggregator.identity()
    }
    #[inline(always)]
    fn lift(&self, item: &T) -> A::State {
        if (self.keep)(item) { self.aggregator.lift(item) } else { self.aggregator.identity() }
    }
    #[inline(always)]
    fn merge(&self, a: A::State, b: A::State) -> A::State {
        self.aggregator.merge(a, b)
    }
    fn finish(&self, state: A::State) -> A::Output {
        self.aggregator.finish(state)
    }
    #[inline(always)]
    fn lift_block(&self, block: &Block<'_, T>) -> A::State {
        if self.aggregator.positional() {
            // Every item at its own place.
            return block.iter().enumerate().filter(|(_, item)| (self.keep)(item)).fold(
                self.aggregator.identity(),
                |state, (place, item)| {
                    let lifted = self.aggregator.shift(self.aggregator.lift(item), place as u64);
                    self.aggregator.merge(state, lifted)
                },
            );
        }
        let kept: Vec<T> = block.iter().filter(|item| (self.keep)(item)).cloned().collect();
        self.aggregator.lift_block(&Block::with_facts(&kept, self.aggregator.facts()))
    }
    fn block_items(&self) -> usize {
        self.aggregator.block_items()
    }
    #[inline(always)]
    fn reads_nan(&self, item: &T, itself: bool) -> bool {
        (self.keep)(item) && self.aggregator.reads_nan(item, itself)
    }
    fn positional(&self) -> bool {
        self.aggregator.positional()
    }
    fn shift(&self, state: A::State, places: u64) -> A::State {
        self.aggregator.shift(state, places)
    }
}

impl<T: Clone, A: Subtract<T>, F: Fn(&T) -> bool + Send + Sync> Subtract<T> for Filter<A, F> {
    fn subtract(&self, whole: A::State, part: A::State) -> A::State {
        self.aggregator.subtract(whole, part)
    }
}
