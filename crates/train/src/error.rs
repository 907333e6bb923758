//! What can go wrong between a dataset and a trained run.

use std::path::PathBuf;

/// The errors of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A configuration that cannot be trained.
    #[error("{0}")]
    Config(String),
    /// The run directory exists.
    #[error("{} exists already; name another with --out, or remove it", .0.display())]
    RunExists(PathBuf),
    /// A run directory cannot be written.
    #[error("{}: cannot {action}: {source}; nothing half-written was left", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's error.
        source: std::io::Error,
    },
    /// A run directory cannot be read.
    #[error("{}: {what}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The loss is no number any more.
    #[error(
        "the loss became {loss} in epoch {epoch}, at or before step {step}; \
         a lower --learning-rate usually helps (the best earlier epoch, if any, is kept in the run)"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The step within the epoch, from 1.
        step: usize,
        /// The mean loss of the interval.
        loss: f64,
    },
    /// Numbers overflow f16 whatever the loss is scaled by.
    #[error(
        "losses or gradients overflow f16 in epoch {epoch}, at or before step {step}, whatever the loss is scaled by; \
         --precision bf16 has the range of f32, and a lower --learning-rate may help"
    )]
    Overflow {
        /// The epoch, from 1.
        epoch: usize,
        /// The step within the epoch, from 1.
        step: usize,
    },
    /// The device asked for is not there or failed.
    #[error("{0}")]
    Device(String),
    /// The caller asked to stop.
    #[error("interrupted in epoch {epoch}; go on with: strix train --resume {}", crate::run::shell_word(run))]
    Interrupted {
        /// The epoch that was not finished, from 1.
        epoch: usize,
        /// The run directory.
        run: PathBuf,
    },
    /// The caller asked to stop before training began: while images ran through a frozen trunk.
    #[error("stopped before training began; nothing was changed")]
    Stopped,
    /// A dataset cannot be held.
    #[error(transparent)]
    Data(#[from] strix_data::Error),
    /// An aggregation failed.
    #[error(transparent)]
    Reduce(#[from] strix_reduce::Error),
}
