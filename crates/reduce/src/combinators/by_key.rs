//! Grouping: an aggregator whose state is a map of states.

use std::collections::BTreeMap;
use std::hash::Hash;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::Named;
use crate::cpu::BLOCK;
use crate::state::check_count;
use crate::{Aggregator, Block, Label, Portable};

/// An aggregator of each group of items; see [`crate::Combine::by_key`]. The answer maps each key to its
/// group's answer, in the order of the keys.
///
/// A block's items are put in the order of their groups first, so that every group goes through the
/// aggregator's own fast loop.
#[derive(Debug, Clone, Copy)]
pub struct ByKey<A, F> {
    aggregator: A,
    key: F,
}

/// The states of the groups so far.
#[derive(Debug, Clone)]
pub struct Groups<K, S>(HashMap<K, S>);

impl<K, S> Groups<K, S> {
    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The states of groups that were aggregated elsewhere, such as on a device (`gpu::View::by_key`), one of each key.
impl<K: Hash + Eq, S> FromIterator<(K, S)> for Groups<K, S> {
    fn from_iter<I: IntoIterator<Item = (K, S)>>(states: I) -> Self {
        Self(states.into_iter().collect())
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
        Groups(HashMap::new())
    }
    fn lift(&self, item: &T) -> Self::State {
        Groups(HashMap::from_iter([((self.key)(item), self.aggregator.lift(item))]))
    }
    fn merge(&self, a: Self::State, b: Self::State) -> Self::State {
        let (mut a, b) = if a.len() >= b.len() { (a, b) } else { (b, a) };
        for (key, state) in b.0 {
            match a.0.entry(key) {
                Entry::Vacant(group) => {
                    group.insert(state);
                }
                Entry::Occupied(mut group) => {
                    let before = std::mem::replace(group.get_mut(), self.aggregator.identity());
                    *group.get_mut() = self.aggregator.merge(before, state);
                }
            }
        }
        a
    }
    fn finish(&self, state: Self::State) -> Self::Output {
        state.0.into_iter().map(|(key, state)| (key, self.aggregator.finish(state))).collect()
    }

    fn lift_block(&self, block: &Block<'_, T>) -> Self::State {
        let items = block.items();
        let mut numbers: HashMap<K, u32> = HashMap::new();
        let mut ends: Vec<u32> = Vec::new();
        let mut groups: Vec<u32> = Vec::with_capacity(items.len());
        for item in items {
            let next = ends.len() as u32;
            let group = *numbers.entry((self.key)(item)).or_insert(next);
            if group == next {
                ends.push(0);
            }
            ends[group as usize] += 1;
            groups.push(group);
        }
        if self.aggregator.positional() {
            return self.one_by_one(items, &groups, &numbers);
        }
        // A counting sort by group, of places first, so that each item is copied once.
        let mut next = Vec::with_capacity(ends.len());
        let mut end = 0;
        for count in &mut ends {
            next.push(end);
            end += *count;
            *count = end;
        }
        let starts = next.clone();
        let mut order = vec![0u32; items.len()];
        for (place, &group) in (0..).zip(&groups) {
            let to = &mut next[group as usize];
            order[*to as usize] = place;
            *to += 1;
        }
        let sorted: Vec<T> = order.iter().map(|&place| items[place as usize].clone()).collect();
        let facts = self.aggregator.facts();
        let lifted = numbers.into_iter().map(|(key, group)| {
            let group = &sorted[starts[group as usize] as usize..ends[group as usize] as usize];
            // In the engine's own blocks, to which the aggregators' error bounds belong.
            let blocks = group.chunks(BLOCK).map(|block| self.aggregator.lift_block(&Block::with_facts(block, facts)));
            (key, blocks.reduce(|a, b| self.aggregator.merge(a, b)).unwrap_or_else(|| self.aggregator.identity()))
        });
        Groups(lifted.collect())
    }

    /// Long blocks: each costs a state and a merge for every group in it.
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
    fn shift(&self, mut state: Self::State, places: u64) -> Self::State {
        if self.aggregator.positional() {
            for group in state.0.values_mut() {
                let before = std::mem::replace(group, self.aggregator.identity());
                *group = self.aggregator.shift(before, places);
            }
        }
        state
    }
}

impl<A, F> ByKey<A, F> {
    /// Every item at its own place.
    fn one_by_one<T, K: Hash + Eq + Clone>(
        &self,
        items: &[T],
        groups: &[u32],
        numbers: &HashMap<K, u32>,
    ) -> Groups<K, A::State>
    where
        A: Aggregator<T>,
    {
        let mut states: Vec<A::State> = (0..numbers.len()).map(|_| self.aggregator.identity()).collect();
        for (place, (item, &group)) in items.iter().zip(groups).enumerate() {
            let state = &mut states[group as usize];
            let before = std::mem::replace(state, self.aggregator.identity());
            let lifted = self.aggregator.shift(self.aggregator.lift(item), place as u64);
            *state = self.aggregator.merge(before, lifted);
        }
        let states = numbers.iter().map(|(key, &group)| {
            (key.clone(), std::mem::replace(&mut states[group as usize], self.aggregator.identity()))
        });
        Groups(states.collect())
    }
}

/// The form of a stored map: its entries in the order of their keys.
impl<K: Ord + serde::Serialize, S: serde::Serialize> serde::Serialize for Groups<K, S> {
    fn serialize<Z: serde::Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        self.0.iter().collect::<BTreeMap<_, _>>().serialize(serializer)
    }
}

impl<'de, K, S> serde::Deserialize<'de> for Groups<K, S>
where
    K: Hash + Ord + serde::Deserialize<'de>,
    S: serde::Deserialize<'de>,
{
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(BTreeMap::deserialize(deserializer)?.into_iter().collect()))
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
        state.0.values().try_for_each(|group| self.inner().aggregator.check(group, items))
    }
}
