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
//! * `half`: elements of type `half::f16` and `half::bf16`.
//! * `ndarray`: reductions of `ndarray` views, whole or along an axis.
//! * `arrow`: reductions of Arrow arrays and record batches; with `half`.

mod aggregator;
pub mod aggregators;
pub mod arithmetic;
#[cfg(feature = "arrow")]
pub mod arrow;
mod axis;
mod block;
mod brief;
pub mod combinators;
pub mod cpu;
mod element;
mod engine;
mod error;
#[cfg(feature = "gpu")]
pub mod gpu;
mod grouped;
mod label;
mod nan;
#[cfg(feature = "ndarray")]
pub mod ndarray;
mod reducer;
mod sealed;
pub mod state;
mod subtract;
pub mod testkit;

pub use aggregator::Aggregator;
pub use aggregators::{
    All, Any, ArgMax, ArgMin, Confusion, ConfusionMatrix, Count, Covariance, DecayedMean, Distinct, Exact, First,
    GeometricMean, HarmonicMean, Histogram, Last, LinearRegression, Max, Mean, Min, Product, Quantiles, Range,
    SecondMoments, Shape, Sum, TopK, Variance, Weighted,
};
pub use arithmetic::exact::{Accuracy, ExactElement};
pub use axis::{AlongAxis, reduce_axis};
pub use block::{Block, Facts};
pub use combinators::{Boxed, BoxedGroups, BoxedState, ByKey, Combine};
pub use element::{Element, Item};
pub use engine::{Engine, EngineChoice, EngineReport};
pub use error::Error;
pub use grouped::{reduce_by_key, reduce_segments};
pub use label::Label;
pub use nan::NanPolicy;
pub use reducer::Reducer;
pub use state::Portable;
pub use subtract::{Subtract, Window};
#[cfg(feature = "gpu")]
pub use wgpu;
