//! Keeps one record from filling the memory.

use std::fmt;
use std::io::{self, Read};

/// Bytes that a record, or a line, may have.
pub(crate) const RECORD_BYTES: u64 = 64 << 20;
/// Separators that a record may have: each costs its parser more than a byte.
const RECORD_CELLS: u64 = 4 << 20;

/// Bytes before the record that are kept, so that they are not moved for each record.
const BEFORE: usize = 1 << 20;

/// Hands out what `inner` has, until a record is too long; its user says when a record ends. Keeps the bytes of the
/// record, for what its parser does not tell.
pub(crate) struct Limited<R> {
    inner: R,
    separator: u8,
    bytes: u64,
    cells: u64,
    /// The bytes that were handed out from `from` on.
    kept: Vec<u8>,
    from: u64,
    /// Where the record begins.
    record: u64,
}

impl<R> Limited<R> {
    pub(crate) fn new(inner: R, separator: u8) -> Self {
        Self { inner, separator, bytes: 0, cells: 0, kept: Vec::new(), from: 0, record: 0 }
    }

    pub(crate) fn get_ref(&self) -> &R {
        &self.inner
    }

    /// Begins a new record at that byte.
    pub(crate) fn begin(&mut self, record: u64) {
        (self.bytes, self.cells, self.record) = (0, 0, record);
    }

    /// The bytes of the record, which ends before `end`.
    pub(crate) fn record(&self, end: u64) -> &[u8] {
        let place = |at: u64| usize::try_from(at.saturating_sub(self.from)).unwrap_or(usize::MAX);
        self.kept.get(place(self.record)..place(end)).unwrap_or_default()
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.bytes > RECORD_BYTES || self.cells > RECORD_CELLS {
            return Err(io::Error::other(TooLong));
        }
        let done = usize::try_from(self.record.saturating_sub(self.from)).unwrap_or(usize::MAX).min(self.kept.len());
        if done > BEFORE {
            self.kept.drain(..done);
            self.from += done as u64;
        }
        let read = self.inner.read(buffer)?;
        self.kept.extend_from_slice(&buffer[..read]);
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
