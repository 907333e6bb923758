//! An aggregator behind a pointer, for sets of them that are chosen at run time.

use std::any::Any;
use std::sync::Arc;

use crate::state::{self, Signature};
use crate::{Aggregator, Block, Error, Facts, Portable};

/// Any aggregator of items `T` with answers `O`, its own type hidden; all have one type of state.
///
/// ```
/// # use strix_reduce::{Boxed, Engine, Max, Mean, Reducer};
/// let chosen: Vec<Boxed<f64, Option<f64>>> = vec![Boxed::new(Mean), Boxed::new(Max)];
/// let mut reducer = Reducer::new(chosen, &Engine::cpu())?;
/// reducer.push(&[1.0, 2.0, 6.0])?;
/// assert_eq!(reducer.finish(), [Some(3.0), Some(6.0)]);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
pub struct Boxed<T, O>(Arc<dyn Erased<T, O>>);

impl<T, O> Clone for Boxed<T, O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T, O> std::fmt::Debug for Boxed<T, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Boxed").field(&self.0.signature()).finish()
    }
}

impl<T: 'static, O: 'static> Boxed<T, O> {
    /// Hides the type of `aggregator`.
    pub fn new<A: Portable<T, Output = O> + 'static>(aggregator: A) -> Self {
        Self(Arc::new(aggregator))
    }

    /// What its states belong to; see [`Portable::signature`].
    pub fn signature(&self) -> Signature {
        self.0.signature()
    }

    /// A state's canonical bytes; see [`state::to_bytes`].
    ///
    /// # Errors
    /// As [`state::to_bytes`].
    pub fn to_bytes(&self, state: &BoxedState, items: u64) -> Result<Vec<u8>, Error> {
        self.0.to_bytes(state, items)
    }

    /// The state in `bytes`; see [`state::from_bytes`].
    ///
    /// # Errors
    /// As [`state::from_bytes`].
    pub fn read_bytes(&self, bytes: &[u8]) -> Result<(BoxedState, u64), Error> {
        self.0.read_bytes(bytes)
    }
}

/// A state whose type only its aggregator knows.
pub struct BoxedState(Box<dyn AnyState>);

impl Clone for BoxedState {
    fn clone(&self) -> Self {
        Self(self.0.cloned())
    }
}

impl std::fmt::Debug for BoxedState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BoxedState")
    }
}

trait AnyState: Any + Send + Sync {
    fn cloned(&self) -> Box<dyn AnyState>;
    fn as_any(&self) -> &dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<S: Clone + Send + Sync + 'static> AnyState for S {
    fn cloned(&self) -> Box<dyn AnyState> {
        Box::new(self.clone())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// The aggregator's methods over hidden states. A state of another aggregator is a bug of the caller's.
trait Erased<T, O>: Send + Sync {
    fn identity(&self) -> BoxedState;
    fn lift(&self, item: &T) -> BoxedState;
    fn merge(&self, a: BoxedState, b: BoxedState) -> BoxedState;
    fn finish(&self, state: BoxedState) -> O;
    fn lift_block(&self, block: &Block<'_, T>) -> BoxedState;
    fn block_items(&self) -> usize;
    fn facts(&self) -> Facts;
    fn positional(&self) -> bool;
    fn shift(&self, state: BoxedState, places: u64) -> BoxedState;
    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<BoxedState>>;
    fn signature(&self) -> Signature;
    fn to_bytes(&self, state: &BoxedState, items: u64) -> Result<Vec<u8>, Error>;
    fn read_bytes(&self, bytes: &[u8]) -> Result<(BoxedState, u64), Error>;
}

fn hide<S: Clone + Send + Sync + 'static>(state: S) -> BoxedState {
    BoxedState(Box::new(state))
}

fn open<T, A: Aggregator<T>>(aggregator: &A, state: BoxedState) -> A::State {
    // `(*state.0)`: the method of what is in the box, not of the box.
    match state.0.into_any().downcast::<A::State>() {
        Ok(state) => *state,
        Err(_) => {
            debug_assert!(false, "a state of another aggregator");
            aggregator.identity()
        }
    }
}

impl<T, A: Portable<T>> Erased<T, A::Output> for A {
    fn identity(&self) -> BoxedState {
        hide(Aggregator::identity(self))
    }
    fn lift(&self, item: &T) -> BoxedState {
        hide(Aggregator::lift(self, item))
    }
    fn merge(&self, a: BoxedState, b: BoxedState) -> BoxedState {
        hide(Aggregator::merge(self, open(self, a), open(self, b)))
    }
    fn finish(&self, state: BoxedState) -> A::Output {
        Aggregator::finish(self, open(self, state))
    }
    fn lift_block(&self, block: &Block<'_, T>) -> BoxedState {
        // Behind the pointer nothing is inlined into the caller, so the vector unit is chosen here.
        hide(crate::cpu::lift(self, block))
    }
    fn block_items(&self) -> usize {
        Aggregator::block_items(self)
    }
    fn facts(&self) -> Facts {
        Aggregator::facts(self)
    }
    fn positional(&self) -> bool {
        Aggregator::positional(self)
    }
    fn shift(&self, state: BoxedState, places: u64) -> BoxedState {
        if Aggregator::positional(self) { hide(Aggregator::shift(self, open(self, state), places)) } else { state }
    }
    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<BoxedState>> {
        Aggregator::gpu(self).map(|half| half.map(hide))
    }
    fn signature(&self) -> Signature {
        Portable::signature(self)
    }
    fn to_bytes(&self, state: &BoxedState, items: u64) -> Result<Vec<u8>, Error> {
        let state = (*state.0).as_any().downcast_ref::<A::State>();
        let state =
            state.ok_or_else(|| Error::State(format!("it does not belong to {}", Portable::signature(self))))?;
        state::to_bytes(self, state, items)
    }
    fn read_bytes(&self, bytes: &[u8]) -> Result<(BoxedState, u64), Error> {
        let (state, items) = state::from_bytes(self, bytes)?;
        Ok((hide(state), items))
    }
}

impl<T, O> Aggregator<T> for Boxed<T, O> {
    type State = BoxedState;
    type Output = O;

    fn identity(&self) -> BoxedState {
        self.0.identity()
    }
    fn lift(&self, item: &T) -> BoxedState {
        self.0.lift(item)
    }
    fn merge(&self, a: BoxedState, b: BoxedState) -> BoxedState {
        self.0.merge(a, b)
    }
    fn finish(&self, state: BoxedState) -> O {
        self.0.finish(state)
    }
    fn lift_block(&self, block: &Block<'_, T>) -> BoxedState {
        self.0.lift_block(block)
    }
    fn block_items(&self) -> usize {
        self.0.block_items()
    }
    fn facts(&self) -> Facts {
        self.0.facts()
    }
    fn positional(&self) -> bool {
        self.0.positional()
    }
    fn shift(&self, state: BoxedState, places: u64) -> BoxedState {
        self.0.shift(state, places)
    }
    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<BoxedState>> {
        self.0.gpu()
    }
}
