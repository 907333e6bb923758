//! The body that npy and IDX share: a known number of elements, back to back.

use std::io::{ErrorKind, Read};
use std::path::PathBuf;

use crate::file::ChunkReader;
use crate::{Chunk, Dtype, Error};

/// Bytes read at once: large enough to amortise every call, small enough for the last-level cache.
const CHUNK_BYTES: usize = 8 << 20;

/// Streams `elements` elements of `reader`, and insists that nothing follows them.
pub(crate) struct RawReader<R> {
    pub(crate) path: PathBuf,
    pub(crate) reader: R,
    pub(crate) big_endian: bool,
    /// What the header promised, for messages: `shape [3, 4] of f32`.
    pub(crate) promise: String,
    chunk: Chunk,
    elements: u64,
    taken: u64,
}

impl<R: Read + Send> RawReader<R> {
    pub(crate) fn new(path: PathBuf, reader: R, dtype: Dtype, big_endian: bool, shape: &[u64]) -> Result<Self, Error> {
        let promise = format!("shape {shape:?} of {dtype}");
        let bytes = shape.iter().try_fold(dtype.bytes() as u64, |all, &n| all.checked_mul(n));
        let Some(bytes) = bytes else {
            return Err(Error::format(&path, format!("the header's {promise} is more than a file can hold")));
        };
        let elements = bytes / dtype.bytes() as u64;
        Ok(Self { path, reader, big_endian, promise, chunk: dtype.empty_chunk(), elements, taken: 0 })
    }

    /// Reads until `buffer` is full or the input ends; the bytes read.
    fn fill(&mut self, mut len: usize) -> Result<usize, Error> {
        let buffer = self.chunk.bytes_mut(len);
        len = buffer.len();
        let mut filled = 0;
        while filled < len {
            match self.reader.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(self.broken(e)),
            }
        }
        Ok(filled)
    }

    fn broken(&self, source: std::io::Error) -> Error {
        match source.kind() {
            // What flate2 says of a stream that is cut or damaged.
            ErrorKind::InvalidInput | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Error::format(
                &self.path,
                format!("the gzip stream is corrupt after element {} of {}: {source}", self.taken, self.elements),
            ),
            _ => Error::Io { path: self.path.clone(), action: "read it", source },
        }
    }
}

impl<R: Read + Send> ChunkReader for RawReader<R> {
    fn dtype(&self) -> Dtype {
        self.chunk.dtype()
    }

    fn elements(&self) -> Option<u64> {
        Some(self.elements)
    }

    fn next_chunk(&mut self) -> Result<Option<&Chunk>, Error> {
        let width = self.dtype().bytes();
        if self.taken == self.elements {
            let extra = self.fill(1)?;
            if extra > 0 {
                let what =
                    format!("bytes follow the {} elements that the header gives ({})", self.elements, self.promise);
                return Err(Error::format(&self.path, what));
            }
            return Ok(None);
        }
        let len = usize::try_from(self.elements - self.taken).unwrap_or(usize::MAX).min(CHUNK_BYTES / width);
        let filled = self.fill(len)?;
        if filled < len * width {
            let what = format!(
                "truncated: the header gives {} elements ({}, {} bytes), but the data ends after {} bytes",
                self.elements,
                self.promise,
                self.elements * width as u64,
                self.taken * width as u64 + filled as u64,
            );
            return Err(Error::format(&self.path, what));
        }
        if self.big_endian != cfg!(target_endian = "big") {
            self.chunk.swap_bytes();
        }
        self.taken += len as u64;
        Ok(Some(&self.chunk))
    }
}
