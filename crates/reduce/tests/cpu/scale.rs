//! Answers that do not depend on the scale of the elements, against exact rationals: their squares, cubes and fourth
//! powers, and their sums, may be far outside the range of f64.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use crate::common::{in_pieces, rational, to_f64, unit};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use strix_reduce::{
    Aggregator, Covariance, DecayedMean, Engine, Exact, GeometricMean, HarmonicMean, Item, LinearRegression, Mean,
    Reducer, Shape, Sum, Variance, Weighted, Window, state,
};

const SCALES: [f64; 11] = [1e-300, 1e-200, 1e-160, 1e-85, 1e-80, 1.0, 1e80, 1e100, 1e155, 1e200, 1e300];

fn near(what: &str, found: Option<f64>, exact: f64) {
    let found = found.unwrap();
    let off = (found - exact).abs();
    // Numbers below the normal ones have fewer digits.
    assert!(found == exact || off <= 1e-12 * exact.abs() + 2e-323, "{what}: {found:e}, not {exact:e}");
}

/// The answer by every path: one push, an element a push, and pieces merged in disorder.
fn every_way<T: Item, A: Aggregator<T> + Clone>(aggregator: &A, items: &[T]) -> Vec<A::Output> {
    let reduce = |pieces: Vec<&[T]>| {
        let mut reducer = Reducer::new(aggregator.clone(), &Engine::cpu()).unwrap();
        pieces.into_iter().for_each(|piece| reducer.push(piece).unwrap());
        reducer.finish()
    };
    let mut answers = vec![reduce(vec![items]), reduce(items.chunks(1).collect())];
    for pieces in [2, 7, items.len()] {
        answers.push(aggregator.finish(in_pieces(aggregator, items, pieces, 5)));
    }
    let mut lifted = aggregator.identity();
    items.iter().for_each(|item| aggregator.lift(&mut lifted, item));
    answers.push(aggregator.finish(lifted));
    answers
}

fn whole(n: usize) -> BigRational {
    BigRational::from_integer(BigInt::from(n))
}

/// Sums of the products of deviations of each of the lists from its mean.
fn moment(lists: &[&[f64]]) -> BigRational {
    let deviations = lists.iter().map(|list| {
        let exact: Vec<BigRational> = list.iter().map(|&x| rational(x)).collect();
        let mean = exact.iter().sum::<BigRational>() / whole(list.len());
        exact.into_iter().map(move |x| x - &mean).collect::<Vec<_>>()
    });
    let product = |a: Vec<BigRational>, b: Vec<BigRational>| -> Vec<BigRational> {
        a.into_iter().zip(b).map(|(a, b)| a * b).collect()
    };
    deviations.reduce(product).unwrap().into_iter().sum()
}

/// x / sqrt(y), where neither need be an f64.
fn over_root(x: &BigRational, y: &BigRational) -> f64 {
    let root = to_f64(&(x * x / y)).sqrt();
    if x.is_negative() { -root } else { root }
}

/// The square root of what need not be an f64.
fn root(x: &BigRational) -> f64 {
    // By a power of 4 that leaves about 1.
    let bits = x.numer().bits() as i64 - x.denom().bits() as i64;
    let half = (bits / 2) as i32;
    let four = BigRational::from_integer(BigInt::from(4));
    let unit = num_traits::pow::Pow::pow(&four, half.unsigned_abs());
    let near_1 = if half < 0 { x * unit } else { x / unit };
    to_f64(&near_1).sqrt() * 2f64.powi(half / 2) * 2f64.powi(half - half / 2)
}

/// As an f64, which may be infinite or 0.
fn rounded(x: &BigRational) -> f64 {
    if x.is_zero() {
        return 0.0;
    }
    let bits = x.numer().bits() as i64 - x.denom().bits() as i64;
    match bits {
        1025.. => f64::INFINITY.copysign(if x.is_negative() { -1.0 } else { 1.0 }),
        ..=-1076 => 0.0,
        _ => to_f64(x),
    }
}

#[test]
fn shapes_and_spreads_of_any_scale() {
    for scale in SCALES {
        for offset in [0.0, 1000.0] {
            let items: Vec<f64> = (1..=100).map(|i| f64::from(i * i % 97) + offset).map(|x| x * scale).collect();
            let [m2, m3, m4] = [2, 3, 4].map(|power| moment(&vec![&items[..]; power]));
            let n = whole(items.len());
            let skewness = over_root(&m3, &(&m2 * &m2 * &m2 / &n));
            let kurtosis = to_f64(&(&n * m4 / (&m2 * &m2) - whole(3)));
            let (sd, variance) = (root(&(&m2 / whole(99))), rounded(&(&m2 / whole(99))));
            for found in every_way(&Shape, &items) {
                let place = format!("{scale:e} + {offset}");
                let off = (found.population_excess_kurtosis().unwrap() - kurtosis).abs();
                assert!(off < 1e-10, "kurtosis of {place}: {:?}", found.population_excess_kurtosis());
                let off = (found.population_skewness().unwrap() - skewness).abs();
                assert!(off < 1e-10, "skewness of {place}: {:?}, not {skewness}", found.population_skewness());
                if offset == 0.0 {
                    near(&place, found.variance(1), variance);
                }
            }
            for found in every_way(&Variance, &items) {
                assert!((found.sample_sd().unwrap() / sd - 1.0).abs() < 1e-11, "sd of {scale:e}");
                if offset == 0.0 {
                    near("variance", found.sample_variance(), variance);
                }
            }
        }
    }
}

#[test]
fn kurtosis_of_a_ramp_is_the_same_at_every_scale() {
    for scale in SCALES {
        let items: Vec<f64> = (1..=100).map(|i| f64::from(i) * scale).collect();
        for found in every_way(&Shape, &items) {
            // -1.2 (n^2 + 1) / (n^2 - 1).
            near("kurtosis", found.population_excess_kurtosis(), -1.2 * 10001.0 / 9999.0);
            assert!(found.population_skewness().unwrap().abs() < 1e-12);
        }
    }
}

#[test]
fn lines_of_any_scale() {
    for (x_scale, y_scale) in SCALES.into_iter().flat_map(|x| SCALES.map(|y| (x, y))) {
        let noise = unit(40, 3);
        let x: Vec<f64> = (0..40).map(|i| (f64::from(i) + 0.5) * x_scale).collect();
        let y: Vec<f64> = noise.iter().enumerate().map(|(i, u)| (3.0 - 0.5 * i as f64 + 20.0 * u) * y_scale).collect();
        let pairs: Vec<(f64, f64)> = x.iter().copied().zip(y.iter().copied()).collect();
        let (xx, yy, xy) = (moment(&[&x, &x]), moment(&[&y, &y]), moment(&[&x, &y]));
        let correlation = over_root(&xy, &(&xx * &yy));
        let place = format!("x of {x_scale:e}, y of {y_scale:e}");
        let (slope, covariance) = (rounded(&(&xy / &xx)), rounded(&(&xy / whole(40))));
        let mean = |items: &[f64]| items.iter().map(|&x| rational(x)).sum::<BigRational>() / whole(40);
        let intercept = to_f64(&(mean(&y) - &xy / &xx * mean(&x)));
        let residual = root(&((&yy - &xy * &xy / &xx) / whole(38)));
        for found in every_way(&Covariance, &pairs) {
            near(&place, found.correlation(), correlation);
            near(&place, found.population_covariance(), covariance);
        }
        for found in every_way(&LinearRegression, &pairs) {
            let line = found.unwrap();
            near(&place, line.r_squared, correlation * correlation);
            near(&place, Some(line.slope), slope);
            near(&place, Some(line.intercept), intercept);
            near(&place, line.residual_sd, residual);
        }
    }
}

#[test]
fn weighted_means_and_spreads_of_any_scale() {
    for (scale, weights) in SCALES.into_iter().flat_map(|x| SCALES.map(|w| (x, w))) {
        let items: Vec<(f64, f64)> =
            unit(30, 7).into_iter().zip(unit(30, 8)).map(|(x, w)| (x * scale, w * weights)).collect();
        let exact: Vec<_> = items.iter().map(|&(x, w)| (rational(x), rational(w))).collect();
        let weight: BigRational = exact.iter().map(|(_, w)| w).sum();
        let mean = exact.iter().map(|(x, w)| x * w).sum::<BigRational>() / &weight;
        let m2: BigRational = exact.iter().map(|(x, w)| (x - &mean) * (x - &mean) * w).sum();
        let free = &weight - exact.iter().map(|(_, w)| w * w).sum::<BigRational>() / &weight;
        let (population, reliability) = (rounded(&(&m2 / &weight)), rounded(&(m2 / free)));
        let place = format!("{scale:e}, weights of {weights:e}");
        for found in every_way(&Weighted(Variance), &items) {
            near(&place, Some(found.weight()), to_f64(&weight));
            near(&place, found.mean(), to_f64(&mean));
            near(&place, found.population_variance(), population);
            near(&place, found.reliability_variance(), reliability);
        }
    }
}

#[test]
fn tiny_and_huge_blocks_merge() {
    let items = [1e-200, -3e-200, 2e-200, 1.0, 5.0, 1e200, -2e200, 1.5e200];
    let [m2, m4] = [2, 4].map(|power| moment(&vec![&items[..]; power]));
    let kurtosis = to_f64(&(whole(8) * m4 / (&m2 * &m2) - whole(3)));
    for found in every_way(&Shape, &items) {
        near("kurtosis", found.population_excess_kurtosis(), kurtosis);
    }
    for found in every_way(&Variance, &items) {
        near("sd", found.population_sd(), root(&(&m2 / whole(8))));
        assert_eq!(found.population_variance(), Some(f64::INFINITY));
    }
    // No spread is no spread, of elements of any size.
    for x in [0.0, 1e-310, 1e-200, 1e200, f64::MAX] {
        let constant = [x; 9];
        assert!(every_way(&Shape, &constant).iter().all(|m| m.variance(0) == Some(0.0)), "{x:e}");
        assert!(every_way(&Shape, &constant).iter().all(|m| m.population_skewness().is_none()), "{x:e}");
        assert!(every_way(&Variance, &constant).iter().all(|m| m.population_sd() == Some(0.0)), "{x:e}");
    }
}

#[test]
fn elements_further_apart_than_the_largest_f64_have_a_spread() {
    let items = [1.7e308, -1.7e308, -1.7e308, 1.7e308, 1e308];
    let mean = to_f64(&(items.iter().map(|&x| rational(x)).sum::<BigRational>() / whole(5)));
    let [m2, m4] = [2, 4].map(|power| moment(&vec![&items[..]; power]));
    let sd = root(&(&m2 / whole(5)));
    for found in every_way(&Variance, &items) {
        near("mean", found.mean(), mean);
        near("sd", found.population_sd(), sd);
    }
    for found in every_way(&Shape, &items) {
        near("kurtosis", found.population_excess_kurtosis(), to_f64(&(whole(5) * &m4 / (&m2 * &m2) - whole(3))));
    }
    let pairs = items.map(|x| (x, -x));
    for found in every_way(&Covariance, &pairs) {
        assert_eq!((found.mean_x().map(f64::is_finite), found.correlation()), (Some(true), Some(-1.0)));
    }
    let weighted = items.map(|x| (x, 2.0));
    for found in every_way(&Weighted(Variance), &weighted) {
        near("weighted mean", found.mean(), mean);
    }
}

#[test]
fn a_mean_of_the_largest_is_the_largest() {
    for x in [1.7e308, -1.7e308, f64::MAX, -f64::MAX] {
        for count in [1, 2, 3, 17, 5000] {
            let items = vec![x; count];
            let timed: Vec<(f64, f64)> = items.iter().map(|&x| (5.0, x)).collect();
            let weighted: Vec<(f64, f64)> = items.iter().map(|&x| (x, 3.0)).collect();
            let mut all = every_way(&Mean, &items);
            all.extend(every_way(&Exact(Mean), &items));
            all.extend(every_way(&Variance, &items).iter().map(|m| m.mean()));
            all.extend(every_way(&Shape, &items).iter().map(|m| m.mean()));
            all.extend(every_way(&Weighted(Mean), &weighted));
            assert!(all.iter().all(|mean| *mean == Some(x)), "{count} of {x:e}: {all:?}");
            for mean in every_way(&DecayedMean::new(1.0).unwrap(), &timed) {
                near("decayed", mean, x);
            }
            let mut window = Window::new(Mean, 4);
            assert!(items.iter().all(|x| window.push(x) == Some(*x)));
            let sums = every_way(&Sum, &items);
            assert!(count == 1 || sums.iter().all(|sum| *sum == Some(f64::INFINITY.copysign(x))), "{sums:?}");
            if x > 0.0 {
                for mean in [every_way(&GeometricMean, &items), every_way(&HarmonicMean, &items)].concat() {
                    near("geometric or harmonic", mean, x);
                }
            }
        }
    }
    // In one pass with others, which share what it reads.
    let mut fused = Reducer::new((Mean, Variance, Sum), &Engine::cpu()).unwrap();
    fused.push(&[1.7e308, 1.7e308]).unwrap();
    let (mean, moments, sum) = fused.finish();
    assert_eq!((mean, moments.mean(), sum), (Some(1.7e308), Some(1.7e308), Some(f64::INFINITY)));
}

#[test]
fn sums_that_pass_the_largest_f64_come_back() {
    let items = [1.7e308, 1.7e308, 5.0, -1.7e308, -1.7e308];
    for found in every_way(&Sum, &items) {
        // What is below 2^-104 of the largest may be lost on the way.
        assert!(found.is_some_and(|sum: f64| (sum - 5.0).abs() <= 2f64.powi(-100) * 1.7e308), "{found:?}");
    }
    for found in every_way(&Mean, &[1.7e308, 1.7e308, -1e308, 1.0e308]) {
        near("mean", found, 0.85e308);
    }
    let infinite = |items: &[f64]| every_way(&Mean, items);
    assert!(infinite(&[1.7e308, 1.7e308, f64::INFINITY]).iter().all(|mean| *mean == Some(f64::INFINITY)));
    assert!(infinite(&[1.7e308, 1.7e308, f64::NEG_INFINITY]).iter().all(|mean| *mean == Some(f64::NEG_INFINITY)));
    assert!(infinite(&[1.7e308, 1.7e308, f64::NAN]).iter().all(|mean| mean.is_some_and(f64::is_nan)));
    let largest = [f32::MAX; 5];
    assert!(every_way(&Mean, &largest).iter().all(|mean| *mean == Some(f64::from(f32::MAX))));
}

#[test]
fn a_state_past_the_largest_is_stored_and_read() {
    let half = Mean.state_of(&[1.7e308]);
    let mut far = half;
    Aggregator::<f64>::merge(&Mean, &mut far, half);
    let bytes = state::to_bytes::<f64, _>(&Mean, &far, 2).unwrap();
    let (read, _) = state::from_bytes::<f64, _>(&Mean, &bytes).unwrap();
    let mut all = read;
    Aggregator::<f64>::merge(&Mean, &mut all, half);
    assert_eq!(Aggregator::<f64>::finish(&Mean, all), Some(1.7e308));
    let shape = Shape.state_of(&[1e200f64, 2e200, 4e200]);
    let bytes = state::to_bytes::<f64, _>(&Shape, &shape, 3).unwrap();
    assert_eq!(state::from_bytes::<f64, _>(&Shape, &bytes).unwrap(), (shape, 3));
}
