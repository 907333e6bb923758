//! Only some of the items.

use super::Named;
use super::gather::lift_all;
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

    forward_states!(aggregator);
    #[inline(always)]
    fn lift(&self, state: &mut A::State, item: &T) {
        self.lift_at(state, item, 0);
    }
    #[inline(always)]
    fn lift_at(&self, state: &mut A::State, item: &T, place: u64) {
        if (self.keep)(item) {
            self.aggregator.lift_at(state, item, place);
        }
    }
    fn finish(&self, state: A::State) -> A::Output {
        self.aggregator.finish(state)
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut A::State, block: &Block<'_, T>) {
        let kept = block.iter().enumerate().filter(|(_, item)| (self.keep)(item));
        lift_all(&self.aggregator, state, kept.map(|(index, item)| (index, item.clone())), block.place());
    }
    #[inline(always)]
    fn reads_nan(&self, item: &T, itself: bool) -> bool {
        (self.keep)(item) && self.aggregator.reads_nan(item, itself)
    }
}

impl<T: Clone, A: Subtract<T>, F: Fn(&T) -> bool + Send + Sync> Subtract<T> for Filter<A, F> {
    fn subtract(&self, whole: A::State, part: A::State) -> A::State {
        self.aggregator.subtract(whole, part)
    }
}
