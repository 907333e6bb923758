//! A composed kernel as compute pipelines.

use strix_shaders::{DEFAULT_WORKGROUP_BYTES, Kernel, Load, Snippet, compose};

use super::Gpu;
use crate::Error;

/// The two pipelines of a kernel, and what their bindings are.
#[derive(Debug)]
pub(crate) struct Pipelines {
    pub(super) kernel: Kernel,
    pub(super) load: Load,
    pub(super) reduce_tiles: wgpu::ComputePipeline,
    pub(super) merge_partials: wgpu::ComputePipeline,
    pub(super) bindings: wgpu::BindGroupLayout,
}

impl Pipelines {
    pub(super) fn new(gpu: &Gpu, load: Load, snippets: &[Snippet]) -> Result<Self, Error> {
        let device = gpu.device();
        let kernel = compose(load, snippets, DEFAULT_WORKGROUP_BYTES)?;
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("strix kernel"),
            source: wgpu::ShaderSource::Wgsl(kernel.source.as_str().into()),
        });
        let storage = |read_only| wgpu::BufferBindingType::Storage { read_only };
        let entry = |binding, ty| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let bindings = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("strix bindings"),
            entries: &[
                entry(0, storage(true)),
                entry(1, storage(false)),
                entry(2, storage(false)),
                entry(3, wgpu::BufferBindingType::Uniform),
            ],
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("strix layout"),
            bind_group_layouts: &[Some(&bindings)],
            immediate_size: 0,
        });
        let pipeline = |entry_point| {
            device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(entry_point),
                layout: Some(&layout),
                module: &module,
                entry_point: Some(entry_point),
                compilation_options: wgpu::PipelineCompilationOptions {
                    // Each invocation writes its own cell before any is read.
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            })
        };
        let reduce_tiles = pipeline("reduce_tiles");
        let merge_partials = pipeline("merge_partials");
        Ok(Self { kernel, load, reduce_tiles, merge_partials, bindings })
    }
}
