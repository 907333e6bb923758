//! What can be wrong with a file, and where.

use std::path::{Path, PathBuf};

/// The errors of this crate; each names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, such as `open it`.
        action: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// The bytes are not what the format says.
    #[error("{}: {what}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found, where, and what was expected.
        what: String,
    },
    /// A file is not the one that was published.
    #[error("{}: MD5 is {found}, but the published file's is {expected}; delete the file to have it downloaded again", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// The published checksum.
        expected: String,
        /// The file's checksum.
        found: String,
    },
    /// There is less memory left than would be needed.
    #[error("{what} need {needed} of memory, but {left} are left; {instead}")]
    Memory {
        /// What needs it.
        what: String,
        /// How much it needs.
        needed: String,
        /// How much there is.
        left: String,
        /// What to try.
        instead: &'static str,
    },
    /// A dataset is nowhere, and could not be downloaded.
    #[error(
        "{dataset} was not found in {searched} and could not be downloaded: {reason}; \
         put its four files into a folder and name it with --data or STRIX_DATA"
    )]
    NotAvailable {
        /// The dataset.
        dataset: &'static str,
        /// The folders that were searched.
        searched: String,
        /// Why the download failed.
        reason: String,
    },
}

impl Error {
    /// Wraps an error of the operating system; a curried form for `map_err`.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { path: path.into(), action, source }
    }

    /// Of an error while reading: the bytes' fault, where a decoder found it, or the system's.
    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        match source.kind() {
            InvalidData | InvalidInput | UnexpectedEof if source.raw_os_error().is_none() => {
                Self::format(path, source.to_string())
            }
            _ => Self::Io { path: path.into(), action: "read it", source },
        }
    }

    pub(crate) fn format(path: &Path, what: impl Into<String>) -> Self {
        Self::Format { path: path.into(), what: what.into() }
    }
}
