//! The fused f32 kernel: the blocks that could fool it, and the same bits whatever is asked beside.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fmt::Debug;

use crate::common::{Exact, error, mixed, to_f64, unit};
use strix_reduce::{
    Aggregator, ArgMax, ArgMin, Count, Engine, Max, Mean, Min, NanPolicy, Range, Reducer, Sum, Variance,
};

fn answer<A: Aggregator<f32, Output: Debug>>(aggregator: A, items: &[f32]) -> A::Output {
    let mut reducer = Reducer::new(aggregator, &Engine::cpu()).unwrap().nan_policy(NanPolicy::Propagate);
    reducer.push(items).unwrap();
    reducer.finish()
}

/// Every length up to 200, and around one and two blocks.
fn lengths() -> impl Iterator<Item = usize> {
    (0..200).chain([255, 256, 257, 4079, 4080, 4095, 4096, 4097, 4112, 8191, 8192, 8193])
}

/// Finite blocks. The kernel takes its center from every step-th item, of which there are about sixteen.
fn finite(n: usize) -> Vec<(&'static str, Vec<f32>)> {
    let step = n.min(4096).div_ceil(16) | 1;
    let noise: Vec<f32> = unit(n, 1).into_iter().map(|u| u as f32 - 0.5).collect();
    let outliers = |far: f32| -> Vec<f32> {
        noise.iter().enumerate().map(|(i, x)| if i % 4096 % step == 0 { far + x } else { *x }).collect()
    };
    let scaled = |by: f32, offset: f32| -> Vec<f32> { noise.iter().map(|x| x * by + offset).collect() };
    vec![
        ("constant", vec![0.1; n]),
        ("the center an outlier", outliers(1000.0)),
        ("the center far away", outliers(1e20)),
        ("alternating signs", (0..n).map(|i| if i % 2 == 0 { 1.5 } else { -1.5 }).collect()),
        ("alternating with noise", (0..n).map(|i| if i % 2 == 0 { 1e4 } else { -1e4 } + noise[i]).collect()),
        ("huge", scaled(3.4e38, 0.0)),
        ("tiny", scaled(1e-38, 0.0)),
        ("subnormal", mixed(3).take(n).map(|bits| f32::from_bits(bits as u32 & 0x807f_ffff)).collect()),
        ("offset", scaled(1.0, 1e6)),
        ("zeros of both signs", (0..n).map(|i| if i % 3 == 0 { -0.0 } else { 0.0 }).collect()),
        ("all but one -0", (0..n).map(|i| if i + 1 == n { 0.0 } else { -0.0 }).collect()),
        ("positive and -0", (0..n).map(|i| if i % 5 == 4 { -0.0 } else { 1.0 }).collect()),
    ]
}

#[test]
fn statistics_are_within_their_bounds() {
    let unit = 2f64.powi(-53);
    for n in lengths().filter(|&n| n > 0) {
        for (kind, items) in finite(n) {
            let exact = Exact::of(&items.iter().map(|&x| x.into()).collect::<Vec<f64>>());
            let (sum, mean, moments) = answer((Sum, Mean, Variance), &items);
            let place = format!("{kind}, {n} elements");
            let bound = unit * to_f64(&exact.sum).abs() + 2f64.powi(-44) * to_f64(&exact.magnitude);
            let off = error(sum.unwrap(), &exact.sum);
            assert!(off <= bound, "sum of {place}: off by {off:e}, bound {bound:e}");
            let off = error(mean.unwrap(), &exact.mean);
            assert!(off <= 2.0 * bound / n as f64, "mean of {place}: off by {off:e}");
            let variance = to_f64(&exact.variance);
            let bound = (3000.0 + 8.0 * (n as f64).log2()) * unit * variance;
            let off = error(moments.population_variance().unwrap(), &exact.variance);
            assert!(off <= bound, "variance of {place}: off by {off:e}, bound {bound:e}");
            let off = error(moments.mean().unwrap(), &exact.mean);
            let bound = unit * to_f64(&exact.mean).abs() + 3000.0 * unit * variance.sqrt();
            assert!(off <= bound, "mean of the moments of {place}: off by {off:e}, bound {bound:e}");
        }
    }
}

/// Finite blocks and those with NaN and infinities in them.
fn all(n: usize) -> Vec<(&'static str, Vec<f32>)> {
    let mut kinds = finite(n);
    for (kind, special) in [
        ("a NaN", [f32::NAN, f32::NAN]),
        ("a negative NaN", [-f32::NAN, -f32::NAN]),
        ("an infinity", [f32::INFINITY, f32::INFINITY]),
        ("a negative infinity", [f32::NEG_INFINITY, f32::NEG_INFINITY]),
        ("both infinities", [f32::INFINITY, f32::NEG_INFINITY]),
        ("an infinity and a NaN", [f32::NEG_INFINITY, f32::NAN]),
    ] {
        let mut items: Vec<f32> = unit(n, 2).into_iter().map(|u| u as f32 - 0.5).collect();
        for (i, x) in special.into_iter().enumerate() {
            if let Some(item) = items.get_mut((i + 1) * n / 3) {
                *item = x;
            }
        }
        kinds.push((kind, items));
    }
    kinds.push(("nothing but infinity", vec![f32::NEG_INFINITY; n]));
    kinds
}

#[test]
fn extremes_are_those_of_the_total_order_and_nan() {
    for n in lengths() {
        for (kind, items) in all(n) {
            let nan = items.iter().any(|x| x.is_nan());
            let of = |pick: fn(f32, f32) -> bool| {
                let best = items.iter().copied().reduce(|a, b| if pick(b, a) { b } else { a });
                best.map(|x| if nan { f32::NAN.to_bits() } else { x.to_bits() })
            };
            let wanted = (of(|b, a| b.total_cmp(&a).is_lt()), of(|b, a| b.total_cmp(&a).is_gt()));
            for found in [answer((Min, Max), &items), {
                let (_, _, least, greatest) = answer((Variance, Sum, Min, Max), &items);
                (least, greatest)
            }] {
                assert_eq!((found.0.map(f32::to_bits), found.1.map(f32::to_bits)), wanted, "{kind}, {n} elements");
            }
        }
    }
}

#[test]
fn specials_follow_ieee() {
    for n in [3, 40, 4096, 5000] {
        for (kind, items) in all(n) {
            let (sum, mean, moments) = answer((Sum, Mean, Variance), &items);
            let plain: f64 = items.iter().map(|&x| f64::from(x)).sum();
            if !plain.is_finite() {
                let same = |found: Option<f64>| found.is_some_and(|x| x == plain || (x.is_nan() && plain.is_nan()));
                assert!(same(sum) && same(mean) && same(moments.mean()), "{kind}: {sum:?} {mean:?} {moments:?}");
                assert!(moments.population_variance().is_some_and(f64::is_nan), "{kind}: {moments:?}");
            }
        }
    }
}

#[test]
fn every_fact_has_the_same_bits_whatever_is_asked_beside() {
    fn text(x: &impl Debug) -> String {
        format!("{x:?}")
    }
    for n in lengths() {
        for (kind, items) in all(n) {
            let place = format!("{kind}, {n} elements");
            let alone =
                (text(&answer(Sum, &items)), text(&answer(Variance, &items)), text(&answer((Min, Max), &items)));
            let (sum, moments, least, greatest) = answer((Sum, Variance, Min, Max), &items);
            assert_eq!((text(&sum), text(&moments), text(&(least, greatest))), alone, "{place}");
            let (greatest, moments, least, sum) = answer((Max, Variance, Min, Sum), &items);
            assert_eq!((text(&sum), text(&moments), text(&(least, greatest))), alone, "{place}");
            let (sum, moments) = answer((Sum, Variance), &items);
            assert_eq!((text(&sum), text(&moments)), (alone.0.clone(), alone.1.clone()), "{place}");
            let (least, sum, greatest) = answer((Min, Sum, Max), &items);
            assert_eq!((text(&sum), text(&(least, greatest))), (alone.0.clone(), alone.2.clone()), "{place}");
            let (_, mean, range, _, _) = answer((Count, Mean, Range, ArgMin, ArgMax), &items);
            assert_eq!(
                (text(&mean), text(&range)),
                (text(&answer(Mean, &items)), text(&answer(Range, &items))),
                "{place}"
            );
            // A block of which nobody said what will be asked.
            if n <= 4096 {
                let of = (Sum, Variance, Min, Max);
                let (sum, moments, least, greatest) = Aggregator::<f32>::finish(&of, of.state_of(&items));
                assert_eq!((text(&sum), text(&moments), text(&(least, greatest))), alone, "{place}");
            }
        }
    }
}
