//! The CPU engine against exact rational arithmetic, inside the documented bounds.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use crate::common::{Exact, error, kinds, to_f64};
use strix_reduce::{Engine, Mean, NanPolicy, Reducer, Sum, Variance};

/// Sizes around lanes and blocks; rationals are slow, so no larger.
const SIZES: [usize; 9] = [1, 2, 31, 32, 33, 4095, 4096, 4097, 9001];

fn check<T: strix_reduce::Element + Into<f64>>(kind: &str, items: &[T], sum_slack: f64)
where
    Sum: strix_reduce::Aggregator<T, Output = Option<f64>>,
{
    let exact = Exact::of(&items.iter().map(|&x| x.into()).collect::<Vec<f64>>());
    let mut reducer = Reducer::new((Sum, Mean, Variance), &Engine::cpu()).unwrap();
    reducer.push(items).unwrap();
    let (sum, mean, moments) = reducer.finish();
    let n = items.len() as f64;
    let place = format!("{kind}, {n} elements");
    // One rounding of the result, and the documented slack relative to the magnitudes.
    let unit = 2f64.powi(-53);
    let bound = unit * to_f64(&exact.sum).abs() + sum_slack * to_f64(&exact.magnitude) + f64::MIN_POSITIVE * unit;
    assert!(error(sum.unwrap(), &exact.sum) <= bound, "sum of {place}: {sum:?}, bound {bound:e}");
    let off = error(mean.unwrap(), &exact.mean);
    assert!(off <= 2.0 * bound / n + f64::MIN_POSITIVE, "mean of {place}: {mean:?}, off by {off:e}");
    let bound = (300.0 + n.log2()) * unit * to_f64(&exact.variance) + f64::MIN_POSITIVE;
    let off = error(moments.population_variance().unwrap(), &exact.variance);
    assert!(off <= bound, "variance of {place}: {moments:?}, off by {off:e}, bound {bound:e}");
}

#[test]
fn f32_statistics_are_those_of_exact_arithmetic() {
    for n in SIZES {
        for (kind, items) in kinds(n) {
            check(kind, &items, 2f64.powi(-44));
        }
    }
}

#[test]
fn f64_statistics_are_those_of_exact_arithmetic() {
    for n in SIZES {
        for (kind, items) in kinds(n) {
            let wide: Vec<f64> =
                items.iter().zip(crate::common::unit(n, 9)).map(|(&x, u)| f64::from(x) * (1.0 + u)).collect();
            check(kind, &wide, n as f64 * 2f64.powi(-105));
        }
    }
}

#[test]
fn threads_and_repeats_give_the_same_bits() {
    let items: Vec<f32> = crate::common::unit(3_000_017, 11).into_iter().map(|u| u as f32).collect();
    let run = || {
        let mut reducer = Reducer::new((Sum, Mean, Variance), &Engine::cpu()).unwrap().nan_policy(NanPolicy::Error);
        reducer.push(&items).unwrap();
        format!("{:?}", reducer.finish())
    };
    let answers: Vec<String> = [1, 2, 5]
        .map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run))
        .into();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}
