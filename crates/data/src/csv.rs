//! Comma- and tab-separated values, as tables.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use csv::{ByteRecord, Position, Reader, ReaderBuilder};

use crate::cells::{Cells, Evidence, Kind, Missing};
use crate::columns::{choose, labels};
use crate::input::{Input, Progress, Stream, line_at};
use crate::limit::{Limited, TooLong};
use crate::marked::{End, Marked};
use crate::table::{BATCH_BYTES, ROWS};
use crate::{Error, Source, TableOptions, TableReader, Told};

pub(crate) struct CsvTable {
    rows: Rows,
    columns: Vec<Column>,
    schema: SchemaRef,
    missing: Missing,
    /// Rows that the types were told from.
    seen: usize,
    /// Whether `rows` holds a block that was not handed out yet: the one that the types were told from.
    waiting: bool,
}

struct Column {
    /// As the user knows it, for messages.
    label: String,
    /// As `--type` knows it.
    name: String,
    kind: Kind,
    /// What it was told from; `None` if the user said so.
    evidence: Option<Evidence>,
}

/// Opens a table, finds the wanted columns, and tells their types from the first block.
pub(crate) fn open(input: Input, separator: u8, options: &TableOptions) -> Result<CsvTable, Error> {
    let mut rows = Rows::new(input, separator);
    if !rows.read()? {
        return Err(Error::format(&rows.label, "has no rows"));
    }
    let first = rows.record.clone();
    let wanted = options.columns.as_deref();
    let header = options.header.unwrap_or_else(|| {
        // Kept for the first block, as an error behind it is.
        match rows.read() {
            Ok(true) => rows.pending.push_back(rows.record.clone()),
            Ok(false) => {}
            Err(error) => rows.failed = Some(error),
        }
        is_header(&first, rows.pending.front(), wanted.unwrap_or_default(), &options.nulls)
    });
    let cells: Vec<String> = first.iter().map(|cell| String::from_utf8_lossy(cell.trim_ascii()).into_owned()).collect();
    let names = if header { cells } else { (0..cells.len()).map(|index| index.to_string()).collect() };
    if header && let Some(at) = first.iter().position(|cell| std::str::from_utf8(cell).is_err()) {
        let what = format!("line 1 is not UTF-8: the name of column {at} is {:?}", names[at]);
        return Err(Error::format(&rows.label, what));
    }
    if !header {
        rows.pending.push_front(first);
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    rows.wanted = choose(&rows.label, &names, wanted)?;
    rows.cells.resize_with(rows.wanted.len(), Cells::default);
    for (name, _) in &options.types {
        choose(&rows.label, &names, Some(std::slice::from_ref(name)))?;
    }

    rows.read_block();
    let nulls = Missing(options.nulls.clone());
    let column = |((name, &index), cells): ((String, &usize), &Cells)| {
        let by_index = |asked: &str| !names.contains(&asked) && asked.parse() == Ok(index);
        let given = options.types.iter().rfind(|(asked, _)| *asked == name || asked == names[index] || by_index(asked));
        let label = if header { format!("{:?}", names[index]) } else { index.to_string() };
        let evidence = if given.is_none() { Some(cells.evidence(&nulls)) } else { None };
        let kind = given.map(|&(_, kind)| kind.into()).or(evidence.map(Kind::of)).unwrap_or(Kind::Text);
        Column { label, name, kind, evidence }
    };
    let labels = labels(&names, wanted);
    let columns: Vec<Column> = labels.into_iter().zip(&rows.wanted).zip(&rows.cells).map(column).collect();
    let fields: Vec<_> = columns.iter().map(|column| Field::new(&column.name, column.kind.data_type(), true)).collect();
    let seen = rows.len();
    Ok(CsvTable { rows, columns, schema: Arc::new(Schema::new(fields)), missing: nulls, seen, waiting: true })
}

/// Whether a first row names the columns.
///
/// It does when it has text above a number, or a wanted name; but a row of numbers alone is data, and an index
/// then no name in it. Else it does when it has text and no number. A cell such as `1.0x` is no text, but bad
/// data; an empty cell tells nothing.
fn is_header(first: &ByteRecord, second: Option<&ByteRecord>, wanted: &[String], nulls: &[String]) -> bool {
    let number = |cell: &[u8]| Kind::F64.fits(cell.trim_ascii());
    let text = |cell: &[u8]| {
        let cell = cell.trim_ascii();
        let digits = cell.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let odd = b"+-".contains(cell.first().unwrap_or(&b'+')) || cell.get(digits) == Some(&b'.');
        !number(cell) && !odd && !nulls.iter().any(|null| null.as_bytes() == cell)
    };
    let numbers = first.iter().all(number);
    let named = |name: &String| {
        first.iter().any(|cell| cell.trim_ascii() == name.as_bytes()) && !(numbers && name.parse::<usize>().is_ok())
    };
    let above =
        second.is_some_and(|second| first.iter().zip(second).any(|(above, below)| text(above) && number(below)));
    above || wanted.iter().any(named) || (first.iter().any(text) && !first.iter().any(number))
}

impl TableReader for CsvTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn progress(&self) -> (u64, Option<u64>) {
        self.rows.progress.get()
    }

    fn told(&self, column: usize) -> Told {
        self.columns.get(column).and_then(|column| column.evidence).into()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        if !std::mem::take(&mut self.waiting) {
            self.rows.read_block();
        }
        let rows = self.rows.len();
        if rows == 0 {
            return self.rows.failed.take().map_or(Ok(None), Err);
        }
        let array = |(column, cells): (&Column, &Cells)| {
            cells.array(column.kind, &self.missing).map_err(|(row, cell)| self.misfit(column, row, cell))
        };
        let arrays = self.columns.iter().zip(&self.rows.cells).map(array).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options);
        batch.map(Some).map_err(|e| Error::format(&self.rows.label, e.to_string()))
    }
}

impl CsvTable {
    /// Says which cell is not of its column's type, and what to do.
    fn misfit(&self, column: &Column, row: usize, cell: &[u8]) -> Error {
        let Column { label, name, kind, evidence } = column;
        let line = self.rows.line_of(row);
        let held = String::from_utf8_lossy(&cell[..cell.len().min(80)]);
        let place = format!("line {line}, column {label}: the cell holds {held:?}");
        let what = match kind {
            Kind::Text => format!("{place}, which is not UTF-8; convert the file to UTF-8 (iconv -t UTF-8)"),
            _ if evidence.is_none() => format!(
                "{place}, which is no {kind}, as which the column is read; if it means a missing value: --null {held}",
                kind = kind.name()
            ),
            _ => {
                let number = matches!(kind, Kind::I64 | Kind::U64) && Kind::F64.fits(cell);
                let other = if number { "f64" } else { "text" };
                format!(
                    "{place}, which is no {kind}, as the first {seen} rows are; read the column as another type: \
                     --type {name}={other}; or if the cell means a missing value: --null {held}",
                    kind = kind.name(),
                    seen = self.seen
                )
            }
        };
        Error::format(&self.rows.label, what)
    }
}

/// The records, a block of them at a time, and of each the wanted cells alone.
struct Rows {
    label: PathBuf,
    /// The source again, to count lines for a message.
    again: Option<Source>,
    progress: Progress,
    reader: Reader<Limited<Marked<Stream>>>,
    record: ByteRecord,
    /// Data that was read to tell whether there is a header.
    pending: VecDeque<ByteRecord>,
    wanted: Vec<usize>,
    cells: Vec<Cells>,
    /// Where each record of the block begins: the byte, and the line as the parser counts.
    starts: Vec<(u64, u64)>,
    /// What went wrong behind the block.
    failed: Option<Error>,
}

impl Rows {
    fn new(input: Input, separator: u8) -> Self {
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .delimiter(separator)
            .buffer_capacity(1 << 16)
            .from_reader(Limited::new(Marked::new(input.stream), separator));
        Self {
            label: input.label,
            again: input.again,
            progress: input.progress,
            reader,
            record: ByteRecord::new(),
            pending: VecDeque::new(),
            wanted: Vec::new(),
            cells: Vec::new(),
            starts: Vec::new(),
            failed: None,
        }
    }

    /// Reads the next record; false at the end.
    fn read(&mut self) -> Result<bool, Error> {
        self.reader.get_mut().reset();
        let start = self.reader.position().clone();
        let read = self.reader.read_byte_record(&mut self.record);
        // A record that is too short as well is so because of the quote.
        let whole =
            read.as_ref().map_or_else(|e| matches!(e.kind(), csv::ErrorKind::UnequalLengths { .. }), |&read| read);
        let behind = self.reader.position().byte();
        match self.reader.get_ref().get_ref().end(behind, self.record.iter()).filter(|_| whole) {
            Some(End::Whole) => Ok(false),
            Some(End::OpenQuote) => Err(self.open_quote(&start)),
            None => read.map_err(|e| self.broken(&start, e)),
        }
    }

    /// Reads the next block: all rows, or all bytes, that a batch may have.
    fn read_block(&mut self) {
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
                let cell = self.record.get(index).unwrap_or_default().trim_ascii();
                cells.push(cell);
                bytes += cell.len() + size_of::<u64>();
            }
            let start = self.record.position().map_or((0, 0), |start| (start.byte(), start.line()));
            self.starts.push(start);
        }
    }

    /// Rows of the block.
    fn len(&self) -> usize {
        self.starts.len()
    }

    fn line_of(&self, row: usize) -> u64 {
        let (byte, line) = self.starts.get(row).copied().unwrap_or_default();
        line_at(self.again.as_ref(), byte).unwrap_or(line)
    }

    /// Says where the quote opened that the last cell of the last record is in.
    fn open_quote(&self, start: &Position) -> Error {
        let cells = self.record.iter().take(self.record.len().saturating_sub(1));
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
                format(format!("line {line} has {len} cells, the first row has {expected_len}"))
            }
            csv::ErrorKind::Io(e) if TooLong::is(&e) => {
                format(format!("line {}: the record that begins here is {e}; is a quote left open?", line(start)))
            }
            csv::ErrorKind::Io(e) => Error::read(&self.label, e),
            other => format(format!("line {}: {other:?}", line(start))),
        }
    }
}
