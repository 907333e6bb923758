//! An aggregator of one's own in a dozen lines: the geometric mean.
//! It runs in pieces on all threads, and the testkit checks its laws.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use strix_reduce::{Aggregator, Engine, Reducer, testkit};

/// The geometric mean of positive numbers: the exponential of the mean logarithm.
struct GeometricMean;

impl Aggregator<f64> for GeometricMean {
    type State = (u64, f64);
    type Output = Option<f64>;

    fn identity(&self) -> (u64, f64) {
        (0, 0.0)
    }
    fn lift(&self, item: &f64) -> (u64, f64) {
        (1, item.ln())
    }
    fn merge(&self, a: (u64, f64), b: (u64, f64)) -> (u64, f64) {
        (a.0 + b.0, a.1 + b.1)
    }
    fn finish(&self, (count, logarithms): (u64, f64)) -> Option<f64> {
        (count > 0).then(|| (logarithms / count as f64).exp())
    }
}

fn main() -> Result<(), strix_reduce::Error> {
    let growth: Vec<f64> = (0..100_000).map(|i| 1.0 + (i % 100) as f64 / 1000.0).collect();

    testkit::check_laws(&GeometricMean, &growth[..5000], |a, b| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-12,
        _ => a == b,
    });

    let mut reducer = Reducer::new(GeometricMean, &Engine::cpu())?;
    reducer.push(&growth)?;
    println!("mean growth {:.6}", reducer.finish().unwrap_or_default());
    Ok(())
}
