//! What can be read once only: standard input, named pipes, and other paths that are no files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::input::Stream;
use crate::seekable::read_full;
use crate::{Error, Source};

/// By path, and standard input as `None`: what was peeked into, or `None` once its reader has it.
static OPENED: Mutex<BTreeMap<Option<PathBuf>, Option<Once>>> = Mutex::new(BTreeMap::new());

fn opened() -> MutexGuard<'static, BTreeMap<Option<PathBuf>, Option<Once>>> {
    OPENED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stream behind what was peeked of it.
pub(crate) struct Once {
    peeked: Vec<u8>,
    rest: Stream,
}

impl Once {
    /// Opens the source; or takes it as it was given back, as what was read of it is nowhere else.
    pub(crate) fn claim(source: &Source) -> Result<Self, Error> {
        let path = if let Source::Path(path) = source { Some(path) } else { None };
        // The lock is not held while it is opened, which for a pipe is until it has a writer.
        match opened().insert(path.cloned(), None) {
            Some(Some(once)) => return Ok(once),
            Some(None) => {
                let what = "was read already, and can be read once only; save it to a file and name that";
                return Err(Error::format(&source.label(), what));
            }
            None => {}
        }
        let rest: Stream = match path {
            Some(path) => Box::new(File::open(path).map_err(Error::io(path, "open it"))?),
            None => Box::new(io::stdin()),
        };
        Ok(Self { peeked: Vec::new(), rest })
    }

    /// Its first bytes, as many as there are up to `len`.
    pub(crate) fn peek(&mut self, len: usize) -> io::Result<&[u8]> {
        let mut more = vec![0; len.saturating_sub(self.peeked.len())];
        let read = read_full(&mut self.rest, &mut more)?;
        self.peeked.extend_from_slice(&more[..read]);
        Ok(&self.peeked)
    }

    /// Leaves it to whoever opens the source next.
    pub(crate) fn give_back(self, source: &Source) {
        let path = if let Source::Path(path) = source { Some(path.clone()) } else { None };
        opened().insert(path, Some(self));
    }

    /// All of it.
    pub(crate) fn into_stream(self) -> Stream {
        Box::new(Cursor::new(self.peeked).chain(self.rest))
    }
}
