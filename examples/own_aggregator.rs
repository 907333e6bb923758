//! An aggregator of one's own in a dozen lines: log-sum-exp, the soft maximum.
//! It runs in pieces on all threads, and the testkit checks its laws.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use strix_reduce::{Aggregator, Combine, Engine, Reducer, testkit};

/// ln(sum of e^x), without overflow: the state is the greatest x and the sum of e^(x - greatest).
struct LogSumExp;

impl Aggregator<f64> for LogSumExp {
    type State = (f64, f64);
    type Output = Option<f64>;

    fn identity(&self) -> (f64, f64) {
        (f64::NEG_INFINITY, 0.0)
    }
    fn lift(&self, state: &mut (f64, f64), item: &f64) {
        self.merge(state, (*item, 1.0));
    }
    fn merge(&self, state: &mut (f64, f64), other: (f64, f64)) {
        let (high, low) = if state.0 >= other.0 { (*state, other) } else { (other, *state) };
        *state = if low.1 == 0.0 { high } else { (high.0, high.1 + low.1 * (low.0 - high.0).exp()) };
    }
    fn finish(&self, (greatest, sum): (f64, f64)) -> Option<f64> {
        (sum > 0.0).then(|| greatest + sum.ln())
    }
}

// With this it takes part in `map_input`, `filter`, `by_key` and the others.
impl Combine for LogSumExp {}

fn main() -> Result<(), strix_reduce::Error> {
    let energy: Vec<f64> = (0..100_000).map(|i| 700.0 + (i % 1000) as f64 / 10.0).collect();

    testkit::check_laws(&LogSumExp, &energy[..5000], |a, b| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        _ => a == b,
    });

    let mut reducer = Reducer::new(LogSumExp, &Engine::cpu())?;
    reducer.push(&energy)?;
    println!("log-sum-exp {:.6}", reducer.finish().unwrap_or_default());

    // It combines as the built-in ones do: one answer for each parity of the whole part.
    let by_parity = LogSumExp.by_key(|x: &f64| *x as u64 % 2);
    let mut reducer = Reducer::new(by_parity, &Engine::cpu())?;
    reducer.push(&energy)?;
    for (parity, answer) in reducer.finish() {
        println!("parity {parity}: {:.6}", answer.unwrap_or_default());
    }
    Ok(())
}
