//! What can go wrong in a search.

/// The errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A search space that is none.
    #[error("the search space: {0}")]
    Space(String),
    /// A value outside of its domain, or none where one is due.
    #[error("{0}")]
    Value(String),
    /// A sampler's or pruner's setting.
    #[error("{0}")]
    Config(String),
    /// A store that cannot be read or written, or holds what it should not.
    #[error("{place}: {what}")]
    Storage {
        /// Its file or address.
        place: String,
        /// What is wrong.
        what: String,
    },
    /// The trial no longer belongs to this worker: another took it to be dead.
    #[error("trial {0} was given to another worker, since this one had not been heard of for too long")]
    Lost(u64),
    /// An aggregation failed.
    #[error(transparent)]
    Reduce(#[from] strix_reduce::Error),
}
