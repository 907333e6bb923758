//! An opened source: unpacked, peeked into, and counted as it is read.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::once::Once;
use crate::packing::unpack;
use crate::seekable::{Seekable, read_full};
use crate::unicode::decode;
use crate::{Error, Source};

/// Bytes that detection sees of the unpacked content.
const HEAD: usize = 4096;

/// A stream of bytes.
pub(crate) type Stream = Box<dyn Read + Send>;

/// A source, opened once: detection looks at its head, and the reader then gets all of it. Text with a byte order
/// mark comes as UTF-8 without one.
pub(crate) struct Input {
    /// What messages call it.
    pub(crate) label: PathBuf,
    /// The first bytes of the content, unpacked.
    pub(crate) head: Vec<u8>,
    /// All of the content, `head` included, unpacked.
    pub(crate) stream: Stream,
    pub(crate) progress: Progress,
    /// Whether the stream may be silent for a while, as a pipe may.
    pub(crate) waits: bool,
    /// The content, if it can be sought as it is.
    seekable: Option<Seekable>,
}

/// Bytes of the file that were read, of how many.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Progress {
    pub(crate) fn get(&self) -> (u64, Option<u64>) {
        (self.read.load(Ordering::Relaxed), self.total)
    }
}

impl Input {
    pub(crate) fn open(source: &Source) -> Result<Self, Error> {
        let label = source.label();
        let (raw, seekable): (Stream, Option<Seekable>) = match source {
            Source::Memory { bytes, .. } => {
                let seekable = Seekable::memory(bytes.clone());
                (Box::new(seekable.clone()), Some(seekable))
            }
            Source::Path(path) if source.opens_again() => {
                let file = File::open(path).map_err(Error::io(path, "open it"))?;
                let metadata = file.metadata().map_err(Error::io(path, "open it"))?;
                if metadata.is_dir() {
                    return Err(Error::format(path, "is a directory; name the files in it"));
                }
                let seekable = Seekable::file(file, metadata.len());
                (Box::new(seekable.clone()), Some(seekable))
            }
            Source::Stdin | Source::Path(_) => (Once::claim(source)?.into_stream(), None),
        };
        let progress = Progress { read: Arc::default(), total: seekable.as_ref().map(Seekable::len) };
        let waits = seekable.is_none();
        let raw = Counted { inner: raw, read: progress.read.clone() };
        let (stream, packed) = unpack(raw).map_err(|e| Error::read(&label, e))?;
        let (mut stream, decoded) = decode(stream).map_err(|e| Error::read(&label, e))?;
        let mut head = vec![0; HEAD];
        let len = read_full(&mut stream, &mut head).map_err(|e| Error::read(&label, e))?;
        head.truncate(len);
        if head.is_empty() {
            return Err(Error::format(
                &label,
                if packed { "is empty: unpacks to 0 bytes" } else { "is empty: 0 bytes" },
            ));
        }
        let stream = Box::new(Cursor::new(head.clone()).chain(stream));
        Ok(Self { label, head, stream, progress, waits, seekable: seekable.filter(|_| !packed && !decoded) })
    }

    /// Whether there is more than the head.
    pub(crate) fn is_cut(&self) -> bool {
        self.head.len() == HEAD
    }

    /// The content as something that can be sought: a copy, if need be.
    pub(crate) fn into_seekable(self) -> Result<Seekable, Error> {
        match self.seekable {
            Some(seekable) => Ok(seekable),
            None => Seekable::copy(&self.label, self.stream),
        }
    }
}

struct Counted {
    inner: Stream,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The head of the unpacked content, without taking anything away from a later reader.
pub(crate) fn peek(source: &Source) -> Result<Vec<u8>, Error> {
    if source.opens_again() {
        return Ok(Input::open(source)?.head);
    }
    let label = source.label();
    let mut once = Once::claim(source)?;
    let packed = once.peek(HEAD).map_err(|e| Error::read(&label, e))?.to_vec();
    once.give_back(source);
    if packed.is_empty() {
        return Err(Error::format(&label, "is empty: 0 bytes"));
    }
    let raw = Counted { inner: Box::new(Cursor::new(packed)), read: Arc::default() };
    let unpacked = unpack(raw).and_then(|(stream, _)| decode(stream));
    let (mut stream, _) = unpacked.map_err(|e| Error::read(&label, e))?;
    // Of packed content there is a part only, so an error at its end is none, and a few bytes tell.
    let mut head = Vec::new();
    let mut byte = [0];
    while head.len() < HEAD && stream.read(&mut byte).is_ok_and(|n| n > 0) {
        head.push(byte[0]);
    }
    Ok(head)
}
