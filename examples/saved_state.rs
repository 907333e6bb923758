//! A reduction that spans machines or days: states as bytes, merged later.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use strix_reduce::{Engine, Mean, Quantiles, Reducer, state};

fn main() -> Result<(), strix_reduce::Error> {
    let aggregator = (Mean, Quantiles::default());
    let day = |from: u32| (from..from + 50_000).map(f64::from).collect::<Vec<_>>();

    let mut saved: Vec<Vec<u8>> = Vec::new();
    for items in [day(0), day(50_000)] {
        let mut reducer = Reducer::new(aggregator, &Engine::cpu())?;
        reducer.push(&items)?;
        saved.push(state::to_bytes::<f64, _>(&aggregator, reducer.state(), reducer.pushed())?);
    }

    let mut all = Reducer::<f64, _>::new(aggregator, &Engine::cpu())?;
    for bytes in &saved {
        let (state, items) = state::from_bytes::<f64, _>(&aggregator, bytes)?;
        all.push_state(state, items)?;
    }
    let pushed = all.pushed();
    let (mean, quantiles) = all.finish();
    println!("mean {:?} of {pushed}", mean.unwrap_or_default());
    let median = quantiles.median().unwrap_or_default();
    println!("median {:.0} within {:.2} % in rank", median, 100.0 * quantiles.rank_error());
    Ok(())
}
