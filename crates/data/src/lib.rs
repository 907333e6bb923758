//! Files to typed chunks and tables, and image classification datasets with their splits.
//!
//! * [`open_table`] streams the rows of a CSV, TSV, JSON Lines, Parquet, Arrow IPC or npz file, or of
//!   standard input, as Arrow record batches in bounded memory.
//! * [`open`] streams the numbers of a `.npy`, IDX or `.npz` file in bounded memory.
//! * [`fashion_mnist`] finds, or downloads, and always checks the official files.
//! * [`garments`] draws a small dataset of its own, for machines without data or network.
//! * [`own`] loads a user's own folder of pictures or IDX files.
//! * [`split`] cuts a training set in two, or takes some of it, every class in proportion, by what an image is.
//! * [`memory`] refuses what needs more memory than is left.

mod archive;
mod cells;
mod chunk;
mod columns;
mod csv;
mod dataset;
mod delta;
mod download;
mod error;
pub mod fashion_mnist;
mod file;
mod footer;
mod format;
pub mod garments;
mod grey;
mod guard;
mod idx;
mod input;
mod ipc;
mod json_line;
mod json_value;
mod jsonl;
mod limit;
pub mod memory;
mod npy;
mod npz;
mod number;
mod once;
pub mod own;
mod packing;
mod pages;
mod parquet;
mod picture;
mod pieces;
mod raw;
mod row_group;
mod seekable;
mod source;
pub mod split;
mod table;
mod thrift;
mod unicode;

pub use chunk::{Chunk, Dtype};
pub use dataset::{ImageDataset, TrainTest, is_of_photos};
pub use error::Error;
pub use file::{ChunkReader, open};
pub use format::{Format, format_of};
pub use guard::panic_is_caught;
pub use idx::{Idx, read_idx};
pub use picture::{Photo, Picture, to_png};
pub use source::Source;
pub use table::{ColumnType, TableOptions, TableReader, Told, open_table, text_label};
