//! Covariance and correlation of two variables.

use serde::{Deserialize, Serialize};

use crate::arithmetic::{Compensated, Step, Unit, not_negative, sums};
use crate::state::{Signature, check_count};
use crate::{Aggregator, Block, Element, Portable};

/// The first two moments of pairs, from which covariance and Pearson correlation are read.
///
/// Blocks are read around their means and merged by the pairwise formulas of Pébay 2008 (SAND2008-6212,
/// equation 3.6). The error of the covariance, relative to the product of the two standard deviations,
/// is at most about `(300 + 8 log2(n)) 2^-53` for n pairs in one push, and a few roundings more for each
/// further push. The correlation does not depend on the scale of either variable, however large or small; a covariance
/// past the largest f64 is infinite, one below the least is 0.
///
/// ```
/// # use strix_reduce::{Covariance, Engine, Reducer};
/// let mut reducer = Reducer::new(Covariance, &Engine::cpu())?;
/// reducer.push(&[(1.0, 2.0), (2.0, 4.0), (3.0, 6.0)])?;
/// let moments = reducer.finish();
/// assert_eq!(moments.sample_covariance(), Some(2.0));
/// assert_eq!(moments.correlation(), Some(1.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Covariance;

/// Count, both means, both sums of squared deviations, and the sum of their products.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CrossMoments {
    /// Pairs seen.
    pub count: u64,
    x: Compensated,
    y: Compensated,
    #[serde(with = "crate::state::float")]
    xx: f64,
    #[serde(with = "crate::state::float")]
    yy: f64,
    #[serde(with = "crate::state::float")]
    xy: f64,
    /// What deviations of x, and of y, are counted in.
    x_unit: Unit,
    y_unit: Unit,
}

impl CrossMoments {
    /// The mean of the first of each pair; `None` of nothing.
    pub fn mean_x(&self) -> Option<f64> {
        (self.count > 0).then(|| self.x.value())
    }

    /// The mean of the second of each pair; `None` of nothing.
    pub fn mean_y(&self) -> Option<f64> {
        (self.count > 0).then(|| self.y.value())
    }

    /// The sum of products of deviations over (count - ddof); `None` unless there are more than `ddof` pairs.
    pub fn covariance(&self, ddof: u64) -> Option<f64> {
        (self.count > ddof).then(|| self.x_unit.product(self.y_unit, self.xy / (self.count - ddof) as f64))
    }

    /// The covariance with ddof 0.
    pub fn population_covariance(&self) -> Option<f64> {
        self.covariance(0)
    }

    /// The covariance with ddof 1.
    pub fn sample_covariance(&self) -> Option<f64> {
        self.covariance(1)
    }

    /// Pearson's correlation coefficient, in [-1, 1]; `None` where either variable has no spread.
    pub fn correlation(&self) -> Option<f64> {
        let spread = self.count > 0 && self.xx != 0.0 && self.yy != 0.0;
        spread.then(|| {
            let r = self.xy / (self.xx * self.yy).sqrt();
            // Not clamp, which would keep NaN out of sight.
            if r.abs() > 1.0 { r.signum() } else { r }
        })
    }

    /// Sums of squared deviations of x and y, and of their products, counted in [`CrossMoments::units`].
    pub(crate) fn deviations(&self) -> (f64, f64, f64) {
        (self.xx, self.yy, self.xy)
    }

    /// What deviations of x, and of y, are counted in.
    pub(crate) fn units(&self) -> (Unit, Unit) {
        (self.x_unit, self.y_unit)
    }

    /// Of pairs that are not all finite.
    fn without_spread(count: u64, x: Compensated, y: Compensated) -> Self {
        let (x_unit, y_unit) = (Unit::default(), Unit::default());
        Self { count, x, y, xx: f64::NAN, yy: f64::NAN, xy: f64::NAN, x_unit, y_unit }
    }

    #[inline(always)]
    fn of<X: Element, Y: Element>(block: &Block<'_, (X, Y)>) -> Self {
        let (count, n) = (block.len() as u64, block.len() as f64);
        let Some(first) = block.first() else { return Self::default() };
        // A first guess of the means around the first pair, so that no offset costs digits.
        let (x0, y0) = (first.0.to_f64(), first.1.to_f64());
        let first_sums = sums(
            block,
            #[inline(always)]
            |pair| [pair.0.deviation(x0), pair.1.deviation(y0)],
        );
        let [x, y] = first_sums.map(Compensated::value);
        // Of what is further apart than the largest f64, the mean is the sum of shares.
        let mean = |guess: f64, of: fn(&(X, Y)) -> f64| {
            if guess.is_finite() { guess } else { block.iter().map(|pair| of(pair) / n).sum() }
        };
        let (x_mean, y_mean) = (mean(x0 + x / n, |pair| pair.0.to_f64()), mean(y0 + y / n, |pair| pair.1.to_f64()));
        if !(x_mean.is_finite() && y_mean.is_finite()) {
            let [x, y] = [x_mean, y_mean].map(|mean| Compensated::of_two(mean, 0.0));
            return Self::without_spread(count, x, y);
        }
        let mut second_sums = sums(
            block,
            #[inline(always)]
            |pair| products(pair.0.deviation(x_mean), pair.1.deviation(y_mean)),
        );
        let plain = |index: usize| Unit::is_plain(second_sums[index].value());
        let (mut x_unit, mut y_unit) = (Unit::default(), Unit::default());
        if !plain(2) {
            x_unit = Unit::of_all(block, |pair| pair.0.deviation(x_mean));
        }
        if !plain(3) {
            y_unit = Unit::of_all(block, |pair| pair.1.deviation(y_mean));
        }
        if (x_unit, y_unit) != (Unit::default(), Unit::default()) {
            second_sums = sums(block, |pair| {
                products(x_unit.deviation(pair.0.to_f64(), x_mean), y_unit.deviation(pair.1.to_f64(), y_mean))
            });
        }
        let [x, y, xx, yy, xy] = second_sums.map(Compensated::value);
        Self {
            count,
            x: Compensated::of_two(x_mean, x_unit.times(x / n, 1)),
            y: Compensated::of_two(y_mean, y_unit.times(y / n, 1)),
            xx: not_negative(xx - x * x / n),
            yy: not_negative(yy - y * y / n),
            xy: xy - x * y / n,
            x_unit,
            y_unit,
        }
    }

    #[cfg(feature = "gpu")]
    fn from_gpu(partial: &crate::gpu::Partial<'_>) -> Self {
        let count = partial.census().items();
        if count == 0 {
            return Self::default();
        }
        let word = |index| partial.u32("covariance", index);
        let sum = |index| f64::from(partial.f32("covariance", index));
        let specials = word(2);
        // The mean of one column, of which `specials` tells in three bits.
        let mean = |finite: u32, specials: u32, sum: f64, frame: crate::gpu::Frame| {
            let bit = |bit: u32| specials >> bit & 1 == 1;
            match crate::gpu::special_sum(bit(0), bit(1), bit(2)) {
                Some(special) => Compensated::of_two(special, 0.0),
                None => Compensated::of_two(f64::from(frame.shift), sum / f64::from(finite)).scaled(frame.scale()),
            }
        };
        let (x_frame, y_frame) = (partial.frame(), partial.second_frame());
        let (x, y) = (mean(word(0), specials, sum(3), x_frame), mean(word(1), specials >> 3, sum(4), y_frame));
        if specials != 0 {
            return Self::without_spread(count, x, y);
        }
        let (n, x_scale, y_scale) = (count as f64, x_frame.scale(), y_frame.scale());
        Self {
            count,
            x,
            y,
            xx: not_negative(sum(5) - sum(3) * sum(3) / n) * x_scale * x_scale,
            yy: not_negative(sum(6) - sum(4) * sum(4) / n) * y_scale * y_scale,
            xy: (sum(7) - sum(3) * sum(4) / n) * x_scale * y_scale,
            x_unit: Unit::default(),
            y_unit: Unit::default(),
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
        let sums = |m: &Self| (m.xx.to_bits(), m.yy.to_bits(), m.xy.to_bits());
        let rank = |m: &Self| (m.count, m.x.bits(), m.y.bits(), sums(m), m.x_unit, m.y_unit);
        let (a, b) = if rank(&self) >= rank(&other) { (self, other) } else { (other, self) };
        let count = a.count + b.count;
        let share = b.count as f64 / count as f64;
        let spread = |squares: f64, unit: Unit| (squares != 0.0).then_some(unit);
        let x = Step::between(a.x, b.x, share, spread(a.xx, a.x_unit).max(spread(b.xx, b.x_unit)));
        let y = Step::between(a.y, b.y, share, spread(a.yy, a.y_unit).max(spread(b.yy, b.y_unit)));
        let xx = |m: &Self| m.x_unit.convert(m.xx, 2, x.unit);
        let yy = |m: &Self| m.y_unit.convert(m.yy, 2, y.unit);
        let xy = |m: &Self| m.y_unit.convert(m.x_unit.convert(m.xy, 1, x.unit), 1, y.unit);
        let weight = a.count as f64 * share;
        Self {
            count,
            x: x.mean,
            y: y.mean,
            xx: xx(&a) + xx(&b) + x.delta * x.delta * weight,
            yy: yy(&a) + yy(&b) + y.delta * y.delta * weight,
            xy: xy(&a) + xy(&b) + x.delta * y.delta * weight,
            x_unit: x.unit,
            y_unit: y.unit,
        }
    }
}

#[inline(always)]
fn products(x: f64, y: f64) -> [f64; 5] {
    [x, y, x * x, y * y, x * y]
}

impl<X: Element, Y: Element> Aggregator<(X, Y)> for Covariance {
    type State = CrossMoments;
    type Output = CrossMoments;

    fn identity(&self) -> CrossMoments {
        CrossMoments::default()
    }
    #[inline]
    fn lift(&self, state: &mut CrossMoments, item: &(X, Y)) {
        self.lift_block(state, &Block::new(std::slice::from_ref(item)));
    }
    #[inline(always)]
    fn merge(&self, state: &mut CrossMoments, other: CrossMoments) {
        *state = state.join(other);
    }
    fn finish(&self, state: CrossMoments) -> CrossMoments {
        state
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut CrossMoments, block: &Block<'_, (X, Y)>) {
        *state = state.join(CrossMoments::of(block));
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<CrossMoments>> {
        Some(crate::gpu::GpuHalf::new(vec![strix_shaders::COVARIANCE], CrossMoments::from_gpu))
    }
}

impl<X: Element, Y: Element> Portable<(X, Y)> for Covariance {
    fn signature(&self) -> Signature {
        format!("covariance of ({}, {})", X::NAME, Y::NAME)
    }
    fn check(&self, state: &CrossMoments, items: u64) -> Result<(), String> {
        state.x_unit.check()?;
        state.y_unit.check()?;
        if state.xx < 0.0 || state.yy < 0.0 {
            return Err("a sum of squares is negative".into());
        }
        check_count(state.count, items)
    }
}
