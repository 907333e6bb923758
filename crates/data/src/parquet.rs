//! Apache Parquet, as tables.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, RowGroups, RowSelection, RowSelector,
};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::{Compression, LogicalType, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::TypePtr;

use crate::columns::Shape;
use crate::footer;
use crate::guard::guard;
use crate::input::Input;
use crate::pages;
use crate::row_group::RowGroup;
use crate::seekable::Seekable;
use crate::table::{BATCH_BYTES, ROWS};
use crate::{Error, TableOptions, TableReader};

/// What the parquet crate says when the text of a batch has more bytes than an array of it can hold, as a
/// dictionary's may have that is a few bytes in the file.
const OVERFLOW: &str = "index overflow";

pub(crate) struct ParquetTable {
    label: PathBuf,
    bytes: Arc<Seekable>,
    metadata: ArrowReaderMetadata,
    projection: ProjectionMask,
    levels: FieldLevels,
    shape: Shape,
    /// The row group, how many of its rows were read, and the reader of the rest.
    group: usize,
    read_of_group: usize,
    reader: Option<ParquetRecordBatchReader>,
    /// Rows of a batch of the group, fewer of long ones.
    batch_rows: usize,
    read: u64,
    rows: u64,
    done: bool,
}

pub(crate) fn open(input: Input, options: &TableOptions) -> Result<ParquetTable, Error> {
    let label = input.label.clone();
    let bytes = input.into_seekable()?;
    footer::check(&bytes).map_err(|what| broken(&label, &what))?;
    guard(&label, || {
        let metadata = metadata(&bytes).map_err(|e| broken(&label, &e))?;
        let shape = Shape::new(&label, &with_uuids(&metadata), options.columns.as_deref())?;
        let parquet = metadata.metadata().file_metadata();
        let projection = ProjectionMask::roots(parquet.schema_descr(), shape.projection());
        let fields = Some(metadata.schema().fields());
        let levels = parquet_to_arrow_field_levels(parquet.schema_descr(), projection.clone(), fields);
        let levels = levels.map_err(|e| broken(&label, &e))?;
        let rows =
            u64::try_from(parquet.num_rows()).map_err(|_| broken(&label, &"it has a negative number of rows"))?;
        Ok(ParquetTable {
            label: label.clone(),
            bytes: Arc::new(bytes),
            projection,
            levels,
            shape,
            group: 0,
            read_of_group: 0,
            reader: None,
            batch_rows: 0,
            read: 0,
            rows,
            done: false,
            metadata,
        })
    })
}

/// What the footer says. Times of INT96 are read in microseconds, as 64 bits of nanoseconds hold the years 1677 to
/// 2262 alone, and others would wrap.
fn metadata(bytes: &Seekable) -> Result<ArrowReaderMetadata, ParquetError> {
    let metadata = ArrowReaderMetadata::load(bytes, ArrowReaderOptions::new())
        // What a writer says of Arrow's types may be newer than this reader.
        .or_else(|_| ArrowReaderMetadata::load(bytes, ArrowReaderOptions::new().with_skip_arrow_metadata(true)))?;
    let microseconds = |field: &Arc<Field>, column: &TypePtr| {
        let int96 = column.is_primitive() && column.get_physical_type() == PhysicalType::INT96;
        let kind = DataType::Timestamp(TimeUnit::Microsecond, None);
        int96.then(|| Arc::new(field.as_ref().clone().with_data_type(kind)))
    };
    match with_fields(&metadata, microseconds) {
        None => Ok(metadata),
        Some(schema) => {
            ArrowReaderMetadata::try_new(metadata.metadata().clone(), ArrowReaderOptions::new().with_schema(schema))
        }
    }
}

/// The schema, in which UUIDs are marked as Arrow marks them.
fn with_uuids(metadata: &ArrowReaderMetadata) -> SchemaRef {
    let marked = |field: &Arc<Field>, column: &TypePtr| {
        let uuid = column.get_basic_info().logical_type_ref() == Some(&LogicalType::Uuid);
        let mut known = field.metadata().clone();
        known.insert("ARROW:extension:name", "arrow.uuid");
        uuid.then(|| Arc::new(field.as_ref().clone().with_metadata(known)))
    };
    with_fields(metadata, marked).unwrap_or_else(|| metadata.schema().clone())
}

/// The schema with other fields, if `other` gives any.
fn with_fields(
    metadata: &ArrowReaderMetadata,
    other: impl Fn(&Arc<Field>, &TypePtr) -> Option<Arc<Field>>,
) -> Option<SchemaRef> {
    let columns = metadata.parquet_schema().root_schema().get_fields();
    let fields = metadata.schema().fields();
    let others: Vec<_> = fields.iter().zip(columns).map(|(field, column)| other(field, column)).collect();
    if others.iter().all(Option::is_none) {
        return None;
    }
    let fields = fields.iter().zip(others).map(|(field, other)| other.unwrap_or_else(|| field.clone()));
    Some(Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), metadata.schema().metadata().clone())))
}

fn broken(label: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::format(label, format!("is no readable Parquet: {error}"))
}

impl TableReader for ParquetTable {
    fn schema(&self) -> SchemaRef {
        self.shape.schema.clone()
    }

    fn progress(&self) -> (u64, Option<u64>) {
        (self.read, Some(self.rows))
    }

    fn notes(&self) -> Vec<String> {
        let columns = self.metadata.parquet_schema().root_schema().get_fields();
        let int96 = |index: &&usize| {
            let column = &columns[**index];
            column.is_primitive() && column.get_physical_type() == PhysicalType::INT96
        };
        let note = |&index: &usize| {
            let (file, column) = (self.label.display(), columns[index].name());
            format!("{file}: times of INT96 in column {column:?} are read in microseconds, without finer digits")
        };
        self.shape.chosen.iter().filter(int96).map(note).collect()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        if self.done {
            return Ok(None);
        }
        let label = self.label.clone();
        let next = guard(&label, || self.next());
        self.done = !matches!(next, Ok(Some(_)));
        next
    }
}

impl ParquetTable {
    fn next(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            match self.reader.as_mut().map(Iterator::next) {
                Some(Some(Err(e))) if self.batch_rows > 1 && e.to_string().contains(OVERFLOW) => {
                    self.batch_rows /= 8.min(self.batch_rows);
                    self.reader = Some(self.open_group()?);
                    continue;
                }
                Some(Some(batch)) => {
                    let batch =
                        batch.and_then(|batch| self.shape.apply(&batch)).map_err(|e| broken(&self.label, &e))?;
                    self.read += batch.num_rows() as u64;
                    self.read_of_group += batch.num_rows();
                    return Ok(Some(batch));
                }
                Some(None) => {
                    self.group += 1;
                    self.read_of_group = 0;
                }
                None => {}
            }
            if self.group == self.metadata.metadata().num_row_groups() {
                if self.read != self.rows {
                    let what = format!("it has {} rows, but its footer says {}", self.read, self.rows);
                    return Err(broken(&self.label, &what));
                }
                return Ok(None);
            }
            self.check_group()?;
            self.batch_rows = self.fitting_rows();
            self.reader = Some(self.open_group()?);
        }
    }

    /// The columns of the row group that are read.
    fn chunks(&self) -> impl Iterator<Item = &ColumnChunkMetaData> {
        let columns = self.metadata.metadata().row_group(self.group).columns();
        columns.iter().enumerate().filter(|&(leaf, _)| self.projection.leaf_included(leaf)).map(|(_, column)| column)
    }

    fn check_group(&self) -> Result<(), Error> {
        for column in self.chunks() {
            let (start, len) = column.byte_range();
            let zstd = matches!(column.compression(), Compression::ZSTD(_));
            pages::check(&self.bytes, start, len, zstd).map_err(|what| {
                let name = column.column_path().string();
                broken(&self.label, &format!("column {name:?}, row group {}: {what}", self.group))
            })?;
        }
        Ok(())
    }

    /// How many rows of the group make a batch, by what the footer says of their size.
    fn fitting_rows(&self) -> usize {
        let group = self.metadata.metadata().row_group(self.group);
        let rows = usize::try_from(group.num_rows()).unwrap_or(0);
        let bytes = self.chunks().map(|column| {
            // Of a dictionary, what its values come to when each is written out, if that is known.
            let bytes = column.uncompressed_size().max(column.unencoded_byte_array_data_bytes().unwrap_or(0));
            usize::try_from(bytes).unwrap_or(0) / rows.max(1)
        });
        let row = bytes.fold(0, |row: usize, bytes| row.saturating_add(bytes.max(size_of::<u64>())));
        (BATCH_BYTES / row.max(1)).clamp(1, ROWS).min(rows)
    }

    /// Begins to read the row group behind the rows that were read of it.
    fn open_group(&self) -> Result<ParquetRecordBatchReader, Error> {
        let rows = RowGroup { bytes: self.bytes.clone(), metadata: self.metadata.metadata(), index: self.group };
        let rest = (self.read_of_group > 0).then(|| {
            let left = rows.num_rows().saturating_sub(self.read_of_group);
            RowSelection::from(vec![RowSelector::skip(self.read_of_group), RowSelector::select(left)])
        });
        ParquetRecordBatchReader::try_new_with_row_groups(&self.levels, &rows, self.batch_rows, rest)
            .map_err(|e| broken(&self.label, &e))
    }
}

impl Length for Seekable {
    fn len(&self) -> u64 {
        self.len()
    }
}

impl ChunkReader for Seekable {
    type T = BufReader<Self>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::new(self.at(start)))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        self.slice(start, length as u64).map(Bytes::from).map_err(ParquetError::from)
    }
}
