//! Bytes that can be read at any place, by several readers at once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::Error;

/// What is kept in memory of a stream that has to be sought; more goes to a temporary file.
const IN_MEMORY: usize = 1 << 20;

/// A file or memory with a position of its own: clones share the bytes, not the position.
#[derive(Debug, Clone)]
pub(crate) struct Seekable {
    data: Data,
    len: u64,
    at: u64,
}

#[derive(Debug, Clone)]
enum Data {
    File(Arc<Mutex<File>>),
    Memory(Arc<[u8]>),
}

impl Seekable {
    pub(crate) fn file(file: File, len: u64) -> Self {
        Self { data: Data::File(Arc::new(Mutex::new(file))), len, at: 0 }
    }

    pub(crate) fn memory(bytes: Arc<[u8]>) -> Self {
        Self { len: bytes.len() as u64, data: Data::Memory(bytes), at: 0 }
    }

    /// Copies what is left of `reader`, in bounded memory; `label` is for messages.
    pub(crate) fn copy(label: &Path, mut reader: impl Read) -> Result<Self, Error> {
        let mut start = Vec::new();
        reader.by_ref().take(IN_MEMORY as u64 + 1).read_to_end(&mut start).map_err(|e| Error::read(label, e))?;
        if start.len() <= IN_MEMORY {
            return Ok(Self::memory(start.into()));
        }
        let spill = Error::io(label, "copy it to a temporary file");
        let mut file = match tempfile::tempfile().and_then(|mut file| file.write_all(&start).map(|()| file)) {
            Ok(file) => file,
            Err(e) => return Err(spill(e)),
        };
        let mut len = start.len() as u64;
        let mut buffer = start;
        buffer.resize(IN_MEMORY, 0);
        loop {
            let read = read_full(&mut reader, &mut buffer).map_err(|e| Error::read(label, e))?;
            if read == 0 {
                return Ok(Self::file(file, len));
            }
            if let Err(e) = file.write_all(&buffer[..read]) {
                return Err(spill(e));
            }
            len += read as u64;
        }
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Another reader of the same bytes, which begins at `at`.
    pub(crate) fn at(&self, at: u64) -> Self {
        Self { at, ..self.clone() }
    }

    /// Exactly `len` bytes from `at`; a place behind the end is an error before anything is allocated.
    pub(crate) fn slice(&self, at: u64, len: u64) -> io::Result<Vec<u8>> {
        if at.checked_add(len).is_none_or(|end| end > self.len) {
            let what = format!("{len} bytes at {at} are asked for, but there are {} in all", self.len);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, what));
        }
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidData, format!("{len} bytes are more than fit"));
        let mut bytes = vec![0; usize::try_from(len).map_err(too_long)?];
        self.at(at).read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

/// Reads until `buffer` is full or the input ends; the bytes read.
pub(crate) fn read_full(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

impl Read for Seekable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &self.data {
            Data::File(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(self.at))?;
                file.read(buffer)?
            }
            Data::Memory(bytes) => {
                let mut rest = bytes.get(usize::try_from(self.at).unwrap_or(usize::MAX)..).unwrap_or_default();
                rest.read(buffer)?
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for Seekable {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        // Files refuse what does not fit in an i64, and so does this, for both kinds alike.
        let target = target.filter(|&at| i64::try_from(at).is_ok());
        self.at = target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seeks out of the file"))?;
        Ok(self.at)
    }
}
