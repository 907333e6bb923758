//! The laws of every built-in aggregator, on arbitrary data, on the CPU engine.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use proptest::prelude::*;
use strix_reduce::{
    Aggregator, Count, Element, Engine, Max, Mean, Min, Reducer, SecondMoments, Sum, Variance, testkit,
};

/// Equal bits, any NaN being the same.
fn exact<T: Element>(a: &Option<T>, b: &Option<T>) -> bool {
    match (a, b) {
        // As text, in which -0 differs from 0 and a NaN is a NaN.
        (Some(a), Some(b)) => format!("{a:?}") == format!("{b:?}"),
        (a, b) => a.is_none() == b.is_none(),
    }
}

/// Within a few roundings of f64, relative to the data's magnitude.
fn near(magnitude: f64) -> impl Fn(&Option<f64>, &Option<f64>) -> bool {
    move |a, b| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= magnitude * 1e-13 || a == b || (a.is_nan() && b.is_nan()),
        (a, b) => a == b,
    }
}

fn check_integers<T: Element>(items: &[T])
where
    (Count, Sum, Mean, Variance, Min, Max): Aggregator<T, Output: PartialEq + std::fmt::Debug>,
{
    testkit::check_laws(&(Count, Sum, Mean, Variance, Min, Max), items, |a, b| a == b);
}

fn check_floats<T: Element + Into<f64>>(items: &[T])
where
    Sum: Aggregator<T, Output = Option<f64>>,
{
    let magnitude: f64 = items.iter().map(|&x| x.into().abs()).filter(|x| x.is_finite()).sum();
    testkit::check_laws(&Count, items, |a, b| a == b);
    testkit::check_laws(&Min, items, exact);
    testkit::check_laws(&Max, items, exact);
    testkit::check_laws(&Sum, items, near(magnitude));
    testkit::check_laws(&Mean, items, near(magnitude));
    testkit::check_laws(&Variance, items, |a: &SecondMoments, b: &SecondMoments| {
        a.count == b.count
            && near(magnitude)(&a.mean(), &b.mean())
            && near(1e3 * b.population_variance().unwrap_or(0.0))(&a.population_variance(), &b.population_variance())
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn integers_exactly(items in prop::collection::vec(any::<i64>(), 0..1500)) {
        check_integers(&items);
        check_integers(&items.iter().map(|&x| x as u64).collect::<Vec<_>>());
        check_integers(&items.iter().map(|&x| x as i32).collect::<Vec<_>>());
        check_integers(&items.iter().map(|&x| x as u32).collect::<Vec<_>>());
        check_integers(&items.iter().map(|&x| x as i16).collect::<Vec<_>>());
        check_integers(&items.iter().map(|&x| x as u16).collect::<Vec<_>>());
        check_integers(&items.iter().map(|&x| x as i8).collect::<Vec<_>>());
        check_integers(&items.iter().map(|&x| x as u8).collect::<Vec<_>>());
    }

    #[test]
    fn finite_floats(items in prop::collection::vec(-1e9f64..1e9, 0..1500), offset in -1e12f64..1e12) {
        let shifted: Vec<f64> = items.iter().map(|x| x + offset).collect();
        check_floats(&shifted);
        check_floats(&shifted.iter().map(|&x| x as f32).collect::<Vec<_>>());
    }

    #[test]
    fn floats_with_specials(items in prop::collection::vec(any::<f32>(), 0..40)) {
        check_floats(&items);
    }

    #[test]
    fn chunking_a_reducer_changes_nothing(items in prop::collection::vec(any::<i32>(), 0..20_000), cut in any::<prop::sample::Index>()) {
        let aggregators = (Count, Sum, Mean, Variance, Min, Max);
        let mut whole = Reducer::new(aggregators, &Engine::cpu()).unwrap();
        whole.push(&items).unwrap();
        let mut pieces = Reducer::new(aggregators, &Engine::cpu()).unwrap();
        let (left, right) = items.split_at(if items.is_empty() { 0 } else { cut.index(items.len()) });
        pieces.push(left).unwrap();
        pieces.push(right).unwrap();
        prop_assert_eq!(pieces.finish(), whole.finish());
    }
}

#[test]
fn nothing_finishes_to_no_value() {
    let reducer = Reducer::<f32, _>::new((Count, Sum, Mean, Variance, Min, Max), &Engine::cpu()).unwrap();
    let (count, sum, mean, moments, min, max) = reducer.finish();
    assert_eq!((count, sum, mean, min, max), (0, None, None, None, None));
    assert_eq!((moments.mean(), moments.population_variance(), moments.sample_variance()), (None, None, None));
}

#[test]
fn one_element_has_no_sample_variance() {
    let mut reducer = Reducer::new(Variance, &Engine::cpu()).unwrap();
    reducer.push(&[7.5f32]).unwrap();
    let moments = reducer.finish();
    assert_eq!((moments.population_variance(), moments.sample_variance()), (Some(0.0), None));
}

#[test]
fn absent_aggregators_finish_to_none() {
    let mut reducer = Reducer::new((Some(Sum), None::<Min>), &Engine::cpu()).unwrap();
    reducer.push(&[1.0f64, 2.0]).unwrap();
    assert_eq!(reducer.finish(), (Some(Some(3.0)), None));
}

#[test]
fn zeros_are_ordered_by_sign_and_nan_wins() {
    let run = |items: &[f64]| {
        let mut reducer = Reducer::new((Min, Max), &Engine::cpu()).unwrap();
        reducer.push(items).unwrap();
        let (min, max) = reducer.finish();
        (min.map(f64::to_bits), max.map(f64::to_bits))
    };
    assert_eq!(run(&[0.0, -0.0, 0.0]), (Some((-0.0f64).to_bits()), Some(0.0f64.to_bits())));
    assert_eq!(run(&[1.0, f64::NAN, -1.0]), (Some(f64::NAN.to_bits()), Some(f64::NAN.to_bits())));
    assert_eq!(run(&[f64::NEG_INFINITY, f64::MIN]).0, Some(f64::NEG_INFINITY.to_bits()));
}
