//! First and second moments of floats: (count, mean, M2), merged as Chan, Golub and LeVeque do.

use serde::{Deserialize, Serialize};

use super::{Compensated, Float, Moments, Step, Unit, sums};
use crate::aggregators::SecondMoments;
use crate::block::Block;

/// Count, mean and M2 (the sum of squared deviations from the mean), in f64.
///
/// A block is read twice while it is in the cache: its mean first, then the deviations from it with
/// the correction term of the corrected two-pass algorithm. Blocks are merged by equation 2.1 of
/// Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
/// variances" (1979). The mean is a pair of f64: where a large offset leaves the means of two blocks
/// with few differing digits, their difference is still good to the last one. Deviations are held in a
/// unit of their own where their squares would leave the range of f64. An infinity or NaN
/// among the elements gives IEEE's mean and an M2 of NaN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct FloatMoments {
    count: u64,
    mean: Compensated,
    /// A pair as well: after any number of merges it is as right as its terms.
    m2: Compensated,
    /// What deviations are counted in.
    unit: Unit,
}

impl FloatMoments {
    /// The moments of a block whose mean is known: deviations from its mean, and their correction term.
    #[inline(always)]
    pub(crate) fn in_two_passes<T: Float>(block: &[T], mean: f64) -> Self {
        let count = block.len() as u64;
        if count == 0 {
            return Self::default();
        }
        if !mean.is_finite() {
            return Self::without_spread(count, mean);
        }
        let (mut residue, mut squares) = T::deviations(block, mean);
        let mut unit = Unit::default();
        if !Unit::is_plain(squares.value()) {
            unit = Unit::of_all(block, |&x| x.deviation(mean));
            if unit != Unit::default() {
                [residue, squares] = sums(block, |&x| {
                    let deviation = unit.deviation(x.to_f64(), mean);
                    [deviation, deviation * deviation]
                });
            }
        }
        let residue = residue.value();
        let m2 = squares.plus(Compensated::of_two(-residue * residue / count as f64, 0.0)).value();
        let mean = Compensated::of_two(mean, unit.times(residue / count as f64, 1));
        Self { count, mean, m2: Compensated::of_two(not_negative(m2), 0.0), unit }
    }

    /// The moments of `count` elements whose deviations from `center` sum to `residue`.
    #[inline(always)]
    pub(crate) fn around(count: u64, center: f64, residue: f64, m2: f64) -> Self {
        let m2 = Compensated::of_two(not_negative(m2), 0.0);
        Self { count, mean: Compensated::of_two(center, residue / count as f64), m2, unit: Unit::default() }
    }

    /// Of elements that are not all finite.
    fn without_spread(count: u64, mean: f64) -> Self {
        Self { count, mean: Compensated::of_two(mean, 0.0), m2: Compensated::NAN, unit: Unit::default() }
    }

    /// The unit of its deviations, if there are any.
    #[inline(always)]
    fn spread(&self) -> Option<Unit> {
        (self.m2.value() != 0.0).then_some(self.unit)
    }
}

impl crate::sealed::Sealed for FloatMoments {}

impl<T: Float> Moments<T> for FloatMoments {
    #[inline(always)]
    fn of(block: &Block<'_, T>) -> Self {
        T::moments(block)
    }

    #[inline(always)]
    fn join(self, other: Self) -> Self {
        if self.count == 0 {
            return other;
        }
        if other.count == 0 {
            return self;
        }
        // In a fixed order of the two, so that merging commutes to the last bit.
        let rank = |m: &Self| (m.count, m.mean.bits(), m.m2.bits(), m.unit);
        let (a, b) = if rank(&self) >= rank(&other) { (self, other) } else { (other, self) };
        let count = a.count + b.count;
        let share = b.count as f64 / count as f64;
        let Step { unit, delta, mean } = Step::between(a.mean, b.mean, share, a.spread().max(b.spread()));
        let between = delta * delta * (a.count as f64 * share);
        let m2 = |m: Self| m.m2.map(|part| m.unit.convert(part, 2, unit));
        Self { count, mean, m2: m2(a).plus(m2(b)).plus(Compensated::of_two(between, 0.0)), unit }
    }

    #[inline(always)]
    fn with(self, item: &T) -> Self {
        let x: f64 = (*item).into();
        let mean = Compensated::of_two(x, 0.0);
        let one = Self { count: 1, mean, ..Self::default() };
        let one = if x.is_finite() { one } else { Self { m2: Compensated::NAN, ..one } };
        Moments::<T>::join(self, one)
    }

    fn check(self, items: u64) -> Result<(), String> {
        crate::state::check_count(self.count, items)?;
        self.unit.check()?;
        let m2 = self.m2.value();
        if m2 < 0.0 { Err(format!("M2 is {m2}, and never negative")) } else { Ok(()) }
    }

    fn finish(self) -> SecondMoments {
        SecondMoments { count: self.count, mean: self.mean.value(), m2: self.m2.value(), unit: self.unit }
    }

    #[cfg(feature = "gpu")]
    const SNIPPET: strix_shaders::Snippet = strix_shaders::VARIANCE;

    #[cfg(feature = "gpu")]
    fn from_gpu(partial: &crate::gpu::Partial<'_>) -> Self {
        let census = partial.census();
        let count = census.items();
        if count == 0 {
            return Self::default();
        }
        if let Some(special) = census.special_sum() {
            return Self::without_spread(count, special);
        }
        let frame = partial.frame();
        let (n, scale) = (count as f64, frame.scale());
        let total = f64::from(partial.f32("variance", 0));
        let squares = f64::from(partial.f32("variance", 1));
        let mean = Compensated::of_two(f64::from(frame.shift) * scale, total / n * scale);
        let m2 = not_negative(squares - total * total / n) * scale * scale;
        Self { count, mean, m2: Compensated::of_two(m2, 0.0), unit: Unit::default() }
    }
}

/// Rounding may leave an M2 of nothing just below 0; NaN stays what it is.
#[inline(always)]
pub(crate) fn not_negative(m2: f64) -> f64 {
    if m2 < 0.0 { 0.0 } else { m2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(block: &[f64]) -> SecondMoments {
        <FloatMoments as Moments<f64>>::finish(<FloatMoments as Moments<f64>>::of(&Block::new(block)))
    }

    #[test]
    fn squares_past_the_largest_f64_are_infinite_and_never_0() {
        assert_eq!(of(&[1e200, -1e200]).population_variance(), Some(f64::INFINITY));
        let one = |x| <FloatMoments as Moments<f64>>::of(&Block::new(&[x]));
        let joined = <FloatMoments as Moments<f64>>::join(one(1.5e308), one(-1.5e308));
        let moments = <FloatMoments as Moments<f64>>::finish(joined);
        assert_eq!((moments.mean(), moments.population_variance()), (Some(0.0), Some(f64::INFINITY)));
        assert_eq!(moments.population_sd(), Some(1.5e308));
    }

    #[test]
    fn infinities_give_ieee_means() {
        assert_eq!(of(&[1.0, f64::INFINITY]).mean(), Some(f64::INFINITY));
        assert!(of(&[1.0, f64::INFINITY]).population_variance().is_some_and(f64::is_nan));
        let one = |x| <FloatMoments as Moments<f64>>::of(&Block::new(&[x]));
        let joined = <FloatMoments as Moments<f64>>::join(one(f64::NEG_INFINITY), one(2.0));
        assert_eq!(<FloatMoments as Moments<f64>>::finish(joined).mean(), Some(f64::NEG_INFINITY));
    }
}
