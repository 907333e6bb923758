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
pub struct Boxed<T, O> {
    aggregator: Arc<dyn Erased<T, O>>,
    /// Of the aggregator, and of all its states.
    signature: Arc<str>,
}

impl<T, O> Clone for Boxed<T, O> {
    fn clone(&self) -> Self {
        Self { aggregator: self.aggregator.clone(), signature: self.signature.clone() }
    }
}

impl<T, O> std::fmt::Debug for Boxed<T, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Boxed").field(&self.signature).finish()
    }
}

impl<T: 'static, O: 'static> Boxed<T, O> {
    /// Hides the type of `aggregator`.
    pub fn new<A: Portable<T, Output = O> + 'static>(aggregator: A) -> Self {
        let signature = aggregator.signature().into();
        Self { aggregator: Arc::new(aggregator), signature }
    }

    /// What its states belong to; see [`Portable::signature`].
    pub fn signature(&self) -> Signature {
        self.signature.to_string()
    }

    /// A state's canonical bytes; see [`state::to_bytes`].
    ///
    /// # Errors
    /// As [`state::to_bytes`].
    pub fn to_bytes(&self, state: &BoxedState, items: u64) -> Result<Vec<u8>, Error> {
        if state.signature != self.signature {
            return Err(Error::State(format!("it belongs to {}, not to {}", state.signature, self.signature)));
        }
        self.aggregator.to_bytes(&*state.state, items)
    }

    /// The state in `bytes`; see [`state::from_bytes`].
    ///
    /// # Errors
    /// As [`state::from_bytes`].
    pub fn read_bytes(&self, bytes: &[u8]) -> Result<(BoxedState, u64), Error> {
        let (state, items) = self.aggregator.read_bytes(bytes)?;
        Ok((self.hide(state), items))
    }
}

impl<T, O> Boxed<T, O> {
    fn hide(&self, state: Hidden) -> BoxedState {
        BoxedState { signature: self.signature.clone(), state }
    }

    /// What is in the box, if it is of this aggregator.
    fn open(&self, state: BoxedState) -> Hidden {
        let (own, found) = (&self.signature, &state.signature);
        assert!(
            Arc::ptr_eq(own, found) || own == found,
            "a state of {found} is not one of {own}; merge states of equal aggregators"
        );
        state.state
    }
}

/// A state whose type only its aggregator knows; it knows whose it is.
pub struct BoxedState {
    signature: Arc<str>,
    state: Hidden,
}

impl Clone for BoxedState {
    fn clone(&self) -> Self {
        // `(*..)`: the method of what is in the box, not of the box.
        Self { signature: self.signature.clone(), state: (*self.state).cloned() }
    }
}

impl std::fmt::Debug for BoxedState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("BoxedState").field(&self.signature).finish()
    }
}

type Hidden = Box<dyn AnyState>;

trait AnyState: Any + Send + Sync {
    fn cloned(&self) -> Hidden;
    fn as_any(&self) -> &dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<S: Clone + Send + Sync + 'static> AnyState for S {
    fn cloned(&self) -> Hidden {
        Box::new(self.clone())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// The aggregator's methods over hidden states, all of them its own.
trait Erased<T, O>: Send + Sync {
    fn identity(&self) -> Hidden;
    fn lift(&self, item: &T) -> Hidden;
    fn merge(&self, a: Hidden, b: Hidden) -> Hidden;
    fn finish(&self, state: Hidden) -> O;
    fn lift_block(&self, block: &Block<'_, T>) -> Hidden;
    fn block_items(&self) -> usize;
    fn facts(&self) -> Facts;
    fn reads_nan(&self, item: &T, itself: bool) -> bool;
    fn positional(&self) -> bool;
    fn shift(&self, state: Hidden, places: u64) -> Hidden;
    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Hidden>>;
    fn to_bytes(&self, state: &dyn AnyState, items: u64) -> Result<Vec<u8>, Error>;
    fn read_bytes(&self, bytes: &[u8]) -> Result<(Hidden, u64), Error>;
}

fn hide<S: Clone + Send + Sync + 'static>(state: S) -> Hidden {
    Box::new(state)
}

fn open<T, A: Portable<T>>(aggregator: &A, state: Hidden) -> A::State {
    // `(*state)`: the method of what is in the box, not of the box.
    match state.into_any().downcast::<A::State>() {
        Ok(state) => *state,
        Err(_) => panic!("{}", another_type(aggregator)),
    }
}

fn another_type<T, A: Portable<T>>(aggregator: &A) -> String {
    format!(
        "a state of another type says that it is one of {}; give one signature to one aggregator",
        aggregator.signature()
    )
}

impl<T, A: Portable<T>> Erased<T, A::Output> for A {
    fn identity(&self) -> Hidden {
        hide(Aggregator::identity(self))
    }
    fn lift(&self, item: &T) -> Hidden {
        hide(Aggregator::lift(self, item))
    }
    fn merge(&self, a: Hidden, b: Hidden) -> Hidden {
        hide(Aggregator::merge(self, open(self, a), open(self, b)))
    }
    fn finish(&self, state: Hidden) -> A::Output {
        Aggregator::finish(self, open(self, state))
    }
    fn lift_block(&self, block: &Block<'_, T>) -> Hidden {
        // Behind the pointer nothing is inlined into the caller, so the vector unit is chosen here.
        hide(crate::cpu::lift(self, block))
    }
    fn block_items(&self) -> usize {
        Aggregator::block_items(self)
    }
    fn facts(&self) -> Facts {
        Aggregator::facts(self)
    }
    fn reads_nan(&self, item: &T, itself: bool) -> bool {
        Aggregator::reads_nan(self, item, itself)
    }
    fn positional(&self) -> bool {
        Aggregator::positional(self)
    }
    fn shift(&self, state: Hidden, places: u64) -> Hidden {
        if Aggregator::positional(self) { hide(Aggregator::shift(self, open(self, state), places)) } else { state }
    }
    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Hidden>> {
        Aggregator::gpu(self).map(|half| half.map(hide))
    }
    fn to_bytes(&self, state: &dyn AnyState, items: u64) -> Result<Vec<u8>, Error> {
        let state = state.as_any().downcast_ref::<A::State>();
        state::to_bytes(self, state.ok_or_else(|| Error::State(another_type(self)))?, items)
    }
    fn read_bytes(&self, bytes: &[u8]) -> Result<(Hidden, u64), Error> {
        let (state, items) = state::from_bytes(self, bytes)?;
        Ok((hide(state), items))
    }
}

impl<T, O> Aggregator<T> for Boxed<T, O> {
    type State = BoxedState;
    type Output = O;

    fn identity(&self) -> BoxedState {
        self.hide(self.aggregator.identity())
    }
    fn lift(&self, item: &T) -> BoxedState {
        self.hide(self.aggregator.lift(item))
    }
    fn merge(&self, a: BoxedState, b: BoxedState) -> BoxedState {
        self.hide(self.aggregator.merge(self.open(a), self.open(b)))
    }
    fn finish(&self, state: BoxedState) -> O {
        self.aggregator.finish(self.open(state))
    }
    fn lift_block(&self, block: &Block<'_, T>) -> BoxedState {
        self.hide(self.aggregator.lift_block(block))
    }
    fn block_items(&self) -> usize {
        self.aggregator.block_items()
    }
    fn facts(&self) -> Facts {
        self.aggregator.facts()
    }
    fn reads_nan(&self, item: &T, itself: bool) -> bool {
        self.aggregator.reads_nan(item, itself)
    }
    fn positional(&self) -> bool {
        self.aggregator.positional()
    }
    fn shift(&self, state: BoxedState, places: u64) -> BoxedState {
        self.hide(self.aggregator.shift(self.open(state), places))
    }
    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<BoxedState>> {
        let signature = self.signature.clone();
        let half = self.aggregator.gpu()?;
        Some(half.map(move |state| BoxedState { signature: signature.clone(), state }))
    }
}
