//! One of every aggregator, with data: what the tests of stored states go through.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fmt::Debug;

use strix_reduce::{
    Aggregator, All, Any, ArgMax, ArgMin, Combine, ConfusionMatrix, Count, Covariance, DecayedMean, Distinct, Exact,
    First, GeometricMean, HarmonicMean, Histogram, Last, LinearRegression, Max, Mean, Min, Portable, Product,
    Quantiles, Range, Shape, Sum, TopK, Variance, Weighted,
};

use super::common::{mixed, unit};

/// Something to do with each aggregator.
pub trait Each {
    fn one<T: Clone, A: Portable<T, Output: Debug>>(&mut self, name: &str, aggregator: A, items: &[T]);
}

/// Items enough for sketches to be past their exact beginnings.
const N: usize = 300;

/// Goes through one of every kind. Names are those of the golden files.
pub fn each(visit: &mut impl Each) {
    let floats: Vec<f64> = unit(N, 1).iter().map(|u| u * 8.0 - 2.0).collect();
    let narrow: Vec<f32> = floats.iter().map(|&x| x as f32).collect();
    let whole: Vec<i32> = mixed(2).take(N).map(|bits| bits as i32).collect();
    let wide: Vec<u64> = mixed(3).take(N).collect();
    let truth: Vec<bool> = wide.iter().map(|x| x % 3 == 0).collect();
    let text: Vec<String> = wide.iter().map(|x| format!("{}", x % 50)).collect();
    let pairs: Vec<(f64, f64)> = floats.iter().zip(unit(N, 4)).map(|(&x, u)| (x, u)).collect();
    let classes: Vec<(u8, u8)> = wide.iter().map(|x| (*x as u8 % 4, (x >> 8) as u8 % 4)).collect();

    visit.one("count", Count, &floats);
    visit.one("sum_f32", Sum, &narrow);
    visit.one("sum_f64", Sum, &floats);
    visit.one("sum_i32", Sum, &whole);
    visit.one("mean_f64", Mean, &floats);
    visit.one("mean_u64", Mean, &wide);
    visit.one("variance_f64", Variance, &floats);
    visit.one("variance_u64", Variance, &wide);
    visit.one("min_f32", Min, &narrow);
    visit.one("max_i32", Max, &whole);
    visit.one("min_text", Min, &text);
    visit.one("max_text", Max, &text);
    visit.one("range_f64", Range, &floats);
    visit.one("arg_min_f64", ArgMin, &floats);
    visit.one("arg_max_i32", ArgMax, &whole);
    visit.one("first_text", First, &text);
    visit.one("last_f64", Last, &floats);
    visit.one("any", Any, &truth);
    visit.one("all", All, &truth);
    visit.one("product_f64", Product, &floats);
    visit.one("geometric_mean_f64", GeometricMean, &pairs.iter().map(|pair| pair.1).collect::<Vec<_>>());
    visit.one("harmonic_mean_f64", HarmonicMean, &floats);
    visit.one("shape_f64", Shape, &floats);
    visit.one("covariance", Covariance, &pairs);
    visit.one("linear_regression", LinearRegression, &pairs);
    visit.one("weighted_sum", Weighted(Sum), &pairs);
    visit.one("weighted_mean", Weighted(Mean), &pairs);
    visit.one("weighted_variance", Weighted(Variance), &pairs);
    // Whole half-lives apart: other powers of two depend on the platform's mathematics in their last digit.
    let timed: Vec<(f64, f64)> = pairs.iter().map(|&(time, x)| ((time * 2.0).floor() / 2.0, x)).collect();
    visit.one("decayed_mean", DecayedMean::new(0.5).unwrap(), &timed);
    visit.one("exact_sum_f32", Exact(Sum), &narrow);
    visit.one("exact_sum_f64", Exact(Sum), &floats);
    visit.one("exact_mean_u64", Exact(Mean), &wide);
    visit.one("exact_variance_f32", Exact(Variance), &narrow);
    visit.one("exact_variance_f64", Exact(Variance), &floats);
    visit.one("exact_covariance_f64", Exact(Covariance), &pairs);
    visit.one("histogram_f64", Histogram::uniform(0.0, 4.0, 8).unwrap(), &floats);
    visit.one("quantiles_f64", Quantiles::with_k(16).unwrap(), &floats);
    visit.one("quantiles_few", Quantiles::default(), &whole[..9]);
    visit.one("distinct_u64", Distinct::with_precision(8).unwrap(), &wide);
    visit.one("distinct_few", Distinct::default(), &text);
    visit.one("top_i32", TopK::new(8).unwrap(), &wide.iter().map(|x| (x % 19) as i32).collect::<Vec<_>>());
    visit.one("top_f64", TopK::new(64).unwrap(), &wide.iter().map(|x| (x % 19) as f64).collect::<Vec<_>>());
    visit.one("confusion_matrix", ConfusionMatrix { classes: 3 }, &classes);
    visit.one("tuple", (Count, Mean, Last), &floats);
    visit.one("list", vec![Max, Max], &floats);
    visit.one("optional", (Some(Min), None::<Max>), &floats);
    visit.one("per_column", Mean.per_column(), &floats.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect::<Vec<_>>());
    let options: Vec<Option<f64>> = floats.iter().map(|&x| (x > 0.0).then_some(x)).collect();
    visit.one("present", (Count, Max).present(), &options);
    visit.one("by_key", (Count, Sum).by_key(|x: &u64| (x % 5) as u8).named("remainder"), &wide);
    visit.one("by_text", Max.by_key(|x: &i32| format!("{}", x % 3)).named("remainder"), &whole);
}

/// The state of a pass over the items.
pub fn state_of<T, A: Aggregator<T>>(aggregator: &A, items: &[T]) -> A::State {
    aggregator.state_of(items)
}
