//! Several statistics of chunks in one pass, on the engine that fits.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use strix_reduce::{Count, Engine, EngineChoice, Max, Mean, Min, NanPolicy, Reducer, Variance};

fn main() -> Result<(), strix_reduce::Error> {
    let engine = Engine::select(EngineChoice::Auto)?;
    let mut reducer = Reducer::new((Count, Mean, Variance, Min, Max), &engine)?.nan_policy(NanPolicy::Skip);

    // Chunks of any size, as they come from a file or a socket.
    for chunk in 0..100 {
        let temperatures: Vec<f32> = (0..10_000).map(|i| 20.0 + ((chunk * 10_000 + i) % 1000) as f32 / 100.0).collect();
        reducer.push(&temperatures)?;
    }
    reducer.push(&[f32::NAN])?;

    let (report, skipped) = (reducer.report(), reducer.skipped());
    let (count, mean, moments, min, max) = reducer.finish();
    println!("count {count}, {skipped} NaN skipped");
    println!("mean {:?}, min {min:?}, max {max:?}", mean);
    println!("sample sd {:?}", moments.sample_sd());
    println!("on the {}{}", report.engine, report.fallback.map_or(String::new(), |why| format!(" ({why})")));
    Ok(())
}
