//! An answer on standard output: a table for people, CSV and JSON for programs.

use std::io::Write;

use rayon::prelude::*;
use strix_table::{Answer, Value};

use crate::failure::Failure;

/// Columns side by side; numbers to the right.
pub(crate) fn text(answer: &Answer, out: &mut impl Write) -> Result<(), Failure> {
    let header: Vec<&str> = answer.header().collect();
    let rows: Vec<Vec<Value>> = (0..answer.len()).map(|group| answer.row(group).collect()).collect();
    let cells: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(shown).collect()).collect();
    let width = |column: usize| {
        let cells = cells.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let right: Vec<bool> = (0..header.len()).map(|column| rows.iter().any(|row| row[column].is_number())).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.enumerate().map(|(column, cell)| {
            let pad = " ".repeat(widths[column] - cell.chars().count());
            if right[column] { pad + cell } else { cell.to_owned() + &pad }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    writeln!(out, "{}", line(&mut header.iter().copied()))?;
    for row in &cells {
        writeln!(out, "{}", line(&mut row.iter().map(String::as_str)))?;
    }
    Ok(())
}

/// What a person sees: no line breaks or other control characters, so that the columns stay columns.
fn shown(value: &Value) -> String {
    value.text().replace(char::is_control, " ")
}

/// Rows that are written by one thread at a time.
const ROWS: usize = 1 << 14;

/// RFC 4180, with a header; no value is an empty cell.
pub(crate) fn csv(answer: &Answer, mut out: impl Write) -> Result<(), Failure> {
    out.write_all(&records(&mut std::iter::once(answer.header().map(str::to_owned).collect()))?)?;
    let starts: Vec<usize> = (0..answer.len()).step_by(ROWS).collect();
    for starts in starts.chunks(2 * rayon::current_num_threads()) {
        let written = |&start: &usize| {
            let rows = start..answer.len().min(start + ROWS);
            records(&mut rows.map(|group| answer.row(group).map(|value| value.cell()).collect()))
        };
        for bytes in starts.par_iter().map(written).collect::<Vec<_>>() {
            out.write_all(&bytes?)?;
        }
    }
    Ok(out.flush()?)
}

fn records(rows: &mut dyn Iterator<Item = Vec<String>>) -> Result<Vec<u8>, Failure> {
    let broken = |e: &dyn std::fmt::Display| Failure::Internal(format!("cannot make CSV: {e}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row).map_err(|e| broken(&e))?;
    }
    writer.into_inner().map_err(|e| broken(&e))
}

/// A list of objects, one a group, the columns as keys.
pub(crate) fn json(answer: &Answer, mut out: impl Write) -> Result<(), Failure> {
    serde_json::to_writer(&mut out, answer)?;
    Ok(writeln!(out)?)
}
