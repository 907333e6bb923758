//! Weighted forms: items come as (value, weight).

use serde::{Deserialize, Serialize};

use crate::arithmetic::{Compensated, Step, Unit, not_negative, sums};
use crate::state::{Signature, check_count};
use crate::{Aggregator, Block, Element, Mean, Portable, Sum, Variance};

/// The weighted form of an aggregator, over (value, weight): `Weighted(Sum)`, `Weighted(Mean)` and
/// `Weighted(Variance)`. Weights are not negative; a negative or NaN weight makes the answer NaN.
///
/// Mean and spread are updated as by West, "Updating mean and variance estimates" (CACM 1979), and merged
/// by Chan, Golub and LeVeque with weights for counts. With n items in one push the error of the spread, relative to
/// it, is at most about `(300 + 8 log2(n)) 2^-53`, and a few roundings more for each further push; that of the mean is
/// as much of the standard deviation, and one rounding; that of the sum is `2^-53 |sum| + n 2^-104 sum(|x w|)`.
/// Values and weights are taken as f64, to which 64-bit integers round. Neither is too large or too small for the mean;
/// a spread past the largest f64 is infinite, one below the least is 0.
///
/// ```
/// # use strix_reduce::{Engine, Mean, Reducer, Weighted};
/// let mut reducer = Reducer::new(Weighted(Mean), &Engine::cpu())?;
/// reducer.push(&[(10.0, 1.0), (40.0, 2.0)])?;
/// assert_eq!(reducer.finish(), Some(30.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weighted<A>(
    /// The plain form.
    pub A,
);

/// How many values weigh something, the sum of their weights and what it leaves free, the weighted mean and the
/// weighted sum of squared deviations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WeightedMoments {
    count: u64,
    weight: Compensated,
    /// W - W2 / W, where W2 is the sum of squared weights, held as such: that difference would cancel.
    #[serde(with = "crate::state::float")]
    freedom: f64,
    mean: Compensated,
    #[serde(with = "crate::state::float")]
    m2: f64,
    /// What deviations, and what weights, are counted in.
    unit: Unit,
    weight_unit: Unit,
}

impl WeightedMoments {
    /// The sum of the weights.
    pub fn weight(&self) -> f64 {
        self.weight_unit.times(self.weight.value(), 1)
    }

    /// The weighted mean; `None` where there is no weight.
    pub fn mean(&self) -> Option<f64> {
        self.weighs().then(|| self.mean.value())
    }

    /// The weighted sum of squared deviations over the weight; `None` where there is no weight.
    pub fn population_variance(&self) -> Option<f64> {
        self.weighs().then(|| self.unit.times(self.m2 / self.weight.value(), 2))
    }

    /// For weights that say how often a value came: over the weight less 1; `None` up to a weight of 1.
    pub fn frequency_variance(&self) -> Option<f64> {
        let freedom = self.weight.value() - self.weight_unit.inverse();
        (freedom > 0.0 || freedom.is_nan()).then(|| self.unit.times(self.m2 / freedom, 2))
    }

    /// For weights that say how far a value is to be trusted: unbiased, over W - W2 / W, where W2 is the sum
    /// of squared weights; `None` of fewer than two values.
    pub fn reliability_variance(&self) -> Option<f64> {
        // Rounding may leave a single value a little freedom.
        let free = self.count > 1 && (self.freedom > 0.0 || self.freedom.is_nan());
        free.then(|| self.unit.times(self.m2 / self.freedom, 2))
    }

    fn weighs(&self) -> bool {
        self.count > 0
    }

    #[inline(always)]
    fn of<T: Element, W: Element>(block: &[(T, W)]) -> Self {
        let Some(first) = block.first() else { return Self::default() };
        // Around a value of the block, so that no offset costs digits.
        let origin = Some(first.0.to_f64()).filter(|origin| origin.is_finite()).unwrap_or_default();
        let plain = Self::around::<false, T, W>(block, origin, Unit::default(), Unit::default());
        // Where that value is so far from a far heavier one that the mean is off by more than the spread: again, from
        // the mean that was found.
        let again = |(moments, off): (Self, f64)| {
            let Self { m2, mean, unit, weight_unit, .. } = moments;
            if off > m2 { Self::around::<true, T, W>(block, mean.value(), unit, weight_unit).0 } else { moments }
        };
        let weight = plain.0.weight.value();
        if Unit::of(weight) == Some(Unit::default()) && Unit::is_plain(plain.0.m2 / weight) {
            return again(plain);
        }
        // Not one in which a weight vanishes: an f64 holds weights further apart.
        let weights = Unit::of_all(block, |pair| pair.1.to_f64());
        let weights =
            if block.iter().any(|pair| vanishes(pair.1.to_f64(), weights)) { Unit::default() } else { weights };
        let values = Unit::of_all(block, |pair| if pair.1.to_f64() == 0.0 { 0.0 } else { pair.0.deviation(origin) });
        if (values, weights) == (Unit::default(), Unit::default()) {
            return again(plain);
        }
        again(Self::around::<true, T, W>(block, origin, values, weights))
    }

    /// Of a block whose values are taken relative to `origin`; and what was taken off the squared deviations, as
    /// their center was not the mean. Unless it is `SCALED`, both units are 1.
    #[inline(always)]
    fn around<const SCALED: bool, T: Element, W: Element>(
        block: &[(T, W)],
        origin: f64,
        unit: Unit,
        weight_unit: Unit,
    ) -> (Self, f64) {
        let [count, weight, sum] = sums(
            block,
            #[inline(always)]
            |(value, w)| {
                let w = counted::<SCALED>(valid(w.to_f64()), weight_unit);
                // What weighs nothing does not count, even where it is infinite.
                let weighs = if w == 0.0 { 0.0 } else { 1.0 };
                [weighs, w, if w == 0.0 { 0.0 } else { deviation::<SCALED, T>(*value, origin, unit) * w }]
            },
        );
        let (count, total) = (count.value() as u64, weight.value());
        if count == 0 {
            return (Self::default(), 0.0);
        }
        let center = if SCALED {
            unit.times(origin * unit.inverse() + sum.value() / total, 1)
        } else {
            origin + sum.value() / total
        };
        if !center.is_finite() {
            let (mean, m2, freedom) = (Compensated::of_two(center, 0.0), f64::NAN, f64::NAN);
            return (Self { count, weight, freedom, mean, m2, unit, weight_unit }, 0.0);
        }
        let [residue, m2, freedom] = sums(
            block,
            #[inline(always)]
            |(value, w)| {
                let w = counted::<SCALED>(w.to_f64(), weight_unit);
                let deviation = if w == 0.0 { 0.0 } else { deviation::<SCALED, T>(*value, center, unit) };
                [deviation * w, deviation * deviation * w, shared(w, weight.less(w), total)]
            },
        )
        .map(Compensated::value);
        let off = residue / total;
        let m2 = not_negative(m2 - off * residue);
        let mean = Compensated::of_two(center, unit.times(off, 1));
        (Self { count, weight, freedom, mean, m2, unit, weight_unit }, off * residue)
    }

    #[cfg(feature = "gpu")]
    fn from_gpu(partial: &crate::gpu::Partial<'_>) -> Self {
        let count = u64::from(partial.u32("weighted", 0));
        if count == 0 {
            return Self::default();
        }
        let sums = WeightedSums::of(partial);
        let weight = Compensated::of_two(sums.weight(), 0.0);
        if let Some(mean) = sums.special_mean() {
            let (mean, m2, freedom) = (Compensated::of_two(mean, 0.0), f64::NAN, f64::NAN);
            return Self { count, weight, freedom, mean, m2, unit: Unit::default(), weight_unit: Unit::default() };
        }
        let WeightedSums { values, weights, weight: w, squares_of_weights, total, squares, .. } = sums;
        let mean = Compensated::of_two(f64::from(values.shift), total / w).scaled(values.scale());
        let m2 = not_negative(squares - total * total / w) * values.scale() * values.scale() * weights.scale();
        let freedom = not_negative(w - squares_of_weights / w) * weights.scale();
        Self { count, weight, freedom, mean, m2, unit: Unit::default(), weight_unit: Unit::default() }
    }

    fn join(self, other: Self) -> Self {
        if !self.weighs() {
            return other;
        }
        if !other.weighs() {
            return self;
        }
        let lighter = if self.weight_unit < other.weight_unit { &self } else { &other };
        let weight_unit = match self.weight_unit.max(other.weight_unit) {
            unit if vanishes(lighter.weight_unit.times(lighter.weight.value(), 1), unit) => Unit::default(),
            unit => unit,
        };
        let (one, other) = (self.counted_in(self.unit, weight_unit), other.counted_in(other.unit, weight_unit));
        // The heavier first: the mean is moved from its, by the lighter one's share of the way, so that the rounding of
        // that move stays below the spread. And a fixed order of the two, so that merging commutes to the last bit.
        let rank = |m: &Self| (m.weight.bits(), m.count, m.mean.bits(), m.m2.to_bits(), m.freedom.to_bits(), m.unit);
        let (a, b) = if rank(&one) >= rank(&other) { (one, other) } else { (other, one) };
        let weight = a.weight.plus(b.weight);
        let share = b.weight.value() / weight.value();
        let spread = |m: &Self| (m.m2 != 0.0).then_some(m.unit);
        let Step { unit, delta, mean } = Step::between(a.mean, b.mean, share, spread(&a).max(spread(&b)));
        let (a, b) = (a.counted_in(unit, weight_unit), b.counted_in(unit, weight_unit));
        let between = shared(a.weight.value(), b.weight.value(), weight.value());
        let m2 = a.m2 + b.m2 + delta * delta * between;
        // W - W2 / W of both together, of terms that are all positive.
        let other_share = a.weight.value() / weight.value();
        let freedom = a.freedom * other_share + b.freedom * share + 2.0 * between;
        Self { count: a.count + b.count, weight, freedom, mean, m2, unit, weight_unit }
    }

    /// The same, counted in other units.
    #[inline(always)]
    fn counted_in(self, unit: Unit, weight_unit: Unit) -> Self {
        let weigh = |weight| self.weight_unit.convert(weight, 1, weight_unit);
        let m2 = weigh(self.unit.convert(self.m2, 2, unit));
        Self { weight: self.weight.map(weigh), freedom: weigh(self.freedom), m2, unit, weight_unit, ..self }
    }

    fn check(&self, items: u64) -> Result<(), String> {
        self.unit.check()?;
        self.weight_unit.check()?;
        let weight = self.weight.value();
        if weight < 0.0 || self.m2 < 0.0 || self.freedom < 0.0 {
            return Err("a weight or a spread is negative".into());
        }
        check_count(self.count, items)
    }
}

/// What `weighted.wgsl` left.
#[cfg(feature = "gpu")]
struct WeightedSums {
    specials: u32,
    values: crate::gpu::Frame,
    weights: crate::gpu::Frame,
    weight: f64,
    squares_of_weights: f64,
    total: f64,
    squares: f64,
}

#[cfg(feature = "gpu")]
impl WeightedSums {
    fn of(partial: &crate::gpu::Partial<'_>) -> Self {
        let sum = |index| f64::from(partial.f32("weighted", index));
        Self {
            specials: partial.u32("weighted", 1),
            values: partial.weighed_frame(),
            weights: partial.second_frame(),
            weight: sum(2),
            squares_of_weights: sum(3),
            total: sum(4),
            squares: sum(5),
        }
    }

    fn has(&self, bit: u32) -> bool {
        self.specials & bit != 0
    }

    /// The sum of the weights: NaN with one that is negative or NaN.
    fn weight(&self) -> f64 {
        match (self.has(8), self.has(16)) {
            (true, _) => f64::NAN,
            (_, true) => f64::INFINITY,
            _ => self.weight * self.weights.scale(),
        }
    }

    /// What special values or weights make of the mean; `None` where there are none.
    fn special_mean(&self) -> Option<f64> {
        let undefined = self.has(8) || self.has(16);
        crate::gpu::special_sum(undefined || self.has(1), self.has(2), self.has(4))
    }

    /// The sum of products, by IEEE's rules where a factor is special.
    fn sum(&self) -> Compensated {
        if let Some(special) = crate::gpu::special_sum(self.has(32), self.has(64), self.has(128)) {
            return Compensated::of_two(special, 0.0);
        }
        // Both factors are f32, so the product is exact.
        let product = f64::from(self.values.shift) * self.weight;
        Compensated::of_two(product, self.total).scaled(self.values.scale()).scaled(self.weights.scale())
    }
}

/// `a b / total` of parts of a total, none of which leaves the range of its factors.
#[inline(always)]
fn shared(a: f64, b: f64, total: f64) -> f64 {
    a.max(b) / total * a.min(b)
}

/// Whether a weight is too small to be counted in that unit.
fn vanishes(weight: f64, unit: Unit) -> bool {
    weight > 0.0 && weight * unit.inverse() < f64::MIN_POSITIVE
}

/// A weight, counted in that unit.
#[inline(always)]
fn counted<const SCALED: bool>(weight: f64, unit: Unit) -> f64 {
    if SCALED { weight * unit.inverse() } else { weight }
}

/// How far a value is from `center`, counted in that unit.
#[inline(always)]
fn deviation<const SCALED: bool, T: Element>(value: T, center: f64, unit: Unit) -> f64 {
    if SCALED && unit != Unit::default() { unit.deviation(value.to_f64(), center) } else { value.deviation(center) }
}

/// A weight as it may be, else NaN.
#[inline(always)]
fn valid(weight: f64) -> f64 {
    if weight >= 0.0 { weight } else { f64::NAN }
}

/// Implements the weighted form of `$plain` by one state and one way to read it.
macro_rules! weighted {
    ($plain:ident, $name:literal, $state:ty, $output:ty, $of:expr, $join:expr, $finish:expr, $check:expr, $gpu:expr) => {
        impl<T: Element, W: Element> Aggregator<(T, W)> for Weighted<$plain> {
            type State = $state;
            type Output = $output;

            fn identity(&self) -> $state {
                <$state>::default()
            }
            #[inline]
            fn lift(&self, state: &mut $state, item: &(T, W)) {
                self.lift_block(state, &Block::new(std::slice::from_ref(item)));
            }
            #[inline(always)]
            fn merge(&self, state: &mut $state, other: $state) {
                let join: fn($state, $state) -> $state = $join;
                *state = join(*state, other);
            }
            fn finish(&self, state: $state) -> $output {
                let finish: fn($state) -> $output = $finish;
                finish(state)
            }
            #[inline(always)]
            fn lift_block(&self, state: &mut $state, block: &Block<'_, (T, W)>) {
                let of: fn(&[(T, W)]) -> $state = $of;
                Aggregator::<(T, W)>::merge(self, state, of(block));
            }

            #[cfg(feature = "gpu")]
            fn gpu(&self) -> Option<crate::gpu::GpuHalf<$state>> {
                let read: fn(&crate::gpu::Partial<'_>) -> $state = $gpu;
                Some(crate::gpu::GpuHalf::new(vec![strix_shaders::WEIGHTED], read))
            }
        }

        impl<T: Element, W: Element> Portable<(T, W)> for Weighted<$plain> {
            fn signature(&self) -> Signature {
                format!(concat!("weighted ", $name, " of ({}, {})"), T::NAME, W::NAME)
            }
            fn check(&self, state: &$state, items: u64) -> Result<(), String> {
                let check: fn(&$state, u64) -> Result<(), String> = $check;
                check(state, items)
            }
        }
    };
}

/// How many items, and the compensated sum of value times weight.
type WeightedSum = (u64, Compensated);

#[inline(always)]
fn sum_of<T: Element, W: Element>(block: &[(T, W)]) -> WeightedSum {
    let mut sum = Compensated::default();
    for (value, weight) in block {
        let (value, weight) = (value.to_f64(), valid(weight.to_f64()));
        let product = value * weight;
        // The product's own error is exact by the fused operation.
        let error = if product.is_finite() { f64::mul_add(value, weight, -product) } else { 0.0 };
        sum = sum.plus(Compensated::of_two(product, error));
    }
    (block.len() as u64, sum)
}

#[inline(always)]
fn both_sums(a: WeightedSum, b: WeightedSum) -> WeightedSum {
    (a.0 + b.0, a.1.plus(b.1))
}

weighted!(
    Sum,
    "sum",
    WeightedSum,
    Option<f64>,
    sum_of::<T, W>,
    both_sums,
    |(count, sum)| (count > 0).then(|| sum.value()),
    |state, items| check_count(state.0, items),
    |partial| (partial.census().items(), WeightedSums::of(partial).sum())
);
weighted!(
    Mean,
    "mean",
    WeightedMoments,
    Option<f64>,
    WeightedMoments::of::<T, W>,
    WeightedMoments::join,
    |state| state.mean(),
    WeightedMoments::check,
    WeightedMoments::from_gpu
);
weighted!(
    Variance,
    "variance",
    WeightedMoments,
    WeightedMoments,
    WeightedMoments::of::<T, W>,
    WeightedMoments::join,
    |state| state,
    WeightedMoments::check,
    WeightedMoments::from_gpu
);
