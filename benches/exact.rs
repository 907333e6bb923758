//! Exact sums and moments beside those that round, and the memory's read bandwidth, in one process.
//!
//! What is compared takes turns, so that a slow minute of the machine slows all of it; the best of the rounds counts.
#![expect(clippy::print_stdout, reason = "a bench talks to a person")]

use std::hint::black_box;
use std::time::Instant;

use strix_benches::{alike, everywhere, read_all, resident};
use strix_reduce::gpu::Gpu;
use strix_reduce::{Aggregator, Count, Engine, Exact, Item, Max, Mean, Min, Reducer, Sum, Variance, wgpu};

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
    match Gpu::open() {
        Ok(gpu) => on_gpu(&gpu, n),
        Err(error) => println!("no GPU: {error}"),
    }
}

/// The kernels alone, over data that is there, beside a copy of it on the device.
fn on_gpu(gpu: &Gpu, n: usize) {
    // A software renderer takes a minute for more.
    let n = if gpu.is_software() { n.min(10_000_000) } else { n };
    for (data, items) in [("alike", alike(n)), ("exponents everywhere", everywhere(n))] {
        println!("{n} f32 in a buffer of {}, {data}: GB/s, and of the plain sum", gpu.adapter_name());
        let buffer = resident(gpu, &items);
        let copy = resident(gpu, &items);
        let mut best = [f64::INFINITY; 4];
        for _ in 0..ROUNDS {
            let seconds = [
                timed(|| copied(gpu, &buffer, &copy)),
                timed(|| in_place(gpu, Sum, &buffer)),
                timed(|| in_place(gpu, Exact(Sum), &buffer)),
                timed(|| in_place(gpu, Exact(Variance), &buffer)),
            ];
            best.iter_mut().zip(seconds).for_each(|(best, seconds)| *best = best.min(seconds));
        }
        let names = ["copy (read + write)", "sum", "exact sum", "exact count+mean+variance"];
        for ((name, seconds), times) in names.into_iter().zip(best).zip([2.0, 1.0, 1.0, 1.0]) {
            println!("  {name:<28} {:>6.2}  {:.2}", times * 4e-9 * n as f64 / seconds, best[1] / seconds);
        }
    }
}

/// One buffer into another, until it is there.
fn copied(gpu: &Gpu, from: &wgpu::Buffer, to: &wgpu::Buffer) {
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(from, 0, to, 0, from.size());
    gpu.queue().submit([encoder.finish()]);
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).expect("the device works");
}

fn in_place<A: Aggregator<f32>>(gpu: &Gpu, aggregator: A, buffer: &wgpu::Buffer) -> A::Output {
    let mut reducer = Reducer::new(aggregator, &Engine::from(gpu.clone())).expect("there is a kernel");
    reducer.push_buffer(buffer, 0..buffer.size()).expect("the device works");
    reducer.finish()
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
