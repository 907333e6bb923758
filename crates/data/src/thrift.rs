//! Enough of Thrift's compact protocol to look into Parquet's headers before the parquet crate does.
//!
//! Format: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

use std::io::{self, Read};

/// Structs within structs that are skipped; Parquet's have a few.
const NESTING: u32 = 16;
/// The types of fields that are looked into.
pub(crate) const I32: u8 = 5;
pub(crate) const LIST: u8 = 9;
pub(crate) const STRUCT: u8 = 12;

/// Reads Thrift values.
pub(crate) struct Thrift<R> {
    reader: R,
    /// Bytes read.
    pub(crate) read: u64,
}

impl<R: Read> Thrift<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, read: 0 }
    }

    /// Reads a struct, giving each field's number and type to `each`, which reads or skips it.
    pub(crate) fn fields(&mut self, mut each: impl FnMut(&mut Self, i64, u8) -> io::Result<()>) -> io::Result<()> {
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            each(self, id, kind)?;
        }
        Ok(())
    }

    /// Skips a field.
    pub(crate) fn pass_over(&mut self, kind: u8) -> io::Result<()> {
        self.skip(kind, NESTING)
    }

    /// The length of a list, and the type of its elements.
    pub(crate) fn list(&mut self) -> io::Result<(u64, u8)> {
        let byte = self.byte()?;
        let len = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
        Ok((len, byte & 15))
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
                let (len, kind) = self.list()?;
                (0..len).try_for_each(|_| self.skip_element(kind, nesting))
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

    pub(crate) fn int(&mut self) -> io::Result<i64> {
        let zigzag = self.varint()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }
}
