//! How a CSV is written, told by its looks: what separates its cells, and whether its first row names the columns.

use csv::{ByteRecord, ReaderBuilder};

use super::Dialect;
use crate::cells::{Kind, means_missing};

/// What separates cells, in the order in which it is tried.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The separator of a text that begins with `head`, of which `cut` says whether more follows; and another one that
/// fits as well.
///
/// A separator fits when every record has the same number of cells by it, and more than one.
pub(super) fn separator(head: &[u8], cut: bool, quote: bool) -> (u8, Option<u8>) {
    let cells = |separator: u8| {
        let mut reader = ReaderBuilder::new();
        let mut reader = reader.has_headers(false).flexible(true).delimiter(separator).quoting(quote).from_reader(head);
        let mut cells: Vec<usize> = reader.byte_records().map_while(Result::ok).map(|record| record.len()).collect();
        if cut && cells.len() > 1 {
            cells.pop();
        }
        cells
    };
    let all = SEPARATORS.map(|separator| (separator, cells(separator)));
    let fits = |cells: &[usize]| cells.first().is_some_and(|&first| first > 1 && cells.iter().all(|&len| len == first));
    let mut fitting = all.iter().filter(|(_, cells)| fits(cells)).map(|(separator, _)| *separator);
    if let Some(first) = fitting.next() {
        return (first, fitting.next());
    }
    // Where none fits, that of the most records of several cells, so that the record at fault can be named.
    let several = |cells: &[usize]| cells.iter().filter(|&&len| len > 1).count();
    let best = all.iter().rev().max_by_key(|(_, cells)| several(cells)).map_or(b',', |(separator, _)| *separator);
    (best, None)
}

/// Whether a first row names the columns, and whether that is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) names: bool,
    pub(super) doubt: bool,
}

/// What a cell looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Missing,
    Number,
    Truth,
    /// Neither a number nor a name: a date, or a number with something wrong.
    Value,
    Text,
}

fn look(cell: &[u8], nulls: &[String]) -> Look {
    let cell = cell.trim_ascii();
    let digits = cell.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match cell {
        _ if cell.is_empty() || means_missing(cell) || nulls.iter().any(|null| null.as_bytes() == cell) => {
            Look::Missing
        }
        _ if Kind::F64.fits(cell) => Look::Number,
        _ if Kind::Bool.fits(cell) => Look::Truth,
        [b'+' | b'-', ..] => Look::Value,
        _ if digits > 0 && matches!(cell.get(digits), Some(b'.' | b'-' | b'/' | b':')) => Look::Value,
        _ => Look::Text,
    }
}

/// A record of the beginning.
#[derive(Debug)]
pub(super) struct Record {
    cells: ByteRecord,
    /// Which cells are quoted.
    quoted: Vec<bool>,
}

impl Record {
    /// How many cells it has.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// All cells, with the blanks around them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.cells.iter()
    }

    /// A cell, without the blanks around it that are not quoted.
    pub(super) fn cell(&self, index: usize) -> &[u8] {
        let cell = self.cells.get(index).unwrap_or_default();
        if self.quoted.get(index) == Some(&true) { cell } else { cell.trim_ascii() }
    }
}

impl Dialect {
    /// The first records of a text, up to that many.
    pub(super) fn sample(self, text: &[u8], records: usize) -> Vec<Record> {
        let mut reader = ReaderBuilder::new();
        let reader = reader.has_headers(false).flexible(true).delimiter(self.separator).quoting(self.quote);
        let mut reader = reader.from_reader(text);
        let (mut sample, mut cells) = (Vec::new(), ByteRecord::new());
        while sample.len() < records {
            let start = reader.position().byte() as usize;
            if !reader.read_byte_record(&mut cells).unwrap_or_default() {
                break;
            }
            let record = &text[start..(reader.position().byte() as usize).min(text.len())];
            let quoted = if self.quote { quoted(record, self.separator) } else { Vec::new() };
            sample.push(Record { cells: cells.clone(), quoted });
        }
        sample
    }
}

/// Tells by the first row and those after it.
pub(super) fn header(first: &Record, below: &[Record], nulls: &[String]) -> Header {
    let above: Vec<Look> = first.iter().map(|cell| look(cell, nulls)).collect();
    let mut columns: Vec<Vec<Look>> = vec![Vec::new(); above.len()];
    for row in below {
        for (column, cell) in columns.iter_mut().zip(row.iter()) {
            let look = look(cell, nulls);
            if look != Look::Missing && !column.contains(&look) {
                column.push(look);
            }
        }
    }
    let is_below = |column: &Vec<Look>| matches!(column[..], [Look::Number | Look::Truth | Look::Value]);
    let sure = above.iter().zip(&columns).any(|(&above, below)| above == Look::Text && is_below(below));
    let any = |look: Look| above.contains(&look);
    let (names, doubt) = match () {
        () if sure => (true, false),
        // What may mean a missing value, or may be a name, above numbers.
        () if !any(Look::Text) => {
            let named = above.len() > 1 && above.iter().all(|&look| look == Look::Number) && is_years(first);
            (false, named || (any(Look::Missing) && first.iter().any(means_missing)))
        }
        () if above.iter().zip(&columns).any(|(&above, below)| above == Look::Value && below.contains(&above)) => {
            (false, true)
        }
        () if any(Look::Number) => (counts_on(first), true),
        () => (true, true),
    };
    Header { names, doubt }
}

/// Whether the whole numbers of a row are years, or follow one another: names such as `2023,2024` or `1,2,3`.
fn counts_on(row: &Record) -> bool {
    let numbers = numbers(row);
    is_years(row) || (numbers.len() > 1 && numbers.windows(2).all(|pair| pair[1] - pair[0] == 1.0))
}

fn is_years(row: &Record) -> bool {
    numbers(row).iter().all(|year| (1800.0..2200.0).contains(year) && year.fract() == 0.0)
}

fn numbers(row: &Record) -> Vec<f64> {
    row.iter().filter_map(|cell| std::str::from_utf8(cell.trim_ascii()).ok()?.parse().ok()).collect()
}

/// Which cells of a record are quoted: the parser hands out their content alone.
fn quoted(record: &[u8], separator: u8) -> Vec<bool> {
    let start = record.iter().take_while(|byte| b"\r\n".contains(byte)).count();
    let mut rest = record[start..].iter().copied().peekable();
    let mut quoted = Vec::new();
    while rest.peek().is_some() {
        quoted.push(rest.next_if_eq(&b'"').is_some());
        if quoted.last() == Some(&true) {
            // To the quote that is not doubled.
            while let Some(byte) = rest.next() {
                if byte == b'"' && rest.next_if_eq(&b'"').is_none() {
                    break;
                }
            }
        }
        while rest.next().is_some_and(|byte| byte != separator) {}
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_told_by_rows_of_one_length() {
        for (head, expected, other) in [
            ("a,b\n1,2\n", b',', None),
            ("a;b\n1,5;2,5\n3,5;4\n", b';', None),
            ("a\tb\n1\t2\n", b'\t', None),
            ("a|b|c\n1|2|3\n", b'|', None),
            ("name\nSmith\n", b',', None),
            ("t,u\n\"x;y\",2\n\"p;q\",3\n", b',', None),
            ("1,5;2\n3,5;4\n", b',', Some(b';')),
            ("a;b\n\"one\ntwo\";2\n", b';', None),
            ("a;b\n1;2\n3\n5;6\n", b';', None),
            ("a,b\n1,2\n3\n", b',', None),
        ] {
            assert_eq!(separator(head.as_bytes(), false, true), (expected, other), "{head:?}");
        }
        assert_eq!(separator(b"a;b\n1;2\n3", true, true).0, b';');
    }

    #[test]
    fn cells_in_quotes_are_told_from_others() {
        let cases: [(&str, &[bool]); 4] = [
            ("a,\" b \",c\r\n", &[false, true, false]),
            ("\n\"a\"\"b,\",\"\"", &[true, true]),
            ("a\"b\",c", &[false, false]),
            ("\"x\ny\",z", &[true, false]),
        ];
        for (record, expected) in cases {
            assert_eq!(quoted(record.as_bytes(), b','), expected, "{record:?}");
        }
    }
}
