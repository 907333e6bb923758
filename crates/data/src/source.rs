//! Where input comes from.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where input comes from.
///
/// ```
/// use strix_data::Source;
/// assert_eq!(Source::parse("-").to_string(), "standard input");
/// assert_eq!(Source::parse("prices.csv").to_string(), "prices.csv");
/// ```
#[derive(Debug, Clone)]
pub enum Source {
    /// A file; or anything else that has a path, such as a named pipe, which can be opened once.
    Path(PathBuf),
    /// Standard input, which can be opened once.
    Stdin,
    /// Bytes in memory, for tests and fuzzing.
    Memory {
        /// What stands for the path: it tells the format by its ending, and messages name it.
        name: String,
        /// The content of the file.
        bytes: Arc<[u8]>,
    },
}

impl Source {
    /// `-` is standard input, all else a path.
    pub fn parse(text: impl AsRef<OsStr>) -> Self {
        match text.as_ref() {
            dash if dash == "-" => Self::Stdin,
            path => Self::Path(path.into()),
        }
    }

    /// Whether it can be opened, and read from its begin, as often as one likes. What cannot: standard input,
    /// a named pipe, a device. A path where there is nothing counts as a file, which to open is an error.
    pub fn opens_again(&self) -> bool {
        match self {
            Self::Path(path) => std::fs::metadata(path).map_or(true, |there| there.is_file() || there.is_dir()),
            Self::Stdin => false,
            Self::Memory { .. } => true,
        }
    }

    /// What messages call it; also the path of the errors of this crate.
    pub fn label(&self) -> PathBuf {
        match self {
            Self::Path(path) => path.clone(),
            Self::Stdin => "standard input".into(),
            Self::Memory { name, .. } => name.into(),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.label().display().fmt(f)
    }
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::Path(path.into())
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}
