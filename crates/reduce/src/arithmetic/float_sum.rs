//! Sums of floats, also past the largest one: what a mean is read from.

use serde::{Deserialize, Serialize};

use super::{Accumulator, Compensated, Float};
use crate::block::Block;

/// Sums past the largest f64 are held times this, where 2^56 items of any size fit.
const FAR: f64 = f64::from_bits((1023 - 128) << 52);

/// A sum as a pair of f64. One past the largest f64 is infinite as a number, and yet finite over a count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FloatSum {
    sum: Compensated,
    /// Whether the sum is past the largest f64, and held times [`FAR`].
    far: bool,
}

impl From<Compensated> for FloatSum {
    #[inline(always)]
    fn from(sum: Compensated) -> Self {
        Self { sum, far: false }
    }
}

impl From<f64> for FloatSum {
    #[inline(always)]
    fn from(x: f64) -> Self {
        Compensated::of_two(x, 0.0).into()
    }
}

impl FloatSum {
    /// The sum rounded to f64.
    #[inline(always)]
    pub fn value(self) -> f64 {
        if self.far { self.sum.value() / FAR } else { self.sum.value() }
    }

    /// The sum of both.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Self {
        let sum = self.sum.plus(other.sum);
        let is_far = self.far || other.far;
        // What is infinite or NaN before comes so from the elements.
        if !is_far && (sum.is_finite() || !self.sum.is_finite() || !other.sum.is_finite()) {
            return sum.into();
        }
        Self { sum: self.times_far().plus(other.times_far()), far: true }.normal()
    }

    /// The sum over `count`, in about twice the precision of f64, then rounded.
    #[inline(always)]
    pub(crate) fn divided_by(self, count: u64) -> f64 {
        let mean = self.sum.divided_by(count);
        if self.far { mean / FAR } else { mean }
    }

    /// The sum over a weight.
    #[inline(always)]
    pub(crate) fn per(self, weight: f64) -> f64 {
        let mean = self.sum.value() / weight;
        if self.far { mean / FAR } else { mean }
    }

    /// The sum times a factor of at most 1; an infinite one as it is, also times 0.
    #[inline(always)]
    pub(crate) fn times(self, factor: f64) -> Self {
        if !self.sum.is_finite() {
            return self;
        }
        Self { sum: self.sum.scaled(factor), far: self.far }.normal()
    }

    /// Whether it is in the one form that its value has.
    pub(crate) fn is_sound(self) -> bool {
        !self.far || self == self.normal()
    }

    #[inline(always)]
    fn times_far(self) -> Compensated {
        if self.far { self.sum } else { self.sum.scaled(FAR) }
    }

    /// One form for each sum: far only where it must be.
    #[inline(always)]
    fn normal(self) -> Self {
        let near = self.sum.scaled(1.0 / FAR);
        if self.far && (near.is_finite() || !self.sum.is_finite()) { near.into() } else { self }
    }
}

impl crate::sealed::Sealed for FloatSum {}

impl<T: Float> Accumulator<T> for FloatSum {
    type Total = f64;

    #[inline(always)]
    fn of(block: &Block<'_, T>) -> Self {
        T::sum(block)
    }
    #[inline(always)]
    fn join(self, other: Self) -> Self {
        self.plus(other)
    }
    #[inline(always)]
    fn with(self, item: &T) -> Self {
        self.plus(Self::from((*item).into()))
    }
    fn total(self) -> f64 {
        self.value()
    }
    fn over(self, count: u64) -> f64 {
        self.divided_by(count)
    }
    fn check(self, _count: u64) -> Result<(), String> {
        if self.is_sound() { Ok(()) } else { Err("its sum is not past the largest f64, as it says".into()) }
    }

    #[cfg(feature = "gpu")]
    const SNIPPET: strix_shaders::Snippet = strix_shaders::SUM;

    #[cfg(feature = "gpu")]
    fn from_gpu(partial: &crate::gpu::Partial<'_>) -> Self {
        let census = partial.census();
        if let Some(special) = census.special_sum() {
            return special.into();
        }
        // Both products are exact: a 24-bit shift by a count of at most 29 bits, and a power of two.
        let frame = partial.frame();
        let base = f64::from(census.finite) * f64::from(frame.shift) * frame.scale();
        Compensated::of_two(base, f64::from(partial.f32("sum", 0)) * frame.scale()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(block: &[f64]) -> FloatSum {
        <FloatSum as Accumulator<f64>>::of(&Block::new(block))
    }

    #[test]
    fn cancellation_keeps_what_plain_f64_loses() {
        assert_eq!(of(&[1e16, 1.0, -1e16, 1e-3]).value(), 1.001);
    }

    #[test]
    fn specials_follow_ieee() {
        assert_eq!(of(&[1.0, f64::INFINITY]).value(), f64::INFINITY);
        assert_eq!(of(&[f64::NEG_INFINITY, 1.0]).value(), f64::NEG_INFINITY);
        assert!(of(&[f64::INFINITY, f64::NEG_INFINITY]).value().is_nan());
        assert!(of(&[f64::NAN, 1.0]).value().is_nan());
        // Also after a sum that is far.
        let far = of(&[f64::MAX, f64::MAX]);
        assert_eq!(far.plus(f64::NEG_INFINITY.into()).value(), f64::NEG_INFINITY);
        assert!(far.plus(f64::NAN.into()).value().is_nan());
    }

    #[test]
    fn a_sum_past_the_largest_is_infinite_and_its_mean_is_not() {
        let far = of(&[f64::MAX, f64::MAX]);
        assert_eq!((far.value(), far.divided_by(2)), (f64::INFINITY, f64::MAX));
        let negative = of(&[-1.7e308; 5]);
        assert_eq!((negative.value(), negative.divided_by(5)), (f64::NEG_INFINITY, -1.7e308));
        // What comes back is a number, and in the one form that it has.
        let back = far.plus((-f64::MAX).into());
        assert_eq!((back, back.value()), (FloatSum::from(f64::MAX), f64::MAX));
        assert_eq!(of(&[f64::MAX, f64::MAX, -f64::MAX, -f64::MAX, 3.0]).value(), 3.0);
    }
}
