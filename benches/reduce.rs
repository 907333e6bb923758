//! Sum and five fused statistics: CPU, GPU end to end, GPU kernel alone, against the read bandwidth.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use strix_benches::{SIZES, data, read_all, resident};
use strix_reduce::gpu::Gpu;
use strix_reduce::{Aggregator, Count, Engine, Max, Mean, Min, Reducer, Sum, Variance};

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    let gpu = Gpu::open();
    match &gpu {
        Ok(gpu) => println_once(&format!("GPU: {}", gpu.adapter_name())),
        Err(error) => println_once(&format!("GPU benches left out: {error}")),
    }
    race(&mut criterion, "sum", Sum, gpu.as_ref().ok());
    race(&mut criterion, "count+mean+variance+min+max", (Count, Mean, Variance, Min, Max), gpu.as_ref().ok());
    criterion.final_summary();
}

#[expect(clippy::print_stdout, reason = "a bench talks to a person")]
fn println_once(line: &str) {
    println!("{line}");
}

fn race<A: Aggregator<f32> + Copy>(criterion: &mut Criterion, name: &str, aggregator: A, gpu: Option<&Gpu>) {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    for n in SIZES {
        let items = data(n);
        group.throughput(Throughput::Bytes(4 * n as u64));
        group.bench_function(BenchmarkId::new("read bandwidth", n), |b| b.iter(|| read_all(black_box(&items))));
        group.bench_function(BenchmarkId::new("cpu", n), |b| b.iter(|| host(aggregator, &Engine::cpu(), &items)));
        let Some(gpu) = gpu else { continue };
        let engine = Engine::from(gpu.clone());
        group.bench_function(BenchmarkId::new("gpu upload + kernel", n), |b| {
            b.iter(|| host(aggregator, &engine, &items))
        });
        let buffer = resident(gpu, &items);
        group.bench_function(BenchmarkId::new("gpu kernel alone", n), |b| {
            b.iter(|| {
                let mut reducer = Reducer::<f32, A>::new(aggregator, &engine).expect("the aggregators have a GPU half");
                reducer.push_buffer(&buffer, 0..buffer.size()).expect("the device works");
                reducer.finish()
            });
        });
    }
    group.finish();
}

fn host<A: Aggregator<f32> + Copy>(aggregator: A, engine: &Engine, items: &[f32]) -> A::Output {
    let mut reducer = Reducer::new(aggregator, engine).expect("the aggregators have a GPU half");
    reducer.push(black_box(items)).expect("the device works");
    reducer.finish()
}
