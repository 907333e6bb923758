//! An item and where it was: what first, last, arg-min and arg-max hold.

use serde::{Deserialize, Serialize};

/// An item at its place among all that were pushed, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed<T> {
    /// How many items came before it.
    pub place: u64,
    /// The item.
    pub item: T,
}

impl<T> Placed<T> {
    pub(crate) fn check(state: &Option<Self>, items: u64) -> Result<(), String> {
        match state {
            Some(placed) if placed.place >= items => {
                Err(format!("place {} (from 0) is past the last of {items} items", placed.place))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(feature = "gpu")]
impl<T: crate::Element> Placed<T> {
    /// The extreme of a kernel and its place: the first NaN if there is one.
    pub(crate) fn from_gpu(partial: &crate::gpu::Partial<'_>, snippet: &str) -> Option<Self> {
        let item = partial.extreme(snippet)?;
        let first_nan = Some(partial.census().first_nan).filter(|_| partial.census().nan > 0);
        Some(Self { place: first_nan.unwrap_or_else(|| partial.u32(snippet, 1)).into(), item })
    }
}

/// The positional half of [`crate::Aggregator`], for a state of `Option<Placed<T>>`.
macro_rules! positional {
    ($item:ty) => {
        fn positional(&self) -> bool {
            true
        }
        fn shift(&self, state: &mut Option<Placed<$item>>, places: u64) {
            if let Some(placed) = state {
                placed.place += places;
            }
        }
    };
}
pub(crate) use positional;
