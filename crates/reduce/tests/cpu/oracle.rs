//! Every statistic against NumPy, SciPy, pandas and scikit-learn: `oracle/make.py` wrote `oracle/expected.json`.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use crate::common::unit;
use serde_json::Value;
use strix_reduce::aggregators::Placed;
use strix_reduce::{
    Aggregator, ArgMax, ArgMin, Combine, ConfusionMatrix, Count, Covariance, DecayedMean, Engine, First, GeometricMean,
    HarmonicMean, Histogram, Item, Last, LinearRegression, Mean, Product, Quantiles, Range, Reducer, Shape, TopK,
    Variance, Weighted,
};

/// The data sets of make.py, bit for bit: nothing in them rounds in one language only.
fn data(name: &str) -> Vec<f64> {
    const N: usize = 2500;
    let bell = |seed: u64| {
        let mut total = vec![0.0; N];
        for i in 0..12 {
            for (sum, u) in total.iter_mut().zip(unit(N, seed + i)) {
                *sum += u;
            }
        }
        total.into_iter().map(|x| x - 6.0)
    };
    match name {
        "uniform" => unit(N, 100).iter().map(|u| u + 0.25).collect(),
        "bell" => bell(200).collect(),
        "heavy" => unit(N, 300).iter().map(|u| 1.0 / (1.0 - 0.999 * u)).collect(),
        "offset" => bell(400).map(|x| x + 1e6).collect(),
        "whole" => unit(N, 500).iter().map(|u| (u * 50.0).floor() - 10.0).collect(),
        "few" => vec![3.0, 1.0, 4.0, 1.0, 5.0],
        _ => panic!("{name} is no data set"),
    }
}

fn answer<T: Item, A: Aggregator<T>>(aggregator: A, items: &[T]) -> A::Output {
    let mut reducer = Reducer::new(aggregator, &Engine::cpu()).unwrap();
    reducer.push(items).unwrap();
    reducer.finish()
}

/// One set's expected figures by name; null where Python found none, or no finite one.
struct Expected<'a> {
    set: &'a str,
    figures: &'a Value,
}

impl Expected<'_> {
    fn number(&self, figure: &str) -> Option<f64> {
        self.figures[figure].as_f64()
    }

    /// Within `tolerance` of Python's figure, relative to `scale`.
    fn close(&self, figure: &str, found: Option<f64>, scale: f64, tolerance: f64) {
        let expected = self.number(figure);
        let close = match (found.filter(|x| x.is_finite()), expected) {
            (Some(found), Some(expected)) => (found - expected).abs() <= tolerance * scale,
            (found, expected) => found.is_none() && expected.is_none(),
        };
        assert!(close, "{figure} of {}: {found:?}, but Python says {expected:?}", self.set);
    }

    /// Relative to Python's figure itself.
    fn relative(&self, figure: &str, found: Option<f64>, tolerance: f64) {
        self.close(figure, found, self.number(figure).unwrap_or(0.0).abs(), tolerance);
    }

    fn list<T>(&self, figure: &str, of: fn(&Value) -> Option<T>) -> Vec<T> {
        self.figures[figure].as_array().unwrap().iter().map(|value| of(value).unwrap()).collect()
    }
}

fn expected() -> Value {
    serde_json::from_str(include_str!("../oracle/expected.json")).unwrap()
}

fn check_all(check: impl Fn(&Expected<'_>, &[f64])) {
    let all = expected();
    let sets = all["sets"].as_object().unwrap();
    assert_eq!(sets.len(), 6);
    for (set, figures) in sets {
        let items = data(set);
        assert_eq!(figures["n"].as_u64().unwrap(), items.len() as u64);
        check(&Expected { set, figures }, &items);
    }
}

/// x, and y = x / 2 + noise.
fn pairs(items: &[f64]) -> Vec<(f64, f64)> {
    items.iter().zip(unit(items.len(), 900)).map(|(&x, u)| (x, 0.5 * x + u)).collect()
}

#[test]
fn means_and_product() {
    check_all(|expected, items| {
        let positive: Vec<f64> = items.iter().map(|x| x.abs() + 0.5).collect();
        let factors: Vec<f64> = positive.iter().map(|x| 1.0 + x / items.len() as f64).collect();
        // NumPy multiplies in plain f64: up to 2500 roundings of 2^-53.
        expected.relative("product", answer(Product, &factors), 2500.0 * 2f64.powi(-53));
        // SciPy takes 2500 logarithms and a mean of them.
        expected.relative("gmean", answer(GeometricMean, &positive), 1e-14);
        expected.relative("hmean", answer(HarmonicMean, &positive), 1e-14);
    });
}

#[test]
fn shapes() {
    check_all(|expected, items| {
        let shape = answer(Shape, items);
        // At an offset of 1e6 SciPy's mean is off by up to 2^-53 1e6 = 1e-10 of the spread, and its third moment by
        // thrice that.
        let tolerance = if expected.set == "offset" { 4e-10 } else { 1e-12 };
        expected.close("skew", shape.population_skewness(), 1.0, tolerance);
        expected.close("skew_sample", shape.sample_skewness(), 1.0, tolerance);
        expected.close("kurtosis", shape.population_excess_kurtosis(), 3.0, tolerance);
        expected.close("kurtosis_sample", shape.sample_excess_kurtosis(), 3.0, tolerance);
    });
}

#[test]
fn pairs_of_variables() {
    check_all(|expected, items| {
        let pairs = pairs(items);
        // As for shapes: NumPy and SciPy subtract a mean of plain f64.
        let tolerance = if expected.set == "offset" { 1e-9 } else { 1e-13 };
        let moments = answer(Covariance, &pairs);
        expected.relative("cov", moments.sample_covariance(), tolerance);
        expected.close("corr", moments.correlation(), 1.0, tolerance);
        let line = answer(LinearRegression, &pairs).unwrap();
        expected.relative("slope", Some(line.slope), tolerance);
        // The intercept is as far off as the slope times the distance to 0.
        let reach = items.iter().fold(0.0, |reach: f64, x| reach.max(x.abs()));
        expected.close("intercept", Some(line.intercept), reach, tolerance);
        expected.relative("r_squared", line.r_squared, 2.0 * tolerance);
        expected.relative("residual_sd", line.residual_sd, 10.0 * tolerance);
    });
}

#[test]
fn histograms_and_quantiles() {
    let all = expected();
    let qs: Vec<f64> = all["qs"].as_array().unwrap().iter().map(|q| q.as_f64().unwrap()).collect();
    check_all(|expected, items| {
        let (low, high) = (expected.number("low").unwrap(), expected.number("high").unwrap());
        let uniform = answer(Histogram::uniform(low, high, 16).unwrap(), items);
        assert_eq!(uniform.counts, expected.list("uniform_counts", Value::as_u64), "{}", expected.set);
        assert_eq!((uniform.below, uniform.above, uniform.nan), (0, 0, 0));
        let uneven = answer(Histogram::new(&expected.list("uneven", Value::as_f64)).unwrap(), items);
        assert_eq!(uneven.counts, expected.list("uneven_counts", Value::as_u64), "{}", expected.set);

        let distribution = answer(Quantiles::default(), items);
        for (&q, wanted) in qs.iter().zip(expected.list("quantiles", Value::as_f64)) {
            let found = distribution.quantile(q).unwrap();
            // The same neighbours; NumPy interpolates from the nearer one.
            assert!((found - wanted).abs() <= 4.0 * f64::EPSILON * wanted.abs(), "{q} of {}: {found}", expected.set);
        }
    });
}

#[test]
fn weights() {
    check_all(|expected, items| {
        let weights = unit(items.len(), 910).into_iter().map(|u| (u * 5.0).floor() as u8);
        let weighted: Vec<(f64, u8)> = items.iter().copied().zip(weights).collect();
        let moments = answer(Weighted(Variance), &weighted);
        let tolerance = if expected.set == "offset" { 1e-9 } else { 1e-13 };
        expected.relative("weighted_population", moments.population_variance(), tolerance);
        expected.relative("weighted_frequency", moments.frequency_variance(), tolerance);
        expected.relative("weighted_reliability", moments.reliability_variance(), tolerance);
        // "bell" has a mean near 0, to which NumPy's error is not relative.
        let scale = expected.number("average").unwrap().abs().max(1.0);
        expected.close("average", answer(Weighted(Mean), &weighted), scale, 1e-14);
        expected.close("average", moments.mean(), scale, 1e-14);
    });
}

#[test]
fn places_and_range() {
    check_all(|expected, items| {
        let (least, greatest) = answer((ArgMin, ArgMax), items);
        let place = |placed: Option<Placed<f64>>| placed.map(|placed| placed.place);
        assert_eq!(place(least), expected.figures["argmin"].as_u64());
        assert_eq!(place(greatest), expected.figures["argmax"].as_u64());
        let (first, last, range) = answer((First, Last, Range), items);
        // Not computed, or rounded once.
        assert_eq!((first, last), (expected.number("first"), expected.number("last")));
        assert_eq!(range, expected.number("ptp"));
    });
}

#[test]
fn groups() {
    check_all(|expected, items| {
        let keys = unit(items.len(), 930).into_iter().map(|u| (u * 7.0) as u8);
        let rows: Vec<(f64, f64)> = keys.map(f64::from).zip(items.iter().copied()).collect();
        let by_key = (Mean, Variance, Count).map_input(|row: &(f64, f64)| row.1).by_key(|row: &(f64, f64)| row.0 as u8);
        let found = answer(by_key, &rows);
        let wanted = expected.figures["groups"].as_array().unwrap();
        assert_eq!(found.len(), wanted.len());
        for ((key, (mean, moments, count)), wanted) in found.into_iter().zip(wanted) {
            assert_eq!((u64::from(key), Some(count)), (wanted[0].as_u64().unwrap(), wanted[3].as_u64()));
            let (wanted_mean, wanted_variance) = (wanted[1].as_f64().unwrap(), wanted[2].as_f64());
            assert!((mean.unwrap() - wanted_mean).abs() <= 1e-15 * wanted_mean.abs().max(10.0), "{}", expected.set);
            // pandas is off by its mean's rounding, as NumPy is above.
            let tolerance = if expected.set == "offset" { 1e-9 } else { 1e-13 };
            let close = |found: f64, wanted: f64| (found - wanted).abs() <= tolerance * wanted;
            let both = moments.sample_variance().zip(wanted_variance);
            assert!(both.is_none_or(|(a, b)| close(a, b)), "{both:?} of {}", expected.set);
            assert_eq!(moments.sample_variance().is_some(), wanted_variance.is_some());
        }
    });
}

#[test]
fn frequent_values() {
    check_all(|expected, items| {
        let rounded: Vec<f64> = items.iter().map(|x| (x * 2.0).floor() / 2.0).collect();
        let frequent = answer(TopK::new(4096).unwrap(), &rounded);
        assert_eq!((frequent.error, frequent.items), (0, items.len() as u64));
        for (found, wanted) in frequent.values.iter().zip(expected.figures["top"].as_array().unwrap()) {
            let wanted = (wanted[0].as_f64().unwrap(), wanted[1].as_u64().unwrap());
            assert_eq!(*found, wanted, "{}", expected.set);
        }
    });
}

#[test]
fn decayed_means() {
    check_all(|expected, items| {
        let mut time = 0.0;
        let timed: Vec<(f64, f64)> = items
            .iter()
            .zip(unit(items.len(), 920))
            .map(|(&x, step)| {
                time += step;
                // pandas keeps whole nanoseconds.
                ((time * 1e9).trunc() / 1e9, x)
            })
            .collect();
        let found = answer(DecayedMean::new(3.0).unwrap(), &timed);
        // pandas decays step by step: about a hundred roundings until an item has faded.
        let scale = items.iter().fold(0.0, |scale: f64, x| scale.max(x.abs()));
        expected.close("ewm", found, scale, 1e-14);
    });
}

#[test]
fn classes() {
    let all = expected();
    let expected = &all["classes"];
    let truth: Vec<u8> = unit(2500, 940).into_iter().map(|u| (u * 4.0) as u8).collect();
    let noise = unit(2500, 950).into_iter().zip(unit(2500, 960));
    let items = truth.iter().zip(noise).map(|(&t, (u, other))| (t, if u < 0.6 { t } else { (other * 4.0) as u8 }));
    let confusion = answer(ConfusionMatrix { classes: 4 }, &items.collect::<Vec<_>>());
    let close = |found: Option<f64>, wanted: &Value| {
        let wanted = wanted.as_f64().unwrap();
        // A ratio of counts, and a mean of four of them.
        assert!((found.unwrap() - wanted).abs() <= 4.0 * f64::EPSILON, "{found:?}, not {wanted}");
    };
    close(confusion.accuracy(), &expected["accuracy"]);
    close(confusion.macro_f1(), &expected["macro_f1"]);
    close(confusion.macro_recall(), &expected["balanced_accuracy"]);
    for class in 0..4 {
        close(confusion.precision(class), &expected["precision"][class]);
        close(confusion.recall(class), &expected["recall"][class]);
        close(confusion.f1(class), &expected["f1"][class]);
        assert_eq!(Some(confusion.support(class)), expected["support"][class].as_u64());
        for predicted in 0..4 {
            let wanted = expected["matrix"][class][predicted].as_u64();
            assert_eq!(Some(confusion.count(class, predicted)), wanted);
        }
    }
}
