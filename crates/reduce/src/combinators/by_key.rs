//! Grouping: an aggregator whose state is a map of states.

use std::collections::BTreeMap;
use std::hash::Hash;

use hashbrown::HashMap;

use super::Named;
use crate::cpu::lift_into;
use crate::state::check_count;
use crate::{Aggregator, Block, Label, Portable};

/// An aggregator of each group of items; see [`crate::Combine::by_key`]. The answer maps each key to its
/// group's answer, in the order of the keys.
///
/// Where a block has many items of each group, they are put in the order of their groups first, so that every group goes
/// through the aggregator's own fast loop.
#[derive(Debug, Clone, Copy)]
pub struct ByKey<A, F> {
    aggregator: A,
    key: F,
}

/// The states of the groups so far, each under the number of its key.
#[derive(Debug, Clone)]
pub struct Groups<K, S> {
    numbers: HashMap<K, u32>,
    states: Vec<S>,
}

impl<K, S> Groups<K, S> {
    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    /// Each key with its state.
    fn entries(self) -> impl Iterator<Item = (K, S)> {
        let mut states: Vec<Option<S>> = self.states.into_iter().map(Some).collect();
        self.numbers.into_iter().filter_map(move |(key, number)| Some((key, states[number as usize].take()?)))
    }

    /// Each key with its state where it lies.
    fn iter(&self) -> impl Iterator<Item = (&K, &S)> {
        self.numbers.iter().map(|(key, &number)| (key, &self.states[number as usize]))
    }
}

impl<K: Hash + Eq, S> Groups<K, S> {
    /// The number of a key, which is a new one's if it has none yet.
    ///
    /// # Panics
    /// Of 2^32 keys, which do not fit any machine's memory.
    fn number(&mut self, key: K, identity: impl FnOnce() -> S) -> u32 {
        *self.numbers.entry(key).or_insert_with(|| {
            let number = u32::try_from(self.states.len());
            self.states.push(identity());
            number.unwrap_or_else(|_| panic!("there are more than 2^32 groups"))
        })
    }
}

/// The states of groups that were aggregated elsewhere, such as on a device (`gpu::View::by_key`), one of each key.
impl<K: Hash + Eq, S> FromIterator<(K, S)> for Groups<K, S> {
    fn from_iter<I: IntoIterator<Item = (K, S)>>(entries: I) -> Self {
        let mut groups = Self { numbers: HashMap::new(), states: Vec::new() };
        for (key, state) in entries {
            let before = groups.len();
            let number = groups.number(key, || state);
            debug_assert_eq!(number as usize, before, "a key comes twice");
        }
        groups
    }
}

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
    T: Clone,
    K: Hash + Ord + Clone + Send + Sync + 'static,
    A: Aggregator<T>,
    F: Fn(&T) -> K + Send + Sync,
{
    type State = Groups<K, A::State>;
    type Output = BTreeMap<K, A::Output>;

    fn identity(&self) -> Self::State {
        Groups { numbers: HashMap::new(), states: Vec::new() }
    }
    fn lift(&self, groups: &mut Self::State, item: &T) {
        self.lift_at(groups, item, 0);
    }
    fn lift_at(&self, groups: &mut Self::State, item: &T, place: u64) {
        let number = groups.number((self.key)(item), || self.aggregator.identity());
        self.aggregator.lift_at(&mut groups.states[number as usize], item, place);
    }
    fn merge(&self, groups: &mut Self::State, mut others: Self::State) {
        // The fewer into the more.
        if others.len() > groups.len() {
            std::mem::swap(groups, &mut others);
        }
        for (key, other) in others.entries() {
            let number = groups.number(key, || self.aggregator.identity());
            self.aggregator.merge(&mut groups.states[number as usize], other);
        }
    }
    fn finish(&self, groups: Self::State) -> Self::Output {
        groups.entries().map(|(key, state)| (key, self.aggregator.finish(state))).collect()
    }

    fn lift_block(&self, groups: &mut Self::State, block: &Block<'_, T>) {
        let number = |item| groups.number((self.key)(item), || self.aggregator.identity());
        let numbers: Vec<u32> = block.iter().map(number).collect();
        lift_into(&self.aggregator, &mut groups.states, block, &numbers);
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
            groups.states.iter_mut().for_each(|state| self.aggregator.shift(state, places));
        }
    }
}

/// The form of a stored map: its entries in the order of their keys.
impl<K: Ord + serde::Serialize, S: serde::Serialize> serde::Serialize for Groups<K, S> {
    fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
    }
}

impl<'de, K, S> serde::Deserialize<'de> for Groups<K, S>
where
    K: Hash + Ord + serde::Deserialize<'de>,
    S: serde::Deserialize<'de>,
{
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::deserialize(deserializer)?.into_iter().collect())
    }
}

/// States that two functions grouped do not merge: that of the key has to have a name to be stored.
impl<T, K, A, F> Portable<T> for Named<ByKey<A, F>>
where
    T: Clone,
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
        state.states.iter().try_for_each(|group| self.inner().aggregator.check(group, items))
    }
}
