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
    /// An aggregation failed.
    #[error(transparent)]
    Reduce(#[from] strix_reduce::Error),
}
