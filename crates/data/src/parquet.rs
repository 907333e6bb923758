//! Apache Parquet, as tables.

use std::collections::VecDeque;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, RowGroups, RowSelection, RowSelector,
};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::{Compression, Encoding, LogicalType, Type as PhysicalType};
use parquet::errors::ParquetError;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::schema::types::TypePtr;
use rayon::prelude::*;

use crate::columns::{Shape, coded_text};
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
    file: Opened,
    /// Row groups that are read side by side, and the next one.
    open: Vec<Group>,
    next_group: usize,
    /// The row with which it begins.
    next_row: u64,
    /// Batches that were read, with the rows with which they begin, and what is wrong behind them.
    queue: VecDeque<Result<(u64, RecordBatch), Error>>,
    first_row: Option<u64>,
    read: u64,
    rows: u64,
    done: bool,
}

/// A file whose footer was read, and what is wanted of it.
struct Opened {
    label: PathBuf,
    bytes: Arc<Seekable>,
    metadata: ArrowReaderMetadata,
    projection: ProjectionMask,
    levels: FieldLevels,
    /// The same with text as codes, and the places of that text among the leaves.
    coded: Option<(FieldLevels, Vec<usize>)>,
    shape: Shape,
}

/// A row group that is being read.
struct Group {
    index: usize,
    /// The row of the file with which it begins.
    first_row: u64,
    /// How many of its rows were read, and the reader of the rest.
    read: usize,
    reader: Option<ParquetRecordBatchReader>,
    /// Rows of a batch, fewer of long ones.
    batch_rows: usize,
}

/// Row groups that are read side by side, on however many threads: what is handed out does not depend on them.
const GROUPS: usize = 4;

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
        let bytes = Arc::new(bytes);
        let mut file = Opened { label: label.clone(), bytes, metadata, projection, levels, coded: None, shape };
        file.keep_codes(&options.coded)?;
        Ok(ParquetTable {
            file,
            open: Vec::new(),
            next_group: 0,
            next_row: 0,
            queue: VecDeque::new(),
            first_row: None,
            read: 0,
            rows,
            done: false,
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
        self.file.shape.schema.clone()
    }

    fn retype(&mut self, options: &TableOptions) {
        // Of these columns the levels were made before; where that fails again, text stays text.
        if self.file.keep_codes(&options.coded).is_err() {
            self.file.shape.keep_codes(&[]);
        }
    }

    fn progress(&self) -> (u64, Option<u64>) {
        (self.read, Some(self.rows))
    }

    fn notes(&self) -> Vec<String> {
        let columns = self.file.metadata.parquet_schema().root_schema().get_fields();
        let int96 = |index: &&usize| {
            let column = &columns[**index];
            column.is_primitive() && column.get_physical_type() == PhysicalType::INT96
        };
        let note = |&index: &usize| {
            let (file, column) = (self.file.label.display(), columns[index].name());
            format!("{file}: times of INT96 in column {column:?} are read in microseconds, without finer digits")
        };
        self.file.shape.chosen.iter().filter(int96).map(note).collect()
    }

    fn first_row(&self) -> Option<u64> {
        self.first_row
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        loop {
            match self.queue.pop_front() {
                Some(Ok((first_row, batch))) => {
                    self.first_row = Some(first_row);
                    self.read += batch.num_rows() as u64;
                    return Ok(Some(batch));
                }
                Some(Err(error)) => {
                    self.done = true;
                    self.queue.clear();
                    return Err(error);
                }
                None if self.done => return Ok(None),
                None => self.read_on()?,
            }
        }
    }
}

impl ParquetTable {
    /// Reads a batch of each of the row groups that are open.
    fn read_on(&mut self) -> Result<(), Error> {
        let groups = self.file.metadata.metadata().num_row_groups();
        while self.open.len() < GROUPS && self.next_group < groups {
            let (index, first_row) = (self.next_group, self.next_row);
            self.next_group += 1;
            let rows = self.file.metadata.metadata().row_group(index).num_rows();
            self.next_row = first_row.saturating_add(u64::try_from(rows).unwrap_or_default());
            self.open.push(Group { index, first_row, read: 0, reader: None, batch_rows: 0 });
        }
        if self.open.is_empty() {
            self.done = true;
            if self.read != self.rows {
                let what = format!("it has {} rows, but its footer says {}", self.read, self.rows);
                return Err(broken(&self.file.label, &what));
            }
            return Ok(());
        }
        let mut open = std::mem::take(&mut self.open);
        let file = &self.file;
        let read: Vec<_> = open.par_iter_mut().map(|group| guard(&file.label, || file.next_of(group))).collect();
        let mut batches = read.into_iter();
        open.retain(|_| {
            let batch = batches.next().and_then(Result::transpose);
            let goes_on = matches!(batch, Some(Ok(_)));
            self.queue.extend(batch);
            goes_on
        });
        self.open = open;
        Ok(())
    }
}

impl Opened {
    /// Reads text of these columns as codes from row groups that have it so.
    fn keep_codes(&mut self, columns: &[String]) -> Result<(), Error> {
        self.shape.keep_codes(columns);
        let coded: Vec<usize> = self.shape.coded().collect();
        if coded.is_empty() {
            self.coded = None;
            return Ok(());
        }
        let text = |(index, field): (usize, &Arc<Field>)| {
            let field = field.as_ref().clone();
            if coded.contains(&index) { field.with_data_type(coded_text()) } else { field }
        };
        let fields: Fields = self.metadata.schema().fields().iter().enumerate().map(text).collect();
        let schema = self.metadata.parquet_schema();
        let levels = parquet_to_arrow_field_levels(schema, self.projection.clone(), Some(&fields));
        let leaves = (0..schema.num_columns()).filter(|&leaf| coded.contains(&schema.get_column_root_idx(leaf)));
        self.coded = Some((levels.map_err(|e| broken(&self.label, &e))?, leaves.collect()));
        Ok(())
    }

    /// How a row group is read: as codes where all text that may be is stored so, as codes would have to be made of other text.
    fn levels_of(&self, group: usize) -> &FieldLevels {
        let columns = self.metadata.metadata().row_group(group).columns();
        let has_codes = |leaf: &usize| {
            let encodings = columns.get(*leaf).and_then(|column| column.page_encoding_stats_mask());
            encodings.is_some_and(|pages| {
                pages.is_only(Encoding::RLE_DICTIONARY) || pages.is_only(Encoding::PLAIN_DICTIONARY)
            })
        };
        match &self.coded {
            Some((levels, leaves)) if leaves.iter().all(has_codes) => levels,
            _ => &self.levels,
        }
    }

    /// The next rows of a row group, and the row with which they begin.
    fn next_of(&self, group: &mut Group) -> Result<Option<(u64, RecordBatch)>, Error> {
        if group.reader.is_none() {
            self.check_group(group.index)?;
            group.batch_rows = self.fitting_rows(group.index);
            group.reader = Some(self.open_group(group)?);
        }
        loop {
            match group.reader.as_mut().and_then(Iterator::next) {
                Some(Err(e)) if group.batch_rows > 1 && e.to_string().contains(OVERFLOW) => {
                    group.batch_rows /= 8.min(group.batch_rows);
                    group.reader = Some(self.open_group(group)?);
                }
                Some(batch) => {
                    let batch =
                        batch.and_then(|batch| self.shape.apply(&batch)).map_err(|e| broken(&self.label, &e))?;
                    let first_row = group.first_row + group.read as u64;
                    group.read += batch.num_rows();
                    return Ok(Some((first_row, batch)));
                }
                None => return Ok(None),
            }
        }
    }

    /// The columns of the row group that are read.
    fn chunks(&self, group: usize) -> impl Iterator<Item = &ColumnChunkMetaData> {
        let columns = self.metadata.metadata().row_group(group).columns();
        columns.iter().enumerate().filter(|&(leaf, _)| self.projection.leaf_included(leaf)).map(|(_, column)| column)
    }

    fn check_group(&self, group: usize) -> Result<(), Error> {
        for column in self.chunks(group) {
            let (start, len) = column.byte_range();
            let zstd = matches!(column.compression(), Compression::ZSTD(_));
            pages::check(&self.bytes, start, len, zstd).map_err(|what| {
                let name = column.column_path().string();
                broken(&self.label, &format!("column {name:?}, row group {group}: {what}"))
            })?;
        }
        Ok(())
    }

    /// How many rows of the group make a batch, by what the footer says of their size.
    fn fitting_rows(&self, group: usize) -> usize {
        let rows = usize::try_from(self.metadata.metadata().row_group(group).num_rows()).unwrap_or(0);
        let bytes = self.chunks(group).map(|column| {
            // Of a dictionary, what its values come to when each is written out, if that is known.
            let bytes = column.uncompressed_size().max(column.unencoded_byte_array_data_bytes().unwrap_or(0));
            usize::try_from(bytes).unwrap_or(0) / rows.max(1)
        });
        let row = bytes.fold(0, |row: usize, bytes| row.saturating_add(bytes.max(size_of::<u64>())));
        (BATCH_BYTES / row.max(1)).clamp(1, ROWS).min(rows)
    }

    /// Begins to read a row group behind the rows that were read of it.
    fn open_group(&self, group: &Group) -> Result<ParquetRecordBatchReader, Error> {
        let rows = RowGroup { bytes: self.bytes.clone(), metadata: self.metadata.metadata(), index: group.index };
        let rest = (group.read > 0).then(|| {
            let left = rows.num_rows().saturating_sub(group.read);
            RowSelection::from(vec![RowSelector::skip(group.read), RowSelector::select(left)])
        });
        ParquetRecordBatchReader::try_new_with_row_groups(self.levels_of(group.index), &rows, group.batch_rows, rest)
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
