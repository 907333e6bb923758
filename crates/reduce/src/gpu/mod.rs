//! The GPU engine: WGSL compute shaders through wgpu, a tree reduction in two dispatches.
//!
//! The first dispatch gives each workgroup a tile of 8192 elements and leaves one partial a tile;
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
//! * the sum is within `d u S` of the exact one, where S is the sum of |x - m| + 8 u |m| over the
//!   elements, m the mean of the element's tile; the mean within the same over n;
//! * the variance is within `4 d u V` of the exact one, where V is the mean of (x - m)^2 plus that
//!   of (m - mean)^2, plus `64 u^2` times the greatest |m|^2.
//!
//! A chunk has at most 2^29 elements. Data that is constant gives its value and a variance of 0,
//! exactly. Infinities and NaN never enter the arithmetic: the kernel counts them, the host applies
//! IEEE's rules and the NaN policy, so they act as on the CPU.

mod device;
mod half;
mod kernel;
mod reduce;

pub use device::{AdapterReport, Gpu, adapters};
pub use half::{Census, Frame, GpuHalf, Partial};
pub(crate) use kernel::Pipelines;
pub(crate) use reduce::Source;

/// Elements as a kernel can load them.
#[derive(Debug, Clone, Copy)]
pub struct Upload<'a> {
    /// How the elements lie in the words.
    pub load: strix_shaders::Load,
    /// The elements, little-endian.
    pub bytes: &'a [u8],
}
