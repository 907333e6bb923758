//! Pieces of text as records: where the cells of the wanted columns lie.

use std::path::Path;

use super::Dialect;
use crate::Error;
use crate::cells::{Cells, Span};
use crate::pieces::{Piece, is_end, line_ends};

/// Cells that a record may have.
const RECORD_CELLS: usize = 4 << 20;

/// Which columns of how many are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    /// Cells of each record.
    pub(super) width: usize,
    /// Each wanted column's place in a record.
    columns: Vec<usize>,
    /// Columns in the order of their places, each with its own in `columns`.
    sorted: Vec<(usize, usize)>,
}

impl Wanted {
    pub(super) fn new(width: usize, columns: Vec<usize>) -> Self {
        let mut sorted: Vec<_> = columns.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        Self { width, columns, sorted }
    }

    /// The place in a record of each wanted column.
    pub(super) fn columns(&self) -> &[usize] {
        &self.columns
    }
}

/// Records, and of each the wanted cells.
#[derive(Debug, Default)]
pub(super) struct Block {
    text: Vec<u8>,
    /// Cells that do not stand in the text as they are: with doubled quotes, or with text after the closing one.
    rest: Vec<u8>,
    /// By wanted column.
    spans: Vec<Vec<Span>>,
    /// Where each record begins.
    starts: Vec<u32>,
    /// Line ends before the text.
    lines: u64,
    /// What is wrong behind the records.
    pub(super) failed: Option<Error>,
}

impl Block {
    /// The records of a piece, up to that many.
    pub(super) fn of(piece: Piece, dialect: Dialect, wanted: &Wanted, most: usize, label: &Path) -> (Self, usize) {
        let Piece { text, lines, .. } = piece;
        let mut block = Self { text, lines, ..Self::empty(wanted) };
        let end = block.parse(dialect, wanted, most, label);
        (block, end)
    }

    /// No records.
    pub(super) fn empty(wanted: &Wanted) -> Self {
        Self { spans: vec![Vec::new(); wanted.columns.len()], ..Self::default() }
    }

    /// Records.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// The cells of a wanted column.
    pub(super) fn cells(&self, column: usize) -> Cells<'_> {
        Cells { text: &self.text, rest: &self.rest, spans: &self.spans[column] }
    }

    /// The line in which a record begins, from 1.
    pub(super) fn line_of(&self, row: usize) -> u64 {
        self.line_at(self.starts.get(row).map_or(self.text.len(), |&start| start as usize))
    }

    fn line_at(&self, at: usize) -> u64 {
        self.lines + 1 + line_ends(&self.text[..at])
    }

    /// Bytes of the text.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The text from `at` on, to be read again.
    pub(super) fn behind(&self, at: usize) -> &[u8] {
        &self.text[at..]
    }

    /// Reads records until there are `most`, or one is wrong; where the rest of the text begins.
    fn parse(&mut self, dialect: Dialect, wanted: &Wanted, most: usize, label: &Path) -> usize {
        let text = std::mem::take(&mut self.text);
        let mut at = 0;
        let mut wrong = None;
        loop {
            while at < text.len() && is_end(text[at]) {
                at += 1;
            }
            if at == text.len() || self.starts.len() == most {
                break;
            }
            match self.record(&text, at, dialect, wanted) {
                Ok(end) => {
                    self.starts.push(at as u32);
                    at = end;
                }
                Err(what) => {
                    wrong = Some((what, at));
                    at = text.len();
                    break;
                }
            }
        }
        self.text = text;
        if let Some((wrong, record)) = wrong {
            self.spans.iter_mut().for_each(|spans| spans.truncate(self.starts.len()));
            self.failed = Some(Error::format(label, self.told(&wrong, record, wanted)));
        }
        at
    }

    fn told(&self, wrong: &Wrong, record: usize, wanted: &Wanted) -> String {
        let line = |at: usize| self.line_at(at);
        match wrong {
            Wrong::Width(len) => {
                let cells = if *len == 1 { "cell" } else { "cells" };
                format!("line {} has {len} {cells}, the first row has {}", line(record), wanted.width)
            }
            Wrong::OpenQuote(at) => {
                format!("line {}: a quote opens here and is never closed, so that all behind it is one cell", line(*at))
            }
            Wrong::TooMany => format!(
                "line {}: the record that begins here has more than {RECORD_CELLS} cells; is a quote left open?",
                line(record)
            ),
        }
    }

    /// Reads the record that begins at `start`; where it ends.
    #[inline(always)]
    fn record(&mut self, text: &[u8], start: usize, dialect: Dialect, wanted: &Wanted) -> Result<usize, Wrong> {
        let (mut at, mut column) = (start, 0);
        let mut next = wanted.sorted.iter().peekable();
        loop {
            let is_wanted = next.peek().is_some_and(|(place, _)| *place == column);
            let quoted = dialect.quote && text.get(at) == Some(&b'"');
            let span = if quoted {
                let closing = dialect.closing(text, at + 1).ok_or(Wrong::OpenQuote(at))?;
                let content = (at + 1, closing);
                let rest = (closing + 1, dialect.end(text, closing + 1));
                at = rest.1;
                if is_wanted { self.quoted(text, content, rest) } else { (0, 0) }
            } else {
                let end = dialect.end(text, at);
                let span = if is_wanted { trimmed(text, at, end) } else { (0, 0) };
                at = end;
                span
            };
            while let Some(&(_, index)) = next.next_if(|(place, _)| *place == column) {
                self.spans[index].push(span);
            }
            column += 1;
            if text.get(at) != Some(&dialect.separator) {
                break;
            }
            if column > RECORD_CELLS {
                return Err(Wrong::TooMany);
            }
            at += 1;
        }
        if column == wanted.width { Ok(at) } else { Err(Wrong::Width(column)) }
    }

    /// Where a quoted cell lies: its content, and what follows the closing quote.
    fn quoted(&mut self, text: &[u8], content: (usize, usize), rest: (usize, usize)) -> Span {
        let [content_text, rest_text] = [content, rest].map(|(start, end)| &text[start..end]);
        if rest_text.is_empty() && !content_text.contains(&b'"') {
            return (content.0 as u32, content.1 as u32);
        }
        let start = self.rest.len();
        let mut doubled = false;
        for &byte in content_text {
            // Of two quotes one.
            doubled = byte == b'"' && !doubled;
            if !doubled {
                self.rest.push(byte);
            }
        }
        self.rest.extend_from_slice(rest_text);
        ((text.len() + start) as u32, (text.len() + self.rest.len()) as u32)
    }
}

/// What is wrong with a record.
enum Wrong {
    /// It has that many cells.
    Width(usize),
    /// The quote there is never closed.
    OpenQuote(usize),
    TooMany,
}

/// A cell without the blanks around it.
#[inline(always)]
fn trimmed(text: &[u8], mut start: usize, mut end: usize) -> Span {
    while start < end && text[start].is_ascii_whitespace() {
        start += 1;
    }
    while end > start && text[end - 1].is_ascii_whitespace() {
        end -= 1;
    }
    (start as u32, end as u32)
}

impl Dialect {
    /// Where a cell that is not quoted ends: at the next separator or line end from `at` on. Eight bytes are looked at at once:
    /// cells are mostly shorter than what a search in longer vectors pays for.
    #[inline(always)]
    fn end(self, text: &[u8], mut at: usize) -> usize {
        const ONES: u64 = u64::from_ne_bytes([1; 8]);
        const HIGHS: u64 = ONES << 7;
        // The high bit of each byte that is 0, and perhaps of ones after the first such.
        let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        let separators = ONES * u64::from(self.separator);
        while let Some(bytes) = text[at..].first_chunk() {
            let word = u64::from_le_bytes(*bytes);
            let found = zeros(word ^ separators) | zeros(word ^ (ONES * 10)) | zeros(word ^ (ONES * 13));
            if found != 0 {
                return at + (found.trailing_zeros() / 8) as usize;
            }
            at += 8;
        }
        while at < text.len() && text[at] != self.separator && !is_end(text[at]) {
            at += 1;
        }
        at
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use csv::ReaderBuilder;
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::Source;
    use crate::input::Input;
    use crate::pieces::{Cut, Pieces};

    /// The cells of the records of one width, as the csv crate reads them.
    fn by_crate(text: &[u8], dialect: Dialect) -> (Vec<Vec<Vec<u8>>>, bool) {
        let mut reader = ReaderBuilder::new();
        let reader = reader.has_headers(false).delimiter(dialect.separator).quoting(dialect.quote);
        let mut records = Vec::new();
        for record in reader.from_reader(text).byte_records() {
            let Ok(record) = record else { return (records, true) };
            records.push(record.iter().map(<[u8]>::to_vec).collect());
        }
        (records, false)
    }

    #[test]
    fn records_are_those_of_the_csv_crate() {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
        let mut whole = 0;
        for round in 0..20_000 {
            let dialect = Dialect { separator: [b',', b';'][round % 2], quote: round % 5 > 0 };
            let alphabet: &[u8] = if round % 3 == 0 { b"a,\"\n" } else { b"abc ,;\"\"\r\n\n12345678,,," };
            let len = random.random_range(1..60);
            let text: Vec<u8> = (0..len).map(|_| alphabet[random.random_range(0..alphabet.len())]).collect();
            let (records, failed) = by_crate(&text, dialect);
            let Some(width) = records.first().map(Vec::len) else { continue };
            let wanted = Wanted::new(width, (0..width).collect());
            let piece = Piece { text: text.clone(), lines: 0, last: true };
            let (block, _) = Block::of(piece, dialect, &wanted, usize::MAX, Path::new("t"));
            let open = block.failed.as_ref().is_some_and(|e| e.to_string().contains("never closed"));
            let told = String::from_utf8_lossy(&text);
            // The crate takes the end for the end of a quote.
            let expected = if open { &records[..block.len().min(records.len())] } else { &records[..] };
            assert_eq!(block.len(), expected.len(), "{told:?}");
            assert!(open || failed == block.failed.is_some(), "{told:?}");
            for column in 0..width {
                let cells = block.cells(column);
                for (&span, record) in cells.spans.iter().zip(expected) {
                    let cell = Cells { spans: &[span], ..cells };
                    let bytes = cell.text.get(span.0 as usize..span.1 as usize);
                    let bytes = bytes.unwrap_or_else(|| {
                        &cell.rest[span.0 as usize - cell.text.len()..][..(span.1 - span.0) as usize]
                    });
                    // Blanks around a cell that is not quoted are not its own.
                    assert_eq!(bytes.trim_ascii(), record[column].trim_ascii(), "{told:?}");
                }
            }
            whole += usize::from(!open && !failed);
        }
        assert!(whole > 2000, "only {whole} texts were whole");
    }

    #[test]
    fn pieces_end_with_records() {
        let row = |index: usize| match index % 3 {
            0 => format!("{index},plain\n"),
            1 => format!("{index},\"a \"\"quoted\"\"\nline, {index}\"\r\n"),
            _ => format!("{index},5\" pipe\n"),
        };
        let text: String = (0..200_000).map(row).collect();
        let source = Source::Memory { name: "t.csv".into(), bytes: text.clone().into_bytes().into() };
        let dialect = Dialect { separator: b',', quote: true };
        let mut pieces = Pieces::new(Input::open(&source).unwrap(), Cut::Records(dialect));
        let wanted = Wanted::new(2, vec![1]);
        let (mut rows, mut read) = (0, Vec::new());
        while let Some(piece) = pieces.next(1 << 16).unwrap() {
            read.extend_from_slice(&piece.text);
            let (block, _) = Block::of(piece, dialect, &wanted, usize::MAX, Path::new("t"));
            assert!(block.failed.is_none(), "{:?}", block.failed);
            rows += block.len();
        }
        assert_eq!((rows, read == text.as_bytes()), (200_000, true));
    }
}
