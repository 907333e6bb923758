//! One numeric column of a CSV file, as f64.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use csv::{Reader, ReaderBuilder, StringRecord};

use crate::file::ChunkReader;
use crate::{Chunk, Dtype, Error};

/// Rows read at once.
const ROWS: usize = 1 << 16;

pub(crate) struct CsvReader<R> {
    path: PathBuf,
    reader: Reader<R>,
    column: usize,
    /// The column as the user knows it, for messages.
    label: String,
    record: StringRecord,
    /// The first record, when it is data and no header.
    pending: bool,
    chunk: Chunk,
}

/// Reads the header, if there is one, and finds the column.
///
/// The first record is a header when the column is named in it, or when its cell cannot be the
/// begin of a number. A cell such as `1.0x` is therefore bad data and never taken for a header.
pub(crate) fn open<R: Read + Send>(path: &Path, reader: R, column: Option<&str>) -> Result<CsvReader<R>, Error> {
    let mut reader = ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(reader);
    let mut record = StringRecord::new();
    let found = reader.read_record(&mut record).map_err(|e| broken(path, &e))?;
    if !found {
        return Err(Error::format(path, "has no rows"));
    }
    let names = || record.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
    // A row of numbers alone is data, and an index then no name in it.
    let numbers = record.iter().all(|cell| cell.parse::<f64>().is_ok());
    let is_index = column.is_some_and(|name| name.parse::<usize>().is_ok());
    let by_name =
        column.filter(|_| !(numbers && is_index)).and_then(|name| record.iter().position(|cell| cell == name));
    let column = match (column, by_name) {
        (_, Some(index)) => index,
        (None, _) if record.len() == 1 => 0,
        (None, _) => {
            let what = format!("has {} columns ({}); choose one with --column NAME or INDEX", record.len(), names());
            return Err(Error::format(path, what));
        }
        (Some(name), None) => match name.parse() {
            Ok(index) if index < record.len() => index,
            Ok(index) => {
                let what = format!("has {} columns, counted from 0, so no column {index}", record.len());
                return Err(Error::format(path, what));
            }
            Err(_) => return Err(Error::format(path, format!("has no column {name:?}; its first row is {}", names()))),
        },
    };
    let cell = &record[column];
    let header = by_name.is_some() || cell.parse::<f64>().is_err() && !begins_as_number(cell);
    let label = if header { format!("{cell:?}") } else { column.to_string() };
    Ok(CsvReader {
        path: path.into(),
        reader,
        column,
        label,
        record,
        pending: !header,
        chunk: Chunk::F64(Vec::with_capacity(ROWS)),
    })
}

fn begins_as_number(cell: &str) -> bool {
    cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
}

fn broken(path: &Path, error: &csv::Error) -> Error {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = line_at(path, pos.as_ref());
            Error::format(path, format!("line {line} has {len} cells, the first row has {expected_len}"))
        }
        csv::ErrorKind::Utf8 { pos, err } => {
            let line = line_at(path, pos.as_ref());
            Error::format(path, format!("line {line} is not UTF-8: {err}"))
        }
        _ => Error::format(path, format!("is no CSV: {error}")),
    }
}

/// The line of the record at `position`, for messages: read again from the file, as the parser's own
/// count leaves out blank lines and the second half of CR LF.
fn line_at(path: &Path, position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let counted = || -> Option<u64> {
        let mut reader = crate::file::bytes_of(path).ok()?;
        let (mut line, mut at) = (1, 0);
        loop {
            let buffer = reader.fill_buf().ok()?;
            if buffer.is_empty() {
                return Some(line);
            }
            for &byte in buffer {
                if at >= position.byte() && byte != b'\r' && byte != b'\n' {
                    return Some(line);
                }
                line += u64::from(byte == b'\n');
                at += 1;
            }
            let read = buffer.len();
            reader.consume(read);
        }
    };
    counted().unwrap_or(position.line())
}

impl<R: Read + Send> ChunkReader for CsvReader<R> {
    fn dtype(&self) -> Dtype {
        Dtype::F64
    }

    fn elements(&self) -> Option<u64> {
        None
    }

    fn next_chunk(&mut self) -> Result<Option<&Chunk>, Error> {
        let mut rows = match std::mem::replace(&mut self.chunk, Chunk::U8(Vec::new())) {
            Chunk::F64(rows) => rows,
            _ => Vec::with_capacity(ROWS),
        };
        rows.clear();
        while rows.len() < ROWS {
            if !std::mem::take(&mut self.pending)
                && !self.reader.read_record(&mut self.record).map_err(|e| broken(&self.path, &e))?
            {
                break;
            }
            let cell = &self.record[self.column];
            let Ok(number) = cell.parse() else {
                let line = line_at(&self.path, self.record.position());
                let what = match cell {
                    "" => "is empty; write NaN for a missing number".into(),
                    _ => format!("holds {cell:?}, which is no number"),
                };
                return Err(Error::format(&self.path, format!("line {line}, column {}: the cell {what}", self.label)));
            };
            rows.push(number);
        }
        self.chunk = Chunk::F64(rows);
        Ok((!self.chunk.is_empty()).then_some(&self.chunk))
    }
}
