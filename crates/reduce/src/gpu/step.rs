//! One dispatch, ready to be recorded, and the small buffers around it.

use super::Gpu;

/// A dispatch with everything that it binds.
#[derive(Debug)]
pub(super) struct Step {
    pipeline: wgpu::ComputePipeline,
    group: wgpu::BindGroup,
    workgroups: (u32, u32),
}

impl Step {
    /// `workgroups` of them, in as many rows as the device's limit asks for; the kernel leaves those too many alone.
    pub(super) fn new(gpu: &Gpu, pipeline: &wgpu::ComputePipeline, group: wgpu::BindGroup, workgroups: u64) -> Self {
        let most = u64::from(gpu.limits().max_compute_workgroups_per_dimension);
        let columns = workgroups.clamp(1, most);
        let rows = workgroups.div_ceil(columns).max(1);
        Self { pipeline: pipeline.clone(), group, workgroups: (columns as u32, rows as u32) }
    }

    pub(super) fn record(&self, pass: &mut wgpu::ComputePass<'_>) {
        pass.set_pipeline(&self.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(self.workgroups.0, self.workgroups.1, 1);
    }
}

/// A buffer of whole words, and of one at least.
pub(super) fn buffer(gpu: &Gpu, bytes: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("strix"),
        size: bytes.next_multiple_of(4).max(4),
        usage,
        mapped_at_creation: false,
    })
}

/// A buffer that holds these words from the start.
pub(super) fn filled(gpu: &Gpu, words: &[u32], usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let bytes: &[u8] = bytemuck::cast_slice(words);
    let made = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: Some("strix"),
        size: (bytes.len() as u64).max(4),
        usage,
        mapped_at_creation: true,
    });
    // A device that is lost, or out of memory, says so in the error scope around this.
    if let Ok(mut view) = made.get_mapped_range_mut(..) {
        view.slice(..bytes.len()).copy_from_slice(bytes);
    }
    made.unmap();
    made
}

/// A uniform buffer of these words, padded to whole vectors.
pub(super) fn uniform(gpu: &Gpu, words: &[u32]) -> wgpu::Buffer {
    let mut padded = words.to_vec();
    padded.resize(words.len().next_multiple_of(4), 0);
    filled(gpu, &padded, wgpu::BufferUsages::UNIFORM)
}
