//! The description of a table on a terminal: as many columns side by side as fit.

use std::io::{IsTerminal, Write};

use ratatui::crossterm::terminal;
use strix_table::Value;
use strix_table::describe::{Column, Description};

use crate::failure::Failure;

/// Characters of a line that goes to no terminal.
const WIDTH: usize = 160;
/// Characters of a name or a text at most.
const TEXT: usize = 24;
/// Eighths of a line, for a histogram.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Prints a line for each column; where the lines are too long for the terminal, in blocks one below the other.
pub(crate) fn columns(description: &Description, out: &mut impl Write) -> Result<(), Failure> {
    let header = [
        "column",
        "type",
        "count",
        "missing",
        "distinct",
        "mean",
        "sd",
        "min",
        "p25",
        "median",
        "p75",
        "max",
        "most frequent",
        "distribution",
    ];
    let rows: Vec<Vec<String>> = description.columns.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    let terminal = if std::io::stdout().is_terminal() { terminal::size().ok() } else { None };
    let room = terminal.map_or(WIDTH, |(columns, _)| usize::from(columns).max(40));
    // Every block begins with the names.
    let mut blocks: Vec<Vec<usize>> = vec![Vec::new()];
    let mut used = widths[0];
    for (column, width) in widths.iter().enumerate().skip(1) {
        if used + 2 + width > room && blocks.last().is_some_and(|block| !block.is_empty()) {
            blocks.push(Vec::new());
            used = widths[0];
        }
        used += 2 + width;
        if let Some(block) = blocks.last_mut() {
            block.push(column);
        }
    }
    for (at, block) in blocks.iter().enumerate() {
        if at > 0 {
            writeln!(out)?;
        }
        let line = |cells: &dyn Fn(usize) -> String| {
            let padded = std::iter::once(&0).chain(block).map(|&column| {
                let cell = cells(column);
                let pad = " ".repeat(widths[column] - cell.chars().count());
                // Numbers to the right.
                if (2..12).contains(&column) { pad + &cell } else { cell + &pad }
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        writeln!(out, "{}", line(&|column| header[column].to_owned()))?;
        for row in &rows {
            writeln!(out, "{}", line(&|column| row[column].clone()))?;
        }
    }
    Ok(())
}

fn row(column: &Column) -> Vec<String> {
    let mut row = vec![short(&column.name), column.kind.clone(), column.count.to_string(), column.missing.to_string()];
    let values = [
        &column.distinct,
        &column.mean,
        &column.sd,
        &column.min,
        &column.p25,
        &column.median,
        &column.p75,
        &column.max,
    ];
    row.extend(values.into_iter().map(brief));
    row.push(brief(&column.most_frequent()));
    row.push(bars(&column.histogram));
    row
}

/// A value in a few characters: numbers that are not integers to six digits.
pub(super) fn brief(value: &Value) -> String {
    match value {
        Value::Missing => String::new(),
        Value::Float(float) if float.is_finite() && *float != 0.0 => {
            let magnitude = float.abs().log10().floor() as i32;
            match magnitude {
                -5..=14 => {
                    let digits = usize::try_from(5 - magnitude).unwrap_or_default();
                    let text = format!("{float:.digits$}");
                    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
                }
                _ => format!("{float:.5e}"),
            }
        }
        other => short(&other.text()),
    }
}

/// A text without control characters, cut where it is long.
fn short(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    if text.chars().count() <= TEXT { text } else { text.chars().take(TEXT - 1).chain(['…']).collect() }
}

/// A histogram as a line of bars.
fn bars(value: &Value) -> String {
    let Value::Histogram(bins) = value else { return String::new() };
    let most = bins.counts.iter().copied().max().unwrap_or_default().max(1);
    // A bin with anything in it shows.
    let eighths = |count: u64| if count == 0 { 0 } else { (count * 8).div_ceil(most).min(8) as usize };
    bins.counts.iter().map(|&count| BLOCKS[eighths(count)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_brief() {
        let cases = [
            (1_234.567_89, "1234.57"),
            (0.001_234_567, "0.00123457"),
            (-2.5, "-2.5"),
            (100.0, "100"),
            (1e300, "1.00000e300"),
            (0.0, "0.0"),
            (123_456_789.0, "123456789"),
        ];
        for (number, text) in cases {
            assert_eq!(brief(&Value::Float(number)), text);
        }
    }
}
