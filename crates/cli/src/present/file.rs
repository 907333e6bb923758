//! An answer in a file, by its ending: CSV, JSON or Parquet.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;

use super::{Answer, table};
use crate::failure::Failure;
use crate::output::{Numeral, Value};

/// The kinds of files that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Csv,
    Json,
    Parquet,
}

impl Kind {
    /// The kind that a file's ending names.
    ///
    /// # Errors
    /// [`Failure::Usage`] for another ending.
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            Some("parquet") => Ok(Self::Parquet),
            _ => {
                Err(Failure::Usage(format!("--out {}: the ending is one of .csv, .json and .parquet", path.display())))
            }
        }
    }
}

/// The answer as the file of that name holds it.
pub(crate) fn bytes(path: &Path, answer: &Answer) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match Kind::of(path)? {
        Kind::Csv => table::csv(answer, &mut bytes)?,
        Kind::Json => table::json(answer, &mut bytes)?,
        Kind::Parquet => parquet(answer, &mut bytes)?,
    }
    Ok(bytes)
}

fn parquet(answer: &Answer, out: &mut Vec<u8>) -> Result<(), Failure> {
    let broken = |e: &dyn std::fmt::Display| Failure::Internal(format!("cannot make Parquet: {e}"));
    let rows: Vec<Vec<Value>> = answer.rows.iter().map(|row| Answer::cells(row).collect()).collect();
    let columns = answer.header().enumerate().map(|(column, name)| {
        let cells: Vec<&Value> = rows.iter().map(|row| &row[column]).collect();
        (name, array(&cells))
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .map_err(|e| broken(&e))?;
    let mut writer = ArrowWriter::try_new(out, batch.schema(), None).map_err(|e| broken(&e))?;
    writer.write(&batch).map_err(|e| broken(&e))?;
    writer.close().map_err(|e| broken(&e))?;
    Ok(())
}

/// Whether an f64 is the number that the digits are, and not only near it: it is where it was written from an f64, or has
/// no more digits than each f64 has.
fn holds(float: f64, digits: &str) -> bool {
    let significant = digits.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    significant <= 15 || float.numeral() == digits
}

/// A column in the narrowest type that loses nothing: integers, floats, truth values, else text.
fn array(cells: &[&Value]) -> ArrayRef {
    fn each<R>(cells: &[&Value], read: impl Fn(&Value) -> Option<R>) -> Option<Vec<Option<R>>> {
        let read = |cell: &&Value| match cell {
            Value::Missing => Some(None),
            cell => read(cell).map(Some),
        };
        cells.iter().map(read).collect()
    }
    let number = |cell: &Value| if let Value::Number(digits) = cell { Some(digits.clone()) } else { None };
    if let Some(integers) = each(cells, |cell| number(cell)?.parse::<i64>().ok())
        && integers.iter().any(Option::is_some)
    {
        return Arc::new(Int64Array::from(integers));
    }
    // Digits of which an f64 does not hold all stay text.
    let float = |cell: &Value| {
        let digits = number(cell)?;
        digits.parse::<f64>().ok().filter(|&float| holds(float, &digits))
    };
    if let Some(floats) = each(cells, float) {
        return Arc::new(Float64Array::from(floats));
    }
    let truth = |cell: &Value| if let Value::Truth(truth) = cell { Some(*truth) } else { None };
    if let Some(truths) = each(cells, truth) {
        return Arc::new(BooleanArray::from(truths));
    }
    let text = |cell: &&Value| if **cell == Value::Missing { None } else { Some(cell.cell()) };
    Arc::new(StringArray::from(cells.iter().map(text).collect::<Vec<_>>()))
}
