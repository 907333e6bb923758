//! The 1-D arrays of an npz, as the columns of a table.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float16Array, Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Int64Array,
    RecordBatch, RecordBatchOptions, UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::archive::{Archive, in_array};
use crate::columns::{choose, labels};
use crate::file::ChunkReader;
use crate::input::{Input, Stream};
use crate::raw::RawReader;
use crate::table::{BATCH_BYTES, ROWS};
use crate::{Chunk, Dtype, Error, TableOptions, TableReader};

/// Columns read at once, as each takes buffers of its own.
const COLUMNS: usize = 4096;

pub(crate) struct NpzTable {
    label: std::path::PathBuf,
    columns: Vec<(String, RawReader<Stream>)>,
    schema: SchemaRef,
    rows: u64,
    done: u64,
}

pub(crate) fn open(input: Input, options: &TableOptions) -> Result<NpzTable, Error> {
    let archive = Archive::open(input)?;
    let label = archive.label.clone();
    let wanted = options.columns.as_deref();
    let chosen = choose(&label, &archive.names(), wanted)?;
    let mut columns: Vec<(String, RawReader<Stream>)> = Vec::new();
    let mut first: Option<Error> = None;
    for (index, column) in chosen.into_iter().zip(labels(&archive.names(), wanted)) {
        let member = &archive.members[index];
        let array = archive.array(member).and_then(|array| match array.shape.len() {
            1 => Ok(array),
            _ => {
                let what = format!("has {}; a column has one dimension", array.promise);
                Err(in_array(&label, &member.name, Error::format(&label, what)))
            }
        });
        match array {
            Ok(array) => columns.push((column, array)),
            Err(error @ Error::Format { .. }) if wanted.is_none() => first = first.or(Some(error)),
            Err(error) => return Err(error),
        }
        if columns.len() > COLUMNS {
            let what = format!("has more than {COLUMNS} arrays; name the columns of interest");
            return Err(Error::format(&label, what));
        }
    }
    // Arrays that are no columns are left out, but not all of them.
    if let (true, Some(error)) = (columns.is_empty(), first) {
        return Err(error);
    }
    // Of no columns at all there still are rows: those of the first array that could be one.
    let mut arrays = archive.members.iter().filter(|_| columns.is_empty()).map(|member| archive.array(member));
    let rows = match columns.first() {
        Some((_, array)) => array.elements,
        None => arrays.find_map(|array| array.ok().filter(|array| array.shape.len() == 1)).map_or(0, |a| a.elements),
    };
    if let Some((name, array)) = columns.iter().find(|(_, array)| array.elements != rows) {
        let what = format!(
            "array {:?} has {rows} elements, but array {name:?} has {}; the columns of a table have one length",
            columns[0].0, array.elements
        );
        return Err(Error::format(&label, what));
    }
    let row_bytes: usize = columns.iter().map(|(_, array)| array.dtype().bytes()).sum();
    let chunk = (BATCH_BYTES / row_bytes.max(1)).clamp(1, ROWS);
    let columns: Vec<_> = columns.into_iter().map(|(name, array)| (name, array.with_chunk_len(chunk))).collect();
    let field = |(name, array): &(String, RawReader<Stream>)| Field::new(name, data_type(array.dtype()), false);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    Ok(NpzTable { label, columns, schema, rows, done: 0 })
}

impl TableReader for NpzTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn progress(&self) -> (u64, Option<u64>) {
        (self.done, Some(self.rows))
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (name, column) in &mut self.columns {
            // All are of one length, so all end together.
            if column.next_chunk().map_err(|e| in_array(&self.label, name, e))?.is_some() {
                arrays.push(array(column.take_chunk()));
            }
        }
        let left = usize::try_from(self.rows - self.done).unwrap_or(usize::MAX);
        let rows = arrays.first().map_or(if self.columns.is_empty() { left.min(ROWS) } else { 0 }, |array| array.len());
        if rows == 0 {
            return Ok(None);
        }
        self.done += rows as u64;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options);
        batch.map(Some).map_err(|e| Error::format(&self.label, e.to_string()))
    }
}

fn data_type(dtype: Dtype) -> DataType {
    array(dtype.empty_chunk()).data_type().clone()
}

fn array(chunk: Chunk) -> ArrayRef {
    match chunk {
        Chunk::F16(items) => Arc::new(Float16Array::from(items)),
        Chunk::F32(items) => Arc::new(Float32Array::from(items)),
        Chunk::F64(items) => Arc::new(Float64Array::from(items)),
        Chunk::I8(items) => Arc::new(Int8Array::from(items)),
        Chunk::I16(items) => Arc::new(Int16Array::from(items)),
        Chunk::I32(items) => Arc::new(Int32Array::from(items)),
        Chunk::I64(items) => Arc::new(Int64Array::from(items)),
        Chunk::U8(items) => Arc::new(UInt8Array::from(items)),
        Chunk::U16(items) => Arc::new(UInt16Array::from(items)),
        Chunk::U32(items) => Arc::new(UInt32Array::from(items)),
        Chunk::U64(items) => Arc::new(UInt64Array::from(items)),
        Chunk::Bool(items) => Arc::new(BooleanArray::from(items)),
    }
}
