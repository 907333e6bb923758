//! The laws of the aggregators that round, within bounds wider than their documented ones by the thousand merges.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use crate::common::hostile;
use proptest::collection::vec;
use proptest::prelude::*;
use strix_reduce::aggregators::{CrossMoments, FourMoments, Line, WeightedMoments};
use strix_reduce::{
    Aggregator, Combine, Covariance, DecayedMean, Element, GeometricMean, HarmonicMean, LinearRegression, Mean,
    Product, Shape, Sum, Variance, Weighted, testkit,
};

/// Roundings of 2^-53 that a thousand merges of one item each may add up to: the documented 3000, and ten a merge.
const SLACK: f64 = 2e4 / (1u64 << 53) as f64;

/// The same infinity or NaN, both missing, or within `SLACK` of `scale`.
fn near(a: Option<f64>, b: Option<f64>, scale: f64) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= SLACK * scale || a == b || (a.is_nan() && b.is_nan()),
        (a, b) => a == b,
    }
}

fn answer<T, A: Aggregator<T>>(aggregator: A, items: &[T]) -> A::Output {
    aggregator.finish(aggregator.state_of(items))
}

/// Each relative to its own size.
fn relative(a: &Option<f64>, b: &Option<f64>) -> bool {
    near(*a, *b, b.unwrap_or_default().abs())
}

fn products<T: Element>(items: &[T]) {
    testkit::check_laws(&Product, items, relative);
    testkit::check_laws(&HarmonicMean, items, relative);
    // The root is of the logarithm, which is absolute in the exponent.
    testkit::check_laws(&GeometricMean, items, |a, b| near(*a, *b, 0.1 * b.unwrap_or_default()));
}

fn same_shape(a: &FourMoments, b: &FourMoments) -> bool {
    let weight = b.population_excess_kurtosis().unwrap_or_default() + 3.0;
    a.count == b.count
        && near(a.mean(), b.mean(), b.mean().unwrap_or_default().abs() + b.variance(0).unwrap_or_default().sqrt())
        && near(a.variance(0), b.variance(0), b.variance(0).unwrap_or_default())
        && near(a.population_excess_kurtosis(), b.population_excess_kurtosis(), weight)
        && near(a.population_skewness(), b.population_skewness(), weight)
}

fn spread(items: impl Iterator<Item = f64>) -> f64 {
    answer(Variance, &items.collect::<Vec<f64>>()).population_sd().unwrap_or_default()
}

fn pairs<X: Element, Y: Element>(items: &[(X, Y)]) {
    let sd = (spread(items.iter().map(|pair| pair.0.to_f64())), spread(items.iter().map(|pair| pair.1.to_f64())));
    let same = |a: &CrossMoments, b: &CrossMoments| {
        a.count == b.count
            && near(a.population_covariance(), b.population_covariance(), sd.0 * sd.1)
            && near(a.correlation(), b.correlation(), 1.0)
            && near(a.mean_x(), b.mean_x(), b.mean_x().unwrap_or_default().abs() + sd.0)
    };
    testkit::check_laws(&Covariance, items, same);
    let same = |a: &Option<Line>, b: &Option<Line>| {
        let slope = |line: &Option<Line>| line.map(|line| line.slope);
        let residual = |line: &Option<Line>| line.and_then(|line| line.residual_sd).map(|sd| sd * sd);
        near(slope(a), slope(b), sd.1 / sd.0) && near(residual(a), residual(b), 4.0 * sd.1 * sd.1)
    };
    testkit::check_laws(&LinearRegression, items, same);
}

fn weighted(items: &[(f64, f64)]) {
    let magnitude: f64 = items.iter().map(|(x, w)| (x * w).abs()).filter(|x| x.is_finite()).sum();
    testkit::check_laws(&Weighted(Sum), items, |a, b| near(*a, *b, magnitude));
    let scale =
        |b: &WeightedMoments| b.mean().unwrap_or_default().abs() + b.population_variance().unwrap_or(0.0).sqrt();
    testkit::check_laws(&Weighted(Variance), items, |a, b| {
        near(a.mean(), b.mean(), scale(b))
            && near(a.population_variance(), b.population_variance(), b.population_variance().unwrap_or_default())
            && near(a.frequency_variance(), b.frequency_variance(), b.frequency_variance().unwrap_or_default())
            && near(a.reliability_variance(), b.reliability_variance(), b.reliability_variance().unwrap_or_default())
    });
    testkit::check_laws(&Weighted(Mean), items, |a, b| near(*a, *b, magnitude));
}

fn decayed(items: &[(f64, f64)]) {
    let magnitude = items.iter().map(|(_, x)| x.abs()).filter(|x| x.is_finite()).fold(0.0, f64::max);
    testkit::check_laws(&DecayedMean::new(7.5).unwrap(), items, |a, b| near(*a, *b, 10.0 * magnitude));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn of_numbers(items in vec(-1e9f64..1e9, 0..1500), offset in prop::sample::select(vec![0.0, 1.0, 1e8, -1e12])) {
        let items: Vec<f64> = items.iter().map(|x| x + offset).collect();
        products(&items);
        products(&items.iter().map(|x| x.abs()).collect::<Vec<_>>());
        testkit::check_laws(&Shape, &items, same_shape);
        testkit::check_laws(&Shape, &items.iter().map(|&x| x as f32).collect::<Vec<_>>(), same_shape);
        testkit::check_laws(&Shape, &items.iter().map(|&x| x as i64).collect::<Vec<_>>(), same_shape);
    }

    #[test]
    fn of_hostile_numbers(items in vec(hostile(), 0..200), finite in any::<bool>()) {
        let items: Vec<f64> = items.into_iter().filter(|x| x.is_finite() || !finite).collect();
        products(&items);
        let narrow: Vec<f32> = items.iter().map(|&x| x as f32).filter(|x| x.is_finite() || !finite).collect();
        testkit::check_laws(&Shape, &narrow, same_shape);
        testkit::check_laws(&(Shape, Product).filter(|x: &f32| *x > 0.0), &narrow, |a, b| {
            same_shape(&a.0, &b.0) && relative(&a.1, &b.1)
        });
    }

    #[test]
    fn of_pairs(items in vec((-1e6f64..1e6, -1e3f64..1e3), 0..1500), offset in prop::sample::select(vec![0.0, 1e8])) {
        let items: Vec<(f64, f64)> = items.into_iter().map(|(x, y)| (x + offset, x / 1e3 + y - offset)).collect();
        pairs(&items);
        pairs(&items.iter().map(|&(x, y)| (x as i64, y as f32)).collect::<Vec<_>>());
        weighted(&items.iter().map(|&(x, y)| (x, if y < -5e2 { 0.0 } else { (y + offset).abs() })).collect::<Vec<_>>());
        decayed(&items.iter().map(|&(x, y)| (y + offset, x)).collect::<Vec<_>>());
    }

    #[test]
    fn of_hostile_pairs(items in vec((hostile(), hostile()), 0..60)) {
        let narrow = |x: f64| f64::from(x as f32);
        weighted(&items.iter().map(|&(x, w)| (narrow(x), narrow(w).abs())).collect::<Vec<_>>());
        decayed(&items.iter().map(|&(time, x)| (time % 1e6, narrow(x))).collect::<Vec<_>>());
        pairs(&items.iter().map(|&(x, y)| (x as f32, y as f32)).collect::<Vec<_>>());
    }
}

#[test]
fn nothing_finishes_to_no_value() {
    let none: &[f64] = &[];
    assert_eq!(answer((Product, GeometricMean, HarmonicMean), none), (None, None, None));
    let shape = answer(Shape, none);
    let figures = (shape.mean(), shape.variance(0), shape.population_skewness(), shape.population_excess_kurtosis());
    assert_eq!(figures, (None, None, None, None));
    let none: &[(f64, f64)] = &[];
    let of = (Covariance, LinearRegression, Weighted(Sum), Weighted(Mean), Weighted(Variance));
    let (covariance, line, sum, mean, variance) = answer(of, none);
    assert_eq!((covariance.mean_x(), covariance.population_covariance(), covariance.correlation()), (None, None, None));
    assert_eq!((line, sum, mean, variance.mean(), variance.population_variance()), (None, None, None, None, None));
    assert_eq!(answer(DecayedMean::new(1.0).unwrap(), none), None);
}

#[test]
fn one_value_has_no_unbiased_spread() {
    for weight in [0.1, 0.3, 0.7, 1.9, 1e-30] {
        let of = |items: &[(f64, f64)]| answer(Weighted(Variance), items);
        assert_eq!(of(&[(5.0, weight), (9.0, 0.0)]).reliability_variance(), None, "{weight}");
        let two = of(&[(5.0, weight), (9.0, weight)]).reliability_variance().unwrap();
        assert!((two - 8.0).abs() < 1e-14, "{weight}: {two}");
    }
}

#[test]
fn a_heavy_value_keeps_its_mean_among_light_ones_far_off() {
    let far = [(1e15 + 3.0, 2.0), (1e15, 1.0)];
    for heavy in [1e32, 1e40, 1e60] {
        let near = (1.0 / 3.0, heavy);
        // 3e30 of squared deviations: the spread is far below a unit in the last place of the light ones' values.
        let (mean, variance) = (1.0 / 3.0 + 3e15 / heavy, 3e30 / heavy);
        let right = |of: &WeightedMoments| {
            let (a, b) = (of.mean().unwrap() - mean, of.population_variance().unwrap() / variance - 1.0);
            a.abs() < 1e-13 * variance.sqrt() + f64::EPSILON && b.abs() < 1e-13
        };
        for items in [[far[0], far[1], near], [near, far[0], far[1]], [far[0], near, far[1]]] {
            let whole = answer(Weighted(Variance), &items);
            assert!(right(&whole), "{heavy:e}: {whole:?}");
            testkit::check_laws(&Weighted(Variance), &items, |split, _| right(split));
        }
    }
}
