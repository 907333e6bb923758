//! Image classifiers trained with burn and measured by strix-reduce aggregators.
//!
//! A batch's walk: [`batch`] has the dataset on the device and picks images, [`augment`] varies them, [`model`] turns
//! them into logits, [`objective`] into per-sample losses that stay on the device until a reporting interval ends,
//! [`metrics`] into aggregates, and [`run`] into a directory that any tool can read. [`training`] leads the way, and
//! [`checkpoint`] remembers how far it has come, [`content`] on which images.

pub mod augment;
pub mod batch;
pub mod checkpoint;
pub mod config;
pub mod content;
mod device;
mod error;
pub mod evaluation;
pub mod export;
#[cfg(feature = "gpu")]
mod gpu;
mod gradients;
pub mod metrics;
pub mod model;
pub mod objective;
pub mod ops;
pub mod optimizer;
pub mod prediction;
pub mod report;
pub mod run;
pub mod schedule;
mod tensorboard;
pub mod training;

pub use device::DeviceChoice;
pub use error::Error;
