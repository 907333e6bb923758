//! A composed kernel as compute pipelines.

use strix_shaders::{Binding, ComposeError, Kernel, Recipe, Taker};

use super::Gpu;
use crate::Error;

/// The pipelines of a kernel, and what their bindings are.
#[derive(Debug)]
pub(super) struct Pipelines {
    pub(super) kernel: Kernel,
    pub(super) reduce: wgpu::ComputePipeline,
    /// Only where workgroups take pieces.
    pub(super) merge: Option<wgpu::ComputePipeline>,
    pub(super) bindings: wgpu::BindGroupLayout,
}

impl Pipelines {
    pub(super) fn new(gpu: &Gpu, recipe: &Recipe) -> Result<Self, Error> {
        let kernel = recipe.compose_edited(&|source| gpu.edited(source))?;
        let entries: Vec<_> = kernel.bindings.iter().map(|binding| entry_of(*binding)).collect();
        let storages = kernel.bindings.len() as u32 - 1;
        let available = gpu.limits().max_storage_buffers_per_shader_stage;
        if storages > available {
            let reason = format!("its kernel binds {storages} buffers, and the device takes {available}");
            return Err(Error::NotOnGpu { reason });
        }
        let device = gpu.device();
        let bindings = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("strix bindings"),
            entries: &entries,
        });
        let pipelines = Maker::new(gpu, &kernel.source, &bindings);
        let reduce = pipelines.of("reduce_pieces");
        let merge = (recipe.taker == Taker::Workgroup).then(|| pipelines.of("merge_partials"));
        Ok(Self { kernel, reduce, merge, bindings })
    }
}

fn entry_of(binding: Binding) -> wgpu::BindGroupLayoutEntry {
    let ty = match binding {
        Binding::Params => wgpu::BufferBindingType::Uniform,
        other => wgpu::BufferBindingType::Storage { read_only: !other.is_written() },
    };
    layout_entry(binding as u32, ty)
}

pub(super) fn layout_entry(binding: u32, ty: wgpu::BufferBindingType) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    }
}

/// A module of WGSL on a device, and the layout that its entry points share.
pub(super) struct Maker<'a> {
    device: &'a wgpu::Device,
    module: wgpu::ShaderModule,
    layout: wgpu::PipelineLayout,
}

impl<'a> Maker<'a> {
    pub(super) fn new(gpu: &'a Gpu, source: &str, bindings: &wgpu::BindGroupLayout) -> Self {
        let device = gpu.device();
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("strix kernel"),
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some("strix layout"),
            bind_group_layouts: &[Some(bindings)],
            immediate_size: 0,
        });
        Self { device, module, layout }
    }

    pub(super) fn of(&self, entry_point: &str) -> wgpu::ComputePipeline {
        self.device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry_point),
            layout: Some(&self.layout),
            module: &self.module,
            entry_point: Some(entry_point),
            compilation_options: wgpu::PipelineCompilationOptions {
                // Each invocation writes its own cell before any is read.
                zero_initialize_workgroup_memory: false,
                ..Default::default()
            },
            cache: None,
        })
    }
}

/// An order kernel: its pipelines by entry point, all with one layout.
#[derive(Debug)]
pub(super) struct Helper {
    pub(super) pipelines: Vec<wgpu::ComputePipeline>,
    pub(super) bindings: wgpu::BindGroupLayout,
}

impl Helper {
    /// `storages` says of each storage binding from 0 whether it is written; the uniform comes last.
    pub(super) fn new(
        gpu: &Gpu,
        source: Result<String, ComposeError>,
        storages: &[bool],
        entry_points: &[&str],
    ) -> Result<Self, Error> {
        let source = gpu.edited(source?);
        let storage = |written: &bool| wgpu::BufferBindingType::Storage { read_only: !written };
        let types = storages.iter().map(storage).chain([wgpu::BufferBindingType::Uniform]);
        let entries: Vec<_> = (0..).zip(types).map(|(binding, ty)| layout_entry(binding, ty)).collect();
        let bindings = gpu.device().create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("strix order bindings"),
            entries: &entries,
        });
        let maker = Maker::new(gpu, &source, &bindings);
        let pipelines = entry_points.iter().map(|entry_point| maker.of(entry_point)).collect();
        drop(maker);
        Ok(Self { pipelines, bindings })
    }

    /// Its bindings, in order.
    pub(super) fn bind(&self, gpu: &Gpu, resources: &[wgpu::BindingResource<'_>]) -> wgpu::BindGroup {
        let entries: Vec<_> = (0..)
            .zip(resources)
            .map(|(binding, resource)| wgpu::BindGroupEntry { binding, resource: resource.clone() })
            .collect();
        gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &self.bindings,
            entries: &entries,
        })
    }
}
