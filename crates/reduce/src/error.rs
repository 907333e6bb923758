//! Everything that can go wrong, said so that the reader knows what to do.

/// The errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A NaN under [`crate::NanPolicy::Error`].
    #[error("element {index} is NaN; skip NaN elements or let them propagate if they are expected")]
    Nan {
        /// Position among all items pushed, from 0.
        index: u64,
    },
    /// The GPU was asked for by name and there is none.
    #[error("no GPU: {reason}; install a Vulkan, Metal or DirectX 12 driver, or use the CPU engine")]
    NoGpu {
        /// What the search found.
        reason: String,
    },
    /// The GPU was asked for by name and this reduction has no GPU half.
    #[error("the GPU engine cannot take this reduction: {reason}; use the CPU engine")]
    NotOnGpu {
        /// What is missing.
        reason: String,
    },
    /// The device failed while it worked.
    #[error("the GPU failed during {during}: {message}; the CPU engine does not need it")]
    Device {
        /// What was being done.
        during: &'static str,
        /// The driver's or wgpu's words.
        message: String,
    },
    /// A kernel could not be composed.
    #[cfg(feature = "gpu")]
    #[error(transparent)]
    Kernel(#[from] strix_shaders::ComposeError),
    /// More items than can be counted on.
    #[error(
        "{items} items after {before} are more than the {most} whose sums stay inside their accumulators; begin another \
         reduction"
    )]
    TooMany {
        /// Items taken in before.
        before: u64,
        /// Items that would have come on top.
        items: u64,
        /// [`crate::state::MOST_ITEMS`].
        most: u64,
    },
    /// A parameter outside its range.
    #[error("{0}")]
    Parameter(String),
    /// A stored state that cannot be written, read or merged.
    #[error("the state is of no use here: {0}")]
    State(String),
    /// A column that is not there, or of another type.
    #[error("{0}")]
    Column(String),
    /// A name that is none of the known ones.
    #[error("{name:?} is no {what}; choose one of {known}")]
    UnknownName {
        /// What was to be named.
        what: &'static str,
        /// What was given.
        name: String,
        /// What there is.
        known: String,
    },
}

#[cfg(feature = "gpu")]
impl Error {
    /// Whether it is of the items and not of the device, so that the CPU engine would say the same.
    pub(crate) fn is_of_items(&self) -> bool {
        matches!(self, Self::Nan { .. } | Self::TooMany { .. })
    }

    /// Why an automatic engine takes the CPU.
    pub(crate) fn into_fallback(self) -> String {
        match self {
            Self::NotOnGpu { reason } => reason,
            other => other.to_string(),
        }
    }
}
