//! One column, or two, on their way through all the aggregators that read them.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, Float64Type, Int64Type, i256};
use half::f16;
use serde::{Deserialize, Serialize};
use strix_reduce::arrow::ArrowItem;
use strix_reduce::cpu::{BLOCK, in_groups};
use strix_reduce::{Aggregator, Block, Boxed, BoxedGroups, BoxedState, Facts, Item, NanPolicy};

use crate::Error;
use crate::answer::{Builder, Column};
use crate::clock::Clock;
use crate::statistic::{self, Chosen, Digits, Family, Read, Readout};

/// The type of a lane's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum ItemType {
    /// Whether a row's columns are all there.
    Presence,
    Bool,
    F16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Text,
    /// Two columns as f64.
    Pair,
    /// Dates, times or durations as the integers that they are stored as.
    Time(Clock),
    /// Decimals with so many digits after the point: exact where they are added, compared or told apart, else f64.
    Decimal(i8),
    /// Bytes that need not be text.
    Bytes,
}

impl ItemType {
    /// The type in which a column's cells are aggregated; `None` for types that nothing is computed of.
    pub(crate) fn of(column: &DataType) -> Option<Self> {
        Some(match column {
            DataType::Boolean => Self::Bool,
            DataType::Float16 => Self::F16,
            DataType::Float32 => Self::F32,
            DataType::Int8 => Self::I8,
            DataType::Int16 => Self::I16,
            DataType::Int32 => Self::I32,
            DataType::Int64 => Self::I64,
            DataType::UInt8 => Self::U8,
            DataType::UInt16 => Self::U16,
            DataType::UInt32 => Self::U32,
            DataType::UInt64 => Self::U64,
            DataType::Float64 | DataType::Null => Self::F64,
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => Self::Decimal(*scale),
            DataType::Utf8 => Self::Text,
            DataType::Binary => Self::Bytes,
            other => Self::Time(Clock::of(other)?),
        })
    }

    /// What a column's type is called.
    #[cfg(feature = "files")]
    pub(crate) fn named(column: &DataType) -> String {
        match column {
            DataType::Null => "null".into(),
            other => Self::of(other).map_or_else(|| other.to_string(), Self::name),
        }
    }

    /// The type in which a family's aggregator takes items of this type.
    pub(crate) fn for_family(self, family: Family) -> Self {
        match self {
            Self::Decimal(scale) if matches!(statistic::decimal(family, scale), Ok(None)) => Self::F64,
            item => item,
        }
    }

    /// Whether it holds neither numbers nor truth values.
    pub(crate) fn is_label(self) -> bool {
        matches!(self, Self::Text | Self::Time(_) | Self::Bytes)
    }

    /// Which of the families that need no second column its items have.
    #[cfg(feature = "files")]
    pub(crate) fn has(self, family: Family) -> bool {
        lane(Vec::new(), self.for_family(family)).add(family).is_ok_and(|place| place.is_some())
    }

    pub(crate) fn name(self) -> String {
        let name = match self {
            Self::Presence => "presence",
            Self::Bool => "bool",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::Text => "text",
            Self::Pair => "f64, f64",
            Self::Bytes => "bytes",
            Self::Decimal(scale) => return format!("decimal({scale})"),
            Self::Time(clock) => return clock.name(),
        };
        name.to_owned()
    }

    /// Bytes of an item; those of the reference, for text.
    #[cfg(feature = "files")]
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::Presence | Self::Bool | Self::I8 | Self::U8 => 1,
            Self::F16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 | Self::Time(_) => 8,
            Self::Text | Self::Bytes | Self::Pair | Self::Decimal(_) => 16,
        }
    }
}

/// The states of all groups, by aggregator.
pub(crate) type LaneGroups = Vec<BoxedGroups>;

/// The items of a batch, whose type their lane knows.
pub(crate) type LaneItems = Box<dyn Any + Send + Sync>;

/// Some rows of a batch, rising, and each one's group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grouped<'a> {
    /// The rows; all of them if none are named.
    pub(crate) rows: Option<&'a [u32]>,
    /// The number of each one's group.
    pub(crate) numbers: &'a [u32],
    /// The row with which the batch begins.
    pub(crate) place: u64,
}

/// Why a batch was not taken.
#[derive(Debug)]
pub(crate) enum LaneError {
    /// A NaN in this row of the batch, where NaN are errors.
    Nan(u64),
    Other(Error),
}

impl From<Error> for LaneError {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// A lane whose item type is hidden.
pub(crate) trait Lane: Send + Sync {
    fn columns(&self) -> &[String];
    fn item(&self) -> ItemType;
    /// Adds the family's aggregator unless it is there; its place, or `None` if it is not for these items.
    fn add(&mut self, family: Family) -> Result<Option<usize>, Error>;
    fn identity(&self) -> Vec<BoxedState>;
    /// The states of no groups.
    fn groups(&self) -> LaneGroups;
    /// Adds groups, up to that many in all.
    fn grow(&self, groups: &mut LaneGroups, count: usize);
    /// The items of a batch.
    fn items(&self, batch: &RecordBatch, nan: NanPolicy) -> Result<LaneItems, LaneError>;
    /// Takes some of a batch's items into the states of their groups, of which there are `count`.
    fn lift(&self, groups: &mut LaneGroups, count: usize, items: &LaneItems, rows: Grouped<'_>);
    /// Takes the states of other groups in: group i into group `numbers[i]`.
    fn merge_groups(&self, groups: &mut LaneGroups, others: LaneGroups, numbers: &[u32]);
    /// What is read of the aggregators for each group: for each of these places, as it says.
    fn finish_groups(&self, groups: LaneGroups, reads: &[(usize, Read)]) -> Vec<Column>;
    /// The states of each group.
    fn states(&self, groups: LaneGroups) -> Vec<Vec<BoxedState>>;
    /// Takes the states of a group in, as if its rows came `places` later.
    fn merge(&self, states: &mut Vec<BoxedState>, others: Vec<BoxedState>, places: u64);
    fn finish(&self, states: Vec<BoxedState>) -> Vec<Readout>;
    fn signatures(&self) -> Vec<String>;
    fn write(&self, states: &[BoxedState], items: u64) -> Result<Vec<Vec<u8>>, Error>;
    fn read(&self, bytes: &[Vec<u8>], items: u64) -> Result<Vec<BoxedState>, Error>;
}

/// A lane of `columns` with items of that type, as yet without aggregators.
pub(crate) fn lane(columns: Vec<String>, item: ItemType) -> Box<dyn Lane> {
    macro_rules! typed {
        ($($variant:ident $number:ty),*) => {
            match item {
                ItemType::Presence => Box::new(Typed::new(columns, item, presence, statistic::truth)),
                ItemType::Bool => Box::new(Typed::new(columns, item, column::<bool>, statistic::truth)),
                ItemType::Time(clock) => {
                    Box::new(Typed::new(columns, item, ticks, move |family| statistic::ticks(family, clock)))
                }
                ItemType::Decimal(scale) => {
                    Box::new(Typed::new(columns, item, decimals, move |family| statistic::decimal(family, scale)))
                }
                ItemType::Bytes => Box::new(Typed::new(columns, item, bytes, statistic::bytes)),
                ItemType::Text => Box::new(Typed::new(columns, item, column::<String>, statistic::text)),
                ItemType::Pair => Box::new(Typed::new(columns, item, pair, statistic::pair)),
                $(ItemType::$variant => Box::new(Typed::new(columns, item, column::<$number>, statistic::element)),)*
            }
        };
    }
    typed!(F16 f16, F32 f32, F64 f64, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64)
}

/// The items of a batch, and which of them are there.
type Items<T> = (Vec<T>, Option<NullBuffer>);

struct Typed<T> {
    columns: Vec<String>,
    item: ItemType,
    families: Vec<Family>,
    aggregators: Vec<Boxed<T, Readout>>,
    items: fn(&[&ArrayRef], usize) -> Result<Items<T>, Error>,
    choose: Box<dyn Fn(Family) -> Chosen<T> + Send + Sync>,
}

impl<T> Typed<T> {
    fn new(
        columns: Vec<String>,
        item: ItemType,
        items: fn(&[&ArrayRef], usize) -> Result<Items<T>, Error>,
        choose: impl Fn(Family) -> Chosen<T> + Send + Sync + 'static,
    ) -> Self {
        Self { columns, item, families: Vec::new(), aggregators: Vec::new(), items, choose: Box::new(choose) }
    }

    fn arrays<'a>(&self, batch: &'a RecordBatch) -> Result<Vec<&'a ArrayRef>, Error> {
        let find = |column: &String| {
            batch.column_by_name(column).ok_or_else(|| Error::internal(format!("column {column} is not read")))
        };
        self.columns.iter().map(find).collect()
    }
}

fn column<T: ArrowItem>(arrays: &[&ArrayRef], _rows: usize) -> Result<Items<T>, Error> {
    let array = arrays[0];
    if let Some(values) = T::values(array) {
        return Ok((values.into_owned(), array.nulls().cloned()));
    }
    let array = if T::NAME == "text" { cast(array, &DataType::Utf8)? } else { floats(array)? };
    let values = T::values(&array).ok_or_else(|| Error::internal(format!("a column is not of {}", T::NAME)))?;
    Ok((values.into_owned(), array.nulls().cloned()))
}

/// Dates and times as their integers.
fn ticks(arrays: &[&ArrayRef], _rows: usize) -> Result<Items<i64>, Error> {
    let array = cast(arrays[0], &DataType::Int64)?;
    Ok((array.as_primitive::<Int64Type>().values().to_vec(), array.nulls().cloned()))
}

/// Numbers as f64, each the nearest one.
fn floats(array: &ArrayRef) -> Result<ArrayRef, Error> {
    let (DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale)) = *array.data_type() else {
        return cast(array, &DataType::Float64);
    };
    let (items, nulls) = decimals(&[array], array.len())?;
    let values = items.iter().map(|digits| digits.to_f64(scale)).collect::<Vec<_>>();
    Ok(Arc::new(Float64Array::new(values.into(), nulls)))
}

/// Decimals as their digits.
fn decimals(arrays: &[&ArrayRef], _rows: usize) -> Result<Items<Digits>, Error> {
    let array = arrays[0];
    let items = match array.data_type() {
        DataType::Decimal128(..) => array
            .as_primitive::<Decimal128Type>()
            .values()
            .iter()
            .map(|&digits| Digits(i256::from_i128(digits)))
            .collect(),
        DataType::Decimal256(..) => {
            array.as_primitive::<Decimal256Type>().values().iter().map(|&digits| Digits(digits)).collect()
        }
        other => return Err(Error::internal(format!("a column of {other} holds no decimals"))),
    };
    Ok((items, array.nulls().cloned()))
}

/// Bytes as text of which each character is one.
fn bytes(arrays: &[&ArrayRef], _rows: usize) -> Result<Items<String>, Error> {
    let array = arrays[0].as_binary::<i32>();
    let text = |bytes: Option<&[u8]>| bytes.unwrap_or_default().iter().map(|&byte| char::from(byte)).collect();
    Ok((array.iter().map(text).collect(), array.nulls().cloned()))
}

fn pair(arrays: &[&ArrayRef], _rows: usize) -> Result<Items<(f64, f64)>, Error> {
    let [x, y] = [floats(arrays[0])?, floats(arrays[1])?];
    let nulls = NullBuffer::union(x.nulls(), y.nulls());
    let (x, y) = (x.as_primitive::<Float64Type>(), y.as_primitive::<Float64Type>());
    Ok((x.values().iter().copied().zip(y.values().iter().copied()).collect(), nulls))
}

fn presence(arrays: &[&ArrayRef], rows: usize) -> Result<Items<bool>, Error> {
    let nulls = arrays.iter().fold(None, |all, array| NullBuffer::union(all.as_ref(), array.logical_nulls().as_ref()));
    Ok((nulls.map_or_else(|| vec![true; rows], |nulls| nulls.iter().collect()), None))
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, Error> {
    arrow::compute::cast(array, to).map_err(|e| Error::input(format!("a column of {}: {e}", array.data_type())))
}

impl<T> Typed<T> {
    fn read_items(&self, batch: &RecordBatch) -> Result<Items<T>, Error> {
        let arrays = self.arrays(batch)?;
        if self.families.contains(&Family::ExactCovariance) {
            for (column, array) in self.columns.iter().zip(&arrays) {
                fits_f64(column, array)?;
            }
        }
        (self.items)(&arrays, batch.num_rows())
    }
}

/// Refuses integers that an exact statistic would see rounded to f64.
fn fits_f64(column: &str, array: &ArrayRef) -> Result<(), Error> {
    if !matches!(array.data_type(), DataType::Int64 | DataType::UInt64) {
        return Ok(());
    }
    let wide = cast(array, &DataType::Decimal128(20, 0))?;
    let near = |x: i128| x.unsigned_abs() <= 1 << 53;
    match wide.as_primitive::<Decimal128Type>().iter().flatten().find(|&x| !near(x)) {
        Some(x) => Err(Error::input(format!(
            "--exact: column {column:?} holds {x}, which may round to f64 where two columns are paired; leave --exact out"
        ))),
        None => Ok(()),
    }
}

impl<T: Item> Lane for Typed<T> {
    fn columns(&self) -> &[String] {
        &self.columns
    }
    fn item(&self) -> ItemType {
        self.item
    }
    fn add(&mut self, family: Family) -> Result<Option<usize>, Error> {
        if let Some(place) = self.families.iter().position(|known| *known == family) {
            return Ok(Some(place));
        }
        let Some(aggregator) = (self.choose)(family)? else { return Ok(None) };
        self.families.push(family);
        self.aggregators.push(aggregator);
        Ok(Some(self.families.len() - 1))
    }
    fn identity(&self) -> Vec<BoxedState> {
        self.aggregators.identity()
    }
    fn groups(&self) -> LaneGroups {
        self.aggregators.iter().map(Boxed::groups).collect()
    }
    fn grow(&self, groups: &mut LaneGroups, count: usize) {
        self.aggregators.iter().zip(groups).for_each(|(aggregator, groups)| aggregator.grow(groups, count));
    }

    fn items(&self, batch: &RecordBatch, nan: NanPolicy) -> Result<LaneItems, LaneError> {
        let (values, nulls) = self.read_items(batch)?;
        let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let is_nan = |row: usize| nan != NanPolicy::Propagate && values[row].is_nan();
        let counts = |row: usize| match is_null(row) || is_nan(row) {
            true if !is_null(row) && nan == NanPolicy::Error => Err(LaneError::Nan(row as u64)),
            missing => Ok(!missing),
        };
        let all = nulls.is_none() && (nan == NanPolicy::Propagate || !values.iter().any(Item::is_nan));
        let counts = if all { None } else { Some((0..values.len()).map(counts).collect::<Result<_, _>>()?) };
        Ok(Box::new(Counted { values, counts }))
    }

    fn lift(&self, groups: &mut LaneGroups, count: usize, items: &LaneItems, rows: Grouped<'_>) {
        let Some(items) = items.downcast_ref::<Counted<T>>() else { return };
        for (aggregator, groups) in self.aggregators.iter().zip(&mut *groups).filter(|(a, _)| a.positional()) {
            for (row, number) in items.of(rows) {
                let block = Block::new(&items.values[row..=row]).at(rows.place + row as u64);
                aggregator.lift_group(groups, &block, number as usize);
            }
        }
        let mut others: Vec<_> = self.aggregators.iter().zip(groups).filter(|(a, _)| !a.positional()).collect();
        if others.is_empty() {
            return;
        }
        let facts = others.iter().fold(Facts::NONE, |facts, (aggregator, _)| facts | aggregator.facts());
        let mut lift_group = |values: &[T], number: usize| {
            // In the engine's own blocks, to which the aggregators' error bounds belong.
            for values in values.chunks(BLOCK) {
                let block = Block::with_facts(values, facts);
                others.iter_mut().for_each(|(aggregator, groups)| aggregator.lift_group(groups, &block, number));
            }
        };
        if count == 1 && items.counts.is_none() && rows.rows.is_none() {
            return lift_group(&items.values, 0);
        }
        let (order, numbers): (Vec<u32>, Cow<'_, [u32]>) = if items.counts.is_none() && rows.rows.is_none() {
            ((0..).take(rows.numbers.len()).collect(), Cow::Borrowed(rows.numbers))
        } else {
            let (order, numbers): (Vec<u32>, Vec<u32>) =
                items.of(rows).map(|(row, number)| (row as u32, number)).unzip();
            (order, Cow::Owned(numbers))
        };
        if order.len() >= GATHERED * count {
            let (order, ends) = in_groups(order, &numbers, count);
            let values: Vec<T> = order.into_iter().map(|row| items.values[row as usize].clone()).collect();
            let mut start = 0;
            for (number, end) in ends.into_iter().enumerate() {
                lift_group(&values[start..end], number);
                start = end;
            }
            return;
        }
        let kept: Vec<T>;
        let values = if order.len() == items.values.len() {
            &items.values
        } else {
            kept = order.iter().map(|&row| items.values[row as usize].clone()).collect();
            &kept
        };
        let block = Block::new(values);
        others.iter_mut().for_each(|(aggregator, groups)| aggregator.lift_groups(groups, &block, &numbers));
    }

    fn merge_groups(&self, groups: &mut LaneGroups, others: LaneGroups, numbers: &[u32]) {
        for ((aggregator, groups), others) in self.aggregators.iter().zip(groups).zip(others) {
            aggregator.merge_groups(groups, others, numbers);
        }
    }
    fn finish_groups(&self, groups: LaneGroups, reads: &[(usize, Read)]) -> Vec<Column> {
        let mut columns: Vec<Builder> = reads.iter().map(|_| Builder::default()).collect();
        for (place, (aggregator, groups)) in self.aggregators.iter().zip(groups).enumerate() {
            let mut reads: Vec<(Read, &mut Builder)> = reads
                .iter()
                .zip(&mut columns)
                .filter(|((of, _), _)| *of == place)
                .map(|((_, read), column)| (*read, column))
                .collect();
            aggregator.finish_groups(groups, &mut |readout| {
                reads.iter_mut().for_each(|(read, column)| column.push(readout.read(*read)));
            });
        }
        columns.into_iter().map(Builder::finish).collect()
    }
    fn states(&self, groups: LaneGroups) -> Vec<Vec<BoxedState>> {
        let columns = self.aggregators.iter().zip(groups).map(|(aggregator, groups)| aggregator.states(groups));
        let mut by_group: Vec<Vec<BoxedState>> = Vec::new();
        for column in columns {
            by_group.resize_with(column.len(), Vec::new);
            by_group.iter_mut().zip(column).for_each(|(states, state)| states.push(state));
        }
        by_group
    }
    fn merge(&self, states: &mut Vec<BoxedState>, mut others: Vec<BoxedState>, places: u64) {
        self.aggregators.shift(&mut others, places);
        self.aggregators.merge(states, others);
    }
    fn finish(&self, states: Vec<BoxedState>) -> Vec<Readout> {
        self.aggregators.finish(states)
    }
    fn signatures(&self) -> Vec<String> {
        self.aggregators.iter().map(Boxed::signature).collect()
    }
    fn write(&self, states: &[BoxedState], items: u64) -> Result<Vec<Vec<u8>>, Error> {
        let each = self.aggregators.iter().zip(states);
        Ok(each
            .map(|(aggregator, state)| aggregator.to_bytes(state, items))
            .collect::<Result<_, strix_reduce::Error>>()?)
    }
    fn read(&self, bytes: &[Vec<u8>], items: u64) -> Result<Vec<BoxedState>, Error> {
        if bytes.len() != self.aggregators.len() {
            return Err(Error::input(format!("{} states, but {} belong to it", bytes.len(), self.aggregators.len())));
        }
        let read = |(aggregator, bytes): (&Boxed<T, Readout>, &Vec<u8>)| match aggregator.read_bytes(bytes)? {
            (state, rows) if rows == items => Ok(state),
            (_, rows) => Err(Error::input(format!("a state inside is of {rows} rows, not {items}"))),
        };
        self.aggregators.iter().zip(bytes).map(read).collect()
    }
}

/// Rows for a group, on average, from which on it costs less to gather each group's items first, so that they go through
/// the aggregators' own fast loops.
const GATHERED: usize = 8;

/// The items of a batch, and which of them count.
struct Counted<T> {
    values: Vec<T>,
    /// None where all do.
    counts: Option<Vec<bool>>,
}

impl<T> Counted<T> {
    /// The rows that count of these, and each one's group.
    fn of<'a>(&'a self, rows: Grouped<'a>) -> impl Iterator<Item = (usize, u32)> + 'a {
        let row = move |at: usize| rows.rows.map_or(at, |rows| rows[at] as usize);
        let all = rows.numbers.iter().enumerate().map(move |(at, &number)| (row(at), number));
        all.filter(|&(row, _)| self.counts.as_ref().is_none_or(|counts| counts[row]))
    }
}
