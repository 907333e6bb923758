//! Tells a CSV that ends within an open quote from one that does not.
//!
//! The parser takes the end of its input for the end of a quote. So the input gets an end of its own, which
//! is a record by itself only where no quote is open.

use std::io::{self, Read};

/// A line's end, and a record of one cell in a quote that stays open. Within an open quote, the one here
/// closes it instead, and the rest becomes a part of the last cell.
const MARK: &[u8] = b"\n\"end\n";
/// That cell.
const CELL: &[u8] = b"end\n";
/// The mark of UTF-8, which the parser does not count.
const BOM: u64 = 3;

/// `inner`, and then the mark.
pub(crate) struct Marked<R> {
    inner: R,
    /// Bytes of `inner`.
    len: u64,
    /// What is left of the mark, once `inner` has ended.
    left: Option<&'static [u8]>,
    /// Whether cells may be quoted; where they may not, there is nothing to mark.
    quote: bool,
}

/// What a record is that reaches into the mark.
#[derive(Debug, PartialEq)]
pub(crate) enum End {
    /// No record: all went well.
    Whole,
    /// The last record, whose last cell is in a quote that is never closed.
    OpenQuote,
}

impl<R> Marked<R> {
    pub(crate) fn new(inner: R, quote: bool) -> Self {
        Self { inner, len: 0, left: None, quote }
    }

    /// What the record of these cells is, behind which the parser has counted so many bytes.
    pub(crate) fn end<'a>(&self, behind: u64, mut cells: impl ExactSizeIterator<Item = &'a [u8]>) -> Option<End> {
        // The last record itself may take the line's end.
        if self.left.is_none() || behind + BOM < self.len + MARK.len() as u64 {
            return None;
        }
        Some(if cells.len() == 1 && cells.next() == Some(CELL) { End::Whole } else { End::OpenQuote })
    }
}

impl<R: Read> Read for Marked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(left) = &mut self.left {
            return left.read(buffer);
        }
        let read = self.inner.read(buffer)?;
        self.len += read as u64;
        if read == 0 && !buffer.is_empty() && self.quote {
            let mut left = MARK;
            let read = left.read(buffer)?;
            self.left = Some(left);
            return Ok(read);
        }
        Ok(read)
    }
}
