//! Text in pieces of whole records or lines, which can be parsed side by side.

use std::path::PathBuf;

use memchr::{memchr, memchr_iter, memrchr, memrchr2};

use crate::Error;
use crate::csv::Dialect;
use crate::input::{Input, Stream};
use crate::limit::RECORD_BYTES;
use crate::seekable::read_full;

/// Bytes of the pieces that are parsed side by side.
pub(crate) const PIECE: usize = 1 << 20;

/// Where a text may be cut.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cut {
    /// After a line.
    Lines,
    /// After a record of CSV.
    Records(Dialect),
}

/// Some whole records or lines.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    pub(crate) text: Vec<u8>,
    /// Line ends before it.
    pub(crate) lines: u64,
    /// Whether the text ends with it.
    pub(crate) last: bool,
}

/// The pieces of a text, one after the other.
pub(crate) struct Pieces {
    label: PathBuf,
    stream: Stream,
    cut: Cut,
    /// What was read behind the last piece, and was given back.
    ahead: Vec<u8>,
    lines: u64,
    ended: bool,
}

impl Pieces {
    pub(crate) fn new(input: Input, cut: Cut) -> Self {
        let Input { label, stream, .. } = input;
        Self { label, stream, cut, ahead: Vec::new(), lines: 0, ended: false }
    }

    /// Gives back the end of the last piece: it comes again.
    pub(crate) fn give_back(&mut self, rest: &[u8]) {
        self.lines -= line_ends(rest);
        self.ahead.splice(..0, rest.iter().copied());
        self.ended = false;
    }

    /// The next piece, if there is one, of about so many bytes; of more where a record is longer.
    pub(crate) fn next(&mut self, bytes: usize) -> Result<Option<Piece>, Error> {
        if self.ended {
            return Ok(None);
        }
        let mut text = std::mem::take(&mut self.ahead);
        let mut searched = 0;
        loop {
            let wanted = bytes.max(text.len() + text.len() / 2);
            let before = text.len();
            text.resize(wanted, 0);
            let read = read_full(&mut self.stream, &mut text[before..]).map_err(|e| Error::read(&self.label, e))?;
            text.truncate(before + read);
            let last = text.len() < wanted;
            let end = if last { Some(text.len()) } else { self.cut.whole(&text, searched) };
            if let Some(end) = end {
                self.ended = last;
                self.ahead = text.split_off(end);
                let lines = self.lines;
                self.lines += line_ends(&text);
                return Ok((!text.is_empty()).then_some(Piece { text, lines, last }));
            }
            if text.len() as u64 > RECORD_BYTES {
                let line = self.lines + 1 + line_ends(&text[..text.iter().take_while(|&&b| is_end(b)).count()]);
                let most = RECORD_BYTES >> 20;
                let what = match self.cut {
                    Cut::Lines => format!("line {line}: is longer than {most} MiB"),
                    Cut::Records(_) => format!(
                        "line {line}: the record that begins here is longer than {most} MiB; is a quote left open?"
                    ),
                };
                self.ended = true;
                return Err(Error::format(&self.label, what));
            }
            // Where no quote may be open, what was searched has no line end.
            searched = if matches!(self.cut, Cut::Records(Dialect { quote: true, .. })) { 0 } else { text.len() };
        }
    }
}

impl Pieces {
    /// As many pieces as there are threads, and what is wrong behind them; whether there are no more.
    pub(crate) fn several(&mut self, ended: &mut bool) -> (Vec<Piece>, Option<Error>) {
        let mut pieces = Vec::new();
        while pieces.len() < rayon::current_num_threads() {
            match self.next(PIECE) {
                Ok(Some(piece)) => pieces.push(piece),
                Ok(None) => {
                    *ended = true;
                    break;
                }
                Err(error) => {
                    *ended = true;
                    return (pieces, Some(error));
                }
            }
        }
        (pieces, None)
    }
}

/// How many lines end in a text.
pub(crate) fn line_ends(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

/// Whether a record ends with it, where it is not quoted.
#[inline(always)]
pub(crate) fn is_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

impl Cut {
    /// Where the last whole record or line of a text ends, which begins with one; where no quote may be open, only the text
    /// from `searched` on is looked at.
    fn whole(self, text: &[u8], searched: usize) -> Option<usize> {
        match self {
            Self::Lines => memrchr(b'\n', &text[searched..]).map(|at| searched + at + 1),
            Self::Records(dialect) => dialect.whole(text, searched),
        }
    }
}

impl Dialect {
    fn whole(self, text: &[u8], searched: usize) -> Option<usize> {
        let end = |from: usize, to: usize| memrchr2(b'\n', b'\r', &text[from..to]).map(|at| from + at + 1);
        if !self.quote {
            return end(searched, text.len());
        }
        let (mut at, mut last) = (0, None);
        while let Some(quote) = memchr(b'"', &text[at..]) {
            let quote = at + quote;
            last = end(at, quote).or(last);
            at = quote + 1;
            // One within a cell is a character like others.
            if quote == 0 || text[quote - 1] == self.separator || is_end(text[quote - 1]) {
                match self.closing(text, at) {
                    Some(closing) => at = closing + 1,
                    None => return last,
                }
            }
        }
        end(at, text.len()).or(last)
    }

    /// The quote that closes the cell whose content begins at `at`.
    #[inline]
    pub(crate) fn closing(self, text: &[u8], mut at: usize) -> Option<usize> {
        loop {
            let quote = at + memchr(b'"', &text[at..])?;
            if text.get(quote + 1) != Some(&b'"') {
                return Some(quote);
            }
            at = quote + 2;
        }
    }
}
