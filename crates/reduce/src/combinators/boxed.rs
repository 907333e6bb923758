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
        self.check(&state.signature);
        state.state
    }

    /// The same where it lies.
    #[inline(always)]
    fn peek<'a>(&self, state: &'a mut BoxedState) -> &'a mut dyn AnyState {
        self.check(&state.signature);
        &mut *state.state
    }

    #[inline(always)]
    fn check(&self, found: &Arc<str>) {
        let own = &self.signature;
        assert!(
            Arc::ptr_eq(own, found) || own == found,
            "a state of {found} is not one of {own}; merge states of equal aggregators"
        );
    }
}

/// The states of many groups, one after the other: what an engine holds that groups rows by number. Each costs its own
/// bytes alone, where a [`BoxedState`] is two pointers and an allocation more.
impl<T, O> Boxed<T, O> {
    /// The states of no groups.
    pub fn groups(&self) -> BoxedGroups {
        BoxedGroups(self.hide(self.aggregator.groups()))
    }

    /// Adds the empty states of groups, up to that many in all.
    pub fn grow(&self, groups: &mut BoxedGroups, count: usize) {
        self.aggregator.grow(self.peek(&mut groups.0), count);
    }

    /// Takes the items of a block, one by one, into the states of their groups: item i into that of group `numbers[i]`.
    /// Where there are many items of each group, it costs less to gather them first ([`Boxed::lift_group`]).
    ///
    /// # Panics
    /// When a number is no group.
    pub fn lift_groups(&self, groups: &mut BoxedGroups, block: &Block<'_, T>, numbers: &[u32]) {
        self.aggregator.lift_groups(self.peek(&mut groups.0), block, numbers);
    }

    /// Takes a block of items into the state of one group.
    ///
    /// # Panics
    /// When the number is no group.
    pub fn lift_group(&self, groups: &mut BoxedGroups, block: &Block<'_, T>, number: usize) {
        self.aggregator.lift_group(self.peek(&mut groups.0), block, number);
    }

    /// Takes the states of other groups in: group i of `others` into group `numbers[i]`.
    ///
    /// # Panics
    /// When a number is no group.
    pub fn merge_groups(&self, groups: &mut BoxedGroups, others: BoxedGroups, numbers: &[u32]) {
        let others = self.open(others.0);
        self.aggregator.merge_groups(self.peek(&mut groups.0), others, numbers);
    }

    /// Hands the answer of each group over, in the order of their numbers.
    pub fn finish_groups(&self, groups: BoxedGroups, take: &mut dyn FnMut(O)) {
        self.aggregator.finish_groups(self.open(groups.0), take);
    }

    /// The state of each group.
    pub fn states(&self, groups: BoxedGroups) -> Vec<BoxedState> {
        self.aggregator.states(self.open(groups.0)).into_iter().map(|state| self.hide(state)).collect()
    }
}

/// States of groups from which on room is made for four times as many.
const GROWN: usize = 1 << 12;

/// The states of many groups; see [`Boxed::groups`].
#[derive(Debug, Clone)]
pub struct BoxedGroups(BoxedState);

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
    fn as_any_mut(&mut self) -> &mut dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

impl<S: Clone + Send + Sync + 'static> AnyState for S {
    fn cloned(&self) -> Hidden {
        Box::new(self.clone())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

/// The aggregator's methods over hidden states, all of them its own.
trait Erased<T, O>: Send + Sync {
    fn identity(&self) -> Hidden;
    fn lift_at(&self, state: &mut dyn AnyState, item: &T, place: u64);
    fn merge(&self, state: &mut dyn AnyState, other: Hidden);
    fn finish(&self, state: Hidden) -> O;
    fn lift_block(&self, state: &mut dyn AnyState, block: &Block<'_, T>);
    fn block_items(&self) -> usize;
    fn facts(&self) -> Facts;
    fn reads_nan(&self, item: &T, itself: bool) -> bool;
    fn positional(&self) -> bool;
    fn shift(&self, state: &mut dyn AnyState, places: u64);
    fn groups(&self) -> Hidden;
    fn grow(&self, groups: &mut dyn AnyState, count: usize);
    fn lift_groups(&self, groups: &mut dyn AnyState, block: &Block<'_, T>, numbers: &[u32]);
    fn lift_group(&self, groups: &mut dyn AnyState, block: &Block<'_, T>, number: usize);
    fn merge_groups(&self, groups: &mut dyn AnyState, others: Hidden, numbers: &[u32]);
    fn finish_groups(&self, groups: Hidden, take: &mut dyn FnMut(O));
    fn states(&self, groups: Hidden) -> Vec<Hidden>;
    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Hidden>>;
    fn to_bytes(&self, state: &dyn AnyState, items: u64) -> Result<Vec<u8>, Error>;
    fn read_bytes(&self, bytes: &[u8]) -> Result<(Hidden, u64), Error>;
}

fn hide<S: Clone + Send + Sync + 'static>(state: S) -> Hidden {
    Box::new(state)
}

/// What is hidden: the state of `aggregator`, or the states of groups.
fn open<S: 'static, T, A: Portable<T>>(aggregator: &A, state: Hidden) -> S {
    // `(*state)`: the method of what is in the box, not of the box.
    match state.into_any().downcast::<S>() {
        Ok(state) => *state,
        Err(_) => panic!("{}", another_type(aggregator)),
    }
}

/// The same where it lies.
#[inline(always)]
fn peek<'a, S: 'static, T, A: Portable<T>>(aggregator: &A, state: &'a mut dyn AnyState) -> &'a mut S {
    match state.as_any_mut().downcast_mut::<S>() {
        Some(state) => state,
        None => panic!("{}", another_type(aggregator)),
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
    fn lift_at(&self, state: &mut dyn AnyState, item: &T, place: u64) {
        Aggregator::lift_at(self, peek(self, state), item, place);
    }
    fn merge(&self, state: &mut dyn AnyState, other: Hidden) {
        Aggregator::merge(self, peek(self, state), open(self, other));
    }
    fn finish(&self, state: Hidden) -> A::Output {
        Aggregator::finish(self, open(self, state))
    }
    fn lift_block(&self, state: &mut dyn AnyState, block: &Block<'_, T>) {
        // Behind the pointer nothing is inlined into the caller, so the vector unit is chosen here.
        crate::cpu::lift(self, peek(self, state), block);
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
    fn shift(&self, state: &mut dyn AnyState, places: u64) {
        Aggregator::shift(self, peek(self, state), places);
    }
    fn groups(&self) -> Hidden {
        hide(Vec::<A::State>::new())
    }
    fn grow(&self, groups: &mut dyn AnyState, count: usize) {
        let states: &mut Vec<A::State> = peek(self, groups);
        if count > states.len() {
            if count > states.capacity() && count > GROWN {
                // Far ahead: to move millions of states costs more than room that nobody has touched.
                states.reserve_exact(4 * count - states.len());
            }
            states.resize_with(count, || Aggregator::identity(self));
        }
    }
    fn lift_groups(&self, groups: &mut dyn AnyState, block: &Block<'_, T>, numbers: &[u32]) {
        let states: &mut Vec<A::State> = peek(self, groups);
        // One by one there is nothing for a vector unit to do.
        Aggregator::lift_groups(self, states, block, numbers);
    }
    fn lift_group(&self, groups: &mut dyn AnyState, block: &Block<'_, T>, number: usize) {
        let states: &mut Vec<A::State> = peek(self, groups);
        // By the function that is there already: each is compiled for several vector units.
        Erased::lift_block(self, &mut states[number], block);
    }
    fn merge_groups(&self, groups: &mut dyn AnyState, others: Hidden, numbers: &[u32]) {
        let states: &mut Vec<A::State> = peek(self, groups);
        let others: Vec<A::State> = open(self, others);
        for (other, &number) in others.into_iter().zip(numbers) {
            Aggregator::merge(self, &mut states[number as usize], other);
        }
    }
    fn finish_groups(&self, groups: Hidden, take: &mut dyn FnMut(A::Output)) {
        let states: Vec<A::State> = open(self, groups);
        states.into_iter().for_each(|state| take(Aggregator::finish(self, state)));
    }
    fn states(&self, groups: Hidden) -> Vec<Hidden> {
        let states: Vec<A::State> = open(self, groups);
        states.into_iter().map(hide).collect()
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
    fn lift(&self, state: &mut BoxedState, item: &T) {
        self.lift_at(state, item, 0);
    }
    fn lift_at(&self, state: &mut BoxedState, item: &T, place: u64) {
        self.aggregator.lift_at(self.peek(state), item, place);
    }
    fn merge(&self, state: &mut BoxedState, other: BoxedState) {
        let other = self.open(other);
        self.aggregator.merge(self.peek(state), other);
    }
    fn finish(&self, state: BoxedState) -> O {
        self.aggregator.finish(self.open(state))
    }
    fn lift_block(&self, state: &mut BoxedState, block: &Block<'_, T>) {
        self.aggregator.lift_block(self.peek(state), block);
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
    fn shift(&self, state: &mut BoxedState, places: u64) {
        self.aggregator.shift(self.peek(state), places);
    }
    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<BoxedState>> {
        let signature = self.signature.clone();
        let half = self.aggregator.gpu()?;
        Some(half.map(move |state| BoxedState { signature: signature.clone(), state }))
    }
}
