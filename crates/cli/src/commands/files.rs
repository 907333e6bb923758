//! The files of an answer: all of them, or none.

use std::io::{self, Write};
use std::path::Path;

use crate::failure::Failure;

/// A file that is to be, whole.
pub(crate) struct File<'a> {
    pub(crate) path: &'a Path,
    pub(crate) bytes: Vec<u8>,
}

/// Refuses a file in a folder that is not there, before the work whose answer it is to hold.
pub(crate) fn check_folder(path: &Path) -> Result<(), Failure> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(Failure::Output(format!("{}: there is no folder {}", path.display(), folder.display())))
        }
        _ => Ok(()),
    }
}

/// Writes them all; when one fails, what was there before is still there for all of them.
pub(crate) fn write_all(files: &[File<'_>]) -> Result<(), Failure> {
    let Some((first, rest)) = files.split_first() else { return Ok(()) };
    let mut failed = None;
    let written = strix_train::run::write_whole(first.path, |file| {
        file.write_all(&first.bytes)?;
        file.flush()?;
        // This one gets its name only after the others have theirs.
        write_all(rest).map_err(|failure| {
            failed = Some(failure);
            io::Error::other("another file failed")
        })
    });
    match failed {
        Some(failure) => Err(failure),
        None => Ok(written?),
    }
}
