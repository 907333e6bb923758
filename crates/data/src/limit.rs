//! Keeps one record from filling the memory.

/// Bytes that a record, or a line, may have.
pub(crate) const RECORD_BYTES: u64 = 64 << 20;
