//! Data sets and exact oracles that the engine tests share.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use num_bigint::BigInt;
use num_rational::BigRational;

/// A fixed sequence of well-mixed u64 (SplitMix64): the tests need no randomness, only disorder.
pub fn mixed(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

/// Uniform in [0, 1).
pub fn unit(n: usize, seed: u64) -> Vec<f64> {
    mixed(seed).take(n).map(|bits| (bits >> 11) as f64 / (1u64 << 53) as f64).collect()
}

/// The kinds of data that break reductions, by name.
pub fn kinds(n: usize) -> Vec<(&'static str, Vec<f32>)> {
    let uniform: Vec<f32> = unit(n, 1).into_iter().map(|u| u as f32 - 0.25).collect();
    let mut cancelling: Vec<f32> = unit(n, 2).into_iter().map(|u| ((u - 0.5) * 1e20) as f32).collect();
    for i in (1..n).step_by(2) {
        cancelling[i] = -cancelling[i - 1];
    }
    let any_finite = mixed(5).map(|bits| f32::from_bits(bits as u32)).filter(|x| x.is_finite()).take(n).collect();
    let mut outlier = vec![1.0f32; n];
    if let Some(x) = outlier.get_mut(n / 2) {
        *x = 1e30;
    }
    vec![
        ("constant", vec![0.1; n]),
        ("huge offset", unit(n, 3).into_iter().map(|u| (1e8 + 1000.0 * u) as f32).collect()),
        ("sorted ramp", (0..n).map(|i| i as f32 * 0.5).collect()),
        ("cancelling", cancelling),
        ("subnormal", mixed(4).take(n).map(|bits| f32::from_bits(bits as u32 & 0x807f_ffff)).collect()),
        ("largest", (0..n).map(|i| if i % 3 == 0 { f32::MIN } else { f32::MAX }).collect()),
        ("any finite", any_finite),
        ("one outlier", outlier),
        ("zeros of both signs", (0..n).map(|i| if i % 2 == 0 { 0.0 } else { -0.0 }).collect()),
        ("uniform", uniform),
        // A tile of zeros beside tiles of next to nothing, and tiles that are constant each.
        ("zeros, then tiny", (0..n).map(|i| if i < 8192 { 0.0 } else { 1e-25 * (i % 3) as f32 - 1e-25 }).collect()),
        ("constant a tile", (0..n).map(|i| if (i / 8192) % 2 == 0 { 0.1 } else { 3.7 }).collect()),
    ]
}

pub fn rational(x: f64) -> BigRational {
    BigRational::from_float(x).unwrap()
}

pub fn to_f64(x: &BigRational) -> f64 {
    use num_traits::ToPrimitive;
    x.to_f64().unwrap()
}

/// Exact count, mean and population variance.
pub struct Exact {
    pub sum: BigRational,
    pub mean: BigRational,
    pub variance: BigRational,
    pub magnitude: BigRational,
}

impl Exact {
    pub fn of(items: &[f64]) -> Self {
        let n = BigRational::from_integer(BigInt::from(items.len()));
        let zero = || BigRational::from_integer(BigInt::from(0));
        let sum = items.iter().fold(zero(), |a, &x| a + rational(x));
        let magnitude = items.iter().fold(zero(), |a, &x| a + rational(x.abs()));
        let mean = &sum / &n;
        let squares = items.iter().fold(zero(), |a, &x| {
            let d = rational(x) - &mean;
            a + &d * &d
        });
        Self { variance: squares / n, sum, mean, magnitude }
    }
}

/// |found - exact|, as f64.
pub fn error(found: f64, exact: &BigRational) -> f64 {
    let difference = rational(found) - exact;
    to_f64(&difference).abs()
}

/// The state of the items cut into `pieces`, each shifted to its place and merged in an order drawn from `seed`.
pub fn in_pieces<T, A: strix_reduce::Aggregator<T>>(aggregator: &A, items: &[T], pieces: usize, seed: u64) -> A::State {
    let cut = |piece: usize| piece * items.len() / pieces;
    let part = |piece: usize| {
        let mut state = aggregator.state_of(&items[cut(piece)..cut(piece + 1)]);
        aggregator.shift(&mut state, cut(piece) as u64);
        state
    };
    let mut states: Vec<A::State> = (0..pieces).map(part).collect();
    let mut random = mixed(seed);
    while states.len() > 1 {
        let mut pick = || states.swap_remove(random.next().unwrap() as usize % states.len());
        let (mut a, b) = (pick(), pick());
        aggregator.merge(&mut a, b);
        states.push(a);
    }
    states.pop().unwrap_or_else(|| aggregator.identity())
}

/// Floats that break things, beside ties and values far from 0: for exact aggregators.
pub fn hostile() -> impl proptest::strategy::Strategy<Value = f64> {
    use proptest::prelude::*;
    let special = [0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE, 5e-324, 1.0];
    prop_oneof![
        2 => prop::sample::select(special.to_vec()),
        2 => (-5i8..5).prop_map(f64::from),
        1 => any::<u64>().prop_map(f64::from_bits),
        1 => (0u16..9).prop_map(|x| 1e15 + f64::from(x)),
    ]
}

/// Normally distributed, by Box and Muller.
pub fn normal(n: usize, seed: u64) -> Vec<f64> {
    let (radius, angle) = (unit(n, seed), unit(n, seed ^ 0xabcd));
    let radius = radius.into_iter().map(|u| (-2.0 * (1.0 - u).ln()).sqrt());
    radius.zip(angle).map(|(r, u)| r * (std::f64::consts::TAU * u).cos()).collect()
}
