//! An answer in a file, by its ending: CSV, JSON or Parquet.

use std::path::Path;

use parquet::arrow::ArrowWriter;

use strix_table::Answer;

use super::table;
use crate::failure::Failure;

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
    let batch = answer.to_batch().map_err(|e| broken(&e))?;
    let mut writer = ArrowWriter::try_new(out, batch.schema(), None).map_err(|e| broken(&e))?;
    writer.write(&batch).map_err(|e| broken(&e))?;
    writer.close().map_err(|e| broken(&e))?;
    Ok(())
}
