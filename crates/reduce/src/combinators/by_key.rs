//! Grouping: an aggregator whose state is a map of states.

use std::collections::BTreeMap;
use std::hash::Hash;

use super::Named;
use super::groups::{Dealt, Groups};
use crate::cpu::{each, each_mut, lift_into, lift_rows};
use crate::state::check_count;
use crate::{Aggregator, Block, Label, Portable};

/// An aggregator of each group of items; see [`crate::Combine::by_key`]. The answer maps each key to its
/// group's answer, in the order of the keys.
///
/// Where a block has many items of each group, they are put in the order of their groups first, so that every group goes
/// through the aggregator's own fast loop. Many items of many groups are dealt out by the hashes of their keys, so that no two
/// threads have states of one group.
#[derive(Debug, Clone, Copy)]
pub struct ByKey<A, F> {
    aggregator: A,
    key: F,
}

/// Groups among [`SAMPLE`] items from which on they are dealt out by their keys; fewer are merged at no cost to speak of.
const DEALT: usize = 1024;
const SAMPLE: usize = 1 << 13;
/// Items that are dealt out at once, and those of a task.
const PIECE: usize = 1 << 20;
const RUN: usize = 1 << 16;

impl<A, F> ByKey<A, F> {
    pub(super) fn new(aggregator: A, key: F) -> Self {
        Self { aggregator, key }
    }

    /// The same, its key named, so that states of it can be stored; see [`Named`].
    pub fn named(self, name: &str) -> Named<Self> {
        Named::new(self, name)
    }
}

impl<T, K, A, F> Aggregator<T> for ByKey<A, F>
where
    T: Clone + Sync,
    K: Hash + Ord + Clone + Send + Sync + 'static,
    A: Aggregator<T>,
    F: Fn(&T) -> K + Send + Sync,
{
    type State = Groups<K, A::State>;
    type Output = BTreeMap<K, A::Output>;

    fn identity(&self) -> Self::State {
        Groups::new()
    }
    fn lift(&self, groups: &mut Self::State, item: &T) {
        self.lift_at(groups, item, 0);
    }
    fn lift_at(&self, groups: &mut Self::State, item: &T, place: u64) {
        let state = groups.state((self.key)(item), || self.aggregator.identity());
        self.aggregator.lift_at(state, item, place);
    }
    fn merge(&self, groups: &mut Self::State, others: Self::State) {
        groups.merge(others, || self.aggregator.identity(), |state, other| self.aggregator.merge(state, other));
    }
    fn finish(&self, groups: Self::State) -> Self::Output {
        groups.entries().map(|(key, state)| (key, self.aggregator.finish(state))).collect()
    }

    fn lift_block(&self, groups: &mut Self::State, block: &Block<'_, T>) {
        if groups.is_dealt() {
            for (place, item) in (block.place()..).zip(block.iter()) {
                self.lift_at(groups, item, place);
            }
            return;
        }
        let numbers = groups.numbers(block.iter().map(&self.key), || self.aggregator.identity());
        lift_into(&self.aggregator, &mut groups.shards[0].states, block, &numbers);
    }

    /// Where items all over them are of many groups.
    fn deals(&self, groups: &Self::State, items: &[T]) -> bool {
        let spread = items.iter().step_by(items.len().div_ceil(SAMPLE).max(1));
        groups.is_dealt() || Self::State::different(spread.map(&self.key)) > DEALT
    }

    fn lift_dealt(&self, groups: &mut Self::State, items: &[T], place: u64) {
        groups.deal_out();
        for (first, piece) in (place..).step_by(PIECE).zip(items.chunks(PIECE)) {
            let runs: Vec<(u64, &[T])> = (first..).step_by(RUN).zip(piece.chunks(RUN)).collect();
            let dealt: Vec<_> = each(&runs, |(_, run)| Self::State::deal(run.iter().map(&self.key))).collect();
            each_mut(&mut groups.shards, |index, shard| {
                for (&run, dealt) in runs.iter().zip(&dealt) {
                    let dealt = &dealt[index];
                    // Only a new key is cloned.
                    let number = |item: &Dealt<K>| match shard.find(item.hash, &item.key) {
                        Some(number) => number,
                        None => shard.number(item.hash, item.key.clone(), || self.aggregator.identity()),
                    };
                    let numbers: Vec<u32> = dealt.iter().map(number).collect();
                    let rows = dealt.iter().map(|item| item.row);
                    lift_rows(&self.aggregator, &mut shard.states, run, rows, &numbers);
                }
            });
        }
    }

    /// Long blocks, in which each group has some items.
    fn block_items(&self) -> usize {
        1 << 16
    }
    #[inline(always)]
    fn reads_nan(&self, item: &T, itself: bool) -> bool {
        self.aggregator.reads_nan(item, itself)
    }
    fn positional(&self) -> bool {
        self.aggregator.positional()
    }
    fn shift(&self, groups: &mut Self::State, places: u64) {
        if self.aggregator.positional() {
            groups.states_mut().for_each(|state| self.aggregator.shift(state, places));
        }
    }
}

/// States that two functions grouped do not merge: that of the key has to have a name to be stored.
impl<T, K, A, F> Portable<T> for Named<ByKey<A, F>>
where
    T: Clone + Sync,
    K: Label + Hash + Ord,
    A: Portable<T>,
    F: Fn(&T) -> K + Send + Sync,
{
    fn signature(&self) -> crate::state::Signature {
        format!("({}) by {} of {}", self.inner().aggregator.signature(), self.name(), K::NAME)
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        // Every group is of an item at least.
        check_count(state.len() as u64, items)?;
        state.states().try_for_each(|group| self.inner().aggregator.check(group, items))
    }
}
