//! One type for the parts of a column that have several: the narrowest that holds all of their values.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Int64Type, SchemaRef, TimeUnit, UInt64Type};
use strix_data::{Error, TableOptions, TableReader, Told};

use crate::keys::is_coded;
use crate::lane::ItemType;

/// Digits of the widest decimals.
const DIGITS: [u8; 2] = [38, 76];
/// Integers up to which f64 tells them apart.
const EXACT: u64 = 1 << 53;

/// The type of both, or `None` where no type holds the values of both. The order of values is kept.
pub(super) fn common(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::{
        Binary, Date32, Date64, Decimal128, Decimal256, Duration, Float64, Null, Time32, Time64, Timestamp, Utf8,
    };
    Some(match (a, b) {
        (a, b) if a == b => a.clone(),
        (Null, other) | (other, Null) => other.clone(),
        (a, b) if a.is_integer() && b.is_integer() => integers(a, b),
        (a, b) if a.is_floating() && b.is_floating() => if width(a) > width(b) { a } else { b }.clone(),
        (Decimal128(..) | Decimal256(..), other) | (other, Decimal128(..) | Decimal256(..)) if other.is_floating() => {
            Float64
        }
        (a, b) if a.is_integer() && b.is_floating() || a.is_floating() && b.is_integer() => Float64,
        (a, b) if is_decimal(a) && (is_decimal(b) || b.is_integer()) || a.is_integer() && is_decimal(b) => {
            decimals(digits(a)?, digits(b)?)?
        }
        (Utf8, Binary) | (Binary, Utf8) => Binary,
        (Date32, Date64) | (Date64, Date32) => Timestamp(TimeUnit::Millisecond, None),
        (Date32, Timestamp(unit, None)) | (Timestamp(unit, None), Date32) => Timestamp(*unit, None),
        (Date64, Timestamp(unit, None)) | (Timestamp(unit, None), Date64) => {
            Timestamp(finer(*unit, TimeUnit::Millisecond), None)
        }
        (Timestamp(one, None), Timestamp(other, None)) => Timestamp(finer(*one, *other), None),
        (Timestamp(one, Some(zone)), Timestamp(other, Some(_))) => Timestamp(finer(*one, *other), Some(zone.clone())),
        (Time32(one) | Time64(one), Time32(other) | Time64(other)) => match finer(*one, *other) {
            unit @ (TimeUnit::Second | TimeUnit::Millisecond) => Time32(unit),
            unit => Time64(unit),
        },
        (Duration(one), Duration(other)) => Duration(finer(*one, *other)),
        _ => return None,
    })
}

fn finer(one: TimeUnit, other: TimeUnit) -> TimeUnit {
    if one > other { one } else { other }
}

fn width(number: &DataType) -> usize {
    number.primitive_width().unwrap_or_default()
}

fn integers(a: &DataType, b: &DataType) -> DataType {
    let (wide, narrow) = if width(a) >= width(b) { (a, b) } else { (b, a) };
    if wide.is_signed_integer() == narrow.is_signed_integer()
        || (wide.is_signed_integer() && width(wide) > width(narrow))
    {
        return wide.clone();
    }
    // A signed type that holds the unsigned one has twice its bits.
    match width(wide) {
        1 => DataType::Int16,
        2 => DataType::Int32,
        4 => DataType::Int64,
        _ => DataType::Decimal128(20, 0),
    }
}

fn is_decimal(kind: &DataType) -> bool {
    matches!(kind, DataType::Decimal128(..) | DataType::Decimal256(..))
}

/// Digits before the point, and after it.
fn digits(kind: &DataType) -> Option<(u8, i8)> {
    Some(match kind {
        DataType::Decimal128(digits, scale) | DataType::Decimal256(digits, scale) => {
            (u8::try_from(i16::from(*digits) - i16::from(*scale)).ok()?, *scale)
        }
        integer => (20.min(3 * width(integer) as u8), 0),
    })
}

fn decimals(a: (u8, i8), b: (u8, i8)) -> Option<DataType> {
    let scale = a.1.max(b.1);
    let all = u8::try_from(i16::from(a.0.max(b.0)) + i16::from(scale)).ok()?.max(1);
    match all {
        _ if all <= DIGITS[0] => Some(DataType::Decimal128(all, scale)),
        _ if all <= DIGITS[1] => Some(DataType::Decimal256(all, scale)),
        _ => None,
    }
}

/// A reader whose batches come in the types that all files share, with the columns that all have.
pub(super) struct Widened {
    pub(super) reader: Box<dyn TableReader>,
    pub(super) schema: SchemaRef,
    /// What messages call the file.
    pub(super) label: std::path::PathBuf,
}

impl TableReader for Widened {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
    fn told(&self, column: usize) -> Told {
        self.reader.told(column)
    }
    fn has_own_text(&self, column: usize) -> bool {
        self.reader.has_own_text(column)
    }
    fn retype(&mut self, options: &TableOptions) {
        self.reader.retype(options);
    }
    fn absent(&self) -> Vec<(String, Error)> {
        self.reader.absent()
    }
    fn notes(&self) -> Vec<String> {
        self.reader.notes()
    }
    fn first_row(&self) -> Option<u64> {
        self.reader.first_row()
    }
    fn progress(&self) -> (u64, Option<u64>) {
        self.reader.progress()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let Some(batch) = self.reader.next_batch()? else { return Ok(None) };
        if batch.schema() == self.schema {
            return Ok(Some(batch));
        }
        let wrong = |what: String| Error::Format { path: self.label.clone(), what };
        let column = |field: &Arc<arrow::datatypes::Field>| {
            let array =
                batch.column_by_name(field.name()).ok_or_else(|| format!("column {:?} is not read", field.name()))?;
            let array = widened(array, field.data_type());
            Ok((field.name().clone(), array.map_err(|what| format!("column {:?}: {what}", field.name()))?, true))
        };
        let columns = self.schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        RecordBatch::try_from_iter_with_nullable(columns).map(Some).map_err(|e| wrong(e.to_string()))
    }
}

/// The values in another type, or why it does not hold them. Text may keep its codes.
fn widened(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, String> {
    if array.data_type() == to || is_coded(array.data_type()) && *to == DataType::Utf8 {
        return Ok(array.clone());
    }
    if to.is_floating() && array.data_type().is_integer() {
        let magnitude = match array.data_type() {
            DataType::Int64 => array.as_primitive::<Int64Type>().iter().flatten().map(i64::unsigned_abs).max(),
            DataType::UInt64 => array.as_primitive::<UInt64Type>().iter().flatten().max(),
            _ => None,
        };
        if let Some(rounded) = magnitude.filter(|&magnitude| magnitude > EXACT) {
            return Err(format!(
                "holds {rounded}, an integer that may round to f64, the type that all files share; reduce them apart"
            ));
        }
    }
    let checked = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &checked).map_err(|_| {
        let [from, to] = [array.data_type(), to].map(ItemType::named);
        format!("holds values of {from} that do not fit {to}, the type that all files share; reduce them apart")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use DataType::*;

    #[test]
    fn types_widen_to_the_narrowest_that_holds_both() {
        let cases = [
            (Int8, Int32, Some(Int32)),
            (UInt8, Int16, Some(Int16)),
            (UInt16, Int16, Some(Int32)),
            (UInt32, Int8, Some(Int64)),
            (UInt64, Int64, Some(Decimal128(20, 0))),
            (Float16, Float32, Some(Float32)),
            (Int64, Float32, Some(Float64)),
            (Decimal128(10, 2), Decimal128(12, 4), Some(Decimal128(12, 4))),
            (Decimal128(38, 0), Decimal128(10, 5), Some(Decimal256(43, 5))),
            (Decimal128(10, 2), Int32, Some(Decimal128(14, 2))),
            (Decimal128(10, 2), Float32, Some(Float64)),
            (Null, Utf8, Some(Utf8)),
            (Utf8, Binary, Some(Binary)),
            (Date32, Timestamp(TimeUnit::Second, None), Some(Timestamp(TimeUnit::Second, None))),
            (Duration(TimeUnit::Second), Duration(TimeUnit::Nanosecond), Some(Duration(TimeUnit::Nanosecond))),
            (Time32(TimeUnit::Second), Time64(TimeUnit::Microsecond), Some(Time64(TimeUnit::Microsecond))),
            (Timestamp(TimeUnit::Second, None), Timestamp(TimeUnit::Second, Some("UTC".into())), None),
            (Utf8, Int32, None),
            (Boolean, Int8, None),
        ];
        for (a, b, both) in cases {
            assert_eq!(common(&a, &b), both, "{a} and {b}");
            assert_eq!(common(&b, &a), both, "{b} and {a}");
        }
    }
}
