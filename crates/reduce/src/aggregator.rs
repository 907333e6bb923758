//! The one idea of Strix: an aggregation is a commutative monoid with a door at each end.
//!
//! `identity` is the empty state, `lift` takes an item into a state, `merge` another state, and `finish` reads the answer
//! out. States are updated where they lie. Whatever has that shape runs in pieces, in any order, on any device.
//!
//! # The laws
//!
//! For all states `a`, `b`, `c` that came from lifting and merging, where `a + b` is `a` with `b` merged in, and `e` is
//! `identity()`:
//!
//! * identity: `e + a` and `a + e` are `a`;
//! * associativity: `(a + b) + c` is `a + (b + c)`;
//! * commutativity: `a + b` is `b + a`;
//! * lifting: `a` with an item lifted into it is `a + (e with the item lifted into it)`;
//! * splitting: cutting the items anywhere, in any number of pieces, and merging the pieces'
//!   states gives the state of one pass;
//! * emptiness: `finish(identity())` says that there is no value.
//!
//! "Is" means equal bits where the aggregator is exact (counts, extremes, all integers), and within
//! its documented bound where it rounds. [`crate::testkit`] checks them on any aggregator.

use crate::{Block, Facts};

/// A mergeable aggregation of items of type `T`.
///
/// # Example
/// A user's own aggregator, the longest item, on exactly the path of the built-in ones:
/// ```
/// use strix_reduce::{Aggregator, Engine, Reducer};
///
/// struct Longest;
/// impl Aggregator<u32> for Longest {
///     type State = Option<u32>;
///     type Output = Option<u32>;
///     fn identity(&self) -> Self::State { None }
///     fn lift(&self, state: &mut Self::State, item: &u32) { *state = (*state).max(Some(u32::BITS - item.leading_zeros())) }
///     fn merge(&self, state: &mut Self::State, other: Self::State) { *state = (*state).max(other) }
///     fn finish(&self, state: Self::State) -> Self::Output { state }
/// }
///
/// let mut reducer = Reducer::new(Longest, &Engine::cpu())?;
/// reducer.push(&[5, 1000, 7])?;
/// assert_eq!(reducer.finish(), Some(10)); // 1000 takes ten bits
/// # Ok::<(), strix_reduce::Error>(())
/// ```
pub trait Aggregator<T>: Send + Sync {
    /// What is known of the items seen so far. Not the answer: a mean's state is a sum and a count.
    type State: Clone + Send + Sync + 'static;
    /// The answer.
    type Output;

    /// The state of no items.
    fn identity(&self) -> Self::State;

    /// Takes an item into a state.
    fn lift(&self, state: &mut Self::State, item: &T);

    /// Takes the items of another state into a state. Both are this aggregator's.
    ///
    /// # Panics
    /// A built-in aggregator panics, in a release build too, when it is given a state of other parameters, such as another
    /// number of bins: that is an error of the program's, and merging it would give a wrong answer silently. So do
    /// [`Aggregator::finish`] and [`Aggregator::shift`]. Bytes of another aggregator are an [`crate::Error`] instead, see
    /// [`crate::state::from_bytes`].
    fn merge(&self, state: &mut Self::State, other: Self::State);

    /// The answer that a state holds.
    fn finish(&self, state: Self::State) -> Self::Output;

    /// Takes the item at `place`, of how many came before it, into a state. Only a
    /// [positional](Aggregator::positional) aggregator has anything to do with the place.
    #[inline(always)]
    fn lift_at(&self, state: &mut Self::State, item: &T, _place: u64) {
        self.lift(state, item);
    }

    /// Takes a block of items into a state: one pass at full speed.
    ///
    /// The engine hands over at most [`Aggregator::block_items`] items; a [`Block`] derefs to their
    /// slice. Override it where a tight loop beats lifting one by one; mark the loop
    /// `#[inline(always)]`, so that it compiles for the vector unit that the engine found.
    #[inline(always)]
    fn lift_block(&self, state: &mut Self::State, block: &Block<'_, T>) {
        for (place, item) in (block.place()..).zip(block.iter()) {
            self.lift_at(state, item, place);
        }
    }

    /// Takes the items of a block into the states of their groups: item i into `states[groups[i]]`.
    #[inline]
    fn lift_groups(&self, states: &mut [Self::State], block: &Block<'_, T>, groups: &[u32]) {
        for (place, (item, &group)) in (block.place()..).zip(block.iter().zip(groups)) {
            self.lift_at(&mut states[group as usize], item, place);
        }
    }

    /// Whether many items are better dealt out by what they are, as [`crate::ByKey`] does where there are many groups, than
    /// cut into runs whose states are merged.
    fn deals(&self, _state: &Self::State, _items: &[T]) -> bool {
        false
    }

    /// Takes many items into a state, the first of them at `place`, on all threads; only where the aggregator
    /// [deals them out](Aggregator::deals). The bits must not depend on the number of threads.
    fn lift_dealt(&self, state: &mut Self::State, items: &[T], place: u64) {
        self.lift_block(state, &Block::new(items).at(place));
    }

    /// The state of these items, the first of them at place 0.
    fn state_of(&self, items: &[T]) -> Self::State {
        let mut state = self.identity();
        self.lift_block(&mut state, &Block::new(items));
        state
    }

    /// How many items a block holds at most. One whose cost is by the block and not by the item, such as
    /// [`crate::ByKey`], asks for longer ones.
    fn block_items(&self) -> usize {
        crate::cpu::BLOCK
    }

    /// The facts of a block that this aggregator reads, so that one loop computes them for all.
    fn facts(&self) -> Facts {
        Facts::NONE
    }

    /// Whether it reads a NaN from an item, which is one where `itself` says so: one that maps rows to their prices may read
    /// one from a row, which is none, or none from a NaN. To the [`crate::NanPolicy`] an item that several aggregators read is
    /// left out as a whole where one of them reads a NaN, as a pair is with a NaN in it.
    #[inline(always)]
    fn reads_nan(&self, _item: &T, itself: bool) -> bool {
        itself
    }

    /// Whether the answer depends on where the items were, as that of [`crate::First`] does. Such an aggregator has a
    /// [`Aggregator::lift_at`] of its own, and a [`Aggregator::shift`]; `lift` puts an item at place 0.
    fn positional(&self) -> bool {
        false
    }

    /// Moves the items of a state `places` back, before it is merged after so many others: merging itself is commutative.
    /// Only a [positional](Aggregator::positional) aggregator has anything to do here.
    fn shift(&self, _state: &mut Self::State, _places: u64) {}

    /// The aggregator's GPU half: its WGSL, and how to read its state back. `None`, the default,
    /// keeps the aggregator on the CPU.
    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
        None
    }
}
