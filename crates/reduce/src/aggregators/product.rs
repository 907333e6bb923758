//! The product of all elements, and the geometric mean through it.

use serde::{Deserialize, Serialize};

use crate::arithmetic::unit::scaled;
use crate::state::{Signature, check_count};
use crate::{Aggregator, Element, Portable};

/// Multiplies elements; `None` of nothing.
///
/// The running product is a pair of f64 with an exponent of its own, so nothing on the way overflows or
/// underflows: with n elements the relative error is at most `2^-53 + n 2^-102`. A product past the
/// largest f64 is infinite, one below the least is 0. NaN and infinities follow IEEE multiplication.
/// Elements are taken as f64, to which 64-bit integers round.
///
/// ```
/// # use strix_reduce::{Engine, Product, Reducer};
/// let mut reducer = Reducer::new(Product, &Engine::cpu())?;
/// reducer.push(&[1e200, 1e200, 1e-300])?;
/// assert_eq!(reducer.finish(), Some(1e100));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Product;

/// How many factors, and their product as (high + low) 2^exponent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ProductState {
    pub(crate) count: u64,
    /// In [1, 2) with a sign; or 0, infinite or NaN.
    #[serde(with = "crate::state::float")]
    high: f64,
    low: f64,
    exponent: i64,
}

impl ProductState {
    pub(crate) const ONE: Self = Self { count: 0, high: 1.0, low: 0.0, exponent: 0 };

    #[inline(always)]
    pub(crate) fn of(x: f64) -> Self {
        Self { count: 1, high: x, low: 0.0, exponent: 0 }.normal()
    }

    pub(crate) fn times(self, other: Self) -> Self {
        let high = self.high * other.high;
        // The error of the high product is exact by the fused operation.
        let error = f64::mul_add(self.high, other.high, -high);
        let low = error + (self.high * other.low + self.low * other.high);
        // Saturating, for stored states that claim what no machine multiplies; the product is infinite or 0 anyway.
        let (exponent, count) = (self.exponent.saturating_add(other.exponent), self.count + other.count);
        Self { count, high, low, exponent }.normal()
    }

    /// Moves the exponent of `high` to `exponent`, exactly.
    #[inline(always)]
    fn normal(self) -> Self {
        let Self { count, high, low, exponent } = self;
        if high == 0.0 || !high.is_finite() {
            return Self { count, high, low: 0.0, exponent: 0 };
        }
        let sum = high + low;
        let rest = low - (sum - high);
        let (scaled, extra) = if sum.is_subnormal() { (sum * 2f64.powi(64), 64) } else { (sum, 0) };
        let shift = (scaled.to_bits() >> 52 & 0x7ff) as i32 - 1023;
        let down = f64::from_bits(((1023 - shift / 2) as u64) << 52);
        let down_rest = f64::from_bits(((1023 - (shift - shift / 2)) as u64) << 52);
        let up = if extra == 0 { 1.0 } else { 2f64.powi(64) };
        Self {
            count,
            high: scaled * down * down_rest,
            low: rest * up * down * down_rest,
            exponent: exponent.saturating_add(i64::from(shift) - extra),
        }
    }

    /// The product itself.
    pub(crate) fn value(self) -> f64 {
        if self.high == 0.0 || !self.high.is_finite() {
            return self.high;
        }
        let mantissa = self.high + self.low;
        match self.exponent {
            1024.. => f64::INFINITY.copysign(mantissa),
            -1022.. => mantissa * 2f64.powi(self.exponent as i32),
            // The first factor is exact; the second rounds, once, to a subnormal number.
            -1100.. => mantissa * f64::MIN_POSITIVE * 2f64.powi(self.exponent as i32 + 1022),
            _ => 0f64.copysign(mantissa),
        }
    }

    /// The count-th root of the product.
    pub(crate) fn root(self) -> f64 {
        if self.high.is_nan() || self.high < 0.0 {
            return f64::NAN;
        }
        // The whole part of the exponent is exact; what is left of it is below the count, so that the logarithm has no
        // large part whose rounding would show.
        let count = self.count as i64;
        let (whole, rest) = (self.exponent.div_euclid(count), self.exponent.rem_euclid(count));
        let root = ((self.high.log2() + rest as f64) / count as f64).exp2();
        let root = scaled(root, whole.clamp(-4096, 4096) as i32);
        // A mean of finite elements is finite, whatever the rounding of the largest.
        if self.high.is_finite() { root.min(f64::MAX) } else { root }
    }

    pub(crate) fn check(&self, items: u64) -> Result<(), String> {
        check_count(self.count, items)?;
        let normal = (1.0..2.0).contains(&self.high.abs()) && self.low.abs() < 1e-15;
        let special = (self.high == 0.0 || !self.high.is_finite()) && self.low == 0.0 && self.exponent == 0;
        // Each factor brings at most 2^1024 or 2^-1074.
        let reached = self.exponent.unsigned_abs() <= self.count.saturating_mul(1075);
        if (normal && reached) || special { Ok(()) } else { Err("no product has this form".into()) }
    }
}

impl<T: Element> Aggregator<T> for Product {
    type State = ProductState;
    type Output = Option<f64>;

    fn identity(&self) -> ProductState {
        ProductState::ONE
    }
    #[inline(always)]
    fn lift(&self, state: &mut ProductState, item: &T) {
        *state = state.times(ProductState::of(item.to_f64()));
    }
    #[inline(always)]
    fn merge(&self, state: &mut ProductState, other: ProductState) {
        *state = state.times(other);
    }
    fn finish(&self, state: ProductState) -> Option<f64> {
        (state.count > 0).then(|| state.value())
    }
}

impl<T: Element> Portable<T> for Product {
    fn signature(&self) -> Signature {
        format!("product of {}", T::NAME)
    }
    fn check(&self, state: &ProductState, items: u64) -> Result<(), String> {
        state.check(items)
    }
}
