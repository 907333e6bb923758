//! Statistics laid out on lanes, and the states of every group under way.

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use hashbrown::HashMap;
use rayon::prelude::*;
use strix_reduce::{BoxedState, NanPolicy};

use super::clock::Clock;
use super::group::{Groups, Keys};
use super::key::Key;
use super::lane::{Grouped, ItemType, Lane, LaneError, LaneGroups, LaneItems, lane};
use super::numbers::Numbers;
use crate::failure::Failure;
use crate::output::Value;
use crate::statistic::{Family, Readout, Statistic};

/// A group's states, by lane.
pub(crate) type GroupStates = Vec<Vec<BoxedState>>;

/// Keys and states by group.
pub(crate) type ByGroup = Vec<(Vec<Key>, GroupStates)>;

/// Which lanes there are, and where each statistic is read.
pub(crate) struct Plan {
    pub(crate) statistics: Vec<Statistic>,
    /// Whether the statistics are the exact forms of what their texts say.
    pub(crate) exact: bool,
    /// What each column holds whose cells are aggregated.
    pub(crate) columns: Vec<(String, ItemType)>,
    lanes: Vec<Box<dyn Lane>>,
    /// For each statistic its lane, and its place in it.
    places: Vec<(usize, usize)>,
    /// Where the lanes are, and the columns.
    lane_of: HashMap<(Vec<String>, ItemType), usize>,
    column_of: HashMap<String, usize>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("signature", &self.signature()).finish_non_exhaustive()
    }
}

impl Plan {
    /// Lays the statistics out; `item_type` says what a column holds.
    ///
    /// # Errors
    /// [`Failure::Input`] where a column does not hold what a statistic takes.
    pub(crate) fn new(
        statistics: Vec<Statistic>,
        exact: bool,
        item_type: impl Fn(&str) -> Result<ItemType, Failure>,
    ) -> Result<Self, Failure> {
        let mut plan = Self {
            statistics: Vec::new(),
            exact,
            columns: Vec::new(),
            lanes: Vec::new(),
            places: Vec::new(),
            lane_of: HashMap::new(),
            column_of: HashMap::new(),
        };
        for mut statistic in statistics {
            if statistic.columns.is_empty() {
                // A count of no column counts rows.
                statistic.family = Family::Rows;
            } else if statistic.family == Family::Items {
                statistic.family = Family::Count;
            }
            let Statistic { columns, family, .. } = &statistic;
            let item = match (family, &columns[..]) {
                (Family::Rows, _) => ItemType::Presence,
                (family, [column]) => plan.typed(column, &item_type)?.for_family(*family),
                (_, pair) => {
                    for column in pair {
                        let item = plan.typed(column, &item_type)?;
                        if item.is_label() {
                            return Err(not_of(&statistic, column, item));
                        }
                    }
                    ItemType::Pair
                }
            };
            if exact {
                plan.refuse_rounded(&statistic)?;
            }
            let index = *plan.lane_of.entry((columns.clone(), item)).or_insert_with(|| {
                plan.lanes.push(lane(columns.clone(), item));
                plan.lanes.len() - 1
            });
            let place = plan.lanes[index].add(*family)?;
            let place = place.ok_or_else(|| not_of(&statistic, columns.first().map_or("", String::as_str), item))?;
            plan.places.push((index, place));
            plan.statistics.push(statistic);
        }
        Ok(plan)
    }

    /// Refuses an exact statistic of two columns with decimals, which become f64 on the way and round there.
    fn refuse_rounded(&self, statistic: &Statistic) -> Result<(), Failure> {
        if statistic.family != Family::ExactCovariance {
            return Ok(());
        }
        for (column, item) in self.columns.iter().filter(|(column, _)| statistic.columns.contains(column)) {
            if matches!(item, ItemType::Decimal(_)) {
                let (text, name) = (&statistic.text, item.name());
                return Err(Failure::Input(format!(
                    "--exact: {text} takes column {column:?} of {name} as f64, to which they round; leave --exact out"
                )));
            }
        }
        Ok(())
    }

    /// What it computes, of what: states of one signature merge.
    pub(crate) fn signature(&self) -> String {
        let lanes = self.lanes.iter().map(|lane| {
            let columns = lane.columns().iter().map(|column| format!("{column:?}")).collect::<Vec<_>>().join(", ");
            let of = match lane.item() {
                item @ (ItemType::Time(_) | ItemType::Decimal(_) | ItemType::Bytes) => format!(" as {}", item.name()),
                _ => String::new(),
            };
            format!("{}({columns}{of})", lane.signatures().join("+"))
        });
        lanes.collect::<Vec<_>>().join("; ")
    }

    /// The plan of the first statistics alone. Its lanes, and the aggregators in each, are the first of this one's,
    /// so it writes what belongs to it from the states of this one.
    pub(crate) fn first(&self, statistics: usize) -> Result<Self, Failure> {
        let first = self.statistics.iter().take(statistics).cloned().collect();
        Self::new(first, self.exact, |column| {
            let known = self.column_of.get(column);
            known
                .map(|&index| self.columns[index].1)
                .ok_or_else(|| Failure::Internal(format!("column {column:?} has no type")))
        })
    }

    /// What a column holds, noted the first time.
    fn typed(&mut self, column: &str, of: impl Fn(&str) -> Result<ItemType, Failure>) -> Result<ItemType, Failure> {
        if let Some(&index) = self.column_of.get(column) {
            return Ok(self.columns[index].1);
        }
        let item = of(column)?;
        self.column_of.insert(column.to_owned(), self.columns.len());
        self.columns.push((column.to_owned(), item));
        Ok(item)
    }

    /// The item type of each column whose cells are aggregated.
    pub(crate) fn item_types(&self) -> Vec<(String, ItemType)> {
        self.columns.clone()
    }

    /// The states of no rows.
    pub(crate) fn identity(&self) -> GroupStates {
        self.lanes.iter().map(|lane| lane.identity()).collect()
    }

    /// Takes a group's other states in, as if their rows came `places` later.
    pub(crate) fn merge(&self, states: &mut GroupStates, others: GroupStates, places: u64) {
        for ((lane, states), others) in self.lanes.iter().zip(states).zip(others) {
            lane.merge(states, others, places);
        }
    }

    /// What each statistic is for a group.
    pub(crate) fn finish(&self, states: GroupStates) -> Vec<Value> {
        let readouts = self.readouts(states);
        let read = |(statistic, &(lane, place)): (&Statistic, &(usize, usize))| {
            readouts[lane].get(place).map_or(Value::Missing, |readout| readout.read(statistic.read))
        };
        self.statistics.iter().zip(&self.places).map(read).collect()
    }

    fn readouts(&self, states: GroupStates) -> Vec<Vec<Readout>> {
        self.lanes.iter().zip(states).map(|(lane, states)| lane.finish(states)).collect()
    }

    /// A group's states as bytes.
    pub(crate) fn write(&self, states: &[Vec<BoxedState>], rows: u64) -> Result<Vec<Vec<Vec<u8>>>, Failure> {
        self.lanes.iter().zip(states).map(|(lane, states)| lane.write(states, rows)).collect()
    }

    /// Refuses states that cannot be of so many rows: those that count them say how many there were.
    pub(crate) fn check_rows(&self, groups: &ByGroup, rows: u64) -> Result<(), Failure> {
        let mut counts = vec![0u64; self.statistics.len()];
        let mut exact = vec![false; self.statistics.len()];
        for (_, states) in groups {
            let readouts = self.readouts(states.clone());
            for (index, (statistic, &(lane, place))) in self.statistics.iter().zip(&self.places).enumerate() {
                let count = match readouts[lane].get(place) {
                    Some(Readout::Rows(rows, present)) if present > rows => {
                        return Err(Failure::Input(format!("of {rows} rows, {present} are not missing")));
                    }
                    Some(Readout::Rows(rows, _)) => {
                        exact[index] = true;
                        *rows
                    }
                    Some(Readout::Moments(moments)) => moments.count,
                    Some(Readout::Exact(readings)) => readings.count,
                    Some(Readout::ExactCross(moments)) => moments.count(),
                    Some(Readout::Value(Value::Number(digits))) if statistic.family == Family::Count => {
                        digits.parse().unwrap_or(u64::MAX)
                    }
                    _ => 0,
                };
                counts[index] = counts[index].saturating_add(count);
            }
        }
        for ((statistic, count), exact) in self.statistics.iter().zip(counts).zip(exact) {
            if count > rows || (exact && count < rows) {
                return Err(Failure::Input(format!("of {rows} rows, {} has counted {count}", statistic.text)));
            }
        }
        Ok(())
    }

    /// A group's states from bytes.
    pub(crate) fn read(&self, bytes: &[Vec<Vec<u8>>], rows: u64) -> Result<GroupStates, Failure> {
        if bytes.len() != self.lanes.len() {
            return Err(Failure::Input(format!("{} columns of states, not {}", bytes.len(), self.lanes.len())));
        }
        self.lanes.iter().zip(bytes).map(|(lane, bytes)| lane.read(bytes, rows)).collect()
    }

    /// The keys and items of a batch, whose first row is that row of its file.
    pub(crate) fn read_batch(
        &self,
        batch: &RecordBatch,
        groups: &Groups,
        nan: NanPolicy,
        first_row: u64,
    ) -> Result<Batch, Failure> {
        let items = |lane: &dyn Lane| {
            lane.items(batch, nan).map_err(|error| match error {
                LaneError::Nan(row) => Failure::Input(format!(
                    "column {}, row {} (from 0) is NaN; --nan skip leaves NaN out, --nan propagate lets it through",
                    lane.columns().join(" or "),
                    first_row + row
                )),
                LaneError::Other(failure) => failure,
            })
        };
        let items = self.lanes.iter().map(|lane| items(&**lane)).collect::<Result<Vec<_>, _>>()?;
        // By column, however many lanes read it.
        let columns = self.columns.iter().filter_map(|(column, _)| batch.column_by_name(column));
        let skipped = if nan == NanPolicy::Skip { columns.map(nan_cells).sum() } else { 0 };
        Ok(Batch { keys: groups.of(batch)?, items, skipped })
    }
}

/// NaN among the cells that are not missing.
fn nan_cells(array: &ArrayRef) -> u64 {
    fn count<T: ArrowPrimitiveType>(array: &ArrayRef, is_nan: fn(T::Native) -> bool) -> u64 {
        array.as_primitive::<T>().iter().flatten().filter(|&x| is_nan(x)).count() as u64
    }
    match array.data_type() {
        DataType::Float16 => count::<Float16Type>(array, half::f16::is_nan),
        DataType::Float32 => count::<Float32Type>(array, f32::is_nan),
        DataType::Float64 => count::<Float64Type>(array, f64::is_nan),
        _ => 0,
    }
}

fn not_of(statistic: &Statistic, column: &str, item: ItemType) -> Failure {
    let fit = match item {
        ItemType::Time(Clock::Elapsed(_)) => {
            "durations have count, missing, sum, mean, min, max, range, first, last, distinct, mode and top"
        }
        ItemType::Time(_) => {
            "dates and times have count, missing, mean, min, max, range, first, last, distinct, mode and top"
        }
        item if item.is_label() => "text and bytes have count, missing, min, max, first, last, distinct, mode and top",
        _ => "any and all take true and false",
    };
    let column = if column.is_empty() { "the column".into() } else { format!("column {column:?}") };
    Failure::Input(format!("{}: {column} holds {}, and {fit}", statistic.text, item.name()))
}

/// A batch as its lanes take it.
pub(crate) struct Batch {
    keys: Keys,
    /// By lane.
    items: Vec<LaneItems>,
    skipped: u64,
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
        let numbers: Vec<u32> = others.numbers.keys().map(|(key, hash)| self.numbers.number(key, hash)).collect();
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
/// each batch has states of its own that are merged.
const DEALT: usize = 1024;
/// Shards that rows are dealt out to, as a power of two.
const SHARDS: u32 = 5;

/// The states of all groups so far.
#[derive(Default)]
pub(crate) struct States {
    /// One, or 2^[`SHARDS`] by the hashes of their keys; none as yet.
    shards: Vec<Shard>,
    /// Rows read.
    pub(crate) rows: u64,
    /// NaN left out.
    pub(crate) skipped: u64,
}

impl States {
    /// Takes the next batches in, each with the row with which it begins. What is merged with what depends on the rows alone,
    /// so the bits do not on the threads.
    pub(crate) fn take(&mut self, plan: &Plan, batches: &[(u64, Batch)]) {
        if self.shards.is_empty()
            && let Some((_, first)) = batches.iter().find(|(_, batch)| batch.keys.len() > 0)
        {
            let mut numbers = Numbers::default();
            first.keys.numbers(None, &mut numbers);
            self.shards.resize_with(if numbers.len() > DEALT { 1 << SHARDS } else { 1 }, Shard::default);
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
            return shards.into_iter().for_each(|shard| all.merge(plan, shard));
        }
        let dealt: Vec<Vec<Vec<u32>>> = batches.par_iter().map(|(_, batch)| dealt(&batch.keys)).collect();
        self.shards.par_iter_mut().enumerate().for_each(|(index, shard)| {
            for ((row, batch), rows) in batches.iter().zip(&dealt) {
                shard.lift(plan, batch, Some(&rows[index]), *row);
            }
        });
    }

    /// Each group's key and states, in the order of the keys.
    pub(crate) fn sorted(self, plan: &Plan, groups: &Groups) -> Result<ByGroup, Failure> {
        // The bytes of keys have the keys' order. Most differ in the first few.
        let head = |key: &[u8]| {
            let mut head = [0; 8];
            let len = key.len().min(8);
            head[..len].copy_from_slice(&key[..len]);
            u64::from_be_bytes(head)
        };
        let mut order: Vec<(u64, u32, u32)> = Vec::with_capacity(self.shards.iter().map(|s| s.numbers.len()).sum());
        for (index, shard) in (0..).zip(&self.shards) {
            order.extend((0..).zip(shard.numbers.keys()).map(|(number, (key, _))| (head(key), index, number)));
        }
        let key = |&(_, shard, number): &(u64, u32, u32)| self.shards[shard as usize].numbers.key(number as usize);
        order.par_sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| key(a).cmp(key(b))));
        let keys = groups.keys(order.iter().map(key))?;
        let states = self.shards.into_par_iter().map(|shard| {
            let lanes = plan.lanes.iter().zip(shard.lanes).map(|(lane, groups)| lane.states(groups).into_iter());
            let mut lanes: Vec<_> = lanes.collect();
            let next = |_| Some(lanes.iter_mut().filter_map(Iterator::next).collect::<GroupStates>());
            (0..shard.numbers.len()).map(next).collect::<Vec<_>>()
        });
        let mut states: Vec<Vec<Option<GroupStates>>> = states.collect();
        let taken =
            order.iter().map(|&(_, shard, number)| states[shard as usize][number as usize].take().unwrap_or_default());
        Ok(keys.into_iter().zip(taken).collect())
    }
}

/// The rows of each shard.
fn dealt(keys: &Keys) -> Vec<Vec<u32>> {
    let mut rows = vec![Vec::new(); 1 << SHARDS];
    (0..).zip(keys.parts(SHARDS)).for_each(|(row, part): (u32, usize)| rows[part].push(row));
    rows
}
