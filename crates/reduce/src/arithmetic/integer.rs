//! Exact integer sums and moments: no rounding, so the same state for every order of merging.

use ethnum::U256;
use serde::{Deserialize, Serialize};

use super::{Accumulator, Moments, Unit};
use crate::aggregators::SecondMoments;
use crate::block::Block;

/// Items summed in machine words before they widen: 2^12 squares of 32 bits stay below 2^64 as halves.
const ROW: usize = 4096;

/// The exact sum, in 128 bits: 2^63 items of any 64-bit type fit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegerSum(i128);

impl IntegerSum {
    /// The sum over `count`, within a unit in the last place; NaN when `count` is 0.
    #[inline(always)]
    pub(crate) fn mean(self, count: u64) -> f64 {
        if count == 0 {
            return f64::NAN;
        }
        let (whole, rest) = (self.0 / i128::from(count), self.0 % i128::from(count));
        whole as f64 + rest as f64 / count as f64
    }

    /// The sum without that of some of its items.
    pub(crate) fn less(self, part: Self) -> Self {
        Self(self.0 - part.0)
    }
}

impl IntegerMoments {
    /// The moments without those of some of the items.
    pub(crate) fn less(self, part: Self) -> Self {
        Self { count: self.count - part.count, sum: self.sum - part.sum, squares: self.squares - part.squares }
    }
}

/// 256 bits as two words of 128, the low one first.
mod words {
    use ethnum::U256;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(x: &U256, serializer: S) -> Result<S::Ok, S::Error> {
        let (high, low) = x.into_words();
        (low, high).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<U256, D::Error> {
        let (low, high) = Deserialize::deserialize(deserializer)?;
        Ok(U256::from_words(high, low))
    }
}

/// An integer of at most 64 bits. Sealed.
pub trait Integer: crate::sealed::Sealed + Copy + Into<i128> {
    /// Sum over at most [`ROW`] items.
    fn row_sum(row: &[Self]) -> i128;
    /// Sum of squares over at most [`ROW`] items.
    fn row_squares(row: &[Self]) -> U256;
}

macro_rules! narrow {
    ($($integer:ident)*) => {$(
        impl Integer for $integer {
            #[inline(always)]
            fn row_sum(row: &[Self]) -> i128 {
                row.iter().map(|&x| i64::from(x)).sum::<i64>().into()
            }
            #[inline(always)]
            fn row_squares(row: &[Self]) -> U256 {
                // As two sums of 32-bit halves, which vectorise and cannot overflow.
                let (mut low, mut high) = (0u64, 0u64);
                for &x in row {
                    let magnitude = u64::from(x.abs_diff(0));
                    let square = magnitude * magnitude;
                    low += square & 0xffff_ffff;
                    high += square >> 32;
                }
                U256::from(u128::from(low) + (u128::from(high) << 32))
            }
        }
    )*};
}
narrow!(u8 i8 u16 i16 u32 i32);

macro_rules! wide {
    ($($integer:ident)*) => {$(
        impl Integer for $integer {
            #[inline(always)]
            fn row_sum(row: &[Self]) -> i128 {
                row.iter().map(|&x| i128::from(x)).sum()
            }
            #[inline(always)]
            fn row_squares(row: &[Self]) -> U256 {
                row.iter().fold(U256::ZERO, |sum, &x| {
                    let magnitude = u128::from(x.abs_diff(0));
                    sum + U256::from(magnitude * magnitude)
                })
            }
        }
    )*};
}
wide!(u64 i64);

impl Integer for bool {
    #[inline(always)]
    fn row_sum(row: &[Self]) -> i128 {
        row.iter().map(|&x| u64::from(x)).sum::<u64>().into()
    }
    #[inline(always)]
    fn row_squares(row: &[Self]) -> U256 {
        U256::from(Self::row_sum(row).unsigned_abs())
    }
}

impl crate::sealed::Sealed for IntegerSum {}
impl crate::sealed::Sealed for IntegerMoments {}

impl<T: Integer> Accumulator<T> for IntegerSum {
    type Total = i128;

    #[inline(always)]
    fn of(block: &Block<'_, T>) -> Self {
        Self(block.chunks(ROW).map(T::row_sum).sum())
    }
    #[inline(always)]
    fn join(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
    fn total(self) -> i128 {
        self.0
    }
    fn over(self, count: u64) -> f64 {
        self.mean(count)
    }
    fn check(self, count: u64) -> Result<(), String> {
        // As many items of 64 bits do not sum to more.
        let most = i128::from(count) << 64;
        if (-most..=most).contains(&self.0) { Ok(()) } else { Err(format!("{count} items do not sum to {}", self.0)) }
    }

    #[cfg(feature = "gpu")]
    const SNIPPET: strix_shaders::Snippet = strix_shaders::INTEGER_SUM;

    #[cfg(feature = "gpu")]
    fn from_gpu(partial: &crate::gpu::Partial<'_>) -> Self {
        let keys = i128::from(partial.u64("integer_sum", 0));
        Self(keys - i128::from(partial.census().finite) * partial.key_bias())
    }
}

/// Count, exact sum and exact sum of squares; 256 bits hold 2^63 squares of 64-bit integers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegerMoments {
    count: u64,
    sum: i128,
    #[serde(with = "words")]
    squares: U256,
}

impl IntegerMoments {
    /// The exact sum.
    #[cfg(feature = "gpu")]
    pub(crate) fn sum(&self) -> i128 {
        self.sum
    }

    /// The exact sum of squares.
    pub(crate) fn squares(&self) -> U256 {
        self.squares
    }
}

impl<T: Integer> Moments<T> for IntegerMoments {
    #[inline(always)]
    fn of(block: &Block<'_, T>) -> Self {
        Self {
            count: block.len() as u64,
            sum: block.chunks(ROW).map(T::row_sum).sum(),
            squares: block.chunks(ROW).map(T::row_squares).fold(U256::ZERO, |a, b| a + b),
        }
    }

    #[inline(always)]
    fn join(self, other: Self) -> Self {
        Self { count: self.count + other.count, sum: self.sum + other.sum, squares: self.squares + other.squares }
    }

    fn check(self, items: u64) -> Result<(), String> {
        crate::state::check_count(self.count, items)?;
        <IntegerSum as Accumulator<i64>>::check(IntegerSum(self.sum), self.count)?;
        let (count, sum) = (U256::from(self.count), U256::from(self.sum.unsigned_abs()));
        // The sum of squares of 64-bit numbers, which no mean can exceed.
        if self.squares > count << 128 || sum * sum > count * self.squares {
            return Err(format!("{} items have no such sum and sum of squares", self.count));
        }
        Ok(())
    }

    fn finish(self) -> SecondMoments {
        if self.count == 0 {
            return SecondMoments::default();
        }
        // n * sum(x^2) - sum(x)^2 is an exact non-negative integer: nothing cancels before rounding.
        let magnitude = U256::from(self.sum.unsigned_abs());
        let scaled_m2 = U256::from(self.count) * self.squares - magnitude * magnitude;
        SecondMoments {
            count: self.count,
            mean: <IntegerSum as Accumulator<i64>>::over(IntegerSum(self.sum), self.count),
            m2: scaled_m2.as_f64() / self.count as f64,
            unit: Unit::default(),
        }
    }

    #[cfg(feature = "gpu")]
    const SNIPPET: strix_shaders::Snippet =
        if size_of::<T>() > 2 { strix_shaders::WIDE_INTEGER_VARIANCE } else { strix_shaders::INTEGER_VARIANCE };

    #[cfg(feature = "gpu")]
    fn from_gpu(partial: &crate::gpu::Partial<'_>) -> Self {
        let (n, bias) = (i128::from(partial.census().finite), partial.key_bias());
        let name = <Self as Moments<T>>::SNIPPET.name;
        let above = if size_of::<T>() > 2 { i128::from(partial.u32(name, 4)) << 64 } else { 0 };
        let keys = i128::from(partial.u64(name, 0));
        let key_squares = above + i128::from(partial.u64(name, 2));
        // x = key - bias, so the sum of x^2 is that of key^2 - 2 bias key + bias^2; never negative.
        let squares = key_squares - 2 * bias * keys + n * bias * bias;
        Self { count: partial.census().items(), sum: keys - n * bias, squares: U256::from(squares.unsigned_abs()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_of_64_bits_are_exact() {
        let block = [i64::MIN, i64::MAX, i64::MIN];
        let sum = <IntegerSum as Accumulator<i64>>::of(&Block::new(&block));
        assert_eq!(<IntegerSum as Accumulator<i64>>::total(sum), -9_223_372_036_854_775_809);
        // A huge offset costs nothing: the variance of three neighbours below 2^64 is 2/3.
        let moments = <IntegerMoments as Moments<u64>>::of(&Block::new(&[u64::MAX, u64::MAX - 1, u64::MAX - 2]));
        assert_eq!(<IntegerMoments as Moments<u64>>::finish(moments).population_variance(), Some(2.0 / 3.0));
    }

    #[test]
    fn a_long_row_of_the_largest_32_bit_values_does_not_wrap() {
        let block = vec![i32::MIN; 3 * ROW + 7];
        let moments = <IntegerMoments as Moments<i32>>::of(&Block::new(&block));
        assert_eq!(moments.squares, U256::from(block.len() as u128) << 62u32);
        assert_eq!(<IntegerMoments as Moments<i32>>::finish(moments).population_variance(), Some(0.0));
    }
}
