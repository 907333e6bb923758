//! Float sums as an unevaluated pair of f64, about 106 bits wide.
#![expect(clippy::needless_range_loop, reason = "plain loops over lanes compile to vector instructions")]

use serde::{Deserialize, Serialize};

use super::{Float, FloatMoments, FloatSum, fused};
use crate::block::{Block, Facts};

/// `high + low`, with `low` at most half a unit in the last place of `high`.
///
/// Adding two of them loses about 2^-104 of their magnitude, so the order and the number of
/// merges do not show in the rounded sum. Infinities and NaN follow IEEE 754 addition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Compensated {
    #[serde(with = "crate::state::float")]
    high: f64,
    #[serde(with = "crate::state::float")]
    low: f64,
}

impl Compensated {
    /// A sum that means nothing.
    pub(crate) const NAN: Self = Self { high: f64::NAN, low: 0.0 };

    /// The exact sum of two f64 (Dekker's FastTwoSum); a plain IEEE sum where that is not finite.
    #[inline(always)]
    pub fn of_two(a: f64, b: f64) -> Self {
        let high = a + b;
        if !high.is_finite() {
            return Self { high, low: 0.0 };
        }
        // Unlike Knuth's TwoSum, nothing on the way is larger than the operands or the sum, and can overflow.
        let (large, small) = if a.abs() < b.abs() { (b, a) } else { (a, b) };
        Self { high, low: small - (high - large) }
    }

    /// Both parts as bits, for an order among sums.
    pub(crate) fn bits(self) -> (u64, u64) {
        (self.high.to_bits(), self.low.to_bits())
    }

    /// The sum less `x`, rounded once the larger parts have cancelled.
    #[inline(always)]
    pub(crate) fn less(self, x: f64) -> f64 {
        (self.high - x) + self.low
    }

    /// The sum times a factor, exactly where that is a power of two.
    #[inline(always)]
    pub(crate) fn scaled(self, scale: f64) -> Self {
        Self { high: self.high * scale, low: self.low * scale }
    }

    #[inline(always)]
    pub(crate) fn is_finite(self) -> bool {
        self.high.is_finite()
    }

    /// Both parts through `f`, which multiplies by a power of two.
    #[inline(always)]
    pub(crate) fn map(self, f: impl Fn(f64) -> f64) -> Self {
        Self { high: f(self.high), low: f(self.low) }
    }

    /// The sum rounded to f64.
    #[inline(always)]
    pub fn value(self) -> f64 {
        self.high + self.low
    }

    /// The sum of both.
    #[inline(always)]
    pub fn plus(self, other: Self) -> Self {
        let sum = Self::of_two(self.high, other.high);
        if !sum.high.is_finite() {
            return sum;
        }
        // A subnormal-free renormalisation: `high` already dominates (Dekker's FastTwoSum).
        let low = sum.low + (self.low + other.low);
        let high = sum.high + low;
        Self { high, low: low - (high - sum.high) }
    }

    /// The sum with the other sign.
    #[inline(always)]
    pub fn negated(self) -> Self {
        Self { high: -self.high, low: -self.low }
    }

    /// The sum divided by `count`, in about twice the precision of f64, then rounded.
    #[inline]
    pub fn divided_by(self, count: u64) -> f64 {
        let divisor = count as f64;
        let quotient = self.high / divisor;
        if !quotient.is_finite() {
            return quotient;
        }
        let remainder = f64::mul_add(-quotient, divisor, self.high) + self.low;
        quotient + remainder / divisor
    }
}

impl Compensated {
    /// `dividend` divided by the sum, in about twice the precision of f64, then rounded.
    pub(crate) fn dividing(self, dividend: f64) -> f64 {
        let quotient = dividend / self.high;
        if !quotient.is_finite() || !self.high.is_finite() {
            return quotient;
        }
        let remainder = f64::mul_add(-quotient, self.high, dividend) - quotient * self.low;
        quotient + remainder / self.high
    }
}

#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

/// Independent lanes: enough to hide the latency of the adder in vectors of four f64.
pub(crate) const LANES: usize = 16;

/// Sums side by side, one a lane. Every step is one simple loop over the lanes, which is the shape
/// that compiles to vector instructions.
trait Lanes: Copy + Default {
    fn add(&mut self, terms: [f64; LANES]);
    fn total(self) -> Compensated;
}

/// Plain f64 sums: for f32 terms, 29 bits wider than their elements.
#[derive(Clone, Copy, Default)]
struct Plain([f64; LANES]);

impl Lanes for Plain {
    #[inline(always)]
    fn add(&mut self, terms: [f64; LANES]) {
        for lane in 0..LANES {
            self.0[lane] += terms[lane];
        }
    }
    #[inline(always)]
    fn total(self) -> Compensated {
        across(self.0, [0.0; LANES])
    }
}

/// f64 sums with the errors that their rounding made.
#[derive(Clone, Copy, Default)]
struct WithErrors {
    sums: [f64; LANES],
    errors: [f64; LANES],
}

impl Lanes for WithErrors {
    #[inline(always)]
    fn add(&mut self, terms: [f64; LANES]) {
        for lane in 0..LANES {
            let (sum, error) = two_sum(self.sums[lane], terms[lane]);
            self.sums[lane] = sum;
            self.errors[lane] += error;
        }
    }
    #[inline(always)]
    fn total(self) -> Compensated {
        across(self.sums, self.errors)
    }
}

/// The sum across lanes and their errors, in four levels of vectors. Where it is not finite, its low
/// part means nothing and is 0.
#[inline(always)]
pub(crate) fn across(mut sums: [f64; LANES], mut errors: [f64; LANES]) -> Compensated {
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            let (sum, error) = two_sum(sums[lane], sums[lane + width]);
            sums[lane] = sum;
            errors[lane] = (errors[lane] + errors[lane + width]) + error;
        }
        width /= 2;
    }
    if !sums[0].is_finite() {
        return Compensated { high: sums[0], low: 0.0 };
    }
    Compensated::of_two(sums[0], errors[0])
}

/// A row of elements as f64. Loops and no closures: a closure of its own would be compiled for the
/// least processor, and not for the one that the engine found.
#[inline(always)]
pub(crate) fn widened<T: Copy + Into<f64>>(row: &[T; LANES]) -> [f64; LANES] {
    let mut wide = [0.0; LANES];
    for lane in 0..LANES {
        wide[lane] = row[lane].into();
    }
    wide
}

/// The elements after the last whole row, filled up with `filler`.
#[inline(always)]
fn filled<T: Copy + Into<f64>>(rest: &[T], filler: f64) -> [f64; LANES] {
    let mut row = [filler; LANES];
    for (cell, &x) in row.iter_mut().zip(rest) {
        *cell = x.into();
    }
    row
}

#[inline(always)]
fn sum<T: Copy + Into<f64>, L: Lanes>(block: &[T]) -> FloatSum {
    let (rows, rest) = block.as_chunks::<LANES>();
    let mut lanes = L::default();
    for row in rows {
        lanes.add(widened(row));
    }
    lanes.add(filled(rest, 0.0));
    let total = lanes.total();
    if total.is_finite() {
        return total.into();
    }
    // An infinity or NaN made error terms meaningless, or a lane passed the largest f64: adding one by one says what the
    // sum is.
    block.iter().fold(FloatSum::default(), |sum, &x| {
        let x: f64 = x.into();
        sum.plus(x.into())
    })
}

#[inline(always)]
fn deviations<T: Copy + Into<f64>, L: Lanes>(block: &[T], center: f64) -> (Compensated, Compensated) {
    let (rows, rest) = block.as_chunks::<LANES>();
    let (mut first, mut second) = (L::default(), L::default());
    for row in rows {
        add_deviations(&mut first, &mut second, widened(row), center);
    }
    // A filler at the center deviates by nothing.
    add_deviations(&mut first, &mut second, filled(rest, center), center);
    (first.total(), second.total())
}

#[inline(always)]
fn add_deviations<L: Lanes>(first: &mut L, second: &mut L, row: [f64; LANES], center: f64) {
    let (mut deviations, mut squares) = (row, row);
    for lane in 0..LANES {
        deviations[lane] = row[lane] - center;
        squares[lane] = deviations[lane] * deviations[lane];
    }
    first.add(deviations);
    second.add(squares);
}

impl Float for f32 {
    #[inline(always)]
    fn sum(block: &Block<'_, f32>) -> FloatSum {
        if block.sum.get().is_none() {
            fused::facts(block, block.facts());
        }
        block.sum.get().copied().unwrap_or_default()
    }
    #[inline(always)]
    fn moments(block: &Block<'_, f32>) -> FloatMoments {
        if block.moments.get().is_none() {
            fused::facts(block, block.facts() | Facts::MOMENTS);
        }
        block.moments.get().copied().unwrap_or_default()
    }
    #[inline(always)]
    fn deviations(block: &[f32], center: f64) -> (Compensated, Compensated) {
        deviations::<f32, Plain>(block, center)
    }
}

impl Float for f64 {
    #[inline(always)]
    fn sum(block: &Block<'_, f64>) -> FloatSum {
        *block.sum.get_or_init(
            #[inline(always)]
            || sum::<f64, WithErrors>(block),
        )
    }
    #[inline(always)]
    fn moments(block: &Block<'_, f64>) -> FloatMoments {
        FloatMoments::in_two_passes(block, Self::sum(block).divided_by(block.len() as u64))
    }
    #[inline(always)]
    fn deviations(block: &[f64], center: f64) -> (Compensated, Compensated) {
        deviations::<f64, WithErrors>(block, center)
    }
}

/// 16-bit floats go through f32, which holds them exactly.
#[cfg(feature = "half")]
macro_rules! half {
    ($float:ty) => {
        impl Float for $float {
            #[inline(always)]
            fn sum(block: &Block<'_, Self>) -> FloatSum {
                let rows = block.chunks(ROW).map(widen).map(|(row, n)| f32::sum(&Block::new(&row[..n])));
                rows.fold(FloatSum::default(), FloatSum::plus)
            }
            #[inline(always)]
            fn moments(block: &Block<'_, Self>) -> FloatMoments {
                let rows = block.chunks(ROW).map(widen).map(|(row, n)| f32::moments(&Block::new(&row[..n])));
                rows.fold(FloatMoments::default(), <FloatMoments as super::Moments<f32>>::join)
            }
            #[inline(always)]
            fn deviations(block: &[Self], center: f64) -> (Compensated, Compensated) {
                let rows = block.chunks(ROW).map(widen).map(|(row, n)| f32::deviations(&row[..n], center));
                rows.fold(Default::default(), |(a, b): (Compensated, Compensated), (c, d)| (a.plus(c), b.plus(d)))
            }
        }
    };
}

/// Items widened at once.
#[cfg(feature = "half")]
const ROW: usize = 1024;

#[cfg(feature = "half")]
#[inline(always)]
fn widen<T: Copy + Into<f32>>(items: &[T]) -> ([f32; ROW], usize) {
    let mut row = [0.0; ROW];
    for (wide, &item) in row.iter_mut().zip(items) {
        *wide = item.into();
    }
    (row, items.len())
}

#[cfg(feature = "half")]
half!(half::f16);
#[cfg(feature = "half")]
half!(half::bf16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn infinities_stay() {
        let joined = Compensated::of_two(f64::INFINITY, 0.0).plus(Compensated::of_two(1.0, 0.0));
        assert_eq!(joined.value(), f64::INFINITY);
    }

    #[test]
    fn division_rounds_the_whole_pair() {
        // (2^53 + 1) / 3 needs the low word: 3002399751580331 exactly.
        let sum = Compensated::of_two(9_007_199_254_740_992.0, 1.0);
        assert_eq!(sum.divided_by(3), 3_002_399_751_580_331.0);
    }
}
