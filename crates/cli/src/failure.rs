//! What went wrong, printed once, and the exit code that tells which kind it was.

use std::io::{self, Write};
use std::process::ExitCode;

/// The exit codes, as `strix --help` lists them. Clap itself ends with 2 on wrong usage.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    internal error: a bug in strix
  2    wrong usage: an unknown option, statistic or combination
  3    bad input: a file, dataset or run that cannot be read, or holds what it should not
  4    device: no GPU where one was asked for, or it failed
  5    output: something could not be written, or exists already
  6    the training diverged, or no trial of a search came to its end
  130  interrupted";

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    Usage(String),
    Input(String),
    Device(String),
    Output(String),
    Diverged(String),
    Interrupted(String),
    Internal(String),
    /// Whoever read standard output has gone; that is no error.
    Closed,
}

impl Failure {
    /// Prints the message to standard error and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        let (code, message) = match self {
            Self::Internal(message) => (1, message),
            Self::Usage(message) => (2, message),
            Self::Input(message) => (3, message),
            Self::Device(message) => (4, message),
            Self::Output(message) => (5, message),
            Self::Diverged(message) => (6, message),
            Self::Interrupted(message) => (130, message),
            Self::Closed => return ExitCode::SUCCESS,
        };
        // With standard error gone there is nobody left to tell.
        let _ = writeln!(io::stderr(), "error: {message}");
        ExitCode::from(code)
    }
}

/// The message alone.
impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Internal(message)
            | Self::Usage(message)
            | Self::Input(message)
            | Self::Device(message)
            | Self::Output(message)
            | Self::Diverged(message)
            | Self::Interrupted(message) => f.write_str(message),
            Self::Closed => f.write_str("standard output is closed"),
        }
    }
}

impl From<strix_data::Error> for Failure {
    fn from(error: strix_data::Error) -> Self {
        Self::Input(error.to_string())
    }
}

impl From<strix_reduce::Error> for Failure {
    fn from(error: strix_reduce::Error) -> Self {
        use strix_reduce::Error;
        let message = error.to_string();
        match error {
            Error::Nan { .. } | Error::State(_) | Error::Column(_) => Self::Input(message),
            Error::NoGpu { .. } | Error::NotOnGpu { .. } | Error::Device { .. } => Self::Device(message),
            Error::UnknownName { .. } | Error::Parameter(_) => Self::Usage(message),
            _ => Self::Internal(message),
        }
    }
}

impl From<strix_table::Error> for Failure {
    fn from(error: strix_table::Error) -> Self {
        use strix_table::ErrorKind;
        let message = error.to_string();
        match error.kind() {
            ErrorKind::Question => Self::Usage(message),
            ErrorKind::Input | ErrorKind::Memory => Self::Input(message),
            ErrorKind::Device => Self::Device(message),
            ErrorKind::Cancelled => Self::Interrupted(message),
            _ => Self::Internal(message),
        }
    }
}

impl From<strix_train::Error> for Failure {
    fn from(error: strix_train::Error) -> Self {
        use strix_train::Error;
        let message = error.to_string();
        match error {
            Error::Config(_) => Self::Usage(message),
            Error::RunExists(_) | Error::Write { .. } => Self::Output(message),
            Error::Read { .. } => Self::Input(message),
            Error::Diverged { .. } | Error::Overflow { .. } => Self::Diverged(message),
            Error::Device(_) => Self::Device(message),
            Error::Interrupted { .. } | Error::Stopped => Self::Interrupted(message),
            Error::Data(error) => error.into(),
            Error::Reduce(error) => error.into(),
            _ => Self::Internal(message),
        }
    }
}

impl From<strix_tune::Error> for Failure {
    fn from(error: strix_tune::Error) -> Self {
        use strix_tune::Error;
        let message = error.to_string();
        match error {
            Error::Space(_) | Error::Config(_) => Self::Usage(message),
            Error::Value(_) | Error::Storage { .. } | Error::Lost(_) => Self::Input(message),
            Error::Reduce(error) => error.into(),
            _ => Self::Internal(message),
        }
    }
}

/// An error on standard output.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Closed,
            _ => Self::Output(format!("standard output: {error}")),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        io::Error::from(error).into()
    }
}
