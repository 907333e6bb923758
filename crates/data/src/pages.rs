//! Checks the page headers of a Parquet file before its pages are read.
//!
//! The parquet crate takes memory by the sizes that a page header gives, which in a damaged file can be
//! anything. The headers are Thrift structs in the compact protocol:
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use std::io::{self, BufReader, Read};

use crate::seekable::Seekable;
use crate::thrift::{I32, STRUCT, Thrift};

/// Bytes that anything may unpack to.
const ANY: u64 = 64 << 20;
/// How many times its size something larger may unpack to.
const RATIO: u64 = 4096;
/// The same of zstd, which writes 128 KiB of one byte in four.
const ZSTD_RATIO: u64 = 40_000;

/// Whether `packed` bytes, of zstd or another packer, may well unpack to `unpacked`.
pub(crate) fn plausible(packed: u64, unpacked: u64, zstd: bool) -> bool {
    unpacked <= ANY || unpacked / if zstd { ZSTD_RATIO } else { RATIO } <= packed
}

/// Checks all pages of a column chunk, which has `len` bytes at `start`, packed by zstd or not.
pub(crate) fn check(bytes: &Seekable, start: u64, len: u64, zstd: bool) -> Result<(), String> {
    let Some(end) = start.checked_add(len).filter(|&end| end <= bytes.len()) else {
        return Err(format!("a column chunk has {len} bytes at {start}, but the file has {}; is it cut?", bytes.len()));
    };
    let mut at = start;
    while at < end {
        let mut thrift = Thrift::new(BufReader::with_capacity(512, bytes.at(at).take(end - at)));
        let header = page_header(&mut thrift).map_err(|e| format!("the page header at byte {at} is broken: {e}"))?;
        let here = at;
        let wrong = |what: String| Err(format!("the page at byte {here} {what}"));
        let (Ok(packed), Ok(unpacked)) = (u64::try_from(header.packed), u64::try_from(header.unpacked)) else {
            return wrong("has a negative size".into());
        };
        if !plausible(packed, unpacked, zstd) {
            return wrong(format!("says that its {packed} bytes unpack to {unpacked}"));
        }
        // A value takes a byte at least.
        if let Some(values) = header.dictionary.filter(|&values| u64::try_from(values).map_or(true, |n| n > unpacked)) {
            return wrong(format!("is a dictionary of {values} values in {unpacked} bytes"));
        }
        at = (at + thrift.read).saturating_add(packed);
        if at > end {
            return wrong(format!("has {packed} bytes, more than its column chunk has left"));
        }
    }
    Ok(())
}

/// What is checked of a page header.
#[derive(Default)]
struct PageHeader {
    unpacked: i64,
    packed: i64,
    /// Values of a dictionary page.
    dictionary: Option<i64>,
}

fn page_header(thrift: &mut Thrift<impl Read>) -> io::Result<PageHeader> {
    let mut header = PageHeader::default();
    thrift.fields(|thrift, id, kind| {
        match (id, kind) {
            (2, I32) => header.unpacked = thrift.int()?,
            (3, I32) => header.packed = thrift.int()?,
            (7, STRUCT) => thrift.fields(|thrift, id, kind| {
                match (id, kind) {
                    (1, I32) => header.dictionary = Some(thrift.int()?),
                    _ => thrift.pass_over(kind)?,
                }
                Ok(())
            })?,
            _ => thrift.pass_over(kind)?,
        }
        Ok(())
    })?;
    Ok(header)
}
