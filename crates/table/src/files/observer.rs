//! What a caller hears of a reduction of files, and how it stops one.

use strix_data::Source;

/// What a caller hears of a reduction of files, and how it stops one. `()` hears nothing and stops nothing.
///
/// ```
/// use std::sync::atomic::{AtomicBool, Ordering};
/// use strix_table::files::Observer;
///
/// struct Button(AtomicBool);
/// impl Observer for Button {
///     fn cancelled(&self) -> bool {
///         self.0.load(Ordering::Relaxed)
///     }
/// }
/// ```
pub trait Observer: Sync {
    /// A source is begun, of that many bytes, rows or elements, if that is known.
    fn begin(&self, _source: &Source, _total: Option<u64>) {}

    /// So much of it was read.
    fn progress(&self, _done: u64) {}

    /// It was read.
    fn end(&self) {}

    /// Whether to stop. It is asked several times a second, and after each few batches; the answer is then of the rows that
    /// were read.
    fn cancelled(&self) -> bool {
        false
    }
}

impl Observer for () {}
