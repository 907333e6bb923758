//! The GPU engine: WGSL compute shaders through wgpu, a tree reduction in two dispatches.
//!
//! The first dispatch gives each workgroup a tile of 8192 elements (fewer
//! where states are large) and leaves one partial a tile;
//! the second merges all partials of a chunk; the host merges chunks in f64. All aggregators of a
//! tuple run in one pass over the data.
//!
//! # Accuracy
//!
//! Counts, extremes, and sums and variances of integers are exact, the CPU engine's to the bit.
//! For f32, each tile sums offsets from its own mean, so a large common offset costs nothing; a tile
//! of other than ordinary magnitudes is scaled by a power of two first, so nothing overflows or is
//! subnormal. With n elements, `u = 2^-24` and `d = 160 + n / 2^19` roundings on the longest path,
//!
//! * the sum is within `d u S` of the exact one, where S is the sum of |x - m| + |m - mean| + 8 u |m|
//!   over the elements, m the mean of the element's tile; the mean within the same over n;
//! * the variance is within `4 d u V` of the exact one, where V is the mean of (x - m)^2 plus that
//!   of (m - mean)^2, plus `64 u^2` times the greatest |m|^2.
//!
//! A chunk has at most 2^29 elements. Data that is constant gives its value and a variance of 0,
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
//! const POSITIVE: Snippet = Snippet {
//!     name: "positive",
//!     needs_frame: false, // it looks at keys alone
//!     source: "
//!         struct PositiveState { count: u32 }
//!         fn positive_identity() -> PositiveState { return PositiveState(0u); }
//!         fn positive_lift(item: Item) -> PositiveState { return PositiveState(u32(item.key > 0x80000000u)); }
//!         fn positive_merge(a: PositiveState, b: PositiveState) -> PositiveState { return PositiveState(a.count + b.count); }
//!         fn positive_rebase(a: PositiveState, count: f32, by: Move) -> PositiveState { return a; }
//!     ",
//! };
//!
//! impl Aggregator<f32> for Positive {
//!     type State = u64;
//!     type Output = u64;
//!     fn identity(&self) -> u64 { 0 }
//!     fn lift(&self, item: &f32) -> u64 { u64::from(*item > 0.0) }
//!     fn merge(&self, a: u64, b: u64) -> u64 { a + b }
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

mod device;
mod half;
mod kernel;
mod reduce;

pub use device::{AdapterReport, Gpu, adapters};
pub use half::{Census, Frame, GpuHalf, Partial};
pub(crate) use kernel::Pipelines;
pub(crate) use reduce::{ChunkState, Source};
pub use strix_shaders::{Load, Snippet};

/// Elements as a kernel can load them.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// How the elements lie in the words.
    pub load: strix_shaders::Load,
    /// The elements, little-endian.
    pub bytes: &'a [u8],
}
