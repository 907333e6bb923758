//! Files to typed chunks, and image classification datasets with their splits.
//!
//! * [`open`] streams the numbers of a `.npy`, IDX or CSV file in bounded memory.
//! * [`fashion_mnist`] finds, or downloads, and always checks the official files.
//! * [`garments`] draws a small dataset of its own, for machines without data or network.
//! * [`split::stratified`] cuts a training set in two, every class in proportion.

mod chunk;
mod csv;
mod dataset;
mod download;
mod error;
pub mod fashion_mnist;
mod file;
pub mod garments;
mod idx;
mod npy;
mod raw;
pub mod split;

pub use chunk::{Chunk, Dtype};
pub use dataset::{ImageDataset, TrainTest};
pub use error::Error;
pub use file::{ChunkReader, open};
pub use idx::{Idx, read_idx};
