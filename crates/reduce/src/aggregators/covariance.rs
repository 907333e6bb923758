//! Covariance and correlation of two variables.

use serde::{Deserialize, Serialize};

use crate::arithmetic::{Compensated, not_negative, sums};
use crate::state::{Signature, check_count};
use crate::{Aggregator, Block, Element, Portable};

/// The first two moments of pairs, from which covariance and Pearson correlation are read.
///
/// Blocks are read around their means and merged by the pairwise formulas of Pébay 2008 (SAND2008-6212,
/// equation 3.6). The error of the covariance, relative to the product of the two standard deviations,
/// is at most about `(300 + 8 log2(n)) 2^-53` for n pairs in one push, and a few roundings more for each
/// further push. f64 further apart than the largest f64 give infinity or NaN.
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
        (self.count > ddof).then(|| self.xy / (self.count - ddof) as f64)
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
            let product = self.xx * self.yy;
            // The product of small or large spreads leaves the range of f64.
            let root = if product.is_normal() { product.sqrt() } else { self.xx.sqrt() * self.yy.sqrt() };
            let r = self.xy / root;
            // Not clamp, which would keep NaN out of sight.
            if r.abs() > 1.0 { r.signum() } else { r }
        })
    }

    /// Sums of squared deviations of x and y, and of their products.
    pub(crate) fn deviations(&self) -> (f64, f64, f64) {
        (self.xx, self.yy, self.xy)
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
            return Self { count, x, y, xx: f64::NAN, yy: f64::NAN, xy: f64::NAN };
        }
        let (n, x_scale, y_scale) = (count as f64, x_frame.scale(), y_frame.scale());
        Self {
            count,
            x,
            y,
            xx: not_negative(sum(5) - sum(3) * sum(3) / n) * x_scale * x_scale,
            yy: not_negative(sum(6) - sum(4) * sum(4) / n) * y_scale * y_scale,
            xy: (sum(7) - sum(3) * sum(4) / n) * x_scale * y_scale,
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
        let rank = |m: &Self| (m.count, m.x.bits(), m.y.bits(), m.xx.to_bits(), m.yy.to_bits(), m.xy.to_bits());
        let (a, b) = if rank(&self) >= rank(&other) { (self, other) } else { (other, self) };
        let count = a.count + b.count;
        let share = b.count as f64 / count as f64;
        let delta = |a: Compensated, b: Compensated| b.plus(a.negated()).value();
        let mean = |a: Compensated, b: Compensated, delta: f64| {
            if delta.is_finite() {
                a.plus(Compensated::of_two(delta * share, 0.0))
            } else {
                Compensated::of_two(a.value() * (1.0 - share), b.value() * share)
            }
        };
        let (dx, dy) = (delta(a.x, b.x), delta(a.y, b.y));
        let weight = a.count as f64 * share;
        Self {
            count,
            x: mean(a.x, b.x, dx),
            y: mean(a.y, b.y, dy),
            xx: a.xx + b.xx + dx * dx * weight,
            yy: a.yy + b.yy + dy * dy * weight,
            xy: a.xy + b.xy + dx * dy * weight,
        }
    }
}

impl<X: Element, Y: Element> Aggregator<(X, Y)> for Covariance {
    type State = CrossMoments;
    type Output = CrossMoments;

    fn identity(&self) -> CrossMoments {
        CrossMoments::default()
    }
    #[inline(always)]
    fn lift(&self, item: &(X, Y)) -> CrossMoments {
        self.lift_block(&Block::new(std::slice::from_ref(item)))
    }
    #[inline(always)]
    fn merge(&self, a: CrossMoments, b: CrossMoments) -> CrossMoments {
        a.join(b)
    }
    fn finish(&self, state: CrossMoments) -> CrossMoments {
        state
    }
    #[inline(always)]
    fn lift_block(&self, block: &Block<'_, (X, Y)>) -> CrossMoments {
        let (count, n) = (block.len() as u64, block.len() as f64);
        let Some(first) = block.first() else { return CrossMoments::default() };
        // A first guess of the means around the first pair, so that no offset costs digits.
        let (x0, y0) = (first.0.to_f64(), first.1.to_f64());
        let first_sums = sums(
            block,
            #[inline(always)]
            |pair| [pair.0.deviation(x0), pair.1.deviation(y0)],
        );
        let [x, y] = first_sums.map(Compensated::value);
        let (x_mean, y_mean) = (x0 + x / n, y0 + y / n);
        if !(x_mean.is_finite() && y_mean.is_finite()) {
            let sum = |f: fn(&(X, Y)) -> f64| block.iter().map(f).sum::<f64>() / n;
            let (x, y) = (sum(|pair| pair.0.to_f64()), sum(|pair| pair.1.to_f64()));
            let [x, y] = [x, y].map(|mean| Compensated::of_two(mean, 0.0));
            return CrossMoments { count, x, y, xx: f64::NAN, yy: f64::NAN, xy: f64::NAN };
        }
        let second_sums = sums(
            block,
            #[inline(always)]
            |pair| {
                let (dx, dy) = (pair.0.deviation(x_mean), pair.1.deviation(y_mean));
                [dx, dy, dx * dx, dy * dy, dx * dy]
            },
        );
        let [x, y, xx, yy, xy] = second_sums.map(Compensated::value);
        CrossMoments {
            count,
            x: Compensated::of_two(x_mean, x / n),
            y: Compensated::of_two(y_mean, y / n),
            xx: not_negative(xx - x * x / n),
            yy: not_negative(yy - y * y / n),
            xy: xy - x * y / n,
        }
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
    fn check(&self, state: &CrossMoments) -> Result<(), String> {
        if state.xx < 0.0 || state.yy < 0.0 {
            return Err("a sum of squares is negative".into());
        }
        check_count(state.count)
    }
}
