//! Debug forms that fit on a screen, of states that hold thousands of things.

use std::fmt;

/// How many there are, in the place of them all.
pub(crate) struct Many(pub(crate) usize);

impl fmt::Debug for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} of them]", self.0)
    }
}

/// The items themselves while they are few.
pub(crate) struct Few<'a, T>(pub(crate) &'a [T]);

/// Items that fit on a screen.
const SHOWN: usize = 16;

impl<T: fmt::Debug> fmt::Debug for Few<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() <= SHOWN { self.0.fmt(f) } else { Many(self.0.len()).fmt(f) }
    }
}
