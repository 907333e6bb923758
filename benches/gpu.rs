//! Kernels alone, over data that is on the device already, beside the device's own copy of it: sums, five statistics in one
//! pass, rows and columns of a table, segments, groups. `cargo bench -p strix-benches --bench gpu -- [elements]`.
//!
//! What is compared takes turns, so that a slow minute of the machine slows all of it; the best of the rounds counts.
#![expect(clippy::print_stdout, reason = "a bench talks to a person")]

use std::time::Instant;

use strix_benches::{alike, resident};
use strix_reduce::gpu::{Bound, Gpu, Load, Reduction, View};
use strix_reduce::{Aggregator, Count, Max, Mean, Min, Shape, Sum, Variance, wgpu};

const ROUNDS: usize = 9;

/// Repetitions in one submission, so that a fast device is not measured by how long a submission takes.
const REPEATS: usize = 8;

type Five = (Count, Mean, Variance, Min, Max);
const FIVE: Five = (Count, Mean, Variance, Min, Max);

/// Records one repetition.
type Record<'a> = Box<dyn Fn(&mut wgpu::CommandEncoder) + 'a>;

fn main() {
    let gpu = match Gpu::open() {
        Ok(gpu) => gpu,
        Err(error) => return println!("no GPU: {error}"),
    };
    let asked = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let sizes = match asked {
        Some(n) => vec![n],
        None if gpu.is_software() => vec![1 << 24],
        None => vec![1 << 28, 1 << 29, 1 << 30],
    };
    for n in sizes {
        race(&gpu, n);
    }
}

fn race(gpu: &Gpu, n: usize) {
    println!("{n} f32 in a buffer of {}", gpu.adapter_name());
    let items = alike(n);
    let (buffer, copy) = (resident(gpu, &items), resident(gpu, &items));
    let keys: Vec<f32> = (0..n as u32).map(|i| f32::from_bits(i.wrapping_mul(0x9e37_79b9) >> 8 & 0x3ff)).collect();
    let keys = resident(gpu, &keys);
    let offsets: Vec<f32> = (0..=n as u32 / 100).map(|i| f32::from_bits(i * 100)).collect();
    let offsets = resident(gpu, &offsets);

    let all = || View::of(&buffer, 0..n as u64);
    let side = (n as f64).sqrt() as u64;
    let table = |axis| all().strided(&[side, side], &[side, 1], axis).expect("the table is inside");
    let (sum, five, shape) = (reduction(gpu, Sum), reduction(gpu, FIVE), reduction(gpu, Shape));
    // Names, how often the bytes are moved, and what records the work.
    let mut races: Vec<(&str, f64, Record<'_>)> = vec![
        (
            "copy (read + write)",
            2.0,
            Box::new(|encoder| encoder.copy_buffer_to_buffer(&buffer, 0, &copy, 0, buffer.size())),
        ),
        ("sum", 1.0, recorder(bound(&sum, &all()))),
        ("count+mean+variance+min+max", 1.0, recorder(bound(&five, &all()))),
        ("four moments", 1.0, recorder(bound(&shape, &all()))),
        ("sum of rows", 1.0, recorder(bound(&sum, &table(1)))),
        ("sum of columns", 1.0, recorder(bound(&sum, &table(0)))),
        ("sum of segments of 100", 1.0, recorder(bound(&sum, &all().segments(&offsets, n as u32 / 100)))),
    ];
    // A sort needs four times the memory.
    if n <= 1 << 28 {
        let groups = bound(&sum, &all().by_key(&keys, Load::U32, 0, 1024));
        races.push(("sum of 1024 groups", 1.0, recorder(groups)));
    }
    let mut best = vec![f64::INFINITY; races.len()];
    for _ in 0..ROUNDS {
        for (best, (_, _, record)) in best.iter_mut().zip(&races) {
            *best = best.min(seconds(gpu, record));
        }
    }
    let copied = 2.0 / best[0];
    println!("  {:<28} {:>8} {:>8} {:>8}", "", "GB/s", "of copy", "of sum");
    for ((name, times, _), seconds) in races.iter().zip(&best) {
        let rate = times / seconds;
        println!("  {name:<28} {:>8.2} {:>8.2} {:>8.2}", rate * 4e-9 * n as f64, rate / copied, best[1] / seconds);
    }
}

fn reduction<A: Aggregator<f32>>(gpu: &Gpu, aggregator: A) -> Reduction<f32, A> {
    Reduction::new(gpu, aggregator).expect("there is a kernel")
}

fn bound<'a, A: Aggregator<f32>>(reduction: &'a Reduction<f32, A>, view: &View<'_>) -> Bound<'a, f32, A> {
    reduction.bind(view).expect("the view is inside")
}

fn recorder<'a, A: Aggregator<f32>>(bound: Bound<'a, f32, A>) -> Record<'a> {
    Box::new(move |encoder| bound.record(encoder))
}

/// Seconds of one repetition.
fn seconds(gpu: &Gpu, record: &dyn Fn(&mut wgpu::CommandEncoder)) -> f64 {
    let repeats = if gpu.is_software() { 1 } else { REPEATS };
    let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    (0..repeats).for_each(|_| record(&mut encoder));
    let commands = encoder.finish();
    let begin = Instant::now();
    gpu.queue().submit([commands]);
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).expect("the device works");
    begin.elapsed().as_secs_f64() / repeats as f64
}
