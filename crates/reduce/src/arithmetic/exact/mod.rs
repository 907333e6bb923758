//! Sums and sums of squares without any rounding: one wide integer each, in units of the least bit that an element
//! or a product of two can have.
//!
//! `docs/exact.md` in the repository has the method and the proof that nothing rounds or overflows.

mod digits;
mod fixed;
mod floats;
mod integers;
mod round;
mod single;

pub use fixed::{Fixed, FixedPoint};
pub use round::{quotient, root};

use serde::{Deserialize, Serialize};

use crate::Element;
use crate::arithmetic::Accumulator;

/// An element whose sums, and those of its products, have an exact form: every [`Element`] is one.
pub trait ExactElement: Element {
    /// The least bit of an element is `2^UNIT`; that of a product `2^(2 UNIT)`.
    const UNIT: i64;
    /// Bits of the largest magnitude in units, less one: sums of n elements are below `2^(WIDTH + 1) n`.
    const WIDTH: u64;
    /// Holds sums of up to 2^56 elements.
    type First: FixedPoint;
    /// Holds sums of up to 2^56 products of two elements.
    type Second: FixedPoint;

    /// Whether elements of the type may be like that at all.
    fn admits(_specials: &Specials, _sum_is_negative: bool) -> bool {
        true
    }

    /// The sum of the elements that are finite, and what the others are.
    fn first(items: &[Self]) -> (Specials, Self::First);
    /// The same, and the sum of the squares.
    fn first_and_second(items: &[Self]) -> (Specials, Self::First, Self::Second);
    /// The sum of the products of pairs in which both are finite.
    fn products(items: &[(Self, Self)]) -> Self::Second;
    /// The WGSL for the sum of elements and, if `squares`, for that of their squares, and how both are read back;
    /// `None` keeps the type on the CPU.
    #[cfg(feature = "gpu")]
    fn gpu(_squares: bool) -> Option<OnGpu<Self>> {
        None
    }
    /// A rounded sum as the type reads sums out: f64 for floats, i128 for integers.
    fn total(sum: &Self::First, specials: &Specials) -> <Self::Sum as Accumulator<Self>>::Total;
}

/// The exact sums' WGSL, and how to read what it left.
#[cfg(feature = "gpu")]
pub type OnGpu<T> = (
    Vec<strix_shaders::Snippet>,
    fn(&crate::gpu::Partial<'_>) -> (Specials, <T as ExactElement>::First, <T as ExactElement>::Second),
);

/// How many elements there were, and those that are no finite numbers or have a sign without a magnitude.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Specials {
    /// Elements, all of them.
    pub count: u64,
    /// NaN among them.
    pub nan: u64,
    /// +infinity among them.
    pub positive_infinite: u64,
    /// -infinity among them.
    pub negative_infinite: u64,
    /// Whether every element is -0, as it is of nothing.
    pub negative_zeros: bool,
}

impl Default for Specials {
    fn default() -> Self {
        Self { count: 0, nan: 0, positive_infinite: 0, negative_infinite: 0, negative_zeros: true }
    }
}

impl Specials {
    /// Of so many elements that are finite, and not all -0 unless there are none.
    pub(crate) fn ordinary(count: u64) -> Self {
        Self { count, negative_zeros: count == 0, ..Self::default() }
    }

    /// As a kernel counted them.
    #[cfg(feature = "gpu")]
    pub(crate) fn of_census(census: &crate::gpu::Census, negative_zeros: bool) -> Self {
        Self {
            count: census.items(),
            nan: census.nan.into(),
            positive_infinite: census.positive_infinite.into(),
            negative_infinite: census.negative_infinite.into(),
            negative_zeros,
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            // Saturating, for stored states that together claim more than there can be.
            count: self.count.saturating_add(other.count),
            nan: self.nan.saturating_add(other.nan),
            positive_infinite: self.positive_infinite.saturating_add(other.positive_infinite),
            negative_infinite: self.negative_infinite.saturating_add(other.negative_infinite),
            negative_zeros: self.negative_zeros && other.negative_zeros,
        }
    }

    /// Elements that are finite.
    pub fn finite(&self) -> u64 {
        let special = [self.nan, self.positive_infinite, self.negative_infinite];
        special.into_iter().fold(self.count, u64::saturating_sub)
    }

    /// The sum, where it does not depend on the finite elements: by IEEE 754, NaN of a NaN or of both infinities, the
    /// infinity of one; and -0 where every element is.
    pub fn sum(&self) -> Option<f64> {
        match (self.nan > 0, self.positive_infinite > 0, self.negative_infinite > 0) {
            (true, _, _) | (_, true, true) => Some(f64::NAN),
            (_, true, _) => Some(f64::INFINITY),
            (_, _, true) => Some(f64::NEG_INFINITY),
            _ => (self.count > 0 && self.negative_zeros).then_some(-0.0),
        }
    }

    /// Refuses counts that do not add up.
    pub(crate) fn check(&self, is_zero: bool, items: u64) -> Result<(), String> {
        crate::state::check_count(self.count, items)?;
        let others = [self.nan, self.positive_infinite, self.negative_infinite];
        crate::state::check_counts(&others, items)?;
        let special: u64 = others.iter().sum();
        if special > self.count {
            return Err(format!("{special} of {} elements are NaN or infinite", self.count));
        }
        if self.negative_zeros && (special > 0 || !is_zero) || self.count == 0 && !self.negative_zeros {
            return Err("it says that every element is -0, and other elements".into());
        }
        Ok(())
    }
}

/// Two accuracies, named, for who chooses at run time. Both are on both engines.
///
/// ```
/// use strix_reduce::{Accuracy, Engine, Reducer};
///
/// let items = [1e8f32, 1.0, -1e8, 1e-30];
/// for (accuracy, sum) in [(Accuracy::Fast, 1.0), (Accuracy::Exact, 1.0)] {
///     let mut reducer = Reducer::new(accuracy.sum::<f32>(), &Engine::cpu())?;
///     reducer.push(&items)?;
///     assert_eq!(reducer.finish(), Some(sum));
/// }
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Accuracy {
    /// At the memory's bandwidth, within the bound that each aggregator documents.
    #[default]
    Fast,
    /// Correctly rounded, and the same bits on every device, in any pieces and any order: [`crate::Exact`].
    Exact,
}
