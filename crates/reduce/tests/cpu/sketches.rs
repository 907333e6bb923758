//! The sketches' documented errors: ranks of quantiles, distinct counts, frequent values.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::collections::HashMap;

use crate::common::{in_pieces, mixed, unit};
use strix_reduce::{Aggregator, Distinct, Engine, Quantiles, Reducer, TopK, state};

/// Orders of the same number of values that sketches have been caught on.
fn orders(n: usize) -> Vec<(&'static str, Vec<f64>)> {
    let sorted: Vec<f64> = (0..n).map(|i| i as f64).collect();
    let shuffled: Vec<f64> = mixed(7).take(n).map(|bits| (bits >> 20) as f64).collect();
    vec![
        ("reversed", sorted.iter().rev().copied().collect()),
        ("random", shuffled.clone()),
        ("saw-tooth", (0..n).map(|i| (i % 4099) as f64 + i as f64 * 1e-9).collect()),
        (
            "heavy duplicates",
            shuffled.iter().map(|x| if (*x as u64).is_multiple_of(3) { 5.0 } else { (x % 17.0).floor() }).collect(),
        ),
        ("zooming in", (0..n).map(|i| if i % 2 == 0 { i as f64 } else { (2 * n - i) as f64 }).collect()),
        ("sorted", sorted),
    ]
}

/// How far, as a share, the ranks of the 99 percentiles are from where they should be.
fn worst_rank_error(items: &[f64], quantile: impl Fn(f64) -> f64) -> f64 {
    let mut sorted = items.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = items.len() as f64;
    let off = (1..100).map(|percent| {
        let q = f64::from(percent) / 100.0;
        let x = quantile(q);
        let below = sorted.partition_point(|&item| item < x) as f64 / n;
        let up_to = sorted.partition_point(|&item| item <= x) as f64 / n;
        // A value that came often has all of the ranks that it takes up.
        (below - q).max(q - up_to).max(0.0)
    });
    off.fold(0.0, f64::max)
}

#[test]
fn ranks_of_quantiles_are_within_their_bound() {
    for n in [100_000, 700_001] {
        for (order, items) in orders(n) {
            for k in [200, 4096] {
                let sketch = Quantiles::with_k(k).unwrap();
                let mut reducer = Reducer::new(sketch, &Engine::cpu()).unwrap();
                for chunk in items.chunks(n / 3) {
                    reducer.push(chunk).unwrap();
                }
                let distribution = reducer.finish();
                let bound = distribution.rank_error();
                assert!((bound - 2.3 / f64::from(k).powf(0.9)).abs() < 1e-12);
                let off = worst_rank_error(&items, |q| distribution.quantile(q).unwrap());
                assert!(off <= bound, "k {k}, {n} {order}: rank off by {off}, bound {bound}");
                let rank = distribution.rank(distribution.median().unwrap()).unwrap();
                assert!(rank >= 0.5 - 2.0 * bound, "k {k}, {n} {order}: the median's rank is {rank}");
                let least = items.iter().copied().reduce(f64::min);
                let greatest = items.iter().copied().reduce(f64::max);
                assert_eq!((distribution.quantile(0.0), distribution.quantile(1.0)), (least, greatest), "{order}");
            }
        }
    }
}

#[test]
fn pieces_and_single_items_have_the_same_bound() {
    let n = 60_000;
    for (order, items) in orders(n) {
        let sketch = Quantiles::with_k(200).unwrap();
        for (pieces, seed) in [(7, 1), (1000, 2), (n, 3)] {
            let state = in_pieces(&sketch, &items, pieces, seed);
            let bytes = state::to_bytes::<f64, _>(&sketch, &state, n as u64).unwrap();
            // At most 3 k elements and a few more, of eight bytes.
            assert!(bytes.len() <= 8 * 3 * 200 + 400, "{} bytes", bytes.len());
            let distribution = Aggregator::<f64>::finish(&sketch, state);
            let off = worst_rank_error(&items, |q| distribution.quantile(q).unwrap());
            assert!(off <= distribution.rank_error(), "{n} {order} in {pieces}: rank off by {off}");
        }
    }
}

/// Errors are to cancel out over a balanced tree of merges, and not to add up: ten times the data, hardly more error.
#[test]
fn errors_do_not_grow_with_the_number_of_blocks() {
    let sketch = Quantiles::with_k(64).unwrap();
    let typical = |blocks: usize| {
        let mut total = 0.0;
        for seed in 0..8 {
            let items = unit(blocks * 64, 50 + seed);
            let mut states: Vec<_> = items.chunks(64).map(|items| sketch.state_of(items)).collect();
            while states.len() > 1 {
                let mut pairs = states.into_iter();
                let mut next = Vec::new();
                while let (Some(a), b) = (pairs.next(), pairs.next()) {
                    let mut both = a;
                    if let Some(b) = b {
                        Aggregator::<f64>::merge(&sketch, &mut both, b);
                    }
                    next.push(both);
                }
                states = next;
            }
            let distribution = Aggregator::<f64>::finish(&sketch, states.pop().unwrap());
            total += worst_rank_error(&items, |q| distribution.quantile(q).unwrap());
        }
        total / 8.0
    };
    let (few, many) = (typical(64), typical(2048));
    assert!(many <= 2.3 / 64f64.powf(0.9), "{many}");
    assert!(many < 2.0 * few, "{few}, then {many}");
}

fn distinct(sketch: Distinct, values: impl Iterator<Item = u64>) -> strix_reduce::aggregators::Cardinality {
    let mut reducer = Reducer::new(sketch, &Engine::cpu()).unwrap();
    reducer.push(&values.collect::<Vec<u64>>()).unwrap();
    reducer.finish()
}

#[test]
fn distinct_counts_are_within_four_standard_errors() {
    assert!(Distinct::with_precision(6).is_err() && Distinct::with_precision(19).is_err());
    for precision in [7, 10, 14, 18] {
        let sketch = Distinct::with_precision(precision).unwrap();
        let mut n = 1u64;
        while n <= 1_000_000 {
            // Every value twice.
            let found = distinct(sketch, (0..2 * n).map(|i| i / 2 * 977));
            let off = (found.estimate - n as f64).abs() / n as f64;
            if n <= 1 << (precision - 3) {
                assert_eq!((found.estimate, found.standard_error), (n as f64, 0.0));
            } else {
                let error = 1.04 / f64::from(1u32 << precision).sqrt();
                assert!((found.standard_error - error).abs() < 1e-12);
                assert!(off <= 4.0 * error, "precision {precision}, {n} values: off by {off}");
            }
            n = n * 3 + 1;
        }
    }
}

#[test]
fn distinct_counts_are_unbiased() {
    // Around the step from hashes to registers, where linear counting would take over, and far above.
    for (precision, n) in [(7, 5_000), (10, 300), (10, 1_000), (10, 2_560), (10, 5_000), (10, 40_000)] {
        let sketch = Distinct::with_precision(precision).unwrap();
        let errors = (0..50).map(|seed| distinct(sketch, mixed(seed).take(n)).estimate / n as f64 - 1.0);
        let mean = errors.sum::<f64>() / 50.0;
        let error = 1.04 / f64::from(1 << precision).sqrt() / 50f64.sqrt();
        assert!(
            mean.abs() <= 4.0 * error,
            "precision {precision}, {n} values: biased by {mean}, standard error {error}"
        );
    }
}

#[test]
fn frequent_values_are_within_their_error() {
    // Zipf: value v comes in proportion to 1 / v.
    let n = 200_000;
    let items: Vec<u32> = unit(n, 5).into_iter().map(|u| (50_000f64.powf(u)) as u32).collect();
    let mut truth: HashMap<u32, u64> = HashMap::new();
    for item in &items {
        *truth.entry(*item).or_default() += 1;
    }
    for capacity in [1, 10, 100, 1000] {
        let top = TopK::new(capacity).unwrap();
        let mut reducer = Reducer::new(top, &Engine::cpu()).unwrap();
        reducer.push(&items).unwrap();
        let tree = reducer.finish();
        let pieces = top.finish(in_pieces(&top, &items, 1000, 9));
        for frequent in [tree, pieces] {
            assert!(frequent.error > 0 && frequent.error <= n as u64 / u64::from(capacity + 1), "{}", frequent.error);
            assert!(frequent.values.len() <= capacity as usize);
            assert!(frequent.values.is_sorted_by(|a, b| a.1 > b.1 || (a.1 == b.1 && a.0 < b.0)));
            for (value, &count) in &truth {
                let found = frequent.values.iter().find(|(v, _)| v == value).map_or(0, |(_, count)| *count);
                assert!(found <= count && count - found <= frequent.error, "{value}: {found} of {count}");
            }
        }
    }
}

#[test]
fn zeros_and_nan_are_one_value_each() {
    let items = [0.0, -0.0, f64::NAN, -f64::NAN, f64::from_bits(0x7ff8_0000_0000_0001), 1.0];
    let mut reducer = Reducer::new((Distinct::default(), TopK::new(9).unwrap()), &Engine::cpu()).unwrap();
    reducer.push(&items).unwrap();
    let (distinct, top) = reducer.finish();
    assert_eq!(distinct.round(), 3);
    assert_eq!(format!("{:?}", top.values), "[(NaN, 3), (0.0, 2), (1.0, 1)]");
}
