//! Items of another type.

use std::marker::PhantomData;

use super::Named;
use super::gather::lift_all;
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

    forward_states!(aggregator);
    #[inline(always)]
    fn lift(&self, state: &mut A::State, item: &S) {
        self.lift_at(state, item, 0);
    }
    #[inline(always)]
    fn lift_at(&self, state: &mut A::State, item: &S, place: u64) {
        self.aggregator.lift_at(state, &(self.f)(item), place);
    }
    fn finish(&self, state: A::State) -> A::Output {
        self.aggregator.finish(state)
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut A::State, block: &Block<'_, S>) {
        let mapped = block.iter().enumerate().map(|(index, item)| (index, (self.f)(item)));
        lift_all(&self.aggregator, state, mapped, block.place());
    }
    #[inline(always)]
    fn reads_nan(&self, item: &S, _itself: bool) -> bool {
        let mapped = (self.f)(item);
        self.aggregator.reads_nan(&mapped, mapped.is_nan())
    }
}

impl<S, T: Item, A: Subtract<T>, F: Fn(&S) -> T + Send + Sync> Subtract<S> for MapInput<A, F, T> {
    fn subtract(&self, whole: A::State, part: A::State) -> A::State {
        self.aggregator.subtract(whole, part)
    }
}
