//! The answer: a row for each group, the columns of the key first.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Float64Builder, Int64Array, Int64Builder, RecordBatch, StringArray,
};
use arrow::compute::interleave;
use arrow::error::ArrowError;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::Value;
use crate::key::KeyColumn;
use crate::value::digits;

/// The values of a statistic or a key, one for each group.
#[derive(Debug, Clone)]
pub(crate) enum Column {
    Keys(KeyColumn),
    // What most statistics are, in a fifth of the bytes.
    Floats(Float64Array),
    Integers(Int64Array),
    Values(Vec<Value>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Self::Keys(keys) => keys.len(),
            Self::Floats(floats) => floats.len(),
            Self::Integers(integers) => integers.len(),
            Self::Values(values) => values.len(),
        }
    }

    pub(crate) fn value(&self, row: usize) -> Value {
        match self {
            Self::Keys(keys) => keys.cell(row).value(),
            Self::Floats(floats) => {
                floats.is_valid(row).then(|| floats.value(row)).map_or(Value::Missing, Value::Float)
            }
            Self::Integers(integers) => Value::of(integers.is_valid(row).then(|| integers.value(row))),
            Self::Values(values) => values[row].clone(),
        }
    }

    /// The values at these places, each the part that it is in and its place in that.
    pub(crate) fn gathered(parts: Vec<Self>, places: &[(u32, u32)]) -> Self {
        // A part of missing values alone goes with any other.
        let integers = parts.iter().any(|part| matches!(part, Self::Integers(_)));
        let array = |part: &Self| -> Option<ArrayRef> {
            match part {
                Self::Floats(floats) if integers && floats.null_count() == floats.len() => {
                    Some(Arc::new(Int64Array::new_null(floats.len())))
                }
                Self::Floats(floats) => Some(Arc::new(floats.clone())),
                Self::Integers(integers) => Some(Arc::new(integers.clone())),
                _ => None,
            }
        };
        if let Some(arrays) = parts.iter().map(array).collect::<Option<Vec<ArrayRef>>>()
            && !arrays.is_empty()
        {
            let arrays: Vec<&dyn Array> = arrays.iter().map(|array| &**array).collect();
            let places: Vec<(usize, usize)> = places.iter().map(|&(part, at)| (part as usize, at as usize)).collect();
            // Fails where parts have several types.
            if let Ok(all) = interleave(&arrays, &places) {
                let any = all.as_any();
                if let Some(floats) = any.downcast_ref::<Float64Array>() {
                    return Self::Floats(floats.clone());
                }
                if let Some(integers) = any.downcast_ref::<Int64Array>() {
                    return Self::Integers(integers.clone());
                }
            }
        }
        Self::Values(places.iter().map(|&(part, at)| parts[part as usize].value(at as usize)).collect())
    }
}

/// A column as it grows: in the narrowest form that holds what it has so far.
pub(crate) enum Builder {
    /// So many missing values.
    Missing(usize),
    Floats(Float64Builder),
    Integers(Int64Builder),
    Values(Vec<Value>),
}

impl Default for Builder {
    fn default() -> Self {
        Self::Missing(0)
    }
}

impl Builder {
    pub(crate) fn push(&mut self, value: Value) {
        match (&mut *self, value) {
            (Self::Floats(floats), Value::Float(float)) => floats.append_value(float),
            (Self::Floats(floats), Value::Missing) => floats.append_null(),
            (Self::Integers(integers), Value::Missing) => integers.append_null(),
            (Self::Integers(integers), Value::Integer(integer)) if i64::try_from(integer).is_ok() => {
                integers.append_value(integer as i64);
            }
            (Self::Values(values), value) => values.push(value),
            (Self::Missing(count), Value::Missing) => *count += 1,
            (_, value) => self.widen(value),
        }
    }

    /// Goes over to a form that holds this value too.
    #[cold]
    fn widen(&mut self, value: Value) {
        let missing = if let Self::Missing(count) = self { Some(*count) } else { None };
        *self = match (missing, &value) {
            (Some(missing), Value::Float(_)) => {
                let mut floats = Float64Builder::new();
                floats.append_nulls(missing);
                Self::Floats(floats)
            }
            (Some(missing), Value::Integer(integer)) if i64::try_from(*integer).is_ok() => {
                let mut integers = Int64Builder::new();
                integers.append_nulls(missing);
                Self::Integers(integers)
            }
            _ => {
                let column = std::mem::take(self).finish();
                Self::Values((0..column.len()).map(|row| column.value(row)).collect())
            }
        };
        self.push(value);
    }

    pub(crate) fn finish(self) -> Column {
        match self {
            Self::Missing(count) => Column::Floats(Float64Array::new_null(count)),
            Self::Floats(mut floats) => Column::Floats(floats.finish()),
            Self::Integers(mut integers) => Column::Integers(integers.finish()),
            Self::Values(values) => Column::Values(values),
        }
    }
}

impl FromIterator<Value> for Column {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        let mut column = Builder::default();
        values.into_iter().for_each(|value| column.push(value));
        column.finish()
    }
}

/// The answer to a question: a row for each group, in the order of their keys, the columns of the key first.
///
/// It serializes as a list of objects, one a group, with the columns' names as keys.
#[derive(Clone)]
pub struct Answer {
    by: Vec<String>,
    statistics: Vec<String>,
    columns: Vec<Column>,
    groups: usize,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { by, statistics, groups, .. } = self;
        let mut debug = f.debug_struct("Answer");
        debug.field("by", by).field("statistics", statistics).field("groups", groups).finish_non_exhaustive()
    }
}

impl Answer {
    /// An answer of these rows, each with as many cells as there are columns in `by` and `statistics`.
    pub fn from_rows(by: Vec<String>, statistics: Vec<String>, rows: &[Vec<Value>]) -> Self {
        let column =
            |column: usize| rows.iter().map(|row| row.get(column).cloned().unwrap_or(Value::Missing)).collect();
        let columns = (0..by.len() + statistics.len()).map(column).collect();
        Self { by, statistics, columns, groups: rows.len() }
    }

    pub(crate) fn of(
        by: Vec<String>,
        statistics: Vec<String>,
        keys: Vec<KeyColumn>,
        values: Vec<Column>,
        groups: usize,
    ) -> Self {
        let columns: Vec<Column> = keys.into_iter().map(Column::Keys).chain(values).collect();
        debug_assert!(columns.iter().all(|column| column.len() == groups), "a cell for each group");
        Self { by, statistics, columns, groups }
    }

    /// The columns that rows were grouped by.
    pub fn by(&self) -> &[String] {
        &self.by
    }

    /// The statistics, as they were asked for.
    pub fn statistics(&self) -> &[String] {
        &self.statistics
    }

    /// The names of all columns: [`Answer::by`], then [`Answer::statistics`].
    pub fn header(&self) -> impl Iterator<Item = &str> {
        self.by.iter().chain(&self.statistics).map(String::as_str)
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.groups
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.groups == 0
    }

    /// All cells of a group.
    ///
    /// # Panics
    /// When there is no such group.
    pub fn row(&self, group: usize) -> impl Iterator<Item = Value> + '_ {
        self.columns.iter().map(move |column| column.value(group))
    }

    /// The cells of a group's key.
    ///
    /// # Panics
    /// When there is no such group.
    pub fn key(&self, group: usize) -> impl Iterator<Item = Value> + '_ {
        self.row(group).take(self.by.len())
    }

    /// A statistic, by its place in [`Answer::statistics`], of a group.
    ///
    /// # Panics
    /// When there is no such statistic or group.
    pub fn value(&self, group: usize, statistic: usize) -> Value {
        self.columns[self.by.len() + statistic].value(group)
    }

    /// The same with its first statistics alone.
    pub fn first(mut self, statistics: usize) -> Self {
        self.statistics.truncate(statistics);
        self.columns.truncate(self.by.len() + statistics);
        self
    }

    /// The answer as Arrow's columns, each of the narrowest type that loses nothing: integers of 64 bits, f64, truth values,
    /// else text.
    ///
    /// # Errors
    /// Arrow's own, where two columns have one name.
    pub fn to_batch(&self) -> Result<RecordBatch, ArrowError> {
        let arrays = self.header().zip(&self.columns).map(|(name, column)| (name, narrowest(column), true));
        RecordBatch::try_from_iter_with_nullable(arrays)
    }
}

/// A column in the narrowest type that loses nothing.
fn narrowest(column: &Column) -> ArrayRef {
    match column {
        Column::Floats(floats) if floats.null_count() < floats.len() => return Arc::new(floats.clone()),
        Column::Integers(integers) if integers.null_count() < integers.len() => return Arc::new(integers.clone()),
        _ => {}
    }
    let cells: Vec<Value> = (0..column.len()).map(|row| column.value(row)).collect();
    fn each<R>(cells: &[Value], read: impl Fn(&Value) -> Option<R>) -> Option<Vec<Option<R>>> {
        let read = |cell: &Value| match cell {
            Value::Missing => Some(None),
            cell => read(cell).map(Some),
        };
        cells.iter().map(read).collect()
    }
    let integer = |cell: &Value| match cell {
        Value::Integer(integer) => i64::try_from(*integer).ok(),
        Value::Decimal(digits) => digits.parse().ok(),
        _ => None,
    };
    if let Some(integers) = each(&cells, integer)
        && integers.iter().any(Option::is_some)
    {
        return Arc::new(Int64Array::from(integers));
    }
    // Digits of which an f64 does not hold all stay text.
    let float = |cell: &Value| cell.as_f64().filter(|&float| holds(float, cell));
    if let Some(floats) = each(&cells, float) {
        return Arc::new(Float64Array::from(floats));
    }
    let truth = |cell: &Value| if let Value::Truth(truth) = cell { Some(*truth) } else { None };
    if let Some(truths) = each(&cells, truth) {
        return Arc::new(BooleanArray::from(truths));
    }
    let text = |cell: &Value| if *cell == Value::Missing { None } else { Some(cell.cell()) };
    Arc::new(StringArray::from(cells.iter().map(text).collect::<Vec<_>>()))
}

/// Whether an f64 is the number that a value is, and not only near it: it is where it was written from an f64, or has
/// no more digits than each f64 has.
fn holds(float: f64, value: &Value) -> bool {
    if matches!(value, Value::Float(_)) {
        return true;
    }
    let text = value.text();
    let significant = text.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    significant <= 15 || digits(float) == text
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Row<'a>(&'a Answer, usize);
        impl Serialize for Row<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in self.0.header().zip(self.0.row(self.1)) {
                    map.serialize_entry(name, &value)?;
                }
                map.end()
            }
        }
        let mut list = serializer.serialize_seq(Some(self.len()))?;
        for group in 0..self.len() {
            list.serialize_element(&Row(self, group))?;
        }
        list.end()
    }
}
