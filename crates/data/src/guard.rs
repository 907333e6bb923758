//! Damaged files make some parsers panic; this turns such a panic into an error.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::Error;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether a panic on this thread would now be caught and become an [`Error::Format`].
///
/// This crate prints nothing, but the process's panic hook prints every panic, caught or not. An
/// application keeps its output clean with a hook that does nothing while this is true:
///
/// ```
/// let default = std::panic::take_hook();
/// std::panic::set_hook(Box::new(move |info| {
///     if !strix_data::panic_is_caught() {
///         default(info);
///     }
/// }));
/// ```
pub fn panic_is_caught() -> bool {
    DEPTH.get() > 0
}

/// Runs a parser that may panic on damaged input.
pub(crate) fn guard<T>(label: &Path, parse: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    DEPTH.set(DEPTH.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(parse));
    DEPTH.set(DEPTH.get() - 1);
    outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("the parser gave up");
        Err(Error::format(label, format!("is damaged: {text}")))
    })
}
