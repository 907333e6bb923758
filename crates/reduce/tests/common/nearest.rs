//! An oracle for answers that are rounded once: integers of any size, and whether an f64 is the nearest to their ratio.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use num_bigint::BigInt;
use num_traits::{Float, Signed, ToPrimitive, Zero};

use crate::common::{mixed, normal, unit};

/// All f64 are multiples of `2^-UNIT`.
const UNIT: i32 = 1074;

/// `x * 2^1074`, for a finite x.
fn scaled(x: f64) -> BigInt {
    let (mantissa, exponent, sign) = x.integer_decode();
    // Of a subnormal number the decoded exponent is one too low for its mantissa, which is doubled.
    let whole = if i32::from(exponent) < -UNIT {
        BigInt::from(mantissa >> 1)
    } else {
        BigInt::from(mantissa) << (i32::from(exponent) + UNIT)
    };
    whole * sign
}

/// Panics unless `found` is `numerator / denominator / 2^exponent` rounded to nearest, ties to even.
fn nearest(what: &str, found: f64, numerator: &BigInt, denominator: &BigInt, exponent: i32) {
    // Everything as integers over denominator * 2^exponent * 2^1074.
    let exact = numerator << UNIT;
    let off = |x: &BigInt| (&exact - ((x * denominator) << exponent)).abs();
    let value = |x: f64| if x.is_infinite() { BigInt::from(x.signum() as i8) << (1024 + UNIT) } else { scaled(x) };
    let here = off(&value(found));
    for neighbour in [found.next_up(), found.next_down()] {
        if neighbour.is_nan() || found.is_infinite() && neighbour == found {
            continue;
        }
        let there = off(&value(neighbour));
        assert!(here <= there, "{what}: {found:e} is not the nearest, {neighbour:e} is nearer");
        let even = found.is_infinite() || found.to_bits().is_multiple_of(2);
        assert!(here < there || even, "{what}: {found:e} is a tie that goes to {neighbour:e}");
    }
}

/// The same for a square root: found^2 is compared, with the half ways to its neighbours.
fn nearest_root(what: &str, found: f64, numerator: &BigInt, denominator: &BigInt, exponent: i32) {
    assert!(found >= 0.0, "{what}: {found:e} is no root");
    // (2 x)^2 as integers, against 4 times the exact square.
    let exact = numerator << (2 + 2 * UNIT);
    let square = |a: f64, b: f64| {
        let twice = scaled(a) + scaled(b);
        (&twice * &twice * denominator) << exponent
    };
    if found > 0.0 {
        assert!(square(found, found.next_down()) <= exact, "{what}: {found:e} is too large a root");
    }
    if found.next_up().is_finite() {
        assert!(square(found, found.next_up()) >= exact, "{what}: {found:e} is too small a root");
    }
}

/// Sums of elements and of their squares, over `2^exponent` and its square.
pub struct Oracle {
    n: u64,
    sum: BigInt,
    squares: BigInt,
    exponent: i32,
}

impl Oracle {
    pub fn of(items: &[f64]) -> Self {
        let all: Vec<BigInt> = items.iter().map(|&x| scaled(x)).collect();
        let (sum, squares) = (all.iter().sum(), all.iter().map(|x| x * x).sum());
        Self::of_sums(items.len() as u64, sum, squares, UNIT)
    }

    pub fn of_integers<T: Into<BigInt>>(items: impl Iterator<Item = T>) -> Self {
        let all: Vec<BigInt> = items.map(Into::into).collect();
        Self::of_sums(all.len() as u64, all.iter().sum(), all.iter().map(|x| x * x).sum(), 0)
    }

    pub fn of_sums(n: u64, sum: BigInt, squares: BigInt, exponent: i32) -> Self {
        Self { n, sum, squares, exponent }
    }

    pub fn sum(&self, what: &str, found: f64) {
        nearest(&format!("{what}: sum"), found, &self.sum, &1.into(), self.exponent);
    }

    pub fn mean(&self, what: &str, found: f64) {
        nearest(&format!("{what}: mean"), found, &self.sum, &self.n.into(), self.exponent);
    }

    fn spread(&self, ddof: u64) -> (BigInt, BigInt) {
        (&self.squares * self.n - &self.sum * &self.sum, BigInt::from(self.n) * (self.n - ddof))
    }

    pub fn variance(&self, what: &str, ddof: u64, found: f64) {
        let (numerator, denominator) = self.spread(ddof);
        nearest(&format!("{what}: variance"), found, &numerator, &denominator, 2 * self.exponent);
    }

    pub fn sd(&self, what: &str, ddof: u64, found: f64) {
        let (numerator, denominator) = self.spread(ddof);
        nearest_root(&format!("{what}: sd"), found, &numerator, &denominator, 2 * self.exponent);
    }
}

/// The same of pairs.
pub struct Cross {
    x: Oracle,
    y: Oracle,
    products: BigInt,
}

impl Cross {
    pub fn of(x: &[f64], y: &[f64]) -> Self {
        let products = x.iter().zip(y).map(|(&x, &y)| scaled(x) * scaled(y)).sum();
        Self { x: Oracle::of(x), y: Oracle::of(y), products }
    }

    fn scaled(&self) -> BigInt {
        &self.products * self.x.n - &self.x.sum * &self.y.sum
    }

    pub fn covariance(&self, what: &str, ddof: u64, found: f64) {
        let denominator = BigInt::from(self.x.n) * (self.x.n - ddof);
        nearest(&format!("{what}: covariance"), found, &self.scaled(), &denominator, 2 * UNIT);
    }

    pub fn correlation(&self, what: &str, found: Option<f64>) {
        let (x, y, xy) = (self.x.spread(0).0, self.y.spread(0).0, self.scaled());
        if x.is_zero() || y.is_zero() {
            return assert_eq!(found, None, "{what}: correlation");
        }
        let found = found.unwrap();
        assert!(found == 0.0 || (found < 0.0) == xy.is_negative(), "{what}: the sign of {found}");
        nearest_root(&format!("{what}: correlation"), found.abs(), &(&xy * &xy), &(x * y), 0);
    }
}

/// A length from 1 to 300, short ones more often.
fn length(case: u64) -> usize {
    let bits = mixed(case).next().unwrap();
    1 + (bits % [2, 17, 70, 300][(bits >> 32) as usize % 4]) as usize
}

/// Elements that are hard to sum, of a kind that the case decides.
pub fn hard_f32(case: u64) -> Vec<f32> {
    let n = length(case);
    let finite = |bits: u64| {
        let x = f32::from_bits(bits as u32);
        if x.is_finite() { x } else { f32::from_bits(bits as u32 & 0x807f_ffff) }
    };
    match case % 8 {
        0 => unit(n, case).iter().map(|&x| x as f32).collect(),
        // Every bit pattern: exponents all over the range.
        1 => mixed(case).take(n).map(|bits| finite(bits >> 20)).collect(),
        2 => mixed(case).take(n).map(|bits| f32::from_bits((bits >> 20) as u32 & 0x807f_ffff)).collect(),
        3 => (0..n).map(|i| if i % 2 == 0 { f32::MAX } else { -f32::MAX }).collect(),
        4 => ill_conditioned(n, case, |x| f64::from(x as f32)).iter().map(|&x| x as f32).collect(),
        5 => mixed(case).take(n).map(|bits| 1e30f32 + (bits % 3) as f32 * 1e24).collect(),
        6 => vec![finite(mixed(case).next().unwrap() >> 9); n],
        // All that cancels but for one.
        _ => {
            let half: Vec<f32> = mixed(case).take(n).map(|bits| finite(bits >> 13)).collect();
            half.iter().map(|x| -x).chain(half.iter().copied()).chain([f32::from_bits(1)]).collect()
        }
    }
}

pub fn hard_f64(case: u64) -> Vec<f64> {
    let n = length(case);
    let finite = |bits: u64| {
        let x = f64::from_bits(bits);
        if x.is_finite() { x } else { f64::from_bits(bits & 0x800f_ffff_ffff_ffff) }
    };
    match case % 8 {
        0 => normal(n, case),
        1 => mixed(case).take(n).map(finite).collect(),
        2 => mixed(case).take(n).map(|bits| f64::from_bits(bits & 0x800f_ffff_ffff_ffff)).collect(),
        3 => (0..n).map(|i| if i % 2 == 0 { f64::MAX } else { -f64::MAX }).collect(),
        4 => ill_conditioned(n, case, |x| x),
        5 => mixed(case).take(n).map(|bits| 1e15 + (bits % 3) as f64 * 0.125).collect(),
        6 => vec![finite(mixed(case).next().unwrap()); n],
        _ => {
            let half: Vec<f64> = mixed(case).take(n).map(finite).collect();
            half.iter().map(|x| -x).chain(half.iter().copied()).chain([5e-324]).collect()
        }
    }
}

/// Sums of a condition from 1e3 to 1e35, after Ogita, Rump and Oishi, "Accurate sum and dot product" (2005), algorithm
/// 6.1: large terms first, then terms that cancel what has come together, ever smaller. `round` is to the type wanted.
fn ill_conditioned(n: usize, case: u64, round: fn(f64) -> f64) -> Vec<f64> {
    let condition = (10 + mixed(case ^ 0x5555).next().unwrap() % 107) as f64;
    let half = n.div_ceil(2);
    let mut items: Vec<f64> = Vec::with_capacity(n);
    let mut exact = BigInt::zero();
    let (exponents, signs) = (unit(n, case ^ 0xaaaa), unit(n, case ^ 0x3333));
    for i in 0..n {
        let x = 2.0 * signs[i] - 1.0;
        let exponent = match i {
            // One of the largest is sure to be there.
            0 => condition,
            i if i < half => (exponents[i] * condition).round(),
            i => ((n - 1 - i) as f64 / (n - half) as f64 * condition).round(),
        };
        // To 2^-74, which is enough of the sum so far.
        let so_far = if i < half { 0.0 } else { (&exact >> 1000u32).to_f64().unwrap() * 2f64.powi(-74) };
        items.push(round(x * exponent.exp2() - so_far));
        exact += scaled(items[i]);
    }
    items
}

/// sum |x| over |sum x|, to an order of magnitude; infinite where the sum is 0.
pub fn condition(items: &[f64]) -> f64 {
    let all = || items.iter().map(|&x| scaled(x));
    let (sum, magnitude) = (all().sum::<BigInt>(), all().map(|x| x.abs()).sum::<BigInt>());
    if sum.is_zero() { f64::INFINITY } else { ((magnitude.bits() as f64) - (sum.bits() as f64)).exp2() }
}
