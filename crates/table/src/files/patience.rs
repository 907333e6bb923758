//! Waits for readers that may be stuck, as on a pipe into which nobody writes, and still hears that it is to stop.
//!
//! They are on threads that nobody joins: one that is stuck ends with the process.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use strix_data::Source;

use super::Observer;
use crate::{Error, ErrorKind};

/// How long a cancellation may go unnoticed.
const TICK: Duration = Duration::from_millis(50);

/// What is sent next; `None` at the end, or after a cancellation while there is nothing.
pub(super) fn next<T>(receive: &Receiver<T>, observer: &dyn Observer) -> Option<T> {
    loop {
        match receive.recv_timeout(TICK) {
            Ok(sent) => return Some(sent),
            Err(RecvTimeoutError::Timeout) if !observer.cancelled() => {}
            Err(_) => return None,
        }
    }
}

/// What `open` makes of the source.
pub(super) fn opened<T: Send + 'static>(
    source: &Source,
    observer: &dyn Observer,
    open: impl FnOnce(&Source) -> Result<T, strix_data::Error> + Send + 'static,
) -> Result<T, Error> {
    let (send, receive) = sync_channel(1);
    let owned = source.clone();
    std::thread::spawn(move || send.send(open(&owned)));
    match next(&receive, observer) {
        Some(outcome) => Ok(outcome?),
        None if observer.cancelled() => {
            let what = format!("stopped before the first rows of {source} were there");
            Err(Error::new(ErrorKind::Cancelled, what))
        }
        None => Err(Error::internal(format!("the reader of {source} is gone"))),
    }
}
