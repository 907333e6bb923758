//! Runs a kernel over host data or a device buffer: chunks, two dispatches each, one small read-back.

use std::ops::Range;

use super::{Gpu, GpuHalf, Partial, Pipelines};
use crate::axis::Axes;
use crate::{Error, NanPolicy};

/// Bytes uploaded at once at most: enough to hide the dispatch, little enough to keep memory bounded.
const UPLOAD_BYTES: u64 = 64 << 20;

/// Where the elements are.
pub(crate) enum Source<'a> {
    /// In host memory, to be uploaded.
    Host(&'a [u8]),
    /// In a buffer on the device, at this range of bytes, to be read in place.
    Device(&'a wgpu::Buffer, Range<u64>),
}

/// Buffers kept from one reduction to the next; each grows to the largest use so far.
#[derive(Default)]
pub(super) struct Scratch {
    input: Option<wgpu::Buffer>,
    partials: Option<wgpu::Buffer>,
    result: Option<wgpu::Buffer>,
    read_back: Option<wgpu::Buffer>,
    tile_params: Option<wgpu::Buffer>,
    merge_params: Option<wgpu::Buffer>,
}

/// What a chunk gave for an output.
pub(crate) struct ChunkState<S> {
    pub(crate) state: S,
    pub(crate) skipped: u64,
}

/// How the elements of a chunk belong to outputs. Mirrors `Params` in `tree_reduce.wgsl`.
#[derive(Clone, Copy)]
struct Grid {
    /// Elements of each output.
    count: u32,
    /// The first output, and how many.
    outputs: (u32, u32),
    /// From one element of an output to its next.
    inner: u32,
}

impl Gpu {
    /// Reduces all elements of `source`, chunk by chunk, and hands each chunk's state to `take`.
    ///
    /// # Errors
    /// [`Error::Nan`] with the element's index in `source`; [`Error::Device`].
    pub(crate) fn reduce<S>(
        &self,
        pipelines: &Pipelines,
        half: &GpuHalf<S>,
        source: &Source<'_>,
        nan: NanPolicy,
        mut take: impl FnMut(ChunkState<S>),
    ) -> Result<(), Error> {
        let element = u64::from(pipelines.load.element_bytes());
        let all = match source {
            Source::Host(bytes) => 0..bytes.len() as u64,
            Source::Device(_, range) => range.clone(),
        };
        let limit = self.chunk_bytes(pipelines, matches!(source, Source::Host(_)));
        let mut scratch = self.scratch();
        let mut begin = all.start;
        while begin < all.end {
            let end = all.end.min(begin + limit);
            let grid = Grid { count: ((end - begin) / element) as u32, outputs: (0, 1), inner: 1 };
            let reduced = self.checked("the reduction", || match source {
                Source::Host(host) => {
                    let bytes = &host[begin as usize..end as usize];
                    let input = upload(self, &mut scratch.input, bytes);
                    self.chunk(pipelines, &mut scratch, &input, 0..bytes.len() as u64, grid)
                }
                Source::Device(buffer, _) => self.chunk(pipelines, &mut scratch, buffer, begin..end, grid),
            });
            let bytes = reduced.and_then(|bytes| bytes).inspect_err(|_| {
                // A buffer that could not be made, or stayed mapped, must not meet the next reduction.
                *scratch = Scratch::default();
            })?;
            let (partial, skipped) = Partial::new(&bytes, &pipelines.kernel.layout, pipelines.load, nan);
            if nan == NanPolicy::Error && partial.census().nan > 0 {
                let before = (begin - all.start) / element;
                return Err(Error::Nan { index: before + u64::from(partial.census().first_nan) });
            }
            take(ChunkState { state: half.read(&partial), skipped: skipped.into() });
            begin = end;
        }
        Ok(())
    }

    /// Reduces `host` along the middle of `axes`, and hands over each output's state, in pieces of its axis where it
    /// is longer than a chunk.
    ///
    /// # Errors
    /// [`Error::Nan`] with the element's index along its axis; [`Error::NotOnGpu`] where not even one step along the
    /// axis fits a chunk; [`Error::Device`].
    pub(crate) fn reduce_axis<S>(
        &self,
        pipelines: &Pipelines,
        half: &GpuHalf<S>,
        host: &[u8],
        axes: Axes,
        nan: NanPolicy,
        mut take: impl FnMut(usize, ChunkState<S>),
    ) -> Result<(), Error> {
        let element = pipelines.load.element_bytes() as usize;
        let Axes { outer, length, inner } = axes;
        let limit = self.chunk_bytes(pipelines, true) as usize / element;
        if inner > limit {
            let reason = format!("{inner} elements lie between two of one output, and {limit} fit a chunk");
            return Err(Error::NotOnGpu { reason });
        }
        let slab = length * inner;
        // Whole slabs, or part of one along the axis.
        let (slabs, steps) = if slab <= limit { (limit / slab, length) } else { (1, limit / inner) };
        let most = self.most_outputs(pipelines, steps);
        let mut scratch = self.scratch();
        for first in (0..outer).step_by(slabs) {
            for step in (0..length).step_by(steps) {
                let count = steps.min(length - step);
                let begin = (first * slab + step * inner) * element;
                let slabs = slabs.min(outer - first);
                let bytes = &host[begin..begin + slabs * count * inner * element];
                for output in (0..slabs * inner).step_by(most) {
                    let outputs = most.min(slabs * inner - output);
                    let grid =
                        Grid { count: count as u32, outputs: (output as u32, outputs as u32), inner: inner as u32 };
                    let partials = self.checked("the reduction", || {
                        let input = if output == 0 {
                            upload(self, &mut scratch.input, bytes)
                        } else {
                            grown(self.device(), &mut scratch.input, bytes.len() as u64, INPUT)
                        };
                        self.chunk(pipelines, &mut scratch, &input, 0..bytes.len() as u64, grid)
                    });
                    let partials = partials.and_then(|bytes| bytes).inspect_err(|_| *scratch = Scratch::default())?;
                    let size = pipelines.kernel.layout.partial_bytes as usize;
                    for (place, bytes) in partials.chunks_exact(size).take(outputs).enumerate() {
                        let (partial, skipped) = Partial::new(bytes, &pipelines.kernel.layout, pipelines.load, nan);
                        if nan == NanPolicy::Error && partial.census().nan > 0 {
                            return Err(Error::Nan { index: step as u64 + u64::from(partial.census().first_nan) });
                        }
                        let chunk = ChunkState { state: half.read(&partial), skipped: skipped.into() };
                        take(first * inner + output + place, chunk);
                    }
                }
            }
        }
        Ok(())
    }

    /// Outputs of that many elements each whose partials fit one pair of dispatches.
    fn most_outputs(&self, pipelines: &Pipelines, count: usize) -> usize {
        let limits = self.device().limits();
        let tiles = count.div_ceil(pipelines.kernel.tile as usize).max(1);
        let partials = UPLOAD_BYTES.min(limits.max_storage_buffer_binding_size) as usize
            / (tiles * pipelines.kernel.layout.partial_bytes as usize);
        partials.clamp(1, limits.max_compute_workgroups_per_dimension as usize)
    }

    /// Bytes that one pair of dispatches takes at most; a multiple of the tile and of the alignment.
    fn chunk_bytes(&self, pipelines: &Pipelines, upload: bool) -> u64 {
        let limits = self.device().limits();
        let tile = u64::from(pipelines.kernel.tile) * u64::from(pipelines.load.element_bytes());
        // No more than 2^16 tiles, so that a chunk's counts have at most 29 bits.
        let tiles = u64::from(limits.max_compute_workgroups_per_dimension).min(1 << 16);
        // Less one alignment, as a binding may have to begin before the range.
        let binding = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size)
            - u64::from(limits.min_storage_buffer_offset_alignment);
        let bytes = binding.min(tiles * tile).min(if upload { UPLOAD_BYTES } else { u64::MAX });
        (bytes / tile).max(1) * tile
    }

    /// Both dispatches over `range` of `input`; the bytes of a partial for each output.
    fn chunk(
        &self,
        pipelines: &Pipelines,
        scratch: &mut Scratch,
        input: &wgpu::Buffer,
        range: Range<u64>,
        grid: Grid,
    ) -> Result<Vec<u8>, Error> {
        use wgpu::BufferUsages as Usage;
        let (device, queue, kernel) = (self.device(), self.queue(), &pipelines.kernel);
        let element = u64::from(pipelines.load.element_bytes());
        let Grid { count, outputs: (output, outputs), inner } = grid;
        let tiles = count.div_ceil(kernel.tile).max(1);
        let partial_bytes = u64::from(kernel.layout.partial_bytes);
        let result_bytes = u64::from(outputs) * partial_bytes;

        // A binding begins at a multiple of the alignment; the kernel skips what comes before.
        let alignment = u64::from(device.limits().min_storage_buffer_offset_alignment);
        let bound = range.start / alignment * alignment;
        let first = ((range.start - bound) / element) as u32;
        let size = (range.end - bound).next_multiple_of(4);

        let partials = grown(device, &mut scratch.partials, u64::from(tiles) * result_bytes, Usage::STORAGE);
        let result = grown(device, &mut scratch.result, result_bytes, Usage::STORAGE | Usage::COPY_SRC);
        let read_back = grown(device, &mut scratch.read_back, result_bytes, Usage::MAP_READ | Usage::COPY_DST);
        let tile_params = grown(device, &mut scratch.tile_params, 16, Usage::UNIFORM | Usage::COPY_DST);
        let merge_params = grown(device, &mut scratch.merge_params, 16, Usage::UNIFORM | Usage::COPY_DST);
        queue.write_buffer(&tile_params, 0, bytemuck::bytes_of(&[count, first, inner, output]));
        queue.write_buffer(&merge_params, 0, bytemuck::bytes_of(&[tiles, 0, 1, 0]));

        let bind = |params: &wgpu::Buffer| {
            let entry = |binding, resource| wgpu::BindGroupEntry { binding, resource };
            let input = wgpu::BufferBinding { buffer: input, offset: bound, size: wgpu::BufferSize::new(size) };
            device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &pipelines.bindings,
                entries: &[
                    entry(0, wgpu::BindingResource::Buffer(input)),
                    entry(1, partials.as_entire_binding()),
                    entry(2, result.as_entire_binding()),
                    entry(3, params.as_entire_binding()),
                ],
            })
        };
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            pass.set_pipeline(&pipelines.reduce_tiles);
            pass.set_bind_group(0, &bind(&tile_params), &[]);
            pass.dispatch_workgroups(tiles, outputs, 1);
            pass.set_pipeline(&pipelines.merge_partials);
            pass.set_bind_group(0, &bind(&merge_params), &[]);
            pass.dispatch_workgroups(outputs, 1, 1);
        }
        encoder.copy_buffer_to_buffer(&result, 0, &read_back, 0, result_bytes);
        queue.submit([encoder.finish()]);
        read(device, &read_back, result_bytes)
    }
}

/// The buffer in `slot` if it is large enough, else a new one in its place.
fn grown(device: &wgpu::Device, slot: &mut Option<wgpu::Buffer>, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    if let Some(buffer) = slot.as_ref().filter(|buffer| buffer.size() >= size) {
        return buffer.clone();
    }
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("strix scratch"),
        size: size.next_multiple_of(4),
        usage,
        mapped_at_creation: false,
    });
    slot.insert(buffer).clone()
}

/// What a buffer that host data is uploaded to is for.
const INPUT: wgpu::BufferUsages = wgpu::BufferUsages::STORAGE.union(wgpu::BufferUsages::COPY_DST);

fn upload(gpu: &Gpu, slot: &mut Option<wgpu::Buffer>, bytes: &[u8]) -> wgpu::Buffer {
    let input = grown(gpu.device(), slot, bytes.len() as u64, INPUT);
    // Writes are whole words; the last may need padding, which the kernel never reads as elements.
    let (words, tail) = bytes.split_at(bytes.len() / 4 * 4);
    gpu.queue().write_buffer(&input, 0, words);
    if !tail.is_empty() {
        let mut last = [0; 4];
        last[..tail.len()].copy_from_slice(tail);
        gpu.queue().write_buffer(&input, words.len() as u64, &last);
    }
    input
}

/// Waits for the submitted work and copies the first `size` bytes out of `buffer`.
fn read(device: &wgpu::Device, buffer: &wgpu::Buffer, size: u64) -> Result<Vec<u8>, Error> {
    let failed = |message: String| Error::Device { during: "read-back", message };
    let (send, receive) = std::sync::mpsc::channel();
    buffer.map_async(wgpu::MapMode::Read, 0..size, move |mapped| {
        // The receiver outlives the poll below.
        let _ = send.send(mapped);
    });
    device.poll(wgpu::PollType::wait_indefinitely()).map_err(|e| failed(e.to_string()))?;
    receive.recv().map_err(|e| failed(e.to_string()))?.map_err(|e| failed(e.to_string()))?;
    let bytes = buffer.get_mapped_range(0..size).map_err(|e| failed(e.to_string()))?.to_vec();
    buffer.unmap();
    Ok(bytes)
}
