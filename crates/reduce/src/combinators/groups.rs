//! The states of groups, each under its key.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;
use hashbrown::HashTable;

use crate::cpu::each_mut;

/// The states of the groups so far, each under its key.
#[derive(Debug, Clone)]
pub struct Groups<K, S> {
    /// One, or 2^[`SHARDS`] to which the groups are dealt out by the hashes of their keys.
    pub(super) shards: Vec<Shard<K, S>>,
}

/// Shards of many groups, as a power of two.
const SHARDS: u32 = 5;

/// The shard that keys of a hash are in, where there are several. By the high bits: a table goes by the low ones.
#[inline(always)]
fn shard_of(hash: u64) -> usize {
    (hash >> (u64::BITS - SHARDS)) as usize
}

#[inline(always)]
fn hash<K: Hash>(key: &K) -> u64 {
    FixedState::default().hash_one(key)
}

/// Some of the groups.
#[derive(Debug, Clone)]
pub(super) struct Shard<K, S> {
    table: HashTable<Entry<K>>,
    /// By the groups' numbers.
    pub(super) states: Vec<S>,
}

#[derive(Debug, Clone)]
struct Entry<K> {
    hash: u64,
    key: K,
    number: u32,
}

impl<K, S> Default for Shard<K, S> {
    fn default() -> Self {
        Self { table: HashTable::new(), states: Vec::new() }
    }
}

impl<K, S> Shard<K, S> {
    /// Each key with its state where it lies.
    fn iter(&self) -> impl Iterator<Item = (&K, &S)> {
        self.table.iter().map(|entry| (&entry.key, &self.states[entry.number as usize]))
    }
}

/// An item's key on its way to its shard.
pub(super) struct Dealt<K> {
    /// The item's place in its run.
    pub(super) row: u32,
    pub(super) hash: u64,
    pub(super) key: K,
}

impl<K: Hash + Eq, S> Shard<K, S> {
    /// The number of a key that has one.
    #[inline]
    pub(super) fn find(&self, hash: u64, key: &K) -> Option<u32> {
        self.table.find(hash, |entry| entry.hash == hash && entry.key == *key).map(|entry| entry.number)
    }

    /// The number of a key, which is a new one's if it has none yet.
    ///
    /// # Panics
    /// Of 2^32 keys, which do not fit any machine's memory.
    #[inline]
    pub(super) fn number(&mut self, hash: u64, key: K, identity: impl FnOnce() -> S) -> u32 {
        if let Some(number) = self.find(hash, &key) {
            return number;
        }
        let number = u32::try_from(self.states.len()).unwrap_or_else(|_| panic!("there are more than 2^32 groups"));
        self.states.push(identity());
        self.table.insert_unique(hash, Entry { hash, key, number }, |entry| entry.hash);
        number
    }

    /// Each group's hash, key and state.
    fn entries(self) -> impl Iterator<Item = (u64, K, S)> {
        let mut states: Vec<Option<S>> = self.states.into_iter().map(Some).collect();
        let entry = move |entry: Entry<K>| Some((entry.hash, entry.key, states[entry.number as usize].take()?));
        self.table.into_iter().filter_map(entry)
    }

    fn merge(&mut self, other: Self, identity: impl Fn() -> S, merge: impl Fn(&mut S, S)) {
        for (hash, key, state) in other.entries() {
            let number = self.number(hash, key, &identity);
            merge(&mut self.states[number as usize], state);
        }
    }
}

impl<K, S> Groups<K, S> {
    pub(super) fn new() -> Self {
        Self { shards: vec![Shard::default()] }
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.states().count()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn states(&self) -> impl Iterator<Item = &S> {
        self.shards.iter().flat_map(|shard| &shard.states)
    }

    pub(super) fn states_mut(&mut self) -> impl Iterator<Item = &mut S> {
        self.shards.iter_mut().flat_map(|shard| &mut shard.states)
    }

    /// Each key with its state where it lies.
    fn iter(&self) -> impl Iterator<Item = (&K, &S)> {
        self.shards.iter().flat_map(Shard::iter)
    }
}

impl<K: Hash + Eq, S> Groups<K, S> {
    /// Each key with its state.
    pub(super) fn entries(self) -> impl Iterator<Item = (K, S)> {
        self.shards.into_iter().flat_map(Shard::entries).map(|(_, key, state)| (key, state))
    }

    /// Whether the groups are dealt out to shards.
    pub(super) fn is_dealt(&self) -> bool {
        self.shards.len() > 1
    }

    /// The state of a key's group.
    pub(super) fn state(&mut self, key: K, identity: impl FnOnce() -> S) -> &mut S {
        let hash = hash(&key);
        let shard = if self.is_dealt() { shard_of(hash) } else { 0 };
        let shard = &mut self.shards[shard];
        let number = shard.number(hash, key, identity);
        &mut shard.states[number as usize]
    }

    /// The number of each key in a single shard.
    pub(super) fn numbers(&mut self, keys: impl Iterator<Item = K>, identity: impl Fn() -> S) -> Vec<u32> {
        let shard = &mut self.shards[0];
        keys.map(|key| shard.number(hash(&key), key, &identity)).collect()
    }

    /// The keys of a run of items, by their shards.
    pub(super) fn deal(keys: impl Iterator<Item = K>) -> Vec<Vec<Dealt<K>>> {
        let mut dealt: Vec<Vec<Dealt<K>>> = (0..1 << SHARDS).map(|_| Vec::new()).collect();
        for (row, key) in (0..).zip(keys) {
            let hash = hash(&key);
            dealt[shard_of(hash)].push(Dealt { row, hash, key });
        }
        dealt
    }

    /// How many of these keys are different.
    pub(super) fn different(keys: impl Iterator<Item = K>) -> usize {
        let mut hashes: Vec<u64> = keys.map(|key| hash(&key)).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.len()
    }

    /// Deals the groups out to shards, if they are not.
    pub(super) fn deal_out(&mut self) {
        if self.is_dealt() {
            return;
        }
        let mut shards: Vec<Shard<K, S>> = (0..1 << SHARDS).map(|_| Shard::default()).collect();
        for (hash, key, state) in self.shards.drain(..).flat_map(Shard::entries) {
            shards[shard_of(hash)].number(hash, key, || state);
        }
        self.shards = shards;
    }

    /// Takes the groups of others in: a shard into its like, side by side, or the fewer groups into the more.
    pub(super) fn merge(
        &mut self,
        mut others: Self,
        identity: impl Fn() -> S + Sync + Send,
        merge: impl Fn(&mut S, S) + Sync + Send,
    ) where
        K: Send,
        S: Send,
    {
        if self.is_dealt() || others.is_dealt() {
            self.deal_out();
            others.deal_out();
        } else if others.len() > self.len() {
            std::mem::swap(self, &mut others);
        }
        let mut pairs: Vec<_> = self.shards.iter_mut().zip(others.shards.into_iter().map(Some)).collect();
        each_mut(&mut pairs, |_, (shard, other)| {
            if let Some(other) = other.take() {
                shard.merge(other, &identity, &merge);
            }
        });
    }
}

/// The states of groups that were aggregated elsewhere, such as on a device (`gpu::View::by_key`), one of each key.
impl<K: Hash + Eq, S> FromIterator<(K, S)> for Groups<K, S> {
    fn from_iter<I: IntoIterator<Item = (K, S)>>(entries: I) -> Self {
        let mut groups = Self::new();
        for (key, state) in entries {
            let before = groups.len();
            groups.state(key, || state);
            debug_assert_eq!(groups.len(), before + 1, "a key comes twice");
        }
        groups
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
