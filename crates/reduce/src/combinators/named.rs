//! Functions with a name, so that states of what goes through them can be stored.

use super::{Filter, MapInput};
use crate::state::Signature;
use crate::{Aggregator, Block, Facts, Item, Portable, Subtract};

/// An aggregator whose function has a name: two that bear one name merge their states, so give one name to one function.
///
/// ```
/// use strix_reduce::{Combine, Mean, Portable};
///
/// let by_shop = Mean
///     .map_input(|sale: &(u8, f64)| sale.1)
///     .named("price")
///     .by_key(|sale: &(u8, f64)| sale.0)
///     .named("shop");
/// assert_eq!(by_shop.signature(), "(mean of f64 of input price) by shop of u8");
/// ```
#[derive(Debug, Clone)]
pub struct Named<A> {
    aggregator: A,
    name: String,
}

impl<A> Named<A> {
    pub(super) fn new(aggregator: A, name: &str) -> Self {
        Self { aggregator, name: name.into() }
    }

    pub(super) fn inner(&self) -> &A {
        &self.aggregator
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl<T, A: Aggregator<T>> Aggregator<T> for Named<A> {
    type State = A::State;
    type Output = A::Output;

    forward_states!(aggregator);
    forward_items!(T, aggregator);
    fn finish(&self, state: A::State) -> A::Output {
        self.aggregator.finish(state)
    }
}

impl<T, A: Subtract<T>> Subtract<T> for Named<A> {
    fn subtract(&self, whole: A::State, part: A::State) -> A::State {
        self.aggregator.subtract(whole, part)
    }
}

impl<S, T, A, F> Portable<S> for Named<MapInput<A, F, T>>
where
    T: Item,
    A: Portable<T>,
    F: Fn(&S) -> T + Send + Sync,
{
    fn signature(&self) -> Signature {
        format!("{} of input {}", self.aggregator.inner().signature(), self.name)
    }
    fn check(&self, state: &A::State, items: u64) -> Result<(), String> {
        self.aggregator.inner().check(state, items)
    }
}

impl<T, A, F> Portable<T> for Named<Filter<A, F>>
where
    T: Clone,
    A: Portable<T>,
    F: Fn(&T) -> bool + Send + Sync,
{
    fn signature(&self) -> Signature {
        format!("{} where {}", self.aggregator.inner().signature(), self.name)
    }
    fn check(&self, state: &A::State, items: u64) -> Result<(), String> {
        self.aggregator.inner().check(state, items)
    }
}
