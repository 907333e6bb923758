//! Ctrl-C: the first asks the command to stop cleanly, the second ends it at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Whether the user asked to stop.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// From now on, Ctrl-C (or a termination signal) sets the flag, and ends the process the second time.
pub(crate) fn listen() -> Result<(), Failure> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    })
    .map_err(|e| Failure::Internal(format!("cannot listen for Ctrl-C: {e}")))
}

/// From now on, the end of standard input sets the flag too: whoever started this process has gone, or wants it to stop.
pub(crate) fn listen_to_the_end_of_input() {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        REQUESTED.store(true, Ordering::Relaxed);
    });
}
