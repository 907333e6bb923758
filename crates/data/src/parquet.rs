//! Apache Parquet, as tables.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, RowGroups};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use crate::columns::Shape;
use crate::footer;
use crate::guard::guard;
use crate::input::Input;
use crate::pages;
use crate::row_group::RowGroup;
use crate::seekable::Seekable;
use crate::table::{BATCH_BYTES, ROWS};
use crate::{Error, TableOptions, TableReader};

pub(crate) struct ParquetTable {
    label: PathBuf,
    bytes: Arc<Seekable>,
    metadata: ArrowReaderMetadata,
    projection: ProjectionMask,
    levels: FieldLevels,
    shape: Shape,
    /// Rows of a batch, fewer of a wide table.
    batch_rows: usize,
    /// The next row group, and the reader of the one before it.
    group: usize,
    reader: Option<ParquetRecordBatchReader>,
    read: u64,
    rows: u64,
    done: bool,
}

pub(crate) fn open(input: Input, options: &TableOptions) -> Result<ParquetTable, Error> {
    let label = input.label.clone();
    let bytes = input.into_seekable()?;
    footer::check(&bytes).map_err(|what| broken(&label, &what))?;
    guard(&label, || {
        let metadata = ArrowReaderMetadata::load(&bytes, ArrowReaderOptions::new()).map_err(|e| broken(&label, &e))?;
        let shape = Shape::new(&label, metadata.schema(), options.columns.as_deref())?;
        let parquet = metadata.metadata().file_metadata();
        let projection = ProjectionMask::roots(parquet.schema_descr(), shape.projection());
        let fields = Some(metadata.schema().fields());
        let levels = parquet_to_arrow_field_levels(parquet.schema_descr(), projection.clone(), fields);
        let levels = levels.map_err(|e| broken(&label, &e))?;
        let cells = (0..parquet.schema_descr().num_columns()).filter(|&leaf| projection.leaf_included(leaf)).count();
        let batch_rows = (BATCH_BYTES / size_of::<u64>() / cells.max(1)).clamp(1, ROWS);
        let rows =
            u64::try_from(parquet.num_rows()).map_err(|_| broken(&label, &"it has a negative number of rows"))?;
        Ok(ParquetTable {
            label: label.clone(),
            bytes: Arc::new(bytes),
            projection,
            levels,
            shape,
            batch_rows,
            group: 0,
            reader: None,
            read: 0,
            rows,
            done: false,
            metadata,
        })
    })
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
            if let Some(batch) = self.reader.as_mut().and_then(Iterator::next) {
                let batch = batch.and_then(|batch| self.shape.apply(&batch)).map_err(|e| broken(&self.label, &e))?;
                self.read += batch.num_rows() as u64;
                return Ok(Some(batch));
            }
            if self.group == self.metadata.metadata().num_row_groups() {
                if self.read != self.rows {
                    let what = format!("it has {} rows, but its footer says {}", self.read, self.rows);
                    return Err(broken(&self.label, &what));
                }
                return Ok(None);
            }
            self.reader = Some(self.open_group(self.group)?);
            self.group += 1;
        }
    }

    /// Checks a row group, and begins to read it.
    fn open_group(&self, group: usize) -> Result<ParquetRecordBatchReader, Error> {
        let columns = self.metadata.metadata().row_group(group).columns();
        for (_, column) in columns.iter().enumerate().filter(|&(leaf, _)| self.projection.leaf_included(leaf)) {
            let (start, len) = column.byte_range();
            pages::check(&self.bytes, start, len).map_err(|what| {
                broken(&self.label, &format!("column {:?}, row group {group}: {what}", column.column_path().string()))
            })?;
        }
        let rows = RowGroup { bytes: self.bytes.clone(), metadata: self.metadata.metadata(), index: group };
        let batch_rows = self.batch_rows.min(rows.num_rows());
        ParquetRecordBatchReader::try_new_with_row_groups(&self.levels, &rows, batch_rows, None)
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
