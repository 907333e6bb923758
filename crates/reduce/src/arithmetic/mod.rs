//! The arithmetic under the aggregators: how sums and moments of floats and integers are held.

mod compensated;
pub mod exact;
mod float_sum;
pub(crate) mod fused;
mod integer;
mod moments;
mod sums;
pub(crate) mod unit;

pub use compensated::Compensated;
pub use float_sum::FloatSum;
pub use integer::{IntegerMoments, IntegerSum};
pub use moments::FloatMoments;
pub(crate) use moments::not_negative;
pub(crate) use sums::sums;
pub(crate) use unit::{Step, Unit};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Element;
use crate::block::Block;
use crate::sealed::Sealed;

/// A running sum of elements of type `T`. The default is the empty sum. Sealed, as [`Element`] is.
pub trait Accumulator<T>:
    Sealed + Clone + Copy + Default + Send + Sync + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned + 'static
{
    /// The type that reads the sum out: f64 for floats, i128 for integers.
    type Total: Copy + PartialEq + PartialOrd + std::fmt::Debug + std::fmt::Display;

    /// The sum of a block.
    fn of(block: &Block<'_, T>) -> Self;
    /// The sum of both.
    fn join(self, other: Self) -> Self;
    /// The sum with one more item.
    #[inline(always)]
    fn with(self, item: &T) -> Self {
        self.join(Self::of(&Block::new(std::slice::from_ref(item))))
    }
    /// The sum itself.
    fn total(self) -> Self::Total;
    /// The sum over `count`, rounded from the full accumulator; NaN when `count` is 0.
    fn over(self, count: u64) -> f64;
    /// Refuses what `count` items cannot sum to.
    ///
    /// # Errors
    /// What is wrong.
    fn check(self, _count: u64) -> Result<(), String> {
        Ok(())
    }

    /// The WGSL that computes it, and how to read its words in a partial.
    #[cfg(feature = "gpu")]
    const SNIPPET: strix_shaders::Snippet;
    /// Reads the sum out of what [`Accumulator::SNIPPET`] left.
    #[cfg(feature = "gpu")]
    fn from_gpu(partial: &crate::gpu::Partial<'_>) -> Self;
}

/// Running first and second moments of elements of type `T`. The default is the empty state. Sealed, as [`Element`] is.
pub trait Moments<T>:
    Sealed + Clone + Copy + Default + Send + Sync + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned + 'static
{
    /// The moments of a block.
    fn of(block: &Block<'_, T>) -> Self;
    /// The moments of both.
    fn join(self, other: Self) -> Self;
    /// The moments with one more item.
    #[inline(always)]
    fn with(self, item: &T) -> Self {
        self.join(Self::of(&Block::new(std::slice::from_ref(item))))
    }
    /// Count, mean and M2 as numbers.
    fn finish(self) -> crate::aggregators::SecondMoments;
    /// Refuses what no more than `items` items lead to.
    ///
    /// # Errors
    /// What is wrong.
    fn check(self, items: u64) -> Result<(), String>;

    /// The WGSL that computes them.
    #[cfg(feature = "gpu")]
    const SNIPPET: strix_shaders::Snippet;
    /// Reads the moments out of what [`Moments::SNIPPET`] left.
    #[cfg(feature = "gpu")]
    fn from_gpu(partial: &crate::gpu::Partial<'_>) -> Self;
}

/// A float that accumulates in f64.
pub trait Float: Element + Into<f64> {
    /// The block's sum, in f64 lanes; compensated where the element is as wide as a lane.
    fn sum(block: &Block<'_, Self>) -> FloatSum;
    /// The block's moments.
    fn moments(block: &Block<'_, Self>) -> FloatMoments;
    /// The sums of x - center and of (x - center)^2 over the block, likewise.
    fn deviations(block: &[Self], center: f64) -> (Compensated, Compensated);
}
