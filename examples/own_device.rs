//! A program with its own device, commands and kernels: Strix reduces among them, and what it leaves stays on the device
//! for the next kernel. Nothing is copied, and only the last answers come back.
#![allow(clippy::print_stdout, reason = "an example talks to a person")]

use strix_reduce::gpu::{Gpu, Reduction, View};
use strix_reduce::wgpu::util::{BufferInitDescriptor, DeviceExt};
use strix_reduce::{Mean, Sum, wgpu};

/// Subtracts each row's mean from it, which it reads where the reduction left it.
const CENTER: &str = "
    @group(0) @binding(0) var<storage, read_write> table: array<f32>;
    @group(0) @binding(1) var<storage, read> results: array<u32>;
    @group(0) @binding(2) var<uniform> at: vec4<u32>; // words: a partial, its frame, its count, its sum

    @compute @workgroup_size(64)
    fn center(@builtin(global_invocation_id) id: vec3<u32>) {
        let row = id.x / 1000u * at.x;
        let shift = bitcast<f32>(results[row + at.y + 1u]);
        let scale = exp2(f32(bitcast<i32>(results[row + at.y])));
        let mean = (shift + bitcast<f32>(results[row + at.w]) / f32(results[row + at.z])) * scale;
        table[id.x] -= mean;
    }";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The program's own device and queue.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))?;
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?;
    let buffer =
        |contents: &[u8], usage| device.create_buffer_init(&BufferInitDescriptor { label: None, contents, usage });
    let rows: Vec<f32> = (0..64_000).map(|i| (i / 1000) as f32 * 10.0 + (i % 1000) as f32 * 0.001).collect();
    let table = buffer(bytemuck::cast_slice(&rows), wgpu::BufferUsages::STORAGE);

    // Strix on that device: one mean for each of 64 rows, bound to the table once.
    let gpu = Gpu::from_device(adapter.get_info(), device.clone(), queue.clone());
    let means = Reduction::<f32, _>::new(&gpu, Mean)?;
    let view = View::of(&table, 0..64_000).strided(&[64, 1000], &[1000, 1], 1)?;
    let means = means.bind(&view)?;
    let results = means.results().ok_or("the table has elements")?;

    let layout = results.layout;
    let place = |name: &str| layout.part(name).map_or(0, |part| part.offset / 4);
    let words = [layout.partial_bytes / 4, layout.frame_offsets[0] / 4, place("census"), place("sum")];
    let words = buffer(bytemuck::cast_slice(&words), wgpu::BufferUsages::UNIFORM);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some("center"),
        source: wgpu::ShaderSource::Wgsl(CENTER.into()),
    });
    let center = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("center"),
        layout: None,
        module: &module,
        entry_point: Some("center"),
        compilation_options: Default::default(),
        cache: None,
    });
    let entries = [table.as_entire_binding(), results.buffer.as_entire_binding(), words.as_entire_binding()];
    let entries: Vec<_> =
        (0..).zip(entries).map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource }).collect();
    let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout: &center.get_bind_group_layout(0),
        entries: &entries,
    });

    // One submission: the means, the kernel that uses them, and a sum of what that leaves.
    let after = Reduction::<f32, _>::new(&gpu, Sum)?;
    let after = after.bind(&View::of(&table, 0..64_000))?;
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    means.record(&mut encoder);
    {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&center);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(1000, 1, 1);
    }
    after.record(&mut encoder);
    queue.submit([encoder.finish()]);

    // Without blocking the thread; `answers` blocks.
    let before = pollster::block_on(means.answers_async())?;
    let sum = after.answers()?[0].unwrap_or_default();
    println!(
        "row 63 had mean {:.4}; all rows together are now within {:.0e} of 0",
        before[63].unwrap_or_default(),
        sum.abs().max(1.0)
    );
    Ok(())
}
