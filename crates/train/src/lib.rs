//! Image classifiers trained with burn and measured by strix-reduce aggregators.
//!
//! A batch's walk: [`batch`] turns images into tensors, [`model`] into logits, [`training`] into
//! per-sample losses that stay on the device until a reporting interval ends, [`metrics`] into
//! aggregates, and [`run`] into a directory that any tool can read.

pub mod batch;
pub mod config;
mod device;
mod error;
pub mod evaluation;
pub mod metrics;
pub mod model;
pub mod ops;
pub mod optimizer;
pub mod run;
pub mod training;

pub use device::DeviceChoice;
pub use error::Error;
