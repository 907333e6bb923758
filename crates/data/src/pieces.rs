//! Text in pieces of whole records or lines, which can be parsed side by side.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use memchr::{memchr, memchr_iter, memrchr, memrchr2};

use crate::Error;
use crate::csv::Dialect;
use crate::input::{Input, Stream};
use crate::limit::RECORD_BYTES;
use crate::table::{BATCH_BYTES, ROWS};

/// Bytes of the pieces that are parsed side by side.
const PIECE: usize = 1 << 20;
/// Bytes that a pipe is asked for at once: what it may hold.
const ROOM: usize = 1 << 16;

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
    /// Whether the stream may be silent for a while, as a pipe may: what has come is then handed out.
    waits: bool,
    cut: Cut,
    /// What was read behind the last piece, or was given back.
    ahead: Vec<u8>,
    lines: u64,
    ended: bool,
    /// Pieces that were read while others were parsed.
    read: Option<Several>,
}

/// Pieces, and what is wrong behind them.
type Several = (Vec<Piece>, Option<Error>);

impl Pieces {
    pub(crate) fn new(input: Input, cut: Cut) -> Self {
        let Input { label, stream, waits, .. } = input;
        Self { label, stream, waits, cut, ahead: Vec::new(), lines: 0, ended: false, read: None }
    }

    /// Whether the stream may be silent for a while.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }

    /// Bytes to ask for at first.
    pub(crate) fn first(&self) -> usize {
        if self.waits { 1 } else { PIECE }
    }

    /// Bytes to ask for where `before` were too few.
    pub(crate) fn more(&self, before: usize) -> usize {
        if self.waits { before + 1 } else { (before * 4).clamp(PIECE, BATCH_BYTES) }
    }

    /// Whether more of a record may come than the part that is there.
    pub(crate) fn may_grow(&self) -> bool {
        self.waits && self.ahead.len() < BATCH_BYTES
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
            let last = self.read_on(&mut text, bytes)?;
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

    /// Some pieces for each thread, and what is wrong behind them, unless there are no more. Of a stream that may be silent
    /// one at a time.
    pub(crate) fn several(&mut self) -> Option<Several> {
        if let Some(read) = self.read.take() {
            return Some(read);
        }
        let mut pieces = Vec::new();
        let most = if self.waits { 1 } else { 2 * rayon::current_num_threads() };
        while pieces.len() < most {
            match self.next(self.first()) {
                Ok(Some(piece)) => pieces.push(piece),
                Ok(None) => break,
                Err(error) => return Some((pieces, Some(error))),
            }
        }
        (!pieces.is_empty()).then_some((pieces, None))
    }

    /// Reads the next pieces while others are parsed, unless that might take for ever.
    pub(crate) fn read_ahead(&mut self) {
        if !self.waits {
            self.read = self.several();
        }
    }

    /// Reads on, up to that many bytes or half as many again as there are; whether that was the end.
    fn read_on(&mut self, text: &mut Vec<u8>, bytes: usize) -> Result<bool, Error> {
        let before = text.len();
        let room = (before / 2).max(if self.waits { ROOM } else { 0 });
        let wanted = bytes.max(before + room);
        text.resize(wanted, 0);
        let mut read = 0;
        while before + read < if self.waits { bytes.max(before + 1) } else { wanted } {
            match self.stream.read(&mut text[before + read..]) {
                Ok(0) => {
                    text.truncate(before + read);
                    return Ok(true);
                }
                Ok(some) => read += some,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(Error::read(&self.label, e)),
            }
        }
        text.truncate(before + read);
        Ok(false)
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

/// A batch, or what is wrong in its place.
pub(crate) type Parsed = Result<RecordBatch, Error>;

/// The rows that were parsed together, if there are some, in batches of a fixed length, and what is wrong behind them.
pub(crate) fn batches(rows: Option<Parsed>, failed: Option<Error>) -> Vec<Parsed> {
    let mut batches = match rows {
        None => Vec::new(),
        Some(Err(error)) => return vec![Err(error)],
        Some(Ok(all)) => {
            let rows = all.num_rows();
            (0..rows).step_by(ROWS).map(|start| Ok(all.slice(start, ROWS.min(rows - start)))).collect()
        }
    };
    batches.extend(failed.map(Err));
    batches
}

/// Batches that were parsed, and what is wrong behind them. Those of a stream that may be silent are of pieces that happened
/// to come together; they are handed out in batches of a fixed length, unless rows are long, so that what is computed of
/// them is the same each time.
pub(crate) struct Queue {
    parsed: VecDeque<Parsed>,
    /// Whether there is nothing to parse behind them.
    ended: bool,
    even: bool,
    /// Less than a batch.
    held: Vec<RecordBatch>,
}

impl Queue {
    pub(crate) fn new(even: bool) -> Self {
        Self { parsed: VecDeque::new(), ended: false, even, held: Vec::new() }
    }

    /// The next batch, if there is one; `parse` gives more of them, until there are none or one is wrong.
    pub(crate) fn next(
        &mut self,
        mut parse: impl FnMut() -> Option<Vec<Parsed>>,
    ) -> Result<Option<RecordBatch>, Error> {
        loop {
            if let Some(next) = self.ready() {
                self.ended |= next.is_err();
                return next.map(Some);
            }
            if self.ended {
                return Ok(None);
            }
            match parse() {
                Some(batches) => self.parsed.extend(batches),
                None => self.ended = true,
            }
        }
    }

    /// The next batch; none where more is to be parsed first.
    fn ready(&mut self) -> Option<Parsed> {
        if !self.even {
            return self.parsed.pop_front();
        }
        loop {
            let rows: usize = self.held.iter().map(RecordBatch::num_rows).sum();
            let bytes: usize = self.held.iter().map(RecordBatch::get_array_memory_size).sum();
            let whole = rows >= ROWS || bytes > BATCH_BYTES;
            let cut_short = rows > 0 && (self.ended || self.parsed.front().is_some_and(Result::is_err));
            match self.parsed.front() {
                _ if whole => return Some(self.held(rows.min(ROWS))),
                Some(Ok(_)) => self.held.extend(self.parsed.pop_front().and_then(Result::ok)),
                _ if cut_short => return Some(self.held(rows)),
                Some(Err(_)) => return self.parsed.pop_front(),
                None => return None,
            }
        }
    }

    /// So many of the rows that are held.
    fn held(&mut self, rows: usize) -> Parsed {
        let (mut taken, mut left) = (Vec::new(), rows);
        for batch in std::mem::take(&mut self.held) {
            let now = left.min(batch.num_rows());
            if now > 0 {
                taken.push(batch.slice(0, now));
            }
            if now < batch.num_rows() {
                self.held.push(batch.slice(now, batch.num_rows() - now));
            }
            left -= now;
        }
        if let [only] = &taken[..] {
            return Ok(only.clone());
        }
        let schema = taken[0].schema();
        concat_batches(&schema, &taken).map_err(|e| Error::format(std::path::Path::new("the rows"), e.to_string()))
    }
}
