//! JSON Lines, one object a line, as tables.

use std::collections::HashMap;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions};
use arrow::array::{Decimal256Builder, StringBuilder, UInt64Array};
use arrow::datatypes::{Field, Schema, SchemaRef, i256};
use serde_json::de::Deserializer;

use crate::cells::{Evidence, Kind, integer, truth};
use crate::columns::missing;
use crate::input::{Input, Progress, Stream};
use crate::json_line::{Cell, Column, Columns, LineSeed};
use crate::limit::RECORD_BYTES;
use crate::table::{BATCH_BYTES, ROWS};
use crate::{ColumnType, Error, TableOptions, TableReader, Told};

pub(crate) struct JsonTable {
    lines: Lines,
    progress: Progress,
    columns: Columns,
    /// The type of each column, and what it was told from; `None` if the user said so.
    kinds: Vec<(Kind, Option<Evidence>)>,
    schema: SchemaRef,
    /// Rows that the types were told from.
    seen: usize,
    /// The line of each row of the block.
    numbers: Vec<u64>,
    failed: Option<Error>,
    waiting: bool,
    /// Keys of the first block.
    there: Vec<String>,
    /// Keys that are left out, as they hold arrays or objects.
    nested: Vec<String>,
}

/// Opens a table, and tells its columns and their types from the first block.
pub(crate) fn open(input: Input, options: &TableOptions) -> Result<JsonTable, Error> {
    let wanted = options.columns.as_deref();
    let columns = Columns::new(wanted);
    let lines = Lines {
        label: input.label,
        reader: BufReader::with_capacity(1 << 16, input.stream),
        line: Vec::new(),
        number: 0,
    };
    let mut table = JsonTable {
        lines,
        progress: input.progress,
        columns,
        kinds: Vec::new(),
        schema: Arc::new(Schema::empty()),
        seen: 0,
        numbers: Vec::new(),
        failed: None,
        waiting: true,
        there: Vec::new(),
        nested: Vec::new(),
    };
    table.read_block();
    if table.numbers.is_empty() {
        return Err(table.failed.take().unwrap_or_else(|| Error::format(&table.lines.label, "has no rows")));
    }
    let there = table.columns.names_there();
    for (name, _) in &options.types {
        let asked = wanted.is_none_or(|wanted| wanted.contains(name));
        if !asked && !there.contains(&name.as_str()) {
            return Err(missing(&table.lines.label, name, &there));
        }
    }
    table.there = there.into_iter().map(str::to_owned).collect();
    if wanted.is_none() {
        for (name, _) in &options.types {
            table.columns.add(name);
        }
    }
    table.nested = table.columns.close();
    table.seen = table.numbers.len();
    table.retype(options);
    Ok(table)
}

impl TableReader for JsonTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn progress(&self) -> (u64, Option<u64>) {
        self.progress.get()
    }

    fn told(&self, column: usize) -> Told {
        self.kinds.get(column).and_then(|(_, evidence)| *evidence).into()
    }

    fn retype(&mut self, options: &TableOptions) {
        let types: HashMap<&str, ColumnType> =
            options.types.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
        let kind = |column: &Column| {
            let told = || (Kind::of(column.evidence()), Some(column.evidence()));
            types.get(column.name.as_str()).map_or_else(told, |&kind| (kind.into(), None))
        };
        self.kinds = self.columns.all.iter().map(kind).collect();
        let field = |(column, (kind, _)): (&Column, &(Kind, Option<Evidence>))| {
            Field::new(&column.name, kind.data_type(), true)
        };
        self.schema = Arc::new(Schema::new(self.columns.all.iter().zip(&self.kinds).map(field).collect::<Vec<_>>()));
    }

    fn absent(&self) -> Vec<(String, Error)> {
        let names: Vec<&str> = self.there.iter().map(String::as_str).collect();
        let unseen = self.columns.all.iter().filter(|column| !column.seen);
        unseen.map(|column| (column.name.clone(), missing(&self.lines.label, &column.name, &names))).collect()
    }

    fn notes(&self) -> Vec<String> {
        let file = self.lines.label.display();
        let note = |key: &String| format!("{file}: key {key:?} holds arrays or objects and is left out");
        self.nested.iter().map(note).collect()
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        if !std::mem::take(&mut self.waiting) {
            self.read_block();
        }
        let rows = self.numbers.len();
        if rows == 0 {
            return self.failed.take().map_or(Ok(None), Err);
        }
        self.columns.all.iter_mut().for_each(|column| column.fill(rows));
        let array = |(column, &(kind, evidence)): (&Column, &(Kind, Option<Evidence>))| {
            array(column, kind, evidence).map_err(|row| self.misfit(column, kind, evidence.is_none(), row))
        };
        let arrays = self.columns.all.iter().zip(&self.kinds).map(array).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options);
        batch.map(Some).map_err(|e| Error::format(&self.lines.label, e.to_string()))
    }
}

impl JsonTable {
    /// Reads the next block; an error ends it, and comes behind its rows.
    fn read_block(&mut self) {
        self.numbers.clear();
        self.columns.all.iter_mut().for_each(Column::clear);
        let mut bytes = 0;
        while self.failed.is_none() && self.numbers.len() < ROWS && bytes < BATCH_BYTES {
            match self.lines.next() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    self.failed = Some(error);
                    break;
                }
            }
            let row = self.numbers.len();
            match self.parse(row) {
                Ok(taken) => bytes += taken + self.columns.all.len() * size_of::<Cell>(),
                Err(what) => {
                    let what = format!("line {}: {what}", self.lines.number);
                    self.failed = Some(Error::format(&self.lines.label, what));
                    self.columns.all.iter_mut().for_each(|column| column.truncate(row));
                    break;
                }
            }
            self.numbers.push(self.lines.number);
        }
    }

    /// Parses the line into `row`; the bytes of text that it took.
    fn parse(&mut self, row: usize) -> Result<usize, String> {
        let line = self.lines.line.trim_ascii();
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
        let seed = LineSeed { columns: &mut self.columns, row, problem: &mut problem, taken: &mut taken, line };
        let parsed = serde::de::DeserializeSeed::deserialize(seed, &mut json).and_then(|()| json.end());
        match (problem, parsed) {
            (Some(problem), _) => Err(problem),
            (None, Err(e)) => Err(format!("is no JSON object: {}", Unplaced(&e))),
            (None, Ok(())) => Ok(taken),
        }
    }

    fn misfit(&self, column: &Column, kind: Kind, given: bool, row: usize) -> Error {
        let line = self.numbers.get(row).copied().unwrap_or_default();
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
        Error::format(&self.lines.label, what)
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
                Cell::Wide(start, end) => integer(column.text[start..end].as_bytes()),
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

/// The lines that are not blank.
struct Lines {
    label: PathBuf,
    reader: BufReader<Stream>,
    line: Vec<u8>,
    /// The number of `line`, from 1.
    number: u64,
}

impl Lines {
    /// Reads the next line; false at the end.
    fn next(&mut self) -> Result<bool, Error> {
        loop {
            self.line.clear();
            self.number += 1;
            let mut limited = self.reader.by_ref().take(RECORD_BYTES + 1);
            let read = limited.read_until(b'\n', &mut self.line).map_err(|e| Error::read(&self.label, e))?;
            if read as u64 > RECORD_BYTES {
                let what = format!("line {}: is longer than {} MiB", self.number, RECORD_BYTES >> 20);
                return Err(Error::format(&self.label, what));
            }
            if self.number == 1 && self.line.starts_with(b"\xef\xbb\xbf") {
                self.line.drain(..3);
            }
            if read == 0 {
                return Ok(false);
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
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
