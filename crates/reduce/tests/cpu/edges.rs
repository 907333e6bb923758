//! Answers at the ends of the range of f64, and states whose signatures are easily taken for one another.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use strix_reduce::{
    Aggregator, Combine, Count, Engine, HarmonicMean, Histogram, Item, Mean, Portable, Quantiles, Reducer, Shape, Sum,
    Variance, Weighted,
};

fn answer<T: Item, A: Aggregator<T>>(aggregator: A, items: &[T]) -> A::Output {
    let mut reducer = Reducer::new(aggregator, &Engine::cpu()).unwrap();
    reducer.push(items).unwrap();
    reducer.finish()
}

fn close(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() <= 1e-13 * expected.abs(), "{found}, not {expected}");
}

#[test]
fn weights_of_any_scale_leave_the_same_freedom() {
    for (small, large) in [(1e-12, 1.0), (1e-17, 1.0), (1e-170, 1e-170), (1e200, 1e200), (1e-300, 1e300)] {
        // Two values at 0 and 2: w1 w2 / W of squares over 2 w1 w2 / W of freedom, times 4.
        close(answer(Weighted(Variance), &[(0.0, large), (2.0, small)]).reliability_variance(), 2.0);
        let mut joined = Weighted(Variance).state_of(&[(0.0, large)]);
        Aggregator::<(f64, f64)>::merge(&Weighted(Variance), &mut joined, Weighted(Variance).state_of(&[(2.0, small)]));
        close(joined.reliability_variance(), 2.0);
    }
    assert_eq!(answer(Weighted(Variance), &[(1.0, 3.0)]).reliability_variance(), None);
}

#[test]
fn harmonic_means_of_the_least_and_the_infinite() {
    close(answer(HarmonicMean, &[f64::MIN_POSITIVE; 5]), f64::MIN_POSITIVE);
    close(answer(HarmonicMean, &[1e-308, 1e-308, 1.0]), 1.5e-308);
    assert_eq!(answer(HarmonicMean, &[5e-324, 5e-324]), Some(5e-324));
    close(answer(HarmonicMean, &[f64::MAX, f64::MAX]), f64::MAX);
    assert_eq!(answer(HarmonicMean, &[f64::NEG_INFINITY; 2]), Some(f64::NEG_INFINITY));
    assert_eq!(answer(HarmonicMean, &[f64::INFINITY; 2]), Some(f64::INFINITY));
}

#[test]
fn quantiles_of_nan_alone_are_nan() {
    assert!(answer(Quantiles::default(), &[f64::NAN]).quantile(0.5).unwrap().is_nan());
    assert_eq!(answer(Quantiles::default(), &[f64::NAN]).quantile(1.5), None);
    assert_eq!(answer(Quantiles::default(), &[0.0f64; 0]).quantile(0.5), None);
}

#[test]
fn sums_near_the_largest_f64() {
    let mut items = vec![f64::MAX, -f64::MAX];
    items.extend([1e290; 14]);
    items.extend([f64::MAX, -f64::MAX]);
    close(answer(Sum, &items), 14e290);
    let step = -1.5 * 2f64.powi(971);
    for items in [[step, f64::MAX], [f64::MAX, step]] {
        let mut reducer = Reducer::new(Sum, &Engine::cpu()).unwrap();
        items.iter().for_each(|item| reducer.push(&[*item]).unwrap());
        assert_eq!(reducer.finish(), Some(f64::MAX + step));
    }
    let far = [1.7e308, -1.7e308, -1.7e308];
    close(answer(Mean, &far), -1.7e308 / 3.0);
    close(answer(Variance, &far).mean(), -1.7e308 / 3.0);
    close(answer(Shape, &far).mean(), -1.7e308 / 3.0);
}

#[test]
fn skewness_and_kurtosis_of_large_finite_moments() {
    let items: Vec<f64> = (0..10_000).map(|i| if i < 4900 { 1e101 } else { -1e101 }).collect();
    // Two values with shares p and 1 - p: (1 - 2p) / sqrt(p (1 - p)).
    let skewness = answer(Shape, &items).population_skewness().unwrap();
    assert!((skewness - 0.02 / (0.49f64 * 0.51).sqrt()).abs() < 1e-13, "{skewness}");
    let items: Vec<f64> = (0..10_000).map(|i| if i % 2 == 0 { 1e76 } else { -1e76 }).collect();
    close(answer(Shape, &items).population_excess_kurtosis(), -2.0);
}

#[test]
fn one_push_an_item_costs_no_digits_of_a_variance() {
    let mut reducer = Reducer::new(Variance, &Engine::cpu()).unwrap();
    for i in 0..1_000_000 {
        reducer.push(&[if i % 2 == 0 { 0.1 } else { -0.1 }]).unwrap();
    }
    let exact = 0.1 * 0.1;
    let off = (reducer.finish().population_variance().unwrap() - exact).abs() / exact;
    assert!(off <= 16.0 * f64::EPSILON, "off by {off}");
}

#[test]
fn merging_commutes_to_the_last_bit_of_the_state() {
    let of = |items: &[f64]| Variance.state_of(items);
    let a = of(&[100000000.00000195, 100000000.00000007, 100000000.000001]);
    let b = of(&[100000000.000002, 100000000.00000006, 100000000.000001]);
    let (mut one, mut other) = (a, b);
    Aggregator::<f64>::merge(&Variance, &mut one, b);
    Aggregator::<f64>::merge(&Variance, &mut other, a);
    assert_eq!(one, other);
}

#[test]
fn a_histogram_may_span_all_of_f64() {
    let bins = answer(Histogram::uniform(-1e308, 1e308, 10).unwrap(), &[-1e308, 0.0, 1e307, 1e308]);
    assert_eq!(bins.counts, [1, 0, 0, 0, 0, 2, 0, 0, 0, 1]);
}

#[test]
fn what_is_inside_is_told_apart_in_signatures() {
    let columns_of_groups = Count.by_key(|x: &u8| *x).named("value").per_column();
    let groups_of_columns = Count.per_column().by_key(|row: &[u8; 2]| row[0]).named("value");
    let a = Portable::<[u8; 2]>::signature(&columns_of_groups);
    let b = Portable::<[u8; 2]>::signature(&groups_of_columns);
    assert_ne!(a, b);
}
