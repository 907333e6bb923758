//! burn's own wgpu reductions beside Strix's, on the same numbers and device, each with its read-back:
//! `cargo bench -p strix-benches --features burn --bench burn -- [elements]`. On a real GPU only: on software renderers
//! burn's kernels are wrong or hang.
#![expect(clippy::print_stdout, reason = "a bench talks to a person")]

use std::time::Instant;

use burn::tensor::{Device, DeviceKind, Tensor, TensorData};
use strix_benches::{alike, resident};
use strix_reduce::gpu::{Gpu, Reduction, View};
use strix_reduce::{Sum, Variance};

const ROUNDS: usize = 9;

fn main() {
    let gpu = match Gpu::open_hardware() {
        Ok(gpu) => gpu,
        Err(error) => return println!("{error}"),
    };
    let n: usize = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1 << 28);
    let items = alike(n);
    let buffer = resident(&gpu, &items);
    let (sum, variance) = (Reduction::<f32, _>::new(&gpu, Sum), Reduction::<f32, _>::new(&gpu, Variance));
    let (sum, variance) = (sum.expect("there is a kernel"), variance.expect("there is a kernel"));
    let view = View::of(&buffer, 0..n as u64);
    let (sum, variance) = (sum.bind(&view).expect("it is inside"), variance.bind(&view).expect("it is inside"));
    let device = Device::wgpu(DeviceKind::DefaultDevice);
    let tensor = Tensor::<1>::from_data(TensorData::new(items, [n]), &device);
    let read = |tensor: Tensor<1>| tensor.try_into_data().expect("the device works");

    let mut best = [f64::INFINITY; 4];
    for _ in 0..ROUNDS {
        let seconds = [
            timed(|| sum.submit().and_then(|()| sum.answers()).map(drop).expect("the device works")),
            timed(|| drop(read(tensor.clone().sum()))),
            timed(|| variance.submit().and_then(|()| variance.answers()).map(drop).expect("the device works")),
            timed(|| drop(read(tensor.clone().var(0)))),
        ];
        best.iter_mut().zip(seconds).for_each(|(best, seconds)| *best = best.min(seconds));
    }
    println!("{n} f32 on {}: GB/s, and Strix's time over burn's", gpu.adapter_name());
    for (name, pair) in ["sum", "variance"].into_iter().zip(best.chunks(2)) {
        let rate = |seconds: f64| 4e-9 * n as f64 / seconds;
        println!(
            "  {name:<10} strix {:>8.1}, burn {:>8.1}, ratio {:.2}",
            rate(pair[0]),
            rate(pair[1]),
            pair[0] / pair[1]
        );
    }
}

fn timed(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64()
}
