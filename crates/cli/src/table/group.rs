//! Which group each row is in.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, SchemaRef};
use arrow::row::{RowConverter, Rows, SortField};
use xxhash_rust::xxh3::xxh3_64;

use super::key::{Key, cells, is_key, no_key};
use super::numbers::Numbers;
use crate::failure::Failure;

/// Encodes the key columns of batches as bytes, one row a key.
#[derive(Debug)]
pub(crate) struct Groups {
    columns: Vec<String>,
    converter: RowConverter,
}

/// The keys of a batch's rows, as bytes, and their hashes; none where all rows are one group.
#[derive(Debug)]
pub(crate) struct Keys {
    rows: Option<(Rows, Vec<u64>)>,
    len: usize,
}

impl Keys {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The part, of a power of two, that each row's key belongs to.
    pub(crate) fn parts(&self, bits: u32) -> impl Iterator<Item = usize> {
        let hashes = self.rows.as_ref().map_or(&[][..], |(_, hashes)| hashes);
        // By the high bits: the table goes by the low ones.
        hashes.iter().map(move |hash| (hash >> (64 - bits)) as usize)
    }

    /// The numbers of the keys of these rows, or of all.
    pub(crate) fn numbers(&self, rows: Option<&[u32]>, numbers: &mut Numbers) -> Vec<u32> {
        let len = rows.map_or(self.len, <[u32]>::len);
        let Some((keys, hashes)) = &self.rows else {
            // All of them are one group.
            return if len == 0 { Vec::new() } else { vec![numbers.number(&[], 0); len] };
        };
        let mut number = |row: usize| numbers.number(keys.row(row).data(), hashes[row]);
        match rows {
            None => (0..len).map(number).collect(),
            Some(rows) => rows.iter().map(|&row| number(row as usize)).collect(),
        }
    }
}

impl Groups {
    /// Groups by these columns of tables of `schema`.
    pub(crate) fn new(columns: &[String], schema: &SchemaRef) -> Result<Self, Failure> {
        let fields = columns.iter().map(|column| {
            let field = schema.field_with_name(column).map_err(|e| Failure::Input(format!("--by {column}: {e}")))?;
            if !is_key(field.data_type()) {
                return Err(Failure::Input(format!("column {column:?}: {}", no_key(field.data_type()))));
            }
            Ok(SortField::new(coded(field.data_type())))
        });
        let fields = fields.collect::<Result<Vec<_>, Failure>>()?;
        let converter = RowConverter::new(fields).map_err(|e| Failure::Input(format!("--by: {e}")))?;
        Ok(Self { columns: columns.to_vec(), converter })
    }

    /// The keys of a batch's rows.
    pub(crate) fn of(&self, batch: &RecordBatch) -> Result<Keys, Failure> {
        let len = batch.num_rows();
        if self.columns.is_empty() {
            return Ok(Keys { rows: None, len });
        }
        let columns = self.columns.iter().map(|column| {
            let array =
                batch.column_by_name(column).ok_or_else(|| Failure::Internal(format!("{column} is not read")))?;
            one_zero(array)
        });
        let columns = columns.collect::<Result<Vec<_>, Failure>>()?;
        let rows = self.converter.convert_columns(&columns).map_err(|e| Failure::Input(format!("--by: {e}")))?;
        let hashes = rows.iter().map(|row| xxh3_64(row.data())).collect();
        Ok(Keys { rows: Some((rows, hashes)), len })
    }

    /// The keys that the bytes stand for.
    pub(crate) fn keys<'a>(&self, bytes: impl Iterator<Item = &'a [u8]>) -> Result<Vec<Vec<Key>>, Failure> {
        if self.columns.is_empty() {
            return Ok(bytes.map(|_| Vec::new()).collect());
        }
        let parser = self.converter.parser();
        let columns = self.converter.convert_rows(bytes.map(|row| parser.parse(row)));
        let columns = columns.map_err(|e| Failure::Internal(format!("a key does not read back: {e}")))?;
        let columns = columns.iter().map(cells).collect::<Result<Vec<_>, Failure>>()?;
        let rows = columns.first().map_or(0, Vec::len);
        Ok((0..rows).map(|row| columns.iter().map(|cells| cells[row].clone()).collect()).collect())
    }
}

/// The type in which keys of a type are encoded.
fn coded(kind: &DataType) -> DataType {
    if kind.is_floating() { DataType::Float64 } else { kind.clone() }
}

/// Floats as f64, with one zero and one NaN.
fn one_zero(array: &ArrayRef) -> Result<ArrayRef, Failure> {
    if !array.data_type().is_floating() {
        return Ok(array.clone());
    }
    let wide = arrow::compute::cast(array, &DataType::Float64).map_err(|e| Failure::Internal(e.to_string()))?;
    let one = |x: f64| if x.is_nan() { f64::NAN } else { x + 0.0 };
    Ok(Arc::new(wide.as_primitive::<Float64Type>().unary::<_, Float64Type>(one)))
}
