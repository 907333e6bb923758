//! The GPU engine: WGSL compute shaders through wgpu, one loop for arrays, axes, segments and groups.
//!
//! A workgroup takes a tile of 8192 elements of an output (fewer
//! where states are large), or an invocation a short or interleaved piece alone; each leaves one partial, and a second
//! dispatch merges those of an output; the host merges chunks in f64. All aggregators of a
//! tuple run in one pass over the data. `docs/gpu.md` of the repository tells how.
//!
//! [`crate::Reducer`], [`crate::reduce_axis`], [`crate::reduce_segments`] and [`crate::reduce_by_key`] take host data;
//! a [`Reduction`] takes a [`View`] of a caller's buffers.
//!
//! # Accuracy
//!
//! Counts, extremes, places, and sums and variances of integers are exact, the CPU engine's to the bit.
//! For floats, each piece sums offsets from its own mean, so a large common offset costs nothing; a piece
//! of other than ordinary magnitudes is scaled by a power of two first, so nothing overflows or is
//! subnormal. With n elements of an output in a chunk, `u = 2^-24` and d roundings on the longest path, which are
//! 192 where workgroups take the pieces, 1088 where invocations do, and 1184 for segments and groups,
//!
//! * the sum is within `d u S` of the exact one, where S is the sum of |x - m| + |m - mean| + 8 u |m|
//!   over the elements, m the mean of the element's piece; the mean within the same over n;
//! * the variance is within `4 d u V` of the exact one, where V is the mean of (x - m)^2 plus that
//!   of (m - mean)^2, plus `64 u^2` times the greatest |m|^2; covariances likewise with |dx dy| for squares, weighted
//!   forms with weights as factors and m the weighted mean, and third and fourth moments within `16 d u` of the mean of
//!   |x - m|^3 or ^4. Pairs that a NaN leaves out, and values that weigh nothing, are in no m.
//!
//! A chunk has at most 2^29 elements of an output. Data that is constant gives its value and a variance of 0,
//! exactly. Infinities and NaN never enter the arithmetic: the kernel counts them, the host applies
//! IEEE's rules and the NaN policy, so they act as on the CPU.
//!
//! # An aggregator of one's own
//!
//! An aggregator brings its WGSL, a [`Snippet`], and reads its State back; the rest is the path of the
//! built-in ones:
//! ```
//! use strix_reduce::gpu::{GpuHalf, Snippet};
//! use strix_reduce::{Aggregator, Engine, EngineChoice, Reducer};
//!
//! /// How many elements are above zero.
//! struct Positive;
//!
//! // It looks at keys alone, and not at offsets.
//! const POSITIVE: Snippet = Snippet::of_keys("positive", "
//!         struct PositiveState { count: u32 }
//!         fn positive_identity() -> PositiveState { return PositiveState(0u); }
//!         fn positive_lift(item: Item) -> PositiveState { return PositiveState(u32(item.key > 0x80000000u)); }
//!         fn positive_merge(a: PositiveState, b: PositiveState) -> PositiveState { return PositiveState(a.count + b.count); }
//! ");
//!
//! impl Aggregator<f32> for Positive {
//!     type State = u64;
//!     type Output = u64;
//!     fn identity(&self) -> u64 { 0 }
//!     fn lift(&self, state: &mut u64, item: &f32) { *state += u64::from(*item > 0.0) }
//!     fn merge(&self, state: &mut u64, other: u64) { *state += other }
//!     fn finish(&self, state: u64) -> u64 { state }
//!     fn gpu(&self) -> Option<GpuHalf<u64>> {
//!         Some(GpuHalf::new(vec![POSITIVE], |partial| partial.u32("positive", 0).into()))
//!     }
//! }
//!
//! let items: Vec<f32> = (0..100_000).map(|i| (i % 7) as f32 - 3.0).collect();
//! let mut answers = Vec::new();
//! for choice in [EngineChoice::Cpu, EngineChoice::Gpu] {
//!     let mut reducer = Reducer::new(Positive, &Engine::select(choice)?)?;
//!     reducer.push(&items)?;
//!     answers.push(reducer.finish());
//! }
//! assert_eq!(answers, [42_856, 42_856]);
//! # Ok::<(), strix_reduce::Error>(())
//! ```

mod chunks;
mod device;
mod half;
mod kernel;
mod order;
mod partial;
mod planner;
mod prepared;
mod reduction;
mod run;
mod self_test;
mod step;
mod stream;
mod view;

pub use device::{AdapterReport, Gpu, adapters};
pub use half::GpuHalf;
pub(crate) use partial::special_sum;
pub use partial::{Census, Frame, Partial};
pub use planner::{Crossover, Planner};
pub(crate) use planner::{Decision, Work};
pub(crate) use prepared::{Piece, Prepared};
pub use reduction::{Bound, Reduction, Results};
pub use self_test::SelfTest;
pub use strix_shaders::{Layout, Load, Snippet};
pub use view::View;
