//! Skewness and kurtosis: the first four moments, in one pass over memory.

use serde::{Deserialize, Serialize};

use crate::arithmetic::{Compensated, Step, Unit, not_negative, sums};
use crate::state::{Signature, check_count};
use crate::{Aggregator, Block, Element, Portable};

/// Count, mean and the central moment sums M2, M3 and M4: what skewness and kurtosis are read from.
///
/// A block is read around a center near its mean; blocks are merged by the formulas of Pébay, "Formulas
/// for robust, one-pass parallel computation of covariances and arbitrary-order statistical moments"
/// (Sandia report SAND2008-6212, 2008). For n elements in one push the relative error of M4 is at most about
/// `(1000 + 8 log2(n)) 2^-53`, that of M3 likewise relative to the sum of |deviation|^3; each further push may
/// add a few roundings. Skewness and kurtosis do not depend on the elements' scale, however large or small.
///
/// ```
/// # use strix_reduce::{Engine, Reducer, Shape};
/// let mut reducer = Reducer::new(Shape, &Engine::cpu())?;
/// reducer.push(&[0.0, 0.0, 0.0, 4.0])?;
/// let moments = reducer.finish();
/// assert!(moments.sample_skewness().is_some_and(|g1| (g1 - 2.0).abs() < 1e-14));
/// assert!(moments.sample_excess_kurtosis().is_some_and(|g2| (g2 - 4.0).abs() < 1e-14));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape;

/// The first four moments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FourMoments {
    /// Elements seen.
    pub count: u64,
    mean: Compensated,
    #[serde(with = "crate::state::float")]
    m2: f64,
    #[serde(with = "crate::state::float")]
    m3: f64,
    #[serde(with = "crate::state::float")]
    m4: f64,
    /// What deviations are counted in.
    unit: Unit,
}

impl FourMoments {
    /// The mean; `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.mean.value())
    }

    /// M2 / (count - ddof); `None` unless there are more than `ddof` elements.
    pub fn variance(&self, ddof: u64) -> Option<f64> {
        (self.count > ddof).then(|| self.unit.times(self.m2 / (self.count - ddof) as f64, 2))
    }

    /// g1 = m3 / m2^(3/2) with moments over n; `None` where there is no spread.
    pub fn population_skewness(&self) -> Option<f64> {
        let n = self.count as f64;
        self.spread().then(|| n.sqrt() * (self.m3 / self.m2) / self.m2.sqrt())
    }

    /// G1 = g1 sqrt(n (n - 1)) / (n - 2), the adjusted Fisher-Pearson coefficient (Joanes and Gill 1998);
    /// `None` of fewer than three elements, or without spread.
    pub fn sample_skewness(&self) -> Option<f64> {
        let n = self.count as f64;
        let g1 = self.population_skewness().filter(|_| self.count > 2)?;
        Some(g1 * (n * (n - 1.0)).sqrt() / (n - 2.0))
    }

    /// g2 = m4 / m2^2 - 3 with moments over n, 0 for a normal distribution; `None` without spread.
    pub fn population_excess_kurtosis(&self) -> Option<f64> {
        self.spread().then(|| self.count as f64 * (self.m4 / self.m2) / self.m2 - 3.0)
    }

    /// G2 = (n - 1) / ((n - 2) (n - 3)) ((n + 1) g2 + 6) (Joanes and Gill 1998); `None` of fewer than
    /// four elements, or without spread.
    pub fn sample_excess_kurtosis(&self) -> Option<f64> {
        let n = self.count as f64;
        let g2 = self.population_excess_kurtosis().filter(|_| self.count > 3)?;
        Some((n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * g2 + 6.0))
    }

    /// Also true for NaN, which then shows in the answer.
    fn spread(&self) -> bool {
        self.count > 0 && self.m2 != 0.0
    }

    /// From the sums of the first four powers of deviations from `center`, counted in that unit.
    fn around(count: u64, center: f64, [s1, s2, s3, s4]: [f64; 4], unit: Unit) -> Self {
        let off = s1 / count as f64;
        Self {
            count,
            mean: Compensated::of_two(center, unit.times(off, 1)),
            m2: not_negative(s2 - off * s1),
            m3: s3 - off * (3.0 * s2 - 2.0 * off * s1),
            m4: not_negative(s4 - off * (4.0 * s3 - off * (6.0 * s2 - 3.0 * off * s1))),
            unit,
        }
    }

    /// Of elements that are not all finite.
    fn without_spread(count: u64, mean: f64) -> Self {
        let mean = Compensated::of_two(mean, 0.0);
        Self { count, mean, m2: f64::NAN, m3: f64::NAN, m4: f64::NAN, unit: Unit::default() }
    }

    #[inline(always)]
    fn of<T: Element>(block: &Block<'_, T>) -> Self {
        let count = block.len() as u64;
        if count == 0 {
            return Self::default();
        }
        let center = T::mean_of(block);
        if !center.is_finite() {
            return Self::without_spread(count, center);
        }
        let sums_of_powers = sums(
            block,
            #[inline(always)]
            |item| powers(item.deviation(center)),
        );
        if Unit::is_plain(sums_of_powers[1].value()) {
            return Self::around(count, center, sums_of_powers.map(Compensated::value), Unit::default());
        }
        let unit = Unit::of_all(block, |item| item.deviation(center));
        let sums_of_powers = if unit == Unit::default() {
            sums_of_powers
        } else {
            sums(block, |item| powers(unit.deviation(item.to_f64(), center)))
        };
        Self::around(count, center, sums_of_powers.map(Compensated::value), unit)
    }

    #[cfg(feature = "gpu")]
    fn from_gpu(partial: &crate::gpu::Partial<'_>) -> Self {
        let (count, frame) = (partial.census().items(), partial.frame());
        if count == 0 {
            return Self::default();
        }
        if let Some(special) = partial.census().special_sum() {
            return Self::without_spread(count, special);
        }
        let powers = [0, 1, 2, 3].map(|index| f64::from(partial.f32("shape", index)));
        let moments = Self::around(count, f64::from(frame.shift), powers, Unit::default());
        let scale = frame.scale();
        Self {
            count,
            mean: moments.mean.scaled(scale),
            m2: moments.m2 * scale * scale,
            m3: moments.m3 * scale * scale * scale,
            m4: moments.m4 * scale * scale * scale * scale,
            unit: moments.unit,
        }
    }

    fn join(self, other: Self) -> Self {
        if self.count == 0 {
            return other;
        }
        if other.count == 0 {
            return self;
        }
        // In a fixed order of the two, so that merging commutes to the last bit.
        let rank = |m: &Self| (m.count, m.mean.bits(), m.m2.to_bits(), m.m3.to_bits(), m.m4.to_bits(), m.unit);
        let (a, b) = if rank(&self) >= rank(&other) { (self, other) } else { (other, self) };
        let count = a.count + b.count;
        let (n, na, nb) = (count as f64, a.count as f64, b.count as f64);
        let spread = |m: &Self| (m.m2 != 0.0).then_some(m.unit);
        let Step { unit, delta, mean } = Step::between(a.mean, b.mean, nb / n, spread(&a).max(spread(&b)));
        let (a, b) = (a.counted_in(unit), b.counted_in(unit));
        let step = delta / n;
        let product = na * nb * step * delta;
        let m3 = a.m3 + b.m3 + product * step * (na - nb) + 3.0 * step * (na * b.m2 - nb * a.m2);
        let m4 = a.m4
            + b.m4
            + product * step * step * (na * na - na * nb + nb * nb)
            + 6.0 * step * step * (na * na * b.m2 + nb * nb * a.m2)
            + 4.0 * step * (na * b.m3 - nb * a.m3);
        Self { count, mean, m2: a.m2 + b.m2 + product, m3, m4: not_negative(m4), unit }
    }

    /// The same, its deviations counted in another unit.
    #[inline(always)]
    fn counted_in(self, unit: Unit) -> Self {
        let convert = |sum, power| self.unit.convert(sum, power, unit);
        Self { m2: convert(self.m2, 2), m3: convert(self.m3, 3), m4: convert(self.m4, 4), unit, ..self }
    }
}

#[inline(always)]
fn powers(deviation: f64) -> [f64; 4] {
    let square = deviation * deviation;
    [deviation, square, square * deviation, square * square]
}

impl<T: Element> Aggregator<T> for Shape {
    type State = FourMoments;
    type Output = FourMoments;

    fn identity(&self) -> FourMoments {
        FourMoments::default()
    }
    #[inline]
    fn lift(&self, state: &mut FourMoments, item: &T) {
        self.lift_block(state, &Block::new(std::slice::from_ref(item)));
    }
    #[inline(always)]
    fn merge(&self, state: &mut FourMoments, other: FourMoments) {
        *state = state.join(other);
    }
    fn finish(&self, state: FourMoments) -> FourMoments {
        state
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut FourMoments, block: &Block<'_, T>) {
        *state = state.join(FourMoments::of(block));
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<FourMoments>> {
        Some(crate::gpu::GpuHalf::new(vec![strix_shaders::SHAPE], FourMoments::from_gpu))
    }
}

impl<T: Element> Portable<T> for Shape {
    fn signature(&self) -> Signature {
        format!("shape of {}", T::NAME)
    }
    fn check(&self, state: &FourMoments, items: u64) -> Result<(), String> {
        state.unit.check()?;
        if state.m2 < 0.0 || state.m4 < 0.0 {
            return Err("a sum of even powers is negative".into());
        }
        check_count(state.count, items)
    }
}
