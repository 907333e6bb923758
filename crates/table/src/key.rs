//! A group's key: a cell for each column that rows are grouped by.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options, concat};
use arrow::datatypes::{DataType, Decimal256Type, DecimalType, Float64Type, Int64Type, UInt64Type, i256};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::clock::Clock;
use crate::statistic::Digits;
use crate::value::{Value, bytes_text};

/// A cell of a key. The order is that of the output: what is missing first, then by value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Key {
    Missing,
    Truth(bool),
    Integer(i128),
    /// The float's bits as an integer of the same order.
    Float(i64),
    Text(String),
    /// A date or time in the clock's units.
    Time(Clock, i64),
    /// A decimal: its scale, and the high and low half of its digits as an integer of 256 bits.
    Decimal(i8, i128, u128),
    Bytes(Vec<u8>),
}

impl Key {
    /// What the column holds that it is a cell of, which a missing cell does not tell.
    pub(crate) fn kind(&self) -> Option<String> {
        Some(match self {
            Self::Missing => return None,
            Self::Truth(_) => "bool".into(),
            Self::Integer(_) => "integers".into(),
            Self::Float(_) => "floats".into(),
            Self::Text(_) => "text".into(),
            Self::Time(clock, _) => clock.name(),
            Self::Decimal(scale, ..) => format!("decimal({scale})"),
            Self::Bytes(_) => "bytes".into(),
        })
    }

    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Missing => Value::Missing,
            Self::Truth(truth) => Value::Truth(*truth),
            Self::Integer(integer) => Value::Integer(*integer),
            Self::Float(order) => Value::Float(f64::from_bits(flip(*order) as u64)),
            Self::Text(text) => Value::Text(text.clone()),
            Self::Time(clock, ticks) => Value::Text(clock.text((*ticks).into())),
            Self::Decimal(scale, high, low) => Digits(i256::from_parts(*low, *high)).value(*scale),
            Self::Bytes(bytes) => Value::Text(bytes_text(bytes)),
        }
    }
}

/// Flips the magnitude of negatives, both ways.
fn flip(bits: i64) -> i64 {
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// A column of keys.
#[derive(Debug, Clone)]
pub(crate) struct KeyColumn {
    /// In one of a few types.
    array: ArrayRef,
    clock: Option<Clock>,
}

impl KeyColumn {
    /// The cells of a column.
    ///
    /// # Errors
    /// Of the input for a type, or a decimal, that a key cannot hold.
    pub(crate) fn new(column: &ArrayRef) -> Result<Self, Error> {
        let clock = Clock::of(column.data_type());
        let to = match column.data_type() {
            _ if clock.is_some() => DataType::Int64,
            DataType::Boolean => DataType::Boolean,
            kind if kind.is_signed_integer() => DataType::Int64,
            kind if kind.is_unsigned_integer() => DataType::UInt64,
            kind if kind.is_floating() => DataType::Float64,
            DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) => {
                DataType::Decimal256(Decimal256Type::MAX_PRECISION, *scale)
            }
            DataType::Binary => DataType::Binary,
            DataType::Utf8 | DataType::Null => DataType::Utf8,
            other => return Err(no_key(other)),
        };
        // A cast that makes nulls would make one group of different keys.
        let checked = CastOptions { safe: false, ..CastOptions::default() };
        let array = cast_with_options(column, &to, &checked).map_err(|e| Error::input(format!("--by: {e}")))?;
        Ok(Self { array, clock })
    }

    /// The columns of parts, one after the other; each part has the same ones.
    pub(crate) fn joined(parts: &[Vec<Self>]) -> Result<Vec<Self>, Error> {
        let Some(first) = parts.first() else { return Ok(Vec::new()) };
        let column = |(at, first): (usize, &Self)| {
            let arrays: Vec<&dyn Array> = parts.iter().map(|part| &*part[at].array).collect();
            let array = concat(&arrays).map_err(|e| Error::input(format!("--by: {e}")))?;
            Ok(Self { array, clock: first.clock })
        };
        first.iter().enumerate().map(column).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.array.len()
    }

    /// The cell of a row.
    pub(crate) fn cell(&self, row: usize) -> Key {
        let array = &self.array;
        match *array.data_type() {
            _ if array.is_null(row) => Key::Missing,
            DataType::Boolean => Key::Truth(array.as_boolean().value(row)),
            DataType::Int64 => {
                let integer = array.as_primitive::<Int64Type>().value(row);
                self.clock.map_or(Key::Integer(integer.into()), |clock| Key::Time(clock, integer))
            }
            DataType::UInt64 => Key::Integer(array.as_primitive::<UInt64Type>().value(row).into()),
            DataType::Float64 => Key::Float(flip(array.as_primitive::<Float64Type>().value(row).to_bits() as i64)),
            DataType::Decimal256(_, scale) => {
                let (low, high) = array.as_primitive::<Decimal256Type>().value(row).to_parts();
                Key::Decimal(scale, high, low)
            }
            DataType::Binary => Key::Bytes(array.as_binary::<i32>().value(row).to_vec()),
            _ => Key::Text(array.as_string::<i32>().value(row).to_owned()),
        }
    }
}

/// That rows cannot be grouped by a column of this type.
pub(crate) fn no_key(kind: &DataType) -> Error {
    Error::input(format!(
        "--by takes numbers, truth values, text, bytes, dates and times, but this column holds {kind}"
    ))
}

/// Whether rows can be grouped by a column of this type.
pub(crate) fn is_key(kind: &DataType) -> bool {
    matches!(kind, DataType::Boolean | DataType::Utf8 | DataType::Binary | DataType::Null)
        || kind.is_numeric()
        || Clock::of(kind).is_some()
}
