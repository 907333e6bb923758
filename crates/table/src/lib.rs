//! Statistics of tables by group: a [`Question`], rows, and an [`Answer`].
//!
//! * [`Question`]: which statistics, of which columns, by which groups; as text or typed.
//! * [`Reduction`]: takes Arrow record batches of the caller's in, and gives the answer, or the [`State`].
//! * [`State`]: what merges with the states of other rows, and is a file.
//! * [`files`]: CSV, JSON Lines, Parquet, Arrow, npy and others to an answer, read and parsed by all threads, with progress
//!   and cancellation.
//! * [`describe`]: every column of a table in one pass.
//!
//! The bits of an answer depend on the rows and the batches that they come in, and not on threads.
//!
//! ```
//! use strix_table::files::Files;
//! use strix_table::{Question, Value};
//!
//! # let folder = std::env::temp_dir().join(format!("strix-table-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! let path = folder.join("prices.csv");
//! std::fs::write(&path, "region,price\nnorth,1.0\nsouth,5.0\nnorth,2.0\n")?;
//! let question = Question::parse("mean(price), max(price)")?.by(["region"])?;
//! let answer = Files::new([path.as_path()]).open(&())?.reduce(&question, &())?.answer()?;
//! assert_eq!(answer.row(0).collect::<Vec<_>>(), [Value::from("north"), Value::from(1.5), Value::from(2.0)]);
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Memory
//! A group takes its key, 40 bytes and the bytes of its aggregators' states: 8 for a count, 16 for extremes, 24 to 56 for
//! means and variances, 100 and more for quantiles, distinct values and frequent ones, which grow with their items.
//! [`Question::memory`] sets a bound.
//!
//! # Features
//! * `files` (default): files as input, through `strix-data`.
//! * `gpu` (default): arrays on the GPU engine of `strix-reduce`.

mod answer;
mod bounds;
mod clock;
#[cfg(feature = "files")]
pub mod describe;
mod error;
#[cfg(feature = "files")]
pub mod files;
mod key;
mod keys;
mod lane;
mod memory;
mod numbers;
mod plan;
mod question;
mod reduction;
mod shards;
mod state;
mod statistic;
mod value;

pub use answer::Answer;
pub use error::{Error, ErrorKind};
pub use memory::machine_memory;
pub use question::Question;
pub use reduction::Reduction;
pub use state::State;
pub use statistic::{Statistic, default_statistics, statistics_help};
pub use value::Value;
