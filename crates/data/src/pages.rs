//! Checks the page headers of a Parquet file before its pages are read.
//!
//! The parquet crate takes memory by the sizes that a page header gives, which in a damaged file can be
//! anything. The headers are Thrift structs in the compact protocol:
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>.

use std::io::{self, BufReader, Read};

use crate::seekable::Seekable;

/// Bytes that anything may unpack to.
const ANY: u64 = 64 << 20;
/// How many times its size something larger may unpack to.
const RATIO: u64 = 4096;
/// Structs within structs; a page header has three.
const NESTING: u32 = 16;

/// Whether `packed` bytes may well unpack to `unpacked`.
pub(crate) fn plausible(packed: u64, unpacked: u64) -> bool {
    unpacked <= ANY || unpacked / RATIO <= packed
}

/// Checks all pages of a column chunk, which has `len` bytes at `start`.
pub(crate) fn check(bytes: &Seekable, start: u64, len: u64) -> Result<(), String> {
    let Some(end) = start.checked_add(len).filter(|&end| end <= bytes.len()) else {
        return Err(format!("a column chunk has {len} bytes at {start}, but the file has {}; is it cut?", bytes.len()));
    };
    let mut at = start;
    while at < end {
        let mut thrift = Thrift { reader: BufReader::with_capacity(512, bytes.at(at).take(end - at)), read: 0 };
        let header = thrift.page_header().map_err(|e| format!("the page header at byte {at} is broken: {e}"))?;
        let here = at;
        let wrong = |what: String| Err(format!("the page at byte {here} {what}"));
        let (Ok(packed), Ok(unpacked)) = (u64::try_from(header.packed), u64::try_from(header.unpacked)) else {
            return wrong("has a negative size".into());
        };
        if !plausible(packed, unpacked) {
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

struct Thrift<R> {
    reader: R,
    read: u64,
}

impl<R: Read> Thrift<R> {
    fn page_header(&mut self) -> io::Result<PageHeader> {
        let mut header = PageHeader::default();
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            match (id, kind) {
                (2, 5) => header.unpacked = self.int()?,
                (3, 5) => header.packed = self.int()?,
                (7, 12) => {
                    let mut id = 0;
                    while let Some(kind) = self.field(&mut id)? {
                        match (id, kind) {
                            (1, 5) => header.dictionary = Some(self.int()?),
                            _ => self.skip(kind, NESTING)?,
                        }
                    }
                }
                _ => self.skip(kind, NESTING)?,
            }
        }
        Ok(header)
    }

    /// The type of the next field, whose number goes to `id`; `None` at the struct's end.
    fn field(&mut self, id: &mut i64) -> io::Result<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        *id = if byte >> 4 == 0 { self.int()? } else { id.wrapping_add(i64::from(byte >> 4)) };
        Ok(Some(byte & 15))
    }

    fn skip(&mut self, kind: u8, nesting: u32) -> io::Result<()> {
        let invalid = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let nesting = nesting.checked_sub(1).ok_or_else(|| invalid("nests too deep"))?;
        match kind {
            // Truth values are in the type.
            1 | 2 => Ok(()),
            3 => self.byte().map(|_| ()),
            4..=6 => self.varint().map(|_| ()),
            7 => self.pass(8),
            8 => {
                let len = self.varint()?;
                self.pass(len)
            }
            9 | 10 => {
                let byte = self.byte()?;
                let len = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
                (0..len).try_for_each(|_| self.skip_element(byte & 15, nesting))
            }
            11 => {
                let len = self.varint()?;
                if len == 0 {
                    return Ok(());
                }
                let byte = self.byte()?;
                (0..len).try_for_each(|_| {
                    self.skip_element(byte >> 4, nesting)?;
                    self.skip_element(byte & 15, nesting)
                })
            }
            12 => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, nesting)?;
                }
                Ok(())
            }
            _ => Err(invalid("a field has a type that there is not")),
        }
    }

    /// Skips an element of a list, in which a truth value takes a byte.
    fn skip_element(&mut self, kind: u8, nesting: u32) -> io::Result<()> {
        self.skip(if kind <= 2 { 3 } else { kind }, nesting)
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    fn pass(&mut self, len: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.reader.by_ref().take(len), &mut io::sink())?;
        self.read += passed;
        if passed < len { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    fn varint(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "a number has too many bytes"))
    }

    fn int(&mut self) -> io::Result<i64> {
        let zigzag = self.varint()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }
}
