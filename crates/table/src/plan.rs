//! Statistics laid out on lanes, and the states of every group under way.

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use hashbrown::HashMap;
use strix_reduce::{BoxedState, NanPolicy};

use crate::Error;
use crate::answer::{Builder, Column};
use crate::clock::Clock;
use crate::key::Key;
use crate::keys::KeyEncoder;
use crate::lane::{ItemType, Lane, LaneError, LaneGroups, lane};
use crate::shards::Batch;
use crate::statistic::{Family, Read, Readout, Statistic};
use crate::value::Value;

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
    pub(crate) lanes: Vec<Box<dyn Lane>>,
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
    /// [`Error::Input`] where a column does not hold what a statistic takes.
    pub(crate) fn new(
        statistics: Vec<Statistic>,
        exact: bool,
        item_type: impl Fn(&str) -> Result<ItemType, Error>,
    ) -> Result<Self, Error> {
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
    fn refuse_rounded(&self, statistic: &Statistic) -> Result<(), Error> {
        if statistic.family != Family::ExactCovariance {
            return Ok(());
        }
        for (column, item) in self.columns.iter().filter(|(column, _)| statistic.columns.contains(column)) {
            if matches!(item, ItemType::Decimal(_)) {
                let (text, name) = (&statistic.text, item.name());
                return Err(Error::input(format!(
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
    pub(crate) fn first(&self, statistics: usize) -> Result<Self, Error> {
        let first = self.statistics.iter().take(statistics).cloned().collect();
        Self::new(first, self.exact, |column| {
            let known = self.column_of.get(column);
            known
                .map(|&index| self.columns[index].1)
                .ok_or_else(|| Error::internal(format!("column {column:?} has no type")))
        })
    }

    /// What a column holds, noted the first time.
    fn typed(&mut self, column: &str, of: impl Fn(&str) -> Result<ItemType, Error>) -> Result<ItemType, Error> {
        if let Some(&index) = self.column_of.get(column) {
            return Ok(self.columns[index].1);
        }
        let item = of(column)?;
        self.column_of.insert(column.to_owned(), self.columns.len());
        self.columns.push((column.to_owned(), item));
        Ok(item)
    }

    /// The statistics as they were asked for.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.statistics.iter().map(|statistic| statistic.text.clone()).collect()
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

    /// What each statistic is for all groups, by column.
    pub(crate) fn finish_groups(&self, groups: Vec<LaneGroups>) -> Vec<Column> {
        let mut columns: Vec<Column> = self.statistics.iter().map(|_| Builder::default().finish()).collect();
        let mut statistics: Vec<Vec<usize>> = vec![Vec::new(); self.lanes.len()];
        let mut reads: Vec<Vec<(usize, Read)>> = vec![Vec::new(); self.lanes.len()];
        for (at, (statistic, &(lane, place))) in self.statistics.iter().zip(&self.places).enumerate() {
            statistics[lane].push(at);
            reads[lane].push((place, statistic.read));
        }
        for (((lane, groups), statistics), reads) in self.lanes.iter().zip(groups).zip(statistics).zip(reads) {
            for (at, column) in statistics.into_iter().zip(lane.finish_groups(groups, &reads)) {
                columns[at] = column;
            }
        }
        columns
    }

    /// Bytes that the states of a group take at least, before they hold anything.
    pub(crate) fn group_bytes(&self) -> u64 {
        let bins = self.statistics.iter().map(|statistic| match statistic.family {
            Family::Histogram { bins, .. } => 8 * bins as u64,
            _ => 0,
        });
        bins.sum()
    }

    /// Whether no state holds more than a few numbers.
    pub(crate) fn states_are_small(&self) -> bool {
        use Family::{
            Distinct, ExactCovariance, ExactMean, ExactMoments, ExactSum, Frequent, Histogram, Product, Quantiles,
        };
        !self.statistics.iter().any(|statistic| {
            matches!(
                statistic.family,
                Histogram { .. }
                    | Quantiles
                    | Distinct
                    | Frequent
                    | ExactSum
                    | ExactMean
                    | ExactMoments
                    | ExactCovariance
                    | Product
            )
        })
    }

    fn readouts(&self, states: GroupStates) -> Vec<Vec<Readout>> {
        self.lanes.iter().zip(states).map(|(lane, states)| lane.finish(states)).collect()
    }

    /// A group's states as bytes.
    pub(crate) fn write(&self, states: &[Vec<BoxedState>], rows: u64) -> Result<Vec<Vec<Vec<u8>>>, Error> {
        self.lanes.iter().zip(states).map(|(lane, states)| lane.write(states, rows)).collect()
    }

    /// Refuses states that cannot be of so many rows: those that count them say how many there were.
    pub(crate) fn check_rows(&self, groups: &ByGroup, rows: u64) -> Result<(), Error> {
        let mut counts = vec![0u64; self.statistics.len()];
        let mut exact = vec![false; self.statistics.len()];
        for (_, states) in groups {
            let readouts = self.readouts(states.clone());
            for (index, (statistic, &(lane, place))) in self.statistics.iter().zip(&self.places).enumerate() {
                let count = match readouts[lane].get(place) {
                    Some(Readout::Rows(rows, present)) if present > rows => {
                        return Err(Error::input(format!("of {rows} rows, {present} are not missing")));
                    }
                    Some(Readout::Rows(rows, _)) => {
                        exact[index] = true;
                        *rows
                    }
                    Some(Readout::Moments(moments)) => moments.count,
                    Some(Readout::Exact(readings)) => readings.count,
                    Some(Readout::ExactCross(moments)) => moments.count(),
                    Some(Readout::Value(Value::Integer(count))) if statistic.family == Family::Count => {
                        u64::try_from(*count).unwrap_or(u64::MAX)
                    }
                    _ => 0,
                };
                counts[index] = counts[index].saturating_add(count);
            }
        }
        for ((statistic, count), exact) in self.statistics.iter().zip(counts).zip(exact) {
            if count > rows || (exact && count < rows) {
                return Err(Error::input(format!("of {rows} rows, {} has counted {count}", statistic.text)));
            }
        }
        Ok(())
    }

    /// A group's states from bytes.
    pub(crate) fn read(&self, bytes: &[Vec<Vec<u8>>], rows: u64) -> Result<GroupStates, Error> {
        if bytes.len() != self.lanes.len() {
            return Err(Error::input(format!("{} columns of states, not {}", bytes.len(), self.lanes.len())));
        }
        self.lanes.iter().zip(bytes).map(|(lane, bytes)| lane.read(bytes, rows)).collect()
    }

    /// The keys and items of a batch, whose first row is that row of its file.
    pub(crate) fn read_batch(
        &self,
        batch: &RecordBatch,
        keys: &KeyEncoder,
        nan: NanPolicy,
        first_row: u64,
    ) -> Result<Batch, Error> {
        let items = |lane: &dyn Lane| {
            lane.items(batch, nan).map_err(|error| match error {
                LaneError::Nan(row) => Error::input(format!(
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
        Ok(Batch { keys: keys.of(batch)?, items, skipped })
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

fn not_of(statistic: &Statistic, column: &str, item: ItemType) -> Error {
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
    Error::input(format!("{}: {column} holds {}, and {fit}", statistic.text, item.name()))
}
