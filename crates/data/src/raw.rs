//! The body that npy and IDX share: a known number of elements, back to back.

use std::io::Read;
use std::path::PathBuf;

use crate::file::ChunkReader;
use crate::seekable::read_full;
use crate::{Chunk, Dtype, Error};

/// Bytes read at once: large enough to amortise every call, small enough for the last-level cache.
const CHUNK_BYTES: usize = 8 << 20;

/// Streams `elements` elements of `reader`, and insists that nothing follows them.
pub(crate) struct RawReader<R> {
    pub(crate) path: PathBuf,
    pub(crate) reader: R,
    pub(crate) big_endian: bool,
    pub(crate) c_order: bool,
    /// What the header promised, for messages: `shape [3, 4] of f32`.
    pub(crate) promise: String,
    dtype: Dtype,
    /// The elements as they are stored; bools as bytes.
    chunk: Chunk,
    bools: Chunk,
    chunk_len: usize,
    pub(crate) shape: Vec<u64>,
    pub(crate) elements: u64,
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
        let chunk_len = CHUNK_BYTES / dtype.bytes();
        let stored = if dtype == Dtype::Bool { Dtype::U8 } else { dtype };
        let (chunk, bools) = (stored.empty_chunk(), Dtype::Bool.empty_chunk());
        Ok(Self {
            path,
            reader,
            big_endian,
            c_order: true,
            promise,
            dtype,
            chunk,
            bools,
            chunk_len,
            shape: shape.to_vec(),
            elements,
            taken: 0,
        })
    }

    /// Hands out at most `elements` at once, rather than as many as are fast to read.
    pub(crate) fn with_chunk_len(mut self, elements: usize) -> Self {
        self.chunk_len = elements;
        self
    }

    /// The last chunk, and room for the next in its stead.
    pub(crate) fn take_chunk(&mut self) -> Chunk {
        let chunk = if self.dtype == Dtype::Bool { &mut self.bools } else { &mut self.chunk };
        std::mem::replace(chunk, self.dtype.empty_chunk())
    }

    /// Reads up to `len` elements; the bytes read.
    fn fill(&mut self, len: usize) -> Result<usize, Error> {
        read_full(&mut self.reader, self.chunk.bytes_mut(len)).map_err(|source| match Error::read(&self.path, source) {
            Error::Format { path, what } => {
                Error::Format { path, what: format!("{what} (after element {} of {})", self.taken, self.elements) }
            }
            error => error,
        })
    }

    /// Turns the bytes of the chunk into truth values.
    fn read_bools(&mut self) -> Result<(), Error> {
        let (Dtype::Bool, Chunk::U8(bytes), Chunk::Bool(bools)) = (self.dtype, &self.chunk, &mut self.bools) else {
            return Ok(());
        };
        if let Some(at) = bytes.iter().position(|&byte| byte > 1) {
            let at_element = self.taken + at as u64;
            let what = format!("element {at_element} (from 0) is the byte {}, expected 0 or 1 for a bool", bytes[at]);
            return Err(Error::format(&self.path, what));
        }
        bools.clear();
        bools.extend(bytes.iter().map(|&byte| byte == 1));
        Ok(())
    }
}

impl<R: Read + Send> ChunkReader for RawReader<R> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn elements(&self) -> Option<u64> {
        Some(self.elements)
    }

    fn is_c_order(&self) -> bool {
        // Of one dimension, or one row, there is one order.
        self.c_order || self.shape.iter().filter(|&&size| size != 1).count() < 2
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
        let len = usize::try_from(self.elements - self.taken).unwrap_or(usize::MAX).min(self.chunk_len);
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
        self.read_bools()?;
        self.taken += len as u64;
        Ok(Some(if self.dtype == Dtype::Bool { &self.bools } else { &self.chunk }))
    }
}
