//! Exact sums and moments beside those that round, and the memory's read bandwidth, in one process.
//!
//! What is compared takes turns, so that a slow minute of the machine slows all of it; the best of the rounds counts.
#![expect(clippy::print_stdout, reason = "a bench talks to a person")]

use std::hint::black_box;
use std::time::Instant;

use strix_benches::{alike, everywhere, read_all};
use strix_reduce::{Aggregator, Count, Engine, Exact, Item, Max, Mean, Min, Reducer, Sum, Variance};

const ROUNDS: usize = 9;

fn main() {
    let n = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000_000);
    for (data, items) in [("alike", alike(n)), ("exponents everywhere", everywhere(n))] {
        println!("{n} f32, {data}: GB/s, and of the plain sum");
        let mut best = [f64::INFINITY; 5];
        for _ in 0..ROUNDS {
            let seconds = [
                timed(|| read_all(&items)),
                timed(|| reduced(Sum, &items)),
                timed(|| reduced((Count, Mean, Variance, Min, Max), &items)),
                timed(|| reduced(Exact(Sum), &items)),
                timed(|| reduced(Exact(Variance), &items)),
            ];
            best.iter_mut().zip(seconds).for_each(|(best, seconds)| *best = best.min(seconds));
        }
        let names = ["read", "sum", "count+mean+variance+min+max", "exact sum", "exact count+mean+variance"];
        for (name, seconds) in names.into_iter().zip(best) {
            println!("  {name:<28} {:>6.1}  {:.2}", 4e-9 * n as f64 / seconds, best[1] / seconds);
        }
    }
}

fn timed<R>(work: impl FnOnce() -> R) -> f64 {
    let started = Instant::now();
    black_box(work());
    started.elapsed().as_secs_f64()
}

fn reduced<T: Item, A: Aggregator<T>>(aggregator: A, items: &[T]) -> A::Output {
    let mut reducer = Reducer::new(aggregator, &Engine::cpu()).expect("the CPU takes all");
    reducer.push(black_box(items)).expect("the CPU takes all");
    reducer.finish()
}
