//! What can be wrong with a question, or with what it is asked of.

use std::error::Error as StdError;
use std::fmt;

/// The kinds of errors: who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The question: an unknown statistic, a wrong parameter, options that do not go together.
    Question,
    /// The input: a file, column, value or state that cannot be read, or does not fit the question.
    Input,
    /// The groups need more memory than they may have.
    Memory,
    /// No GPU where one was asked for, or it failed.
    Device,
    /// The caller stopped it before there was anything.
    Cancelled,
    /// A fault of this crate's.
    Internal,
}

/// An error: its kind, a message that says what was expected, what was found and what to try, and what caused it.
///
/// Messages call options by the names that the `strix` command gives them, `--nan` or `--type`: the fields of
/// [`crate::Question`] and of `strix_data::TableOptions` have the same names.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Who can mend it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn question(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Question, message)
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, message)
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// The same, its message begun with the place unless it names that already, if it is of the input.
    #[cfg(feature = "files")]
    pub(crate) fn within(mut self, place: &dyn fmt::Display) -> Self {
        let place = place.to_string();
        if self.kind == ErrorKind::Input && !self.message.starts_with(&place) {
            self.message = format!("{place}: {}", self.message);
        }
        self
    }

    fn caused(kind: ErrorKind, source: impl StdError + Send + Sync + 'static) -> Self {
        Self { kind, message: source.to_string(), source: Some(Box::new(source)) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(feature = "files")]
impl From<strix_data::Error> for Error {
    fn from(error: strix_data::Error) -> Self {
        Self::caused(ErrorKind::Input, error)
    }
}

impl From<strix_reduce::Error> for Error {
    fn from(error: strix_reduce::Error) -> Self {
        use strix_reduce::Error;
        let kind = match error {
            Error::Nan { .. } | Error::State(_) | Error::Column(_) => ErrorKind::Input,
            Error::NoGpu { .. } | Error::NotOnGpu { .. } | Error::Device { .. } => ErrorKind::Device,
            Error::UnknownName { .. } | Error::Parameter(_) => ErrorKind::Question,
            _ => ErrorKind::Internal,
        };
        Self::caused(kind, error)
    }
}
