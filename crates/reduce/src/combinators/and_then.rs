//! Another answer from the same state.

use std::marker::PhantomData;

use crate::state::Signature;
use crate::{Aggregator, Block, Facts, Portable, Subtract};

/// An aggregator whose answer goes through a function; see [`crate::Combine::and_then`].
///
/// Its state is the aggregator's own, and stored as such.
#[derive(Debug, Clone, Copy)]
pub struct AndThen<A, F, T> {
    aggregator: A,
    f: F,
    item: PhantomData<fn() -> T>,
}

impl<A, F, T> AndThen<A, F, T> {
    pub(super) fn new(aggregator: A, f: F) -> Self {
        Self { aggregator, f, item: PhantomData }
    }
}

impl<T, R, A: Aggregator<T>, F: Fn(A::Output) -> R + Send + Sync> Aggregator<T> for AndThen<A, F, T> {
    type State = A::State;
    type Output = R;

    forward_states!(aggregator);
    forward_items!(T, aggregator);
    fn finish(&self, state: A::State) -> R {
        (self.f)(self.aggregator.finish(state))
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<A::State>> {
        self.aggregator.gpu()
    }
}

impl<T, R, A: Portable<T>, F: Fn(A::Output) -> R + Send + Sync> Portable<T> for AndThen<A, F, T> {
    fn signature(&self) -> Signature {
        self.aggregator.signature()
    }
    fn check(&self, state: &A::State, items: u64) -> Result<(), String> {
        self.aggregator.check(state, items)
    }
}

impl<T, R, A: Subtract<T>, F: Fn(A::Output) -> R + Send + Sync> Subtract<T> for AndThen<A, F, T> {
    fn subtract(&self, whole: A::State, part: A::State) -> A::State {
        self.aggregator.subtract(whole, part)
    }
}
