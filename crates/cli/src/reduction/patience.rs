//! Waits for readers that may be stuck, as on a pipe into which nobody writes, and still hears Ctrl-C.
//!
//! They are on threads that nobody joins: one that is stuck ends with the process.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use strix_data::{Error, Source};

use crate::failure::Failure;
use crate::interrupt;

/// How long Ctrl-C may go unnoticed.
const TICK: Duration = Duration::from_millis(50);

/// What is sent next; `None` at the end, or after Ctrl-C while there is nothing.
pub(super) fn next<T>(receive: &Receiver<T>) -> Option<T> {
    loop {
        match receive.recv_timeout(TICK) {
            Ok(sent) => return Some(sent),
            Err(RecvTimeoutError::Timeout) if !interrupt::requested() => {}
            Err(_) => return None,
        }
    }
}

/// What `open` makes of the source.
pub(super) fn opened<T: Send + 'static>(
    source: &Source,
    open: impl FnOnce(&Source) -> Result<T, Error> + Send + 'static,
) -> Result<T, Failure> {
    let (send, receive) = sync_channel(1);
    let owned = source.clone();
    std::thread::spawn(move || send.send(open(&owned)));
    match next(&receive) {
        Some(outcome) => Ok(outcome?),
        None if interrupt::requested() => {
            Err(Failure::Interrupted(format!("stopped before the first rows of {source} were there")))
        }
        None => Err(Failure::Internal(format!("the reader of {source} is gone"))),
    }
}
