//! The most frequent values, and the mode.

use std::fmt;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::brief::{Few, Many};
use crate::state::{MadeBy, Signature, check_count};
use crate::{Aggregator, Block, Error, Label, Portable};

/// The most frequent values by SpaceSaving (Metwally, Agrawal and El Abbadi 2005) in its mergeable form
/// (Agarwal et al., "Mergeable summaries", PODS 2012).
///
/// Up to `capacity` different values the counts are exact. Above, rare values are forgotten and every
/// count is too low by at most [`Frequent::error`], itself at most n / (capacity + 1).
///
/// ```
/// # use strix_reduce::{Engine, Reducer, TopK};
/// let mut reducer = Reducer::new(TopK::new(1024)?, &Engine::cpu())?;
/// reducer.push(&[3, 1, 3, 2])?;
/// let frequent = reducer.finish();
/// assert_eq!(frequent.values[0], (3, 2)); // the mode, twice
/// assert_eq!(frequent.error, 0);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopK {
    capacity: u32,
}

impl TopK {
    /// Counters for `capacity` values.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `capacity` is 1 to 2^20.
    pub fn new(capacity: u32) -> Result<Self, Error> {
        if (1..=1 << 20).contains(&capacity) {
            Ok(Self { capacity })
        } else {
            Err(Error::Parameter(format!("frequent values need 1 to {} counters, not {capacity}", 1 << 20)))
        }
    }

    fn made_by(self) -> MadeBy {
        MadeBy::parameters(self.capacity.into())
    }

    /// Refuses counters of another capacity.
    #[inline(always)]
    fn assert_own<T>(self, counters: &Counters<T>) {
        if let Some(other) = counters.made_by.other_than(self.capacity.into()) {
            panic!(
                "frequent values of {other} counters are not those of {}; merge those of one capacity",
                self.capacity
            );
        }
    }

    /// Adds to a value's count.
    #[inline(always)]
    fn add<T: Label>(self, counters: &mut Counters<T>, value: &T, count: u64) {
        let same = |(other, _): &(T, u64)| value.order(other).is_eq();
        match counters.counts.entry(value.hash64(), same, |(value, _)| value.hash64()) {
            Entry::Occupied(mut counter) => counter.get_mut().1 += count,
            Entry::Vacant(counter) => {
                counter.insert((value.clone().canonical(), count));
            }
        }
    }

    /// Keeps the `capacity` largest counts, less the next largest.
    fn prune<T>(self, counters: &mut Counters<T>) {
        let capacity = self.capacity as usize;
        if counters.counts.len() <= capacity {
            return;
        }
        let mut counts: Vec<u64> = counters.counts.iter().map(|&(_, count)| count).collect();
        let (_, &mut cut, _) = counts.select_nth_unstable_by(capacity, |a, b| b.cmp(a));
        counters.counts.retain(|(_, count)| {
            *count = count.saturating_sub(cut);
            *count > 0
        });
        counters.error += cut;
    }
}

/// Counters under way.
#[derive(Clone)]
pub struct Counters<T> {
    /// By the values' hashes.
    counts: HashTable<(T, u64)>,
    items: u64,
    error: u64,
    made_by: MadeBy,
}

impl<T> fmt::Debug for Counters<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Counters");
        debug.field("counts", &Many(self.counts.len())).field("items", &self.items).finish_non_exhaustive()
    }
}

/// The form of stored counters: in the order of the values.
impl<T: Label> Serialize for Counters<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut counts: Vec<&(T, u64)> = self.counts.iter().collect();
        counts.sort_unstable_by(|(a, _), (b, _)| a.order(b));
        (counts, self.items, self.error).serialize(serializer)
    }
}

impl<'de, T: Label> Deserialize<'de> for Counters<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (pairs, items, error) = <(Vec<(T, u64)>, u64, u64)>::deserialize(deserializer)?;
        let mut counts: HashTable<(T, u64)> = HashTable::with_capacity(pairs.len());
        for (value, count) in pairs {
            let same = |(other, _): &(T, u64)| value.order(other).is_eq();
            match counts.entry(value.hash64(), same, |(value, _)| value.hash64()) {
                Entry::Occupied(_) => return Err(D::Error::custom("a value is counted twice")),
                Entry::Vacant(counter) => counter.insert((value.canonical(), count)),
            };
        }
        Ok(Self { counts, items, error, made_by: MadeBy::default() })
    }
}

/// The most frequent values.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Frequent<T> {
    /// Values and how often they came at least, the most frequent first; equals in the values' own order.
    pub values: Vec<(T, u64)>,
    /// By how much each count may be too low; a value that is missing came at most so often.
    pub error: u64,
    /// Items seen.
    pub items: u64,
}

impl<T: fmt::Debug> fmt::Debug for Frequent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Frequent");
        debug.field("values", &Few(&self.values)).field("error", &self.error).field("items", &self.items).finish()
    }
}

impl<T> Frequent<T> {
    /// The most frequent value, its count and by how much that may be too low; `None` of nothing, or
    /// where no value stands out.
    pub fn mode(&self) -> Option<(&T, u64, u64)> {
        self.values.first().map(|(value, count)| (value, *count, self.error))
    }
}

impl<T: Label> Aggregator<T> for TopK {
    type State = Counters<T>;
    type Output = Frequent<T>;

    fn identity(&self) -> Counters<T> {
        Counters { counts: HashTable::new(), items: 0, error: 0, made_by: self.made_by() }
    }
    fn lift(&self, state: &mut Counters<T>, item: &T) {
        self.assert_own(state);
        self.add(state, item, 1);
        state.items += 1;
        self.prune(state);
    }
    fn merge(&self, state: &mut Counters<T>, mut other: Counters<T>) {
        self.assert_own(state);
        self.assert_own(&other);
        // The fewer into the more.
        if other.counts.len() > state.counts.len() {
            std::mem::swap(state, &mut other);
        }
        for (value, count) in &other.counts {
            self.add(state, value, *count);
        }
        state.items += other.items;
        state.error += other.error;
        self.prune(state);
    }
    fn finish(&self, state: Counters<T>) -> Frequent<T> {
        self.assert_own(&state);
        let mut values: Vec<(T, u64)> = state.counts.into_iter().collect();
        values.sort_unstable_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.order(b)));
        Frequent { values, error: state.error, items: state.items }
    }
    fn lift_block(&self, state: &mut Counters<T>, block: &Block<'_, T>) {
        self.assert_own(state);
        for item in block.iter() {
            self.add(state, item, 1);
        }
        state.items += block.len() as u64;
        self.prune(state);
    }
}

impl<T: Label> Portable<T> for TopK {
    fn signature(&self) -> Signature {
        format!("top(capacity={}) of {}", self.capacity, T::NAME)
    }
    fn check(&self, state: &Counters<T>, items: u64) -> Result<(), String> {
        check_count(state.items, items)?;
        if state.counts.len() > self.capacity as usize {
            return Err(format!("it counts {} values", state.counts.len()));
        }
        let counted: u128 = state.counts.iter().map(|&(_, count)| u128::from(count)).sum();
        let zero = state.counts.iter().any(|&(_, count)| count == 0);
        // What a count is too low by was taken from it and from `capacity` others.
        let dropped = u128::from(state.error) * (u128::from(self.capacity) + 1);
        if zero || counted + dropped > u128::from(state.items) {
            return Err(format!("it counts {counted} of {} items, each too low by {}", state.items, state.error));
        }
        Ok(())
    }
}
