//! The states of all groups under way, and how rows find theirs.

use rayon::prelude::*;

use crate::Error;
use crate::answer::{Answer, Column};
use crate::key::KeyColumn;
use crate::keys::{KeyEncoder, Keys};
use crate::lane::{Grouped, LaneGroups, LaneItems};
use crate::memory::Limit;
use crate::numbers::{Mark, Numbers};
use crate::plan::{ByGroup, GroupStates, Plan};

/// A batch as its lanes take it.
pub(crate) struct Batch {
    pub(crate) keys: Keys,
    /// By lane.
    pub(crate) items: Vec<LaneItems>,
    pub(crate) skipped: u64,
}

/// The groups of some keys, and their states by lane.
#[derive(Default)]
struct Shard {
    numbers: Numbers,
    lanes: Vec<LaneGroups>,
}

impl Shard {
    /// Takes some rows of a batch in, all of them if none are named; `place` rows came before the batch.
    fn lift(&mut self, plan: &Plan, batch: &Batch, rows: Option<&[u32]>, place: u64) {
        let numbers = batch.keys.numbers(rows, &mut self.numbers);
        self.grow(plan);
        let (count, grouped) = (self.numbers.len(), Grouped { rows, numbers: &numbers, place });
        for ((lane, groups), items) in plan.lanes.iter().zip(&mut self.lanes).zip(&batch.items) {
            lane.lift(groups, count, items, grouped);
        }
    }

    /// Takes the groups of other rows in.
    fn merge(&mut self, plan: &Plan, others: Self) {
        let numbers = others.numbers.keys().map(|key| self.numbers.number(Mark::of(key), || key));
        let numbers: Vec<u32> = numbers.collect();
        self.grow(plan);
        for ((lane, groups), others) in plan.lanes.iter().zip(&mut self.lanes).zip(others.lanes) {
            lane.merge_groups(groups, others, &numbers);
        }
    }

    /// Room for the states of all groups.
    fn grow(&mut self, plan: &Plan) {
        if self.lanes.is_empty() {
            self.lanes = plan.lanes.iter().map(|lane| lane.groups()).collect();
        }
        for (lane, groups) in plan.lanes.iter().zip(&mut self.lanes) {
            lane.grow(groups, self.numbers.len());
        }
    }
}

/// Groups of a first batch from which on rows are dealt out by their keys, so that no two threads have one group; with fewer,
/// each batch has states of its own that are merged. More of them where the states are small, which costs next to nothing to merge.
const DEALT: usize = 1024;
const DEALT_SMALL: usize = 4096;
/// Shards that rows are dealt out to, as a power of two.
const SHARDS: u32 = 5;

/// The states of all groups so far.
#[derive(Default)]
pub(crate) struct Shards {
    /// One, or 2^[`SHARDS`] by the hashes of their keys; none as yet.
    shards: Vec<Shard>,
    /// Rows read.
    pub(crate) rows: u64,
    /// NaN left out.
    pub(crate) skipped: u64,
}

/// Keys that are read back together.
const KEYS: usize = 1 << 16;

/// A group's place: the first bytes of its key, which mostly tell it from others, its shard and its number in that.
type Place = (u64, u32, u32);

impl Shards {
    /// How many groups there are.
    pub(crate) fn groups(&self) -> usize {
        self.shards.iter().map(|shard| shard.numbers.len()).sum()
    }

    /// Takes the next batches in, each with the row with which it begins. What is merged with what depends on the rows alone,
    /// so the bits do not on the threads.
    ///
    /// # Errors
    /// When the groups outgrow the limit.
    pub(crate) fn take(&mut self, plan: &Plan, batches: &[(u64, Batch)], limit: Limit) -> Result<(), Error> {
        if self.shards.is_empty()
            && let Some((_, first)) = batches.iter().find(|(_, batch)| batch.keys.len() > 0)
        {
            let mut numbers = Numbers::default();
            first.keys.numbers(None, &mut numbers);
            let merged = if plan.states_are_small() { DEALT_SMALL } else { DEALT };
            self.shards.resize_with(if numbers.len() > merged { 1 << SHARDS } else { 1 }, Shard::default);
        }
        if plan.group_bytes() > 0 {
            // States that are large before they hold anything: of no more groups than there are rows.
            let rows: usize = batches.iter().map(|(_, batch)| batch.keys.different()).sum();
            limit.check(self.groups() + rows, plan.group_bytes().saturating_mul(rows as u64))?;
        }
        for (_, batch) in batches {
            self.rows += batch.keys.len() as u64;
            self.skipped += batch.skipped;
        }
        if let [all] = &mut self.shards[..] {
            let lift = |(row, batch): &(u64, Batch)| {
                let mut shard = Shard::default();
                shard.lift(plan, batch, None, *row);
                shard
            };
            let shards: Vec<Shard> = batches.par_iter().map(lift).collect();
            shards.into_iter().for_each(|shard| all.merge(plan, shard));
        } else {
            let dealt: Vec<Vec<Vec<u32>>> = batches.par_iter().map(|(_, batch)| dealt(&batch.keys)).collect();
            self.shards.par_iter_mut().enumerate().for_each(|(index, shard)| {
                for ((row, batch), rows) in batches.iter().zip(&dealt) {
                    shard.lift(plan, batch, Some(&rows[index]), *row);
                }
            });
        }
        limit.check(self.groups(), 0)
    }

    /// The places of all groups, in the order of their keys.
    fn order(&self) -> Vec<Place> {
        let keys = || self.shards.iter().flat_map(|shard| shard.numbers.keys());
        let Some(first) = keys().next() else { return Vec::new() };
        // What all keys begin with tells none from another: the integers of a column differ in their last bytes.
        let shared = |before: usize, key: &[u8]| before.min(first.iter().zip(key).take_while(|(a, b)| a == b).count());
        let shared = keys().fold(first.len(), shared);
        // The bytes of keys have the keys' order.
        let head = |key: &[u8]| {
            let mut head = [0; 8];
            let rest = &key[shared.min(key.len())..];
            let len = rest.len().min(8);
            head[..len].copy_from_slice(&rest[..len]);
            u64::from_be_bytes(head)
        };
        let mut order: Vec<Place> = Vec::with_capacity(self.groups());
        for (index, shard) in (0..).zip(&self.shards) {
            order.extend((0..).zip(shard.numbers.keys()).map(|(number, key)| (head(key), index, number)));
        }
        order.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| self.key(a).cmp(self.key(b))));
        order
    }

    fn key(&self, &(_, shard, number): &Place) -> &[u8] {
        self.shards[shard as usize].numbers.key(number as usize)
    }

    /// The keys of all groups, in their order.
    fn keys(&self, order: &[Place], keys: &KeyEncoder) -> Result<Vec<KeyColumn>, Error> {
        if order.is_empty() {
            return keys.columns(std::iter::empty());
        }
        // In parts of which each looks its keys up by itself: they lie in the order in which they were first seen.
        let parts = order.par_chunks(KEYS).map(|order| keys.columns(order.iter().map(|place| self.key(place))));
        KeyColumn::joined(&parts.collect::<Result<Vec<_>, _>>()?)
    }

    /// What each statistic is for each group, in the order of their keys.
    ///
    /// # Errors
    /// When the answer would outgrow the limit.
    pub(crate) fn answer(self, plan: &Plan, by: &[String], keys: &KeyEncoder, limit: Limit) -> Result<Answer, Error> {
        let groups = self.groups();
        limit.check(groups, groups as u64 * ANSWER_BYTES * (1 + by.len() + plan.statistics.len()) as u64)?;
        let order = self.order();
        let keys = self.keys(&order, keys)?;
        let columns: Vec<Vec<Column>> =
            self.shards.into_par_iter().map(|shard| plan.finish_groups(shard.lanes)).collect();
        let places: Vec<(u32, u32)> = order.into_iter().map(|(_, shard, number)| (shard, number)).collect();
        let mut by_statistic: Vec<Vec<Column>> = plan.statistics.iter().map(|_| Vec::new()).collect();
        for shard in columns {
            by_statistic.iter_mut().zip(shard).for_each(|(columns, column)| columns.push(column));
        }
        let values = by_statistic.into_par_iter().map(|columns| Column::gathered(columns, &places)).collect();
        Ok(Answer::of(by.to_vec(), plan.texts(), keys, values, groups))
    }

    /// Each group's key and states, in the order of the keys.
    pub(crate) fn by_group(self, plan: &Plan, keys: &KeyEncoder) -> Result<ByGroup, Error> {
        let order = self.order();
        let keys = self.keys(&order, keys)?;
        let states = self.shards.into_par_iter().map(|shard| {
            let lanes = plan.lanes.iter().zip(shard.lanes).map(|(lane, groups)| lane.states(groups).into_iter());
            let mut lanes: Vec<_> = lanes.collect();
            let next = |_| Some(lanes.iter_mut().filter_map(Iterator::next).collect::<GroupStates>());
            (0..shard.numbers.len()).map(next).collect::<Vec<_>>()
        });
        let mut states: Vec<Vec<Option<GroupStates>>> = states.collect();
        let group = |(row, (_, shard, number)): (usize, (u64, u32, u32))| {
            let key = keys.iter().map(|column| column.cell(row)).collect();
            (key, states[shard as usize][number as usize].take().unwrap_or_default())
        };
        Ok(order.into_iter().enumerate().map(group).collect())
    }
}

/// Bytes of a cell of an answer, about: itself, and its share of what is in between.
const ANSWER_BYTES: u64 = 24;

/// The rows of each shard.
fn dealt(keys: &Keys) -> Vec<Vec<u32>> {
    let mut rows = vec![Vec::new(); 1 << SHARDS];
    (0..).zip(keys.parts(SHARDS)).for_each(|(row, part): (u32, usize)| rows[part].push(row));
    rows
}
