//! Exact forms: correctly rounded answers, and the same bits on every device, in any pieces and any order.

use num_bigint::{BigInt, BigUint};
use num_traits::Signed as _;
use serde::{Deserialize, Serialize};

use crate::arithmetic::Accumulator;
use crate::arithmetic::exact::{Accuracy, ExactElement, FixedPoint, Specials, quotient, root};
use crate::state::Signature;
use crate::{Aggregator, Block, Boxed, Combine, Covariance, Mean, Portable, Sum, Variance};

/// The exact form of an aggregator: `Exact(Sum)`, `Exact(Mean)`, `Exact(Variance)` and, of pairs, `Exact(Covariance)`.
///
/// Nothing rounds but the answer, once, to the nearest f64 (ties to even). The state is a sum of integers, so it is
/// the same bits whatever the order, the pieces, the threads and the devices: equal multisets of elements have
/// equal states. Of floats, infinities and NaN follow IEEE addition, in whatever order; the sum is -0 where every
/// element is -0, and +0 where others cancel; a sum past the largest f64 is infinite, but its mean is not. A variance of
/// elements that are not all finite is NaN. Of nothing there is no value.
///
/// ```
/// # use strix_reduce::{Engine, Exact, Reducer, Sum, Variance};
/// let items = [1e30f32, 1.0, -1e30, 1e-30];
/// let mut reducer = Reducer::new((Exact(Sum), Exact(Variance)), &Engine::cpu())?;
/// reducer.push(&items)?;
/// let (sum, moments) = reducer.finish();
/// assert_eq!(sum, Some(1.0));
/// assert_eq!(moments.mean(), Some(0.25));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exact<A>(
    /// The form that rounds on the way.
    pub A,
);

/// How many elements, and their exact sum.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct ExactSum<T: ExactElement> {
    specials: Specials,
    sum: T::First,
}

/// By hand, as `derive` would ask for a default element.
impl<T: ExactElement> Default for ExactSum<T> {
    fn default() -> Self {
        Self { specials: Specials::default(), sum: T::First::default() }
    }
}

impl<T: ExactElement> ExactSum<T> {
    #[inline(always)]
    fn of(items: &[T]) -> Self {
        let (specials, sum) = T::first(items);
        Self { specials, sum }
    }

    #[inline(always)]
    fn join(self, other: Self) -> Self {
        Self { specials: self.specials.plus(other.specials), sum: self.sum.plus(other.sum) }
    }

    #[cfg(feature = "gpu")]
    fn gpu() -> Option<crate::gpu::GpuHalf<Self>> {
        let (snippets, read) = T::gpu(false)?;
        Some(crate::gpu::GpuHalf::new(snippets, move |partial| {
            let (specials, sum, _) = read(partial);
            Self { specials, sum }
        }))
    }

    fn total(&self) -> Option<<T::Sum as Accumulator<T>>::Total> {
        (self.specials.count > 0).then(|| T::total(&self.sum, &self.specials))
    }

    fn mean(&self) -> Option<f64> {
        mean::<T>(&self.specials, &self.sum)
    }

    fn check(&self, items: u64) -> Result<(), String> {
        check_sum::<T>(&self.specials, &self.sum, items)
    }
}

/// How many elements, and the exact sums of them and of their squares.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct ExactMoments<T: ExactElement> {
    specials: Specials,
    sum: T::First,
    squares: T::Second,
}

/// By hand, as `derive` would ask for a default element.
impl<T: ExactElement> Default for ExactMoments<T> {
    fn default() -> Self {
        Self { specials: Specials::default(), sum: T::First::default(), squares: T::Second::default() }
    }
}

impl<T: ExactElement> ExactMoments<T> {
    /// Elements seen.
    pub fn count(&self) -> u64 {
        self.specials.count
    }

    /// The sum; `None` of nothing.
    pub fn sum(&self) -> Option<<T::Sum as Accumulator<T>>::Total> {
        (self.specials.count > 0).then(|| T::total(&self.sum, &self.specials))
    }

    /// The mean; `None` of nothing.
    pub fn mean(&self) -> Option<f64> {
        mean::<T>(&self.specials, &self.sum)
    }

    /// M2 / (count - ddof), rounded once; `None` unless there are more than `ddof` elements.
    pub fn variance(&self, ddof: u64) -> Option<f64> {
        self.spread(ddof, quotient, 2 * T::UNIT)
    }

    /// The variance with ddof 0.
    pub fn population_variance(&self) -> Option<f64> {
        self.variance(0)
    }

    /// The variance with ddof 1.
    pub fn sample_variance(&self) -> Option<f64> {
        self.variance(1)
    }

    /// The square root of the exact variance, rounded once.
    pub fn sd(&self, ddof: u64) -> Option<f64> {
        self.spread(ddof, root, 2 * T::UNIT)
    }

    /// The standard deviation with ddof 0.
    pub fn population_sd(&self) -> Option<f64> {
        self.sd(0)
    }

    /// The standard deviation with ddof 1.
    pub fn sample_sd(&self) -> Option<f64> {
        self.sd(1)
    }

    fn spread(&self, ddof: u64, round: fn(&BigInt, &BigUint, i64) -> f64, exponent: i64) -> Option<f64> {
        let n = self.specials.count;
        (n > ddof).then(|| {
            if self.specials.finite() < n {
                return f64::NAN;
            }
            let sum = self.sum.to_big();
            // n sum(x^2) - sum(x)^2 = n M2.
            let scaled = self.squares.to_big() * n - &sum * &sum;
            round(&scaled, &(BigUint::from(n) * (n - ddof)), exponent)
        })
    }

    #[cfg(feature = "gpu")]
    fn gpu() -> Option<crate::gpu::GpuHalf<Self>> {
        let (snippets, read) = T::gpu(true)?;
        Some(crate::gpu::GpuHalf::new(snippets, move |partial| {
            let (specials, sum, squares) = read(partial);
            Self { specials, sum, squares }
        }))
    }

    #[inline(always)]
    fn of(items: &[T]) -> Self {
        let (specials, sum, squares) = T::first_and_second(items);
        Self { specials, sum, squares }
    }

    #[inline(always)]
    fn join(self, other: Self) -> Self {
        Self {
            specials: self.specials.plus(other.specials),
            sum: self.sum.plus(other.sum),
            squares: self.squares.plus(other.squares),
        }
    }

    fn check(&self, items: u64) -> Result<(), String> {
        check_sum::<T>(&self.specials, &self.sum, items)?;
        if self.specials.negative_zeros && !self.squares.is_zero() {
            return Err("it says that every element is -0, and squares of others".into());
        }
        check_squares::<T>(self.specials.finite(), &self.sum, &self.squares)
    }
}

/// Exact first and second moments of pairs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct ExactCrossMoments<T: ExactElement> {
    x: ExactMoments<T>,
    y: ExactMoments<T>,
    products: T::Second,
}

/// By hand, as `derive` would ask for a default element.
impl<T: ExactElement> Default for ExactCrossMoments<T> {
    fn default() -> Self {
        Self { x: ExactMoments::default(), y: ExactMoments::default(), products: T::Second::default() }
    }
}

impl<T: ExactElement> ExactCrossMoments<T> {
    /// Pairs seen.
    pub fn count(&self) -> u64 {
        self.x.count()
    }

    /// The moments of the first of each pair.
    pub fn x(&self) -> &ExactMoments<T> {
        &self.x
    }

    /// The moments of the second of each pair.
    pub fn y(&self) -> &ExactMoments<T> {
        &self.y
    }

    /// The sum of products of deviations over (count - ddof), rounded once; `None` unless there are more than `ddof`
    /// pairs.
    pub fn covariance(&self, ddof: u64) -> Option<f64> {
        let n = self.count();
        (n > ddof).then(|| {
            if !self.is_finite() {
                return f64::NAN;
            }
            quotient(&self.scaled(), &(BigUint::from(n) * (n - ddof)), 2 * T::UNIT)
        })
    }

    /// The covariance with ddof 0.
    pub fn population_covariance(&self) -> Option<f64> {
        self.covariance(0)
    }

    /// The covariance with ddof 1.
    pub fn sample_covariance(&self) -> Option<f64> {
        self.covariance(1)
    }

    /// Pearson's correlation coefficient, rounded once; `None` where either variable has no spread.
    pub fn correlation(&self) -> Option<f64> {
        if self.count() > 0 && !self.is_finite() {
            return Some(f64::NAN);
        }
        let spread = |m: &ExactMoments<T>| {
            let sum = m.sum.to_big();
            m.squares.to_big() * m.count() - &sum * &sum
        };
        let spreads = spread(&self.x) * spread(&self.y);
        spreads.is_positive().then(|| {
            let scaled = self.scaled();
            // The units cancel.
            let squared = if scaled.is_negative() { -(&scaled * &scaled) } else { &scaled * &scaled };
            root(&squared, spreads.magnitude(), 0)
        })
    }

    /// n sum(x y) - sum(x) sum(y).
    fn scaled(&self) -> BigInt {
        self.products.to_big() * self.count() - self.x.sum.to_big() * self.y.sum.to_big()
    }

    fn is_finite(&self) -> bool {
        self.x.specials.finite() == self.count() && self.y.specials.finite() == self.count()
    }

    fn of(pairs: &[(T, T)]) -> Self {
        let (x, y): (Vec<T>, Vec<T>) = pairs.iter().copied().unzip();
        Self { x: ExactMoments::of(&x), y: ExactMoments::of(&y), products: T::products(pairs) }
    }

    fn join(self, other: Self) -> Self {
        Self { x: self.x.join(other.x), y: self.y.join(other.y), products: self.products.plus(other.products) }
    }

    fn check(&self, items: u64) -> Result<(), String> {
        self.x.check(items)?;
        self.y.check(items)?;
        if self.x.count() != self.y.count() {
            return Err(format!("it has {} of x and {} of y", self.x.count(), self.y.count()));
        }
        if self.is_finite() {
            let product = self.products.to_big();
            if &product * &product > self.x.squares.to_big() * self.y.squares.to_big() {
                return Err("the sum of products is larger than the squares allow".into());
            }
        }
        within::<T::Second>(&self.products, 2 * T::WIDTH + 2, self.count())
    }
}

fn mean<T: ExactElement>(specials: &Specials, sum: &T::First) -> Option<f64> {
    (specials.count > 0).then(|| {
        let special = specials.sum();
        special.unwrap_or_else(|| quotient(&sum.to_big(), &BigUint::from(specials.count), T::UNIT))
    })
}

fn check_sum<T: ExactElement>(specials: &Specials, sum: &T::First, items: u64) -> Result<(), String> {
    specials.check(sum.is_zero(), items)?;
    if !T::admits(specials, sum.to_big().is_negative()) {
        return Err(format!("no elements of {} are like that: {specials:?}, and a sum of {sum:?}", T::NAME));
    }
    within(sum, T::WIDTH + 1, specials.finite())
}

/// Refuses a sum that is larger than as many terms of that width can have.
fn within<F: FixedPoint>(sum: &F, width: u64, count: u64) -> Result<(), String> {
    if sum.to_big().magnitude() > &(BigUint::from(count) << width) {
        return Err(format!("{count} elements do not sum to {sum:?} units"));
    }
    Ok(())
}

/// Refuses squares that no such elements have: n sum(x^2) is at least sum(x)^2.
fn check_squares<T: ExactElement>(count: u64, sum: &T::First, squares: &T::Second) -> Result<(), String> {
    within(squares, 2 * T::WIDTH + 2, count)?;
    let (sum, squares) = (sum.to_big(), squares.to_big());
    if squares.is_negative() || &sum * &sum > squares * count {
        return Err(format!("{count} elements have no such sum and sum of squares"));
    }
    Ok(())
}

/// Implements the exact form of `$plain` over `$item` by one state and one way to read it.
macro_rules! exact {
    ($plain:ident over $item:ty, $state:ident, $output:ty, $finish:expr, $name:literal $(, gpu $gpu:expr)?) => {
        impl<T: ExactElement> Aggregator<$item> for Exact<$plain> {
            type State = $state<T>;
            type Output = $output;

            fn identity(&self) -> $state<T> {
                $state::default()
            }
            #[inline]
            fn lift(&self, state: &mut $state<T>, item: &$item) {
                *state = state.join($state::of(std::slice::from_ref(item)));
            }
            #[inline(always)]
            fn merge(&self, state: &mut $state<T>, other: $state<T>) {
                *state = state.join(other);
            }
            fn finish(&self, state: $state<T>) -> $output {
                let finish: fn(&$state<T>) -> $output = $finish;
                finish(&state)
            }
            #[inline(always)]
            fn lift_block(&self, state: &mut $state<T>, block: &Block<'_, $item>) {
                *state = state.join($state::of(block));
            }
            fn block_items(&self) -> usize {
                BLOCK
            }
            $(#[cfg(feature = "gpu")]
            fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
                let gpu: fn() -> Option<crate::gpu::GpuHalf<Self::State>> = $gpu;
                gpu()
            })?
        }

        impl<T: ExactElement> Portable<$item> for Exact<$plain> {
            fn signature(&self) -> Signature {
                format!($name, T::NAME)
            }
            fn check(&self, state: &$state<T>, items: u64) -> Result<(), String> {
                state.check(items)
            }
        }
    };
}

/// Items of a block: what a block costs at its end, in additions to wide integers, then weighs little.
const BLOCK: usize = 1 << 16;

exact!(Sum over T, ExactSum, Option<<T::Sum as Accumulator<T>>::Total>, |state| state.total(), "exact sum of {}", gpu ExactSum::gpu);
exact!(Mean over T, ExactSum, Option<f64>, |state| state.mean(), "exact mean of {}", gpu ExactSum::gpu);
exact!(Variance over T, ExactMoments, ExactMoments<T>, |state| *state, "exact variance of {}", gpu ExactMoments::gpu);
exact!(Covariance over (T, T), ExactCrossMoments, ExactCrossMoments<T>, |state| *state, "exact covariance of ({0}, {0})");

impl<A> Combine for Exact<A> {}

impl Accuracy {
    /// The sum.
    pub fn sum<T: ExactElement>(self) -> Boxed<T, Option<<T::Sum as Accumulator<T>>::Total>> {
        match self {
            Self::Fast => Boxed::new(Sum),
            Self::Exact => Boxed::new(Exact(Sum)),
        }
    }

    /// The mean.
    pub fn mean<T: ExactElement>(self) -> Boxed<T, Option<f64>> {
        match self {
            Self::Fast => Boxed::new(Mean),
            Self::Exact => Boxed::new(Exact(Mean)),
        }
    }

    /// The variance over count - ddof.
    pub fn variance<T: ExactElement>(self, ddof: u64) -> Boxed<T, Option<f64>> {
        match self {
            Self::Fast => {
                Boxed::new(Combine::and_then::<T, _, _>(Variance, move |m: crate::SecondMoments| m.variance(ddof)))
            }
            Self::Exact => {
                Boxed::new(Combine::and_then::<T, _, _>(Exact(Variance), move |m: ExactMoments<T>| m.variance(ddof)))
            }
        }
    }
}
