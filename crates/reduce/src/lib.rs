//! Mergeable aggregations on CPU threads and on the GPU, with one answer.
//!
//! An [`Aggregator`] is a commutative monoid with a door at each end; a [`Reducer`] pushes chunks
//! through one, or through a tuple of them in a single pass, on the [`Engine`] of choice.
//!
//! ```
//! use strix_reduce::{Engine, Mean, Reducer, Variance};
//!
//! let mut reducer = Reducer::new((Mean, Variance), &Engine::cpu())?;
//! reducer.push(&[1.0f32, 2.0, 4.0])?;
//! let (mean, moments) = reducer.finish();
//! assert_eq!(mean, Some(7.0 / 3.0));
//! assert_eq!(moments.sample_variance(), Some(7.0 / 3.0));
//! # Ok::<(), strix_reduce::Error>(())
//! ```
//!
//! # Features
//! * `gpu` (default): the WGSL engine through wgpu.
//! * `rayon` (default): threads on the CPU engine.

mod aggregator;
pub mod aggregators;
pub mod arithmetic;
pub mod cpu;
mod element;
mod engine;
mod error;
#[cfg(feature = "gpu")]
pub mod gpu;
mod nan;
mod reducer;
pub mod testkit;

pub use aggregator::Aggregator;
pub use aggregators::{Confusion, ConfusionMatrix, Count, Max, Mean, Min, SecondMoments, Sum, Variance};
pub use element::{Element, Item};
pub use engine::{Engine, EngineChoice, EngineReport};
pub use error::Error;
pub use nan::NanPolicy;
pub use reducer::Reducer;
#[cfg(feature = "gpu")]
pub use wgpu;
