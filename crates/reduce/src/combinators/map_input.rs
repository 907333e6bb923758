//! Items of another type.

use std::marker::PhantomData;

use super::Named;
use crate::{Aggregator, Block, Item, Subtract};

/// An aggregator that takes its items through a function; see [`crate::Combine::map_input`]. What the function gives is an
/// [`Item`], so that the [`crate::NanPolicy`] applies to it.
#[derive(Debug, Clone, Copy)]
pub struct MapInput<A, F, T> {
    aggregator: A,
    f: F,
    item: PhantomData<fn() -> T>,
}

impl<A, F, T> MapInput<A, F, T> {
    pub(super) fn new(aggregator: A, f: F) -> Self {
        Self { aggregator, f, item: PhantomData }
    }

    pub(super) fn inner(&self) -> &A {
        &self.aggregator
    }

    /// The same, its function named, so that states of it can be stored; see [`Named`].
    pub fn named(self, name: &str) -> Named<Self> {
        Named::new(self, name)
    }
}

impl<S, T: Item, A: Aggregator<T>, F: Fn(&S) -> T + Send + Sync> Aggregator<S> for MapInput<A, F, T> {
    type State = A::State;
    type Output = A::Output;

    fn identity(&self) -> A::State {
        self.aggregator.identity()
    }
    #[inline(always)]
    fn lift(&self, item: &S) -> A::State {
        self.aggregator.lift(&(self.f)(item))
    }
    #[inline(always)]
    fn merge(&self, a: A::State, b: A::State) -> A::State {
        self.aggregator.merge(a, b)
    }
    fn finish(&self, state: A::State) -> A::Output {
        self.aggregator.finish(state)
    }
    #[inline(always)]
    fn lift_block(&self, block: &Block<'_, S>) -> A::State {
        let mapped: Vec<T> = block.iter().map(&self.f).collect();
        self.aggregator.lift_block(&Block::with_facts(&mapped, self.aggregator.facts()))
    }
    fn block_items(&self) -> usize {
        self.aggregator.block_items()
    }
    #[inline(always)]
    fn reads_nan(&self, item: &S, _itself: bool) -> bool {
        let mapped = (self.f)(item);
        self.aggregator.reads_nan(&mapped, mapped.is_nan())
    }
    fn positional(&self) -> bool {
        self.aggregator.positional()
    }
    fn shift(&self, state: A::State, places: u64) -> A::State {
        self.aggregator.shift(state, places)
    }
}

impl<S, T: Item, A: Subtract<T>, F: Fn(&S) -> T + Send + Sync> Subtract<S> for MapInput<A, F, T> {
    fn subtract(&self, whole: A::State, part: A::State) -> A::State {
        self.aggregator.subtract(whole, part)
    }
}
