//! A buffer that the caller has on the GPU, reduced where it lies: nothing but the answer moves.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use strix_reduce::gpu::Gpu;
use strix_reduce::{Engine, Max, Mean, Reducer, wgpu};

fn main() -> Result<(), strix_reduce::Error> {
    // Here the engine's own device; `Gpu::from_device` takes the caller's.
    let gpu = Gpu::open()?;
    let values: Vec<f32> = (0..1_000_000).map(|i| (i % 1000) as f32).collect();
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("values"),
        size: 4_000_000,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue().write_buffer(&buffer, 0, bytemuck::cast_slice(&values));

    let mut reducer = Reducer::<f32, _>::new((Mean, Max), &Engine::from(gpu.clone()))?;
    reducer.push_buffer(&buffer, 0..2_000_000)?; // the first half million elements
    let (mean, max) = reducer.finish();
    println!("{}: mean {mean:?}, max {max:?}", gpu.adapter_name());
    Ok(())
}
