//! Keeps one record from filling the memory.

use std::fmt;
use std::io::{self, Read};

/// Bytes that a record, or a line, may have.
pub(crate) const RECORD_BYTES: u64 = 64 << 20;
/// Separators that a record may have: each costs its parser more than a byte.
const RECORD_CELLS: u64 = 4 << 20;

/// Hands out what `inner` has, until a record is too long; its user says when a record ends.
pub(crate) struct Limited<R> {
    inner: R,
    separator: u8,
    bytes: u64,
    cells: u64,
}

impl<R> Limited<R> {
    pub(crate) fn new(inner: R, separator: u8) -> Self {
        Self { inner, separator, bytes: 0, cells: 0 }
    }

    pub(crate) fn get_ref(&self) -> &R {
        &self.inner
    }

    /// Begins a new record.
    pub(crate) fn reset(&mut self) {
        (self.bytes, self.cells) = (0, 0);
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes > RECORD_BYTES || self.cells > RECORD_CELLS {
            return Err(io::Error::other(TooLong));
        }
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        self.cells += buffer[..read].iter().filter(|&&byte| byte == self.separator).count() as u64;
        Ok(read)
    }
}

/// A record without an end.
#[derive(Debug)]
pub(crate) struct TooLong;

impl TooLong {
    /// Whether that is what went wrong.
    pub(crate) fn is(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<Self>())
    }
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "longer than {} MiB or of more than {RECORD_CELLS} cells", RECORD_BYTES >> 20)
    }
}

impl std::error::Error for TooLong {}
