//! A group's key: one cell of it for each column of `--by`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::output::{Numeral, Value};

/// A cell of a key. The order is that of the output: what is missing first, then by value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Key {
    Missing,
    Truth(bool),
    Integer(i128),
    /// The float's bits as an integer of the same order.
    Float(i64),
    Text(String),
}

impl Key {
    pub(crate) fn value(&self) -> Value {
        match self {
            Self::Missing => Value::Missing,
            Self::Truth(truth) => Value::Truth(*truth),
            Self::Integer(integer) => Value::of(Some(*integer)),
            Self::Float(order) => Value::of(Some(f64::from_bits(flip(*order) as u64))),
            Self::Text(text) => text.clone().value(),
        }
    }
}

/// Flips the magnitude of negatives, both ways.
fn flip(bits: i64) -> i64 {
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// The cells of a column.
///
/// # Errors
/// [`Failure::Input`] when its type has no text.
pub(crate) fn cells(column: &ArrayRef) -> Result<Vec<Key>, Failure> {
    let to = match column.data_type() {
        DataType::Boolean => DataType::Boolean,
        kind if kind.is_signed_integer() => DataType::Int64,
        kind if kind.is_unsigned_integer() => DataType::UInt64,
        kind if kind.is_floating() => DataType::Float64,
        _ => DataType::Utf8,
    };
    let column = arrow::compute::cast(column, &to).map_err(|e| Failure::Input(format!("--by: {e}")))?;
    let cell = |row: usize| match to {
        _ if column.is_null(row) => Key::Missing,
        DataType::Boolean => Key::Truth(column.as_boolean().value(row)),
        DataType::Int64 => Key::Integer(column.as_primitive::<Int64Type>().value(row).into()),
        DataType::UInt64 => Key::Integer(column.as_primitive::<UInt64Type>().value(row).into()),
        DataType::Float64 => Key::Float(flip(column.as_primitive::<Float64Type>().value(row).to_bits() as i64)),
        _ => Key::Text(column.as_string::<i32>().value(row).to_owned()),
    };
    Ok((0..column.len()).map(cell).collect())
}
