//! JSON Lines, one object a line, as tables.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::array::{Decimal256Builder, StringBuilder, UInt64Array};
use arrow::datatypes::{Field, Schema, SchemaRef, i256};
use memchr::memchr;
use rayon::prelude::*;
use serde_json::de::Deserializer;

use crate::cells::{Evidence, Kind, integer, truth};
use crate::columns::missing;
use crate::input::{Input, Progress};
use crate::json_line::{Cell, Column, Columns, LineSeed};
use crate::pieces::{self, Cut, Parsed, Piece, Pieces, Queue};
use crate::table::{BATCH_BYTES, ROWS};
use crate::{ColumnType, Error, TableOptions, TableReader, Told};

pub(crate) struct JsonTable {
    pieces: Pieces,
    progress: Progress,
    layout: Layout,
    /// The first rows, of which the types were told, until they are handed out.
    first: Option<Block>,
    /// Batches that were parsed, and what is wrong behind them.
    queue: Queue,
    /// Keys of the first rows.
    there: Vec<String>,
    /// Keys that are left out, as they hold arrays or objects.
    nested: Vec<String>,
}

/// What the columns are.
struct Layout {
    label: PathBuf,
    /// Without cells.
    columns: Columns,
    /// The type of each column, and what it was told from; `None` if the user said so.
    kinds: Vec<(Kind, Option<Evidence>)>,
    schema: SchemaRef,
    /// Rows that the types were told from.
    seen: usize,
}

/// Objects, a row each.
struct Block {
    columns: Columns,
    /// The line of each row.
    lines: Vec<u64>,
    /// What is wrong behind the rows.
    failed: Option<Error>,
}

/// Opens a table, and tells its columns and their types from the first rows.
pub(crate) fn open(input: Input, options: &TableOptions) -> Result<JsonTable, Error> {
    let wanted = options.columns.as_deref();
    let (label, progress) = (input.label.clone(), input.progress.clone());
    let mut pieces = Pieces::new(input, Cut::Lines);
    let mut first = Block { columns: Columns::new(wanted), lines: Vec::new(), failed: None };
    let mut bytes = 0;
    while first.lines.len() < ROWS && bytes < BATCH_BYTES && first.failed.is_none() {
        match pieces.next(pieces.first()) {
            Ok(None) => break,
            Ok(Some(piece)) => {
                let end = first.read(&piece, &mut bytes, (ROWS, BATCH_BYTES), &label);
                pieces.give_back(&piece.text[end..]);
            }
            Err(error) => first.failed = Some(error),
        }
    }
    if first.lines.is_empty() {
        return Err(first.failed.take().unwrap_or_else(|| Error::format(&label, "has no rows")));
    }
    let there = first.columns.names_there();
    for (name, _) in &options.types {
        let asked = wanted.is_none_or(|wanted| wanted.contains(name));
        if !asked && !there.contains(&name.as_str()) {
            return Err(missing(&label, name, &there));
        }
    }
    let there = there.into_iter().map(str::to_owned).collect();
    if wanted.is_none() {
        for (name, _) in &options.types {
            first.columns.add(name);
        }
    }
    let nested = first.columns.close();
    let layout = Layout {
        label,
        columns: first.columns.emptied(),
        kinds: Vec::new(),
        schema: Arc::new(Schema::empty()),
        seen: first.lines.len(),
    };
    let (queue, first) = (Queue::new(pieces.waits()), Some(first));
    let mut table = JsonTable { pieces, progress, layout, first, queue, there, nested };
    table.retype(options);
    Ok(table)
}

impl TableReader for JsonTable {
    fn schema(&self) -> SchemaRef {
        self.layout.schema.clone()
    }

    fn progress(&self) -> (u64, Option<u64>) {
        self.progress.get()
    }

    fn told(&self, column: usize) -> Told {
        self.layout.kinds.get(column).and_then(|(_, evidence)| *evidence).into()
    }

    fn retype(&mut self, options: &TableOptions) {
        let Some(first) = &self.first else { return };
        let types: HashMap<&str, ColumnType> =
            options.types.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
        let kind = |column: &Column| {
            let told = || (Kind::of(column.evidence()), Some(column.evidence()));
            types.get(column.name.as_str()).map_or_else(told, |&kind| (kind.into(), None))
        };
        let columns = &first.columns.all;
        let kinds: Vec<_> = columns.iter().map(kind).collect();
        let fields =
            columns.iter().zip(&kinds).map(|(column, (kind, _))| Field::new(&column.name, kind.data_type(), true));
        self.layout.schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        self.layout.kinds = kinds;
    }

    fn absent(&self) -> Vec<(String, Error)> {
        let names: Vec<&str> = self.there.iter().map(String::as_str).collect();
        let unseen = self.layout.columns.all.iter().filter(|column| !column.seen);
        unseen.map(|column| (column.name.clone(), missing(&self.layout.label, &column.name, &names))).collect()
    }

    fn notes(&self) -> Vec<String> {
        let file = self.layout.label.display();
        let note = |key: &String| format!("{file}: key {key:?} holds arrays or objects and is left out");
        self.nested.iter().map(note).collect()
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
    fn parse(&mut self, pieces: &mut Pieces) -> Option<Vec<Parsed>> {
        let (now, failed) = pieces.several()?;
        let blocks = now.into_par_iter().map(|piece| {
            let mut block = Block { columns: self.columns.emptied(), lines: Vec::new(), failed: None };
            block.read(&piece, &mut 0, (usize::MAX, usize::MAX), &self.label);
            let seen: Vec<bool> = block.columns.all.iter().map(|column| column.seen).collect();
            (self.batches(block), seen)
        });
        let ((batches, seen), ()): ((Vec<_>, Vec<_>), ()) = rayon::join(|| blocks.unzip(), || pieces.read_ahead());
        for seen in seen {
            self.columns.all.iter_mut().zip(seen).for_each(|(column, seen)| column.seen |= seen);
        }
        Some(batches.into_iter().flatten().chain(failed.map(Err)).collect())
    }

    /// The rows of a block, and what is wrong behind them.
    fn batches(&self, mut block: Block) -> Vec<Parsed> {
        let failed = block.failed.take();
        let rows = (!block.lines.is_empty()).then(|| self.batch(&mut block));
        pieces::batches(rows, failed)
    }

    fn batch(&self, block: &mut Block) -> Result<RecordBatch, Error> {
        let rows = block.lines.len();
        block.columns.all.iter_mut().for_each(|column| column.fill(rows));
        let array = |(column, &(kind, evidence)): (&Column, &(Kind, Option<Evidence>))| {
            array(column, kind, evidence)
                .map_err(|row| self.misfit(column, kind, evidence.is_none(), row, block.lines.get(row)))
        };
        let arrays = block.columns.all.iter().zip(&self.kinds).map(array).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options);
        batch.map_err(|e| Error::format(&self.label, e.to_string()))
    }

    fn misfit(&self, column: &Column, kind: Kind, given: bool, row: usize, line: Option<&u64>) -> Error {
        let line = line.copied().unwrap_or_default();
        let held = column.show(row);
        let name = &column.name;
        let expected = kind.noun();
        let text = matches!(column.cells.get(row), Some(Cell::Text(..)));
        let mut what = format!("line {line}, key {name:?}: the value {held} is not {expected}");
        if !given {
            let other = match column.cells.get(row) {
                Some(Cell::Float(_)) if matches!(kind, Kind::I64 | Kind::U64 | Kind::Integer) => "f64",
                Some(Cell::Int(_) | Cell::Unsigned(_) | Cell::Wide(..)) if matches!(kind, Kind::I64 | Kind::U64) => {
                    "integer"
                }
                _ => "text",
            };
            what += &format!(
                ", as other values of its first {} rows are; to read the column as another type: --type {name}={other}",
                self.seen
            );
        } else if text {
            what += "; the text is not the number or truth value that is asked for";
        }
        Error::format(&self.label, what)
    }
}

/// The column as an array, or the row whose value does not fit. Other values are not text, and text is not a number or a
/// truth value, unless the options say so.
fn array(column: &Column, kind: Kind, evidence: Option<Evidence>) -> Result<ArrayRef, usize> {
    let mut wrong = None;
    let written = |cell: &Cell| match *cell {
        Cell::Text(start, end) if evidence.is_none() => Some(column.text[start..end].trim()),
        _ => None,
    };
    macro_rules! array {
        ($array:ty, $value:expr) => {{
            let value = |(row, cell): (usize, &Cell)| {
                let value = $value(cell);
                if value.is_none() && *cell != Cell::Null && wrong.is_none() {
                    wrong = Some(row);
                }
                value
            };
            Arc::new(column.cells.iter().enumerate().map(value).collect::<$array>()) as ArrayRef
        }};
    }
    let array = match kind {
        Kind::I64 => array!(Int64Array, |cell: &Cell| match *cell {
            Cell::Int(value) => Some(value),
            _ => written(cell)?.parse().ok(),
        }),
        Kind::U64 => array!(UInt64Array, |cell: &Cell| match *cell {
            Cell::Int(value) => u64::try_from(value).ok(),
            Cell::Unsigned(value) => Some(value),
            _ => written(cell)?.parse().ok(),
        }),
        Kind::F64 => array!(Float64Array, |cell: &Cell| match *cell {
            Cell::Int(value) => Some(value as f64),
            Cell::Unsigned(value) => Some(value as f64),
            Cell::Float(value) => Some(value),
            Cell::Wide(start, end) => column.text[start..end].parse().ok(),
            _ => written(cell)?.parse().ok(),
        }),
        Kind::Integer => {
            let value = |cell: &Cell| match *cell {
                Cell::Int(value) => Some(i256::from(value)),
                Cell::Unsigned(value) => Some(i256::from_i128(value.into())),
                Cell::Wide(start, end) => integer(&column.text.as_bytes()[start..end]),
                _ => integer(written(cell)?.as_bytes()),
            };
            let mut wide = Decimal256Builder::with_capacity(column.cells.len()).with_data_type(kind.data_type());
            for (row, cell) in column.cells.iter().enumerate() {
                match value(cell) {
                    Some(value) => wide.append_value(value),
                    None if *cell == Cell::Null => wide.append_null(),
                    None => return Err(row),
                }
            }
            Arc::new(wide.finish())
        }
        Kind::Bool => array!(BooleanArray, |cell: &Cell| match *cell {
            Cell::Bool(value) => Some(value),
            _ => written(cell).and_then(|text| truth(text.as_bytes())),
        }),
        Kind::Text => {
            let mut text = StringBuilder::with_capacity(column.cells.len(), column.text.len());
            for (row, cell) in column.cells.iter().enumerate() {
                match *cell {
                    Cell::Null => text.append_null(),
                    Cell::Text(start, end) => text.append_value(&column.text[start..end]),
                    _ if evidence.is_none() => text.append_value(column.show(row)),
                    _ => return Err(row),
                }
            }
            Arc::new(text.finish())
        }
    };
    wrong.map_or(Ok(array), Err)
}

impl Block {
    /// Reads the objects of a piece's lines, up to that many rows and bytes in all; where the rest of the text begins. An
    /// error ends it, and comes behind its rows.
    fn read(&mut self, piece: &Piece, bytes: &mut usize, most: (usize, usize), label: &Path) -> usize {
        let text = &piece.text;
        let (mut at, mut line) = (0, piece.lines);
        while at < text.len() && self.lines.len() < most.0 && *bytes < most.1 {
            let end = memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end + 1);
            let object = text[at..end].trim_ascii();
            at = end;
            line += 1;
            // Blank lines are none.
            if object.is_empty() {
                continue;
            }
            let row = self.lines.len();
            match parse(object, row, &mut self.columns) {
                Ok(taken) => *bytes += taken + self.columns.all.len() * size_of::<Cell>(),
                Err(what) => {
                    self.failed = Some(Error::format(label, format!("line {line}: {what}")));
                    self.columns.all.iter_mut().for_each(|column| column.truncate(row));
                    return text.len();
                }
            }
            self.lines.push(line);
        }
        at
    }
}

/// Parses an object into `row` of the columns; the bytes of text that it took.
fn parse(line: &[u8], row: usize, columns: &mut Columns) -> Result<usize, String> {
    let found = match line.first() {
        Some(b'{') => None,
        Some(b'[') => Some("an array; write one object a line (jq -c '.[]' does)"),
        _ => Some("no object"),
    };
    if let Some(found) = found {
        return Err(format!("expected a JSON object, found {found}"));
    }
    let mut problem = None;
    let mut taken = 0;
    let mut json = Deserializer::from_slice(line);
    let seed = LineSeed { columns, row, problem: &mut problem, taken: &mut taken, line };
    let parsed = serde::de::DeserializeSeed::deserialize(seed, &mut json).and_then(|()| json.end());
    match (problem, parsed) {
        (Some(problem), _) => Err(problem),
        (None, Err(e)) => Err(format!("is no JSON object: {}", Unplaced(&e))),
        (None, Ok(())) => Ok(taken),
    }
}

/// An error of the parser without its line, which is always 1.
struct Unplaced<'a>(&'a serde_json::Error);

impl fmt::Display for Unplaced<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        let end = text.rfind(" at line ").unwrap_or(text.len());
        write!(f, "{} at byte {}", &text[..end], self.0.column())
    }
}
