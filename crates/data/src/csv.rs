//! Comma- and tab-separated values, as tables.
//!
//! Format: RFC 4180, and for TSV IANA's text/tab-separated-values, which has no quotes.

mod block;
mod dialect;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Field, Schema, SchemaRef};
use rayon::prelude::*;

use self::block::{Block, Wanted};
use self::dialect::{Header, Record};
use crate::cells::{Evidence, Kind, Missing, means_missing};
use crate::columns::{choose, labels};
use crate::input::{Input, Progress};
use crate::pieces::{self, Cut, Parsed, Piece, Pieces, Queue};
use crate::table::{BATCH_BYTES, ROWS};
use crate::{ColumnType, Error, TableOptions, TableReader, Told, text_label};

/// Rows that are looked at to tell whether the first one names the columns.
const SAMPLE: usize = 100;
/// Cells that a note shows of a row.
const SHOWN: usize = 6;

/// How cells are told apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub(crate) separator: u8,
    pub(crate) quote: bool,
}

pub(crate) struct CsvTable {
    pieces: Pieces,
    progress: Progress,
    layout: Layout,
    /// The first rows, of which the types were told, until they are handed out.
    first: Option<Block>,
    /// Batches that were parsed, and what is wrong behind them.
    queue: Queue,
    notes: Vec<String>,
}

/// What the columns are.
struct Layout {
    label: PathBuf,
    dialect: Dialect,
    wanted: Wanted,
    /// The names of the file's columns.
    names: Vec<String>,
    header: bool,
    /// The wanted columns' names.
    labels: Vec<String>,
    columns: Vec<Column>,
    schema: SchemaRef,
    missing: Missing,
    /// Rows that the types were told from.
    seen: usize,
}

struct Column {
    /// Which of the wanted columns' cells are its own.
    cells: usize,
    /// As the user knows it, for messages.
    label: String,
    /// As the user asked for it.
    asked: String,
    /// As the batches name it.
    name: String,
    kind: Kind,
    /// What it was told from; `None` if the options say so.
    evidence: Option<Evidence>,
    /// Whether a number must be written as numbers are.
    own_text: bool,
}

/// Opens a table, finds the wanted columns, and tells their types from the first block. Without a `separator` it is
/// told by its looks.
pub(crate) fn open(input: Input, separator: Option<u8>, options: &TableOptions) -> Result<CsvTable, Error> {
    let mut notes = Vec::new();
    let file = input.label.display().to_string();
    refuse_nul(&input)?;
    let quote = options.quote.unwrap_or(separator.is_none());
    let separator = options.separator.or(separator).unwrap_or_else(|| {
        let (found, other) = dialect::separator(&input.head, input.is_cut(), quote);
        if let Some(other) = other {
            let [found, other] = [found, other].map(|byte| char::from(byte).to_string());
            notes.push(format!(
                "{file}: cells are taken to be separated by {found:?}, but {other:?} fits too: --separator {other:?} reads \
                 it so"
            ));
        }
        found
    });
    let dialect = Dialect { separator, quote };
    let (label, progress) = (input.label.clone(), input.progress.clone());
    let mut pieces = Pieces::new(input, Cut::Records(dialect));
    let no_rows = || Error::format(&label, "has no rows");
    let (piece, sample) = sample(&mut pieces, dialect)?.ok_or_else(no_rows)?;
    let mut sample = sample.into_iter();
    let first = sample.next().ok_or_else(no_rows)?;
    let header = options.header.unwrap_or_else(|| {
        let Header { names, doubt } = dialect::header(&first, &sample.collect::<Vec<_>>(), &options.nulls);
        if doubt {
            notes.push(in_doubt(&file, &first, names));
        }
        names
    });
    let width = first.len();
    let cells: Vec<String> = (0..width).map(|index| String::from_utf8_lossy(first.cell(index)).into_owned()).collect();
    if header && let Some(at) = first.iter().position(|cell| std::str::from_utf8(cell).is_err()) {
        let what = format!(
            "line 1 is not UTF-8: the name of column {at} is {:?}; convert the file to UTF-8 (iconv -t UTF-8)",
            cells[at]
        );
        return Err(Error::format(&label, what));
    }
    // The first row, which names the columns, is none of the data.
    let (mut names_alone, end) =
        Block::of(piece, dialect, &Wanted::new(width, Vec::new()), usize::from(header), &label);
    if let Some(error) = names_alone.failed.take() {
        return Err(error);
    }
    pieces.give_back(names_alone.behind(end));
    let names = if header { cells.clone() } else { (0..width).map(|index| index.to_string()).collect() };
    let wanted = options.columns.as_deref();
    let given: Vec<String> = options.types.iter().map(|(name, _)| name.clone()).collect();
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let named = |error| if header { error } else { named_above(error, &cells) };
    let columns = choose(&label, &known, wanted).map_err(named)?;
    choose(&label, &known, Some(&given)).map_err(named)?;
    let labels = labels(&known, wanted);
    let wanted = Wanted::new(width, columns);
    let first = first_block(&mut pieces, dialect, &wanted, &label)?;
    let layout = Layout {
        label,
        dialect,
        wanted,
        names,
        header,
        labels,
        columns: Vec::new(),
        schema: Arc::new(Schema::empty()),
        missing: Missing(options.nulls.clone()),
        seen: first.len(),
    };
    let queue = Queue::new(pieces.waits());
    let mut table = CsvTable { pieces, progress, layout, first: Some(first), queue, notes };
    table.retype(options);
    Ok(table)
}

/// The first piece, of enough records to tell by them whether the first one names the columns, and these.
fn sample(pieces: &mut Pieces, dialect: Dialect) -> Result<Option<(Piece, Vec<Record>)>, Error> {
    let mut bytes = pieces.first();
    while let Some(piece) = pieces.next(bytes)? {
        let sample = dialect.sample(&piece.text, SAMPLE + 1);
        if sample.is_empty() && !piece.last {
            // Blank lines are read once.
            continue;
        }
        // Of a pipe, there may be more to come.
        if sample.len() > SAMPLE || piece.last || !pieces.may_grow() {
            return Ok(Some((piece, sample)));
        }
        bytes = pieces.more(piece.text.len());
        pieces.give_back(&piece.text);
    }
    Ok(None)
}

/// The first rows: as many, or of as many bytes, as a batch may have.
fn first_block(
    pieces: &mut Pieces,
    dialect: Dialect,
    wanted: &Wanted,
    label: &std::path::Path,
) -> Result<Block, Error> {
    let (mut bytes, mut before) = (pieces.first(), 0);
    loop {
        let Some(piece) = pieces.next(bytes)? else { return Ok(Block::empty(wanted)) };
        let last = piece.last;
        let (block, end) = Block::of(piece, dialect, wanted, ROWS, label);
        // Where it does not grow, the next record is longer than a batch.
        let grows = block.bytes() > before || pieces.may_grow();
        let whole = block.len() == ROWS || block.bytes() >= BATCH_BYTES || !grows;
        if last || whole || block.failed.is_some() {
            pieces.give_back(block.behind(end));
            return Ok(block);
        }
        // Blank lines are read once.
        if block.len() > 0 {
            before = block.bytes();
            pieces.give_back(block.behind(0));
            bytes = pieces.more(before);
        }
    }
}

/// Refuses UTF-16 without its mark: each second byte of Latin letters is NUL.
fn refuse_nul(input: &Input) -> Result<(), Error> {
    let nul = |parity: usize| input.head.iter().take(64).skip(parity).step_by(2).filter(|&&byte| byte == 0).count();
    for (parity, encoding) in [(1, "UTF-16LE"), (0, "UTF-16BE")] {
        if nul(parity) >= 4 && nul(1 - parity) == 0 {
            let what = format!(
                "cannot be read as text: it holds NUL bytes; if it is {encoding} without a byte order mark, convert it \
                 with iconv -f {encoding} -t UTF-8"
            );
            return Err(Error::format(&input.label, what));
        }
    }
    Ok(())
}

/// Says how the first row was taken, and how to take it otherwise.
fn in_doubt(file: &str, first: &Record, names: bool) -> String {
    let cells = (0..first.len().min(SHOWN)).map(|at| String::from_utf8_lossy(first.cell(at)).into_owned());
    let mut shown = cells.map(|cell| cell.chars().take(20).collect::<String>()).collect::<Vec<_>>().join(", ");
    if first.len() > SHOWN {
        shown += ", ...";
    }
    if names {
        format!("{file}: line 1 ({shown}) is taken as the names of the columns; --header false takes it as data")
    } else {
        format!("{file}: line 1 ({shown}) is taken as data; --header true takes it as the names of the columns")
    }
}

/// That a column is not there, though the first row, which is taken as data, holds its name.
fn named_above(error: Error, cells: &[String]) -> Error {
    match error {
        Error::Format { path, what } if cells.iter().any(|cell| what.contains(&format!("has no column {cell:?}"))) => {
            Error::Format {
                path,
                what: format!("{what}; line 1, which is taken as data, holds it: --header true takes it as names"),
            }
        }
        other => other,
    }
}

impl Layout {
    /// Gives each column its type, by the first rows.
    fn retype(&mut self, options: &TableOptions, first: &Block) {
        let Self { wanted, names, header, labels, missing, .. } = &*self;
        let types: HashMap<&str, ColumnType> =
            options.types.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
        let known: HashSet<&str> = names.iter().map(String::as_str).collect();
        let own_text: HashSet<&String> = options.own_text.iter().collect();
        let column = |(cells, label): (usize, &String)| {
            let index = wanted.columns()[cells];
            // A column goes by its name and by its index.
            let number = index.to_string();
            let by_index = || types.get(number.as_str()).filter(|_| !known.contains(number.as_str()));
            let given = types.get(label.as_str()).or_else(|| types.get(names[index].as_str())).or_else(by_index);
            let evidence = if given.is_none() { Some(first.cells(cells).evidence(missing)) } else { None };
            let kind = given.map(|&kind| kind.into()).or(evidence.map(Kind::of)).unwrap_or(Kind::Text);
            Column {
                cells,
                label: if *header { format!("{:?}", names[index]) } else { index.to_string() },
                asked: label.clone(),
                name: label.clone(),
                kind,
                evidence,
                own_text: own_text.contains(label),
            }
        };
        let mut columns: Vec<Column> = labels.iter().enumerate().map(column).collect();
        let places: HashMap<&String, usize> = labels.iter().zip(0..).collect();
        for name in &options.texts {
            if let Some(&index) = places.get(name) {
                let text = Column {
                    name: text_label(name),
                    kind: Kind::Text,
                    evidence: None,
                    own_text: false,
                    ..column((index, name))
                };
                columns.push(text);
            }
        }
        let field = |column: &Column| Field::new(&column.name, column.kind.data_type(), true);
        self.schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        self.columns = columns;
    }
}

impl TableReader for CsvTable {
    fn schema(&self) -> SchemaRef {
        self.layout.schema.clone()
    }

    fn progress(&self) -> (u64, Option<u64>) {
        self.progress.get()
    }

    fn told(&self, column: usize) -> Told {
        self.layout.columns.get(column).and_then(|column| column.evidence).into()
    }

    fn has_own_text(&self, column: usize) -> bool {
        let Layout { columns, missing, .. } = &self.layout;
        let (Some(column), Some(first)) = (columns.get(column), &self.first) else { return true };
        first.cells(column.cells).other_text(column.kind, missing).is_none()
    }

    fn retype(&mut self, options: &TableOptions) {
        if let Some(first) = &self.first {
            self.layout.retype(options, first);
        }
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        let Self { pieces, layout, first, queue, .. } = self;
        queue.next(|| match first.take() {
            Some(first) => Some(layout.batches(first)),
            None => layout.parse(pieces),
        })
    }
}

impl Layout {
    /// The batches of the next pieces, which are parsed side by side; none at the end.
    fn parse(&self, pieces: &mut Pieces) -> Option<Vec<Parsed>> {
        let (now, failed) = pieces.several()?;
        let batches = now.into_par_iter().map(|piece| {
            let (block, _) = Block::of(piece, self.dialect, &self.wanted, usize::MAX, &self.label);
            self.batches(block)
        });
        let (batches, ()) = rayon::join(|| batches.collect::<Vec<_>>(), || pieces.read_ahead());
        Some(batches.into_iter().flatten().chain(failed.map(Err)).collect())
    }

    /// The rows of a block, and what is wrong behind them.
    fn batches(&self, mut block: Block) -> Vec<Parsed> {
        let failed = block.failed.take();
        let rows = (block.len() > 0).then(|| self.batch(&block));
        pieces::batches(rows, failed)
    }

    fn batch(&self, block: &Block) -> Result<RecordBatch, Error> {
        let array = |column: &Column| {
            let cells = block.cells(column.cells);
            if column.own_text
                && let Some((row, cell)) = cells.other_text(column.kind, &self.missing)
            {
                return Err(self.other_text(column, block.line_of(row), cell));
            }
            let array = cells.array(column.kind, &self.missing);
            array.map_err(|(row, cell)| self.misfit(column, block.line_of(row), cell))
        };
        let arrays = self.columns.iter().map(array).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(block.len()));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options);
        batch.map_err(|e| Error::format(&self.label, e.to_string()))
    }

    fn cell_at(&self, column: &Column, line: u64, cell: &[u8]) -> String {
        let held = String::from_utf8_lossy(&cell[..cell.len().min(80)]);
        format!("line {line}, column {}: the cell holds {held:?}", column.label)
    }

    /// Says which cell is not of its column's type, and what to do.
    fn misfit(&self, column: &Column, line: u64, cell: &[u8]) -> Error {
        let Column { asked, kind, evidence, .. } = column;
        let place = self.cell_at(column, line, cell);
        let expected = kind.noun();
        let mut what = match kind {
            Kind::Text => format!("{place}, which is not UTF-8; convert the file to UTF-8 (iconv -t UTF-8)"),
            _ if evidence.is_none() => format!("{place}, which is not {expected}"),
            _ if *evidence == Some(Evidence::None) => format!(
                "{place}, which is not {expected}, as which the column is read, since its first {} rows hold nothing there; to \
                 read it as another type: --type {asked}=text",
                self.seen
            ),
            _ => {
                let other = match kind {
                    Kind::I64 | Kind::U64 if Kind::Integer.fits(cell) => "integer",
                    Kind::I64 | Kind::U64 | Kind::Integer if Kind::F64.fits(cell) => "f64",
                    _ => "text",
                };
                format!(
                    "{place}, but the first {} rows hold {expected} there, which this is not; to read the column as \
                     another type: --type {asked}={other}",
                    self.seen
                )
            }
        };
        if *kind != Kind::Text && means_missing(cell) {
            let null = String::from_utf8_lossy(cell);
            what += &format!("; if it means a missing value: --null {null}");
        }
        Error::format(&self.label, what)
    }

    /// Says which number is written in another way than those before it, as others may be that equal it.
    fn other_text(&self, column: &Column, line: u64, cell: &[u8]) -> Error {
        let place = self.cell_at(column, line, cell);
        let what = format!(
            "{place}, a number that can be written otherwise, but the numbers of the first {} rows cannot; to tell the \
             values apart as text: --type {asked}=text, as numbers: --type {asked}={kind}",
            self.seen,
            asked = column.asked,
            kind = column.kind.name()
        );
        Error::format(&self.label, what)
    }
}
