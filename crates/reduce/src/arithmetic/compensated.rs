//! Float sums as an unevaluated pair of f64, about 106 bits wide.

use super::{Accumulator, Float};

/// `high + low`, with `low` at most half a unit in the last place of `high`.
///
/// Adding two of them loses about 2^-104 of the result's magnitude, so the order and the number of
/// merges do not show in the rounded sum. Infinities and NaN follow IEEE 754 addition.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Compensated {
    high: f64,
    low: f64,
}

impl Compensated {
    /// The exact sum of two f64 (Knuth's TwoSum); a plain IEEE sum where that is not finite.
    #[inline(always)]
    pub fn of_two(a: f64, b: f64) -> Self {
        let high = a + b;
        if !high.is_finite() {
            return Self { high, low: 0.0 };
        }
        let (high, low) = two_sum(a, b);
        Self { high, low }
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

#[inline(always)]
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    (sum, (a - (sum - b_part)) + (b - b_part))
}

/// Independent lanes: enough to fill two vector units of four f64 at four cycles of latency.
const LANES: usize = 32;

impl Float for f32 {
    #[inline(always)]
    fn sum_of(block: &[f32], f: impl Fn(f64) -> f64) -> Compensated {
        let mut lanes = [0.0f64; LANES];
        let mut rows = block.chunks_exact(LANES);
        for row in &mut rows {
            for (lane, &x) in lanes.iter_mut().zip(row) {
                *lane += f(f64::from(x));
            }
        }
        for (lane, &x) in lanes.iter_mut().zip(rows.remainder()) {
            *lane += f(f64::from(x));
        }
        lanes.into_iter().fold(Compensated::default(), |sum, lane| sum.plus(Compensated { high: lane, low: 0.0 }))
    }
}

impl Float for f64 {
    #[inline(always)]
    fn sum_of(block: &[f64], f: impl Fn(f64) -> f64) -> Compensated {
        const HALF: usize = LANES / 2;
        let mut high = [0.0f64; HALF];
        let mut low = [0.0f64; HALF];
        let mut rows = block.chunks_exact(HALF);
        for row in &mut rows {
            for lane in 0..HALF {
                let (sum, error) = two_sum(high[lane], f(row[lane]));
                high[lane] = sum;
                low[lane] += error;
            }
        }
        for (lane, &x) in rows.remainder().iter().enumerate() {
            let (sum, error) = two_sum(high[lane], f(x));
            high[lane] = sum;
            low[lane] += error;
        }
        let sum =
            (0..HALF).fold(Compensated::default(), |sum, lane| sum.plus(Compensated::of_two(high[lane], low[lane])));
        if sum.high.is_finite() {
            return sum;
        }
        // An infinity or NaN made the error terms meaningless; IEEE addition says what the sum is.
        Compensated { high: block.iter().map(|&x| f(x)).sum(), low: 0.0 }
    }
}

impl<T: Float> Accumulator<T> for Compensated {
    type Total = f64;

    #[inline(always)]
    fn of(block: &[T]) -> Self {
        T::sum_of(block, |x| x)
    }
    #[inline(always)]
    fn join(self, other: Self) -> Self {
        self.plus(other)
    }
    fn total(self) -> f64 {
        self.value()
    }
    fn over(self, count: u64) -> f64 {
        self.divided_by(count)
    }

    #[cfg(feature = "gpu")]
    const SNIPPET: strix_shaders::Snippet = strix_shaders::SUM;

    #[cfg(feature = "gpu")]
    fn from_gpu(partial: &crate::gpu::Partial<'_>) -> Self {
        let census = partial.census();
        if let Some(special) = census.special_sum() {
            return Self { high: special, low: 0.0 };
        }
        // Both products are exact: 24-bit shift x 32-bit count, and a scaling by a power of two.
        let frame = partial.frame();
        let base = f64::from(census.finite) * f64::from(frame.shift) * frame.scale();
        Self::of_two(base, f64::from(partial.f32("sum", 0)) * frame.scale())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancellation_keeps_what_plain_f64_loses() {
        let block = [1e16, 1.0, -1e16, 1e-3];
        assert_eq!(<Compensated as Accumulator<f64>>::of(&block).value(), 1.001);
    }

    #[test]
    fn specials_follow_ieee() {
        let sum = |block: &[f64]| <Compensated as Accumulator<f64>>::of(block).value();
        assert_eq!(sum(&[1.0, f64::INFINITY]), f64::INFINITY);
        assert_eq!(sum(&[f64::NEG_INFINITY, 1.0]), f64::NEG_INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(sum(&[f64::NAN, 1.0]).is_nan());
        assert_eq!(sum(&[f64::MAX, f64::MAX]), f64::INFINITY);
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
