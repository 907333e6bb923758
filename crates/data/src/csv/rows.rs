//! The records of a CSV, a block of them at a time, with the place of each.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Position, Reader, ReaderBuilder};

use super::dialect::quoted;
use crate::cells::Cells;
use crate::input::{Input, Progress, Stream, line_at};
use crate::limit::{Limited, TooLong};
use crate::marked::{End, Marked};
use crate::table::{BATCH_BYTES, ROWS};
use crate::{Error, Source};

/// A record, and which of its cells keep their blanks as they are quoted.
#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) cells: ByteRecord,
    kept: Vec<usize>,
    /// Blank lines before it, which the parser counts as its own.
    blank: u64,
}

impl Record {
    /// A cell, without the blanks around it that are not quoted.
    pub(super) fn cell(&self, index: usize) -> &[u8] {
        let cell = self.cells.get(index).unwrap_or_default();
        if self.kept.contains(&index) { cell } else { cell.trim_ascii() }
    }
}

/// The records, a block of them at a time, and of each the wanted cells alone.
pub(super) struct Rows {
    pub(super) label: PathBuf,
    /// The source again, to count lines for a message.
    again: Option<Source>,
    pub(super) progress: Progress,
    reader: Reader<Limited<Marked<Stream>>>,
    separator: u8,
    quote: bool,
    pub(super) record: Record,
    /// Data that was read to tell whether there is a header.
    pub(super) pending: VecDeque<Record>,
    /// The columns that are read.
    pub(super) wanted: Vec<usize>,
    pub(super) cells: Vec<Cells>,
    /// Where each record of the block begins: the byte, and the line as the parser counts.
    starts: Vec<(u64, u64)>,
    /// What went wrong behind the block.
    pub(super) failed: Option<Error>,
}

impl Rows {
    pub(super) fn new(input: Input, separator: u8, quote: bool) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .delimiter(separator)
            .quoting(quote)
            .buffer_capacity(1 << 16)
            .from_reader(Limited::new(Marked::new(input.stream, quote), separator));
        Self {
            label: input.label,
            again: input.again,
            progress: input.progress,
            reader,
            separator,
            quote,
            record: Record::default(),
            pending: VecDeque::new(),
            wanted: Vec::new(),
            cells: Vec::new(),
            starts: Vec::new(),
            failed: None,
        }
    }

    /// Reads the next record; false at the end.
    pub(super) fn read(&mut self) -> Result<bool, Error> {
        let start = self.reader.position().clone();
        self.reader.get_mut().begin(start.byte());
        self.record.kept.clear();
        let read = self.reader.read_byte_record(&mut self.record.cells);
        // A record that is too short as well is so because of the quote.
        let whole =
            read.as_ref().map_or_else(|e| matches!(e.kind(), csv::ErrorKind::UnequalLengths { .. }), |&read| read);
        let behind = self.reader.position().byte();
        match self.reader.get_ref().get_ref().end(behind, self.record.cells.iter()).filter(|_| whole) {
            Some(End::Whole) => return Ok(false),
            Some(End::OpenQuote) => return Err(self.open_quote(&start)),
            None => {}
        }
        let read = read.map_err(|e| self.broken(&start, e))?;
        let bytes = self.reader.get_ref().record(behind);
        let ends = bytes.iter().take_while(|byte| b"\r\n".contains(byte));
        self.record.blank = ends.filter(|&&byte| byte == b'\n').count() as u64;
        let blank = |cell: &[u8]| cell.trim_ascii().len() < cell.len();
        if self.quote && self.record.cells.iter().any(blank) {
            let quoted = quoted(bytes, self.separator);
            self.record.kept = (0..quoted.len()).filter(|&index| quoted[index]).collect();
        }
        Ok(read)
    }

    /// Reads up to that many rows ahead, to look at them. What is wrong after them is said when they were handed out.
    pub(super) fn look_ahead(&mut self, rows: usize, bytes: usize) {
        let mut held = 0;
        while self.pending.len() < rows && held < bytes && self.failed.is_none() {
            match self.read() {
                Ok(true) => {
                    held += self.record.cells.as_slice().len();
                    self.pending.push_back(self.record.clone());
                }
                Ok(false) => return,
                Err(error) => self.failed = Some(error),
            }
        }
    }

    /// Reads the next block: all rows, or all bytes, that a batch may have.
    pub(super) fn read_block(&mut self) {
        self.starts.clear();
        self.cells.iter_mut().for_each(Cells::clear);
        let mut bytes = 0;
        while self.len() < ROWS && bytes < BATCH_BYTES {
            if let Some(record) = self.pending.pop_front() {
                self.record = record;
            } else if self.failed.is_some() {
                break;
            } else {
                match self.read() {
                    Ok(true) => {}
                    Ok(false) => break,
                    // The rows before it come first: what is wrong with them is nearer to the begin.
                    Err(error) => {
                        self.failed = Some(error);
                        break;
                    }
                }
            }
            for (&index, cells) in self.wanted.iter().zip(&mut self.cells) {
                let cell = self.record.cell(index);
                cells.push(cell);
                bytes += cell.len() + size_of::<u64>();
            }
            let start =
                self.record.cells.position().map_or((0, 0), |start| (start.byte(), start.line() + self.record.blank));
            self.starts.push(start);
        }
    }

    /// Rows of the block.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    pub(super) fn line_of(&self, row: usize) -> u64 {
        let (byte, line) = self.starts.get(row).copied().unwrap_or_default();
        line_at(self.again.as_ref(), byte).unwrap_or(line)
    }

    /// Says where the quote opened that the last cell of the last record is in.
    fn open_quote(&self, start: &Position) -> Error {
        let cells = self.record.cells.iter().take(self.record.cells.len().saturating_sub(1));
        let lines: usize = cells.map(|cell| cell.iter().filter(|&&byte| byte == b'\n').count()).sum();
        let line = line_at(self.again.as_ref(), start.byte()).unwrap_or(start.line()) + lines as u64;
        let what = format!("line {line}: a quote opens here and is never closed, so that all behind it is one cell");
        Error::format(&self.label, what)
    }

    fn broken(&self, start: &Position, error: csv::Error) -> Error {
        let line = |at: &Position| line_at(self.again.as_ref(), at.byte()).unwrap_or(at.line());
        let format = |what| Error::format(Path::new(&self.label), what);
        match error.into_kind() {
            csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
                let line = line(pos.as_ref().unwrap_or(start));
                let cells = if len == 1 { "cell" } else { "cells" };
                format(format!("line {line} has {len} {cells}, the first row has {expected_len}"))
            }
            csv::ErrorKind::Io(e) if TooLong::is(&e) => {
                format(format!("line {}: the record that begins here is {e}; is a quote left open?", line(start)))
            }
            csv::ErrorKind::Io(e) => Error::read(&self.label, e),
            other => format(format!("line {}: {other:?}", line(start))),
        }
    }
}
