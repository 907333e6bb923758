//! A reduction of one view: its dispatches, ready to be recorded any number of times, and how to read what they left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use strix_shaders::{Binding, Load, Recipe, SHORT, Shape, Taker};

use super::Gpu;
use super::chunks::{Chunk, Limits, chunks, room};
use super::half::{Spec, parts};
use super::kernel::Pipelines;
use super::order::{self, Bound, Keys, Sorter, Window, scan_words};
use super::partial::{Census, Partial};
use super::step::{Step, buffer, filled, uniform};
use super::view::{Lie, Tensor, View};
use crate::{Error, NanPolicy};

/// Pieces of an output in a chunk at most: its counts then have at most 29 bits, and digits that carry late do not
/// overflow when partials merge.
const MOST_PIECES: u64 = 1 << 16;

/// Elements of a piece that an invocation takes alone, at least and at most.
const LONE: (u64, u64) = (256, SHORT as u64);

/// Partials that a workgroup merges at most: four an invocation, so that the many partials of one output keep more than
/// one workgroup busy.
const MERGED: u64 = 256;

/// Invocations that make a device busy.
const BUSY: u64 = 1 << 14;

/// What a kernel is made for: the types of the columns, the aggregators, and how NaN count.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Job {
    pub(super) loads: Vec<Load>,
    pub(super) specs: Vec<Spec>,
    pub(super) nan: NanPolicy,
}

/// What a chunk left of an output.
pub(super) struct Taken<'a> {
    pub(super) output: usize,
    pub(super) partial: Partial<'a>,
    /// Where the chunk began along the axis, or among the elements of a group.
    pub(super) place: u64,
    pub(super) skipped: u64,
}

/// See the module.
pub(super) struct Run {
    job: Job,
    /// One of its kernels: all have the same partials.
    pipelines: Option<Arc<Pipelines>>,
    /// Without repetitions, as the counters lie.
    specs: Vec<Spec>,
    pieces: Vec<Piece>,
    results: wgpu::Buffer,
    counts: wgpu::Buffer,
    status: wgpu::Buffer,
    stamps: wgpu::Buffer,
    read_back: wgpu::Buffer,
    /// How often it was recorded. The work leaves a stamp, which tells that it was submitted.
    recorded: AtomicU32,
    /// Whether there is a [`Reading`].
    reading: Arc<AtomicBool>,
}

/// The one who reads the read-back, which is mapped, or waits to be. Dropping it, read or not, unmaps.
pub(super) struct Reading {
    gpu: Gpu,
    /// `None` of a run without pieces, which has nothing to map.
    held: Option<(wgpu::Buffer, Arc<AtomicBool>)>,
}

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some((buffer, reading)) = self.held.take() {
            // One that could not be mapped was told of already.
            let _ = self.gpu.checked("read-back", || buffer.unmap());
            reading.store(false, Ordering::Release);
        }
    }
}

/// One chunk.
struct Piece {
    steps: Vec<Step>,
    part: Part,
    outputs: u64,
    /// Bytes at which its results and its counts begin.
    results_at: u64,
    counts_at: u64,
}

enum Part {
    Tensor(Chunk, Tensor),
    Segments,
    /// From that element on.
    Groups(u64),
}

/// The words of a kernel's `Params`.
#[derive(Default)]
struct Params {
    count: u32,
    first: u32,
    stride: u32,
    outputs: u32,
    pieces: u32,
    piece: u32,
    second: u32,
    mask: u32,
    others: Vec<(u64, u64)>,
    skip_nan: bool,
    total: u32,
    window: u32,
}

impl Params {
    fn words(&self) -> [u32; 28] {
        let mut words = [0; 28];
        let scalars =
            [self.count, self.first, self.stride, self.outputs, self.pieces, self.piece, self.second, self.mask];
        words[..8].copy_from_slice(&scalars);
        words[8..12].copy_from_slice(&[self.others.len() as u32, self.skip_nan.into(), self.total, self.window]);
        for (axis, (length, stride)) in self.others.iter().enumerate() {
            words[12 + axis] = *length as u32;
            words[20 + axis] = *stride as u32;
        }
        words
    }
}

/// Elements of `bits` bits each as a binding, which begins at a multiple of the alignment, and the index of the first of
/// them in it.
fn bound<'a>(gpu: &Gpu, buffer: &'a wgpu::Buffer, bits: u64, first: u64, count: u64) -> (Bound<'a>, u32) {
    let begin = first * bits / 8 / gpu.alignment() * gpu.alignment();
    let end = ((first + count) * bits).div_ceil(32) * 4;
    let size = wgpu::BufferSize::new(end.saturating_sub(begin).max(4));
    let binding = wgpu::BufferBinding { buffer, offset: begin, size };
    (wgpu::BindingResource::Buffer(binding), (first - begin * 8 / bits) as u32)
}

fn part_of(buffer: &wgpu::Buffer, at: u64, bytes: u64) -> Bound<'_> {
    let binding = wgpu::BufferBinding { buffer, offset: at, size: wgpu::BufferSize::new(bytes.max(4)) };
    wgpu::BindingResource::Buffer(binding)
}

/// The columns and the mask of a chunk, bound.
struct Inputs<'a> {
    columns: Vec<Bound<'a>>,
    mask: Option<Bound<'a>>,
    params: Params,
}

impl<'a> Inputs<'a> {
    /// Of `span` elements from `first` on, counted from the view's.
    fn new(gpu: &Gpu, job: &Job, view: &View<'a>, first: u64, span: u64) -> Self {
        let columns = view.columns.iter().zip(&job.loads);
        let columns: Vec<_> = columns
            .map(|((buffer, own), load)| bound(gpu, buffer, u64::from(load.element_bytes()) * 8, own + first, span))
            .collect();
        let mask = view.mask.map(|(buffer, own)| bound(gpu, buffer, 1, own + first, span));
        let place = columns.first().map_or(0, |column| column.1);
        let params = Params {
            first: place,
            second: columns.get(1).map_or(0, |column| column.1.wrapping_sub(place)),
            mask: mask.as_ref().map_or(0, |mask| mask.1),
            skip_nan: job.nan == NanPolicy::Skip,
            ..Params::default()
        };
        Self { columns: columns.into_iter().map(|column| column.0).collect(), mask: mask.map(|mask| mask.0), params }
    }
}

/// What is made while a run is put together.
struct Maker<'a> {
    gpu: &'a Gpu,
    job: &'a Job,
    masked: bool,
    counters: u64,
    partial_bytes: u64,
    parameters: wgpu::Buffer,
}

/// Everything that a kernel of one chunk may bind, but its inputs.
#[derive(Clone)]
struct Bindings<'a> {
    partials: &'a wgpu::Buffer,
    results: Bound<'a>,
    counts: Bound<'a>,
    offsets: Option<Bound<'a>>,
    order: Option<&'a wgpu::Buffer>,
    tiles: Option<&'a wgpu::Buffer>,
}

impl Maker<'_> {
    fn pipelines(&self, shape: Shape, taker: Taker) -> Result<Arc<Pipelines>, Error> {
        self.gpu.pipelines(self.job, self.masked, shape, taker)
    }

    fn bind(&self, pipelines: &Pipelines, inputs: &Inputs<'_>, all: &Bindings<'_>) -> wgpu::BindGroup {
        let params = uniform(self.gpu, &inputs.params.words());
        let whole = wgpu::Buffer::as_entire_binding;
        let entries: Vec<_> = pipelines
            .kernel
            .bindings
            .iter()
            .filter_map(|binding| {
                let resource = match binding {
                    Binding::First => inputs.columns.first().cloned(),
                    Binding::Second => inputs.columns.get(1).cloned(),
                    Binding::Mask => inputs.mask.clone(),
                    Binding::Offsets => all.offsets.clone(),
                    Binding::Order => all.order.map(whole),
                    Binding::Tiles => all.tiles.map(whole),
                    Binding::Partials => Some(whole(all.partials)),
                    Binding::Results => Some(all.results.clone()),
                    Binding::Counts => Some(all.counts.clone()),
                    Binding::Parameters => Some(whole(&self.parameters)),
                    Binding::Params => Some(whole(&params)),
                };
                // One that is missing would be a bug, which validation reports.
                resource.map(|resource| wgpu::BindGroupEntry { binding: *binding as u32, resource })
            })
            .collect();
        self.gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipelines.bindings,
            entries: &entries,
        })
    }

    /// The step that takes so many pieces; the group that it binds.
    fn pieces(
        &self,
        p: &Pipelines,
        inputs: &Inputs<'_>,
        all: &Bindings<'_>,
        pieces: u64,
        steps: &mut Vec<Step>,
    ) -> wgpu::BindGroup {
        let group = self.bind(p, inputs, all);
        let workgroups = if p.merge.is_some() { pieces } else { pieces.div_ceil(p.kernel.workgroup_size.into()) };
        steps.push(Step::new(self.gpu, &p.reduce, group.clone(), workgroups));
        group
    }

    /// The steps that merge the partials of each output, [`MERGED`] a workgroup, until one is left.
    fn merges(
        &self,
        mut inputs: Inputs<'_>,
        all: &Bindings<'_>,
        mut partials: u64,
        scratch: &mut Scratch,
        steps: &mut Vec<Step>,
    ) -> Result<(), Error> {
        let together = self.pipelines(Shape::Strided, Taker::Workgroup)?;
        let outputs = u64::from(inputs.params.outputs);
        let mut from = all.partials.clone();
        let mut levels = [0, 1].into_iter().cycle();
        while let (Some(merge), 2.., Some(level)) = (&together.merge, partials, levels.next()) {
            let merged = partials.div_ceil(MERGED);
            inputs.params = Params {
                count: partials as u32,
                outputs: outputs as u32,
                pieces: merged as u32,
                piece: MERGED as u32,
                // What a NaN left out counts for nothing in the merged frame either.
                skip_nan: inputs.params.skip_nan,
                ..Params::default()
            };
            let last = merged == 1;
            let bytes = if last { 0 } else { outputs * merged * self.partial_bytes };
            let to = grown(self.gpu, &mut scratch.merged[level], bytes);
            let results = if last { all.results.clone() } else { to.as_entire_binding() };
            let group = self.bind(&together, &inputs, &Bindings { partials: &from, results, ..all.clone() });
            steps.push(Step::new(self.gpu, merge, group, outputs * merged));
            (from, partials) = (to, merged);
        }
        Ok(())
    }
}

/// How a strided array is cut into pieces.
struct Cut {
    taker: Taker,
    piece: u64,
}

impl Cut {
    fn of(tensor: &Tensor, tile: u64) -> Self {
        // Neighbours of an element that belong to other outputs: invocations in a row take outputs in a row.
        let interleaved =
            tensor.stride != 1 && tensor.others.iter().any(|(length, stride)| *stride == 1 && *length >= 8);
        let many_short = tensor.length <= LONE.0 && tensor.outputs() >= 64;
        if !(interleaved || many_short) {
            return Self { taker: Taker::Workgroup, piece: tile };
        }
        let elements = tensor.outputs().saturating_mul(tensor.length);
        Self { taker: Taker::Invocation, piece: (elements / BUSY).clamp(LONE.0, LONE.1) }
    }
}

impl Run {
    /// # Errors
    /// [`Error::Parameter`] for a view that does not lie in its buffers; [`Error::NotOnGpu`]; [`Error::Kernel`];
    /// [`Error::Device`].
    pub(super) fn new(gpu: &Gpu, job: Job, view: &View<'_>) -> Result<Self, Error> {
        view.check(&job.loads)?;
        gpu.checked("the preparation of a reduction", || Self::unchecked(gpu, job, view))?
    }

    fn unchecked(gpu: &Gpu, job: Job, view: &View<'_>) -> Result<Self, Error> {
        let limits = gpu.limits();
        let binding = room(limits, gpu.alignment());
        let shape = match view.lie {
            Lie::Tensor(_) => Shape::Strided,
            Lie::Segments { .. } => Shape::Segments,
            Lie::Groups { .. } => Shape::Groups,
        };
        let together = gpu.pipelines(&job, view.mask.is_some(), shape, Taker::Workgroup)?;
        let (kernel, specs) = (&together.kernel, parts(&job.specs));
        let parameters: Vec<u32> = specs.iter().flat_map(|(spec, _)| spec.parameters.iter().copied()).collect();
        let maker = Maker {
            gpu,
            job: &job,
            masked: view.mask.is_some(),
            counters: kernel.counters.into(),
            partial_bytes: kernel.layout.partial_bytes.into(),
            parameters: filled(gpu, &parameters, wgpu::BufferUsages::STORAGE),
        };
        let tile = u64::from(kernel.tile);
        // Elements that one binding holds of every column, of keys and of the order.
        let widest = job.loads.iter().map(|load| u64::from(load.element_bytes())).max().unwrap_or(4);
        // Elements of a segmented array at once, also bounded by their order, of a word an element.
        let window = (binding / widest.max(4)).min(MOST_PIECES * tile) / tile * tile;
        let outputs = view.outputs();
        let row = maker.partial_bytes.max(4 * maker.counters).max(8);
        let most_outputs = binding / row;
        let refused = |reason: String| Err(Error::NotOnGpu { reason });
        if most_outputs == 0 || window == 0 {
            let needed = row.max(tile * widest.max(4));
            return refused(format!("its kernel binds {needed} bytes at once, and the device takes {binding}"));
        }
        // All results lie in one buffer; and on the host.
        if outputs.checked_mul(row).is_none_or(|bytes| bytes > limits.max_buffer_size) {
            let most = limits.max_buffer_size / row;
            return refused(format!(
                "{outputs} outputs of {row} bytes each are more than the {most} that a buffer of the device holds; reduce \
                 part of the view at a time"
            ));
        }
        let parts: Vec<(Part, u64)> = match &view.lie {
            Lie::Tensor(tensor) => {
                let cut = Cut::of(tensor, tile);
                // A longer axis is cut, and merged in f64 on the host: that also bounds how many roundings follow on one.
                let longest = if cut.taker == Taker::Workgroup { MOST_PIECES * tile } else { 1 << 22 };
                let limits = Limits::of(binding, [widest, row, maker.partial_bytes], cut.piece, longest);
                let chunk = |chunk: Chunk| {
                    let outputs = chunk.tensor.outputs();
                    (Part::Tensor(chunk, tensor.clone()), outputs)
                };
                chunks(tensor, limits).into_iter().map(chunk).collect()
            }
            Lie::Segments { elements, .. } | Lie::Groups { elements, .. } => {
                if outputs >= most_outputs {
                    return refused(format!(
                        "{outputs} segments or groups of {row} bytes each are more than the {most_outputs} that a binding \
                         of the device holds; reduce part of them at a time"
                    ));
                }
                if shape == Shape::Segments && *elements > u64::from(u32::MAX) {
                    return refused(format!(
                        "segments are of at most {} elements, as their offsets are u32, and the view has {elements}; \
                         reduce part of it at a time",
                        u32::MAX
                    ));
                }
                let windows = (0..*elements).step_by(window as usize);
                match shape {
                    Shape::Segments => windows.map(|_| (Part::Segments, outputs)).collect(),
                    _ => windows.map(|first| (Part::Groups(first), outputs)).collect(),
                }
            }
        };
        let align = |bytes: u64| bytes.next_multiple_of(gpu.alignment());
        let (mut results_end, mut counts_end) = (0, 0);
        let mut places = Vec::with_capacity(parts.len());
        for (_, outputs) in &parts {
            places.push((results_end, counts_end));
            results_end += align(outputs * maker.partial_bytes);
            counts_end += align(outputs * 4 * maker.counters);
        }
        use wgpu::BufferUsages as Usage;
        let written = Usage::STORAGE | Usage::COPY_SRC | Usage::COPY_DST;
        let read_back_bytes = results_end + counts_end + gpu.alignment() * parts.len() as u64 + 4;
        if read_back_bytes > limits.max_buffer_size {
            return refused(format!(
                "its results take {read_back_bytes} bytes, and a buffer of the device at most {}; reduce part of the view \
                 at a time",
                limits.max_buffer_size
            ));
        }
        let results = buffer(gpu, results_end, written);
        let counts = buffer(gpu, counts_end, written);
        let status = buffer(gpu, gpu.alignment() * parts.len() as u64, written);
        let mut pieces = Vec::with_capacity(parts.len());
        let mut scratch = Scratch::default();
        for (index, ((part, outputs), (results_at, counts_at))) in (0..).zip(parts.into_iter().zip(places)) {
            let all = Bindings {
                partials: &results,
                results: part_of(&results, results_at, outputs * maker.partial_bytes),
                counts: part_of(&counts, counts_at, outputs * 4 * maker.counters),
                offsets: None,
                order: None,
                tiles: None,
            };
            let mut steps = Vec::new();
            match &part {
                Part::Tensor(chunk, _) => maker.tensor(view, chunk, tile, all, &mut scratch, &mut steps)?,
                Part::Segments | Part::Groups(_) => {
                    let status = part_of(&status, index * gpu.alignment(), 4);
                    maker.segments(view, index * window, window, tile, all, status, &mut scratch, &mut steps)?;
                }
            }
            pieces.push(Piece { steps, part, outputs, results_at, counts_at });
        }
        let stamps = filled(gpu, &[1, 2, 3, 4], Usage::COPY_SRC);
        let read_back = buffer(gpu, read_back_bytes, Usage::MAP_READ | Usage::COPY_DST);
        Ok(Self {
            specs: specs.into_iter().map(|(spec, _)| spec).collect(),
            pipelines: (!pieces.is_empty()).then_some(together),
            job,
            pieces,
            results,
            counts,
            status,
            stamps,
            read_back,
            recorded: AtomicU32::new(0),
            reading: Arc::default(),
        })
    }

    /// Records all of it: the dispatches, and the copy of what they leave to where the host reads it.
    pub(super) fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        if self.pieces.is_empty() {
            return;
        }
        encoder.clear_buffer(&self.counts, 0, None);
        encoder.clear_buffer(&self.status, 0, None);
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            for step in self.pieces.iter().flat_map(|piece| &piece.steps) {
                step.record(&mut pass);
            }
        }
        let mut at = 0;
        for (from, bytes) in [(&self.results, self.results_bytes()), (&self.counts, self.counts_bytes())] {
            if bytes > 0 {
                encoder.copy_buffer_to_buffer(from, 0, &self.read_back, at, bytes);
            }
            at += bytes;
        }
        encoder.copy_buffer_to_buffer(&self.status, 0, &self.read_back, at, self.status.size());
        at += self.status.size();
        let stamp = self.recorded.fetch_add(1, Ordering::Relaxed) & 3;
        encoder.copy_buffer_to_buffer(&self.stamps, 4 * u64::from(stamp), &self.read_back, at, 4);
    }

    /// Where each chunk's results begin, behind the last as well.
    fn results_bytes(&self) -> u64 {
        if self.pieces.is_empty() { 0 } else { self.results.size() }
    }

    fn counts_bytes(&self) -> u64 {
        let counted = self.specs.iter().any(|spec| spec.counters > 0);
        if counted && !self.pieces.is_empty() { self.counts.size() } else { 0 }
    }

    /// Asks for the read-back to be mapped; `done` is called once the work that was submitted before is done.
    ///
    /// # Errors
    /// [`Error::Device`] where another one reads it.
    pub(super) fn read(
        &self,
        gpu: &Gpu,
        done: impl FnOnce(Result<(), String>) + Send + 'static,
    ) -> Result<Reading, Error> {
        if self.pieces.is_empty() {
            done(Ok(()));
            return Ok(Reading { gpu: gpu.clone(), held: None });
        }
        if self.reading.swap(true, Ordering::AcqRel) {
            return Err(read_already("read-back"));
        }
        let reading = Reading { gpu: gpu.clone(), held: Some((self.read_back.clone(), self.reading.clone())) };
        self.read_back
            .map_async(wgpu::MapMode::Read, .., move |mapped| done(mapped.map_err(|error| error.to_string())));
        Ok(reading)
    }

    /// Hands each chunk's partial of each output to `take`, once the read-back is mapped, and unmaps it.
    ///
    /// # Errors
    /// Those of `take`; [`Error::Parameter`] of wrong offsets or keys; [`Error::Device`] where the work was not submitted.
    pub(super) fn take(&self, reading: Reading, take: impl FnMut(Taken<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let Some(pipelines) = &self.pipelines else { return Ok(()) };
        let failed = |message: String| Error::Device { during: "read-back", message };
        let view = self.read_back.get_mapped_range(..).map_err(|error| failed(error.to_string()))?;
        let taken = self.decode(pipelines, &view, take);
        // The view before the map that it is of.
        drop(view);
        drop(reading);
        taken
    }

    fn decode(
        &self,
        pipelines: &Pipelines,
        bytes: &[u8],
        mut take: impl FnMut(Taken<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let word = |at: u64| -> u32 { bytemuck::pod_read_unaligned(&bytes[at as usize..][..4]) };
        let status_at = self.results_bytes() + self.counts_bytes();
        let stamp = word(status_at + self.status.size());
        let recorded = self.recorded.load(Ordering::Relaxed);
        if recorded == 0 || stamp != ((recorded - 1) & 3) + 1 {
            let message = "the recorded work was not submitted before its results were asked for".into();
            return Err(Error::Device { during: "read-back", message });
        }
        let kernel = &pipelines.kernel;
        let size = kernel.layout.partial_bytes as usize;
        let mut counters = vec![0u32; kernel.counters as usize];
        for (index, piece) in self.pieces.iter().enumerate() {
            self.report(piece, word(status_at + (self.status.size() / self.pieces.len() as u64) * index as u64))?;
            for own in 0..piece.outputs {
                let at = piece.results_at as usize + own as usize * size;
                if kernel.counters > 0 {
                    let row = self.results_bytes() + piece.counts_at + own * 4 * u64::from(kernel.counters);
                    let row = &bytes[row as usize..][..4 * counters.len()];
                    bytemuck::cast_slice_mut(&mut counters).copy_from_slice(row);
                }
                let partial = Partial {
                    bytes: &bytes[at..at + size],
                    layout: &kernel.layout,
                    loads: &self.job.loads,
                    counters: &counters,
                    specs: &self.specs,
                    census: Census::NONE,
                };
                let (partial, skipped) = partial.under(self.job.nan);
                let (output, place) = match &piece.part {
                    Part::Tensor(chunk, array) => (chunk.output(own, array), chunk.place),
                    Part::Segments => (own, 0),
                    Part::Groups(first) => (own, *first),
                };
                take(Taken { output: output as usize, partial, place, skipped: skipped.into() })?;
            }
        }
        Ok(())
    }

    /// An error where a chunk found its offsets or keys to be wrong.
    fn report(&self, piece: &Piece, status: u32) -> Result<(), Error> {
        if status == 0 {
            return Ok(());
        }
        let at = u64::from(u32::MAX - status);
        Err(Error::Parameter(match &piece.part {
            Part::Groups(first) => {
                format!("the key of element {} is not below the {} groups there are", first + at, piece.outputs)
            }
            _ => format!("segment {at} ends before it begins, or past the last element; offsets rise"),
        }))
    }

    /// The results where they lie on the device, a row of partials for each chunk, and where each row begins.
    pub(super) fn results(&self) -> (&wgpu::Buffer, Vec<u64>) {
        (&self.results, self.pieces.iter().map(|piece| piece.results_at).collect())
    }

    pub(super) fn kernel(&self) -> Option<&strix_shaders::Kernel> {
        self.pipelines.as_ref().map(|pipelines| &pipelines.kernel)
    }

    /// Submits the recorded work.
    pub(super) fn submit(&self, gpu: &Gpu) -> Result<(), Error> {
        if self.reading.load(Ordering::Acquire) {
            return Err(read_already("the reduction"));
        }
        gpu.checked("the reduction", || {
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            self.record(&mut encoder);
            gpu.queue().submit([encoder.finish()]);
        })
    }

    /// Waits for the submitted work, then [`Run::take`].
    pub(super) fn wait(&self, gpu: &Gpu, take: impl FnMut(Taken<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let (send, receive) = std::sync::mpsc::channel();
        let reading = gpu.checked("read-back", || {
            let reading = self.read(gpu, move |mapped| {
                // The receiver outlives the poll below.
                let _ = send.send(mapped);
            })?;
            gpu.wait().map(|()| reading)
        })??;
        let failed = |message: String| Error::Device { during: "read-back", message };
        receive.recv().map_err(|error| failed(error.to_string()))?.map_err(failed)?;
        self.take(reading, take)
    }
}

fn read_already(during: &'static str) -> Error {
    let message = "another call is reading the results of this reduction; await or drop that one first".into();
    Error::Device { during, message }
}

/// Buffers that the chunks of a run use one after another; the first chunk is never smaller than a later one.
#[derive(Default)]
struct Scratch {
    partials: Option<wgpu::Buffer>,
    /// Of merges of merges, each reads what the one before wrote.
    merged: [Option<wgpu::Buffer>; 2],
    tiles: Option<wgpu::Buffer>,
    sorter: Option<Sorter>,
}

fn grown(gpu: &Gpu, slot: &mut Option<wgpu::Buffer>, bytes: u64) -> wgpu::Buffer {
    if slot.as_ref().is_none_or(|buffer| buffer.size() < bytes) {
        *slot = Some(buffer(gpu, bytes, wgpu::BufferUsages::STORAGE));
    }
    slot.clone().unwrap_or_else(|| buffer(gpu, bytes, wgpu::BufferUsages::STORAGE))
}

impl Maker<'_> {
    fn tensor<'b>(
        &self,
        view: &View<'b>,
        chunk: &Chunk,
        tile: u64,
        all: Bindings<'b>,
        scratch: &mut Scratch,
        steps: &mut Vec<Step>,
    ) -> Result<(), Error> {
        let tensor = &chunk.tensor;
        let cut = Cut::of(tensor, tile);
        let pieces = tensor.length.div_ceil(cut.piece).max(1);
        let outputs = tensor.outputs();
        let mut inputs = Inputs::new(self.gpu, self.job, view, chunk.first, tensor.span());
        inputs.params = Params {
            count: tensor.length as u32,
            stride: tensor.stride as u32,
            outputs: outputs as u32,
            pieces: pieces as u32,
            piece: cut.piece as u32,
            others: tensor.others.clone(),
            ..inputs.params
        };
        let partials = grown(
            self.gpu,
            &mut scratch.partials,
            if pieces > 1 { outputs * pieces * self.partial_bytes } else { 4 * self.partial_bytes },
        );
        let all = Bindings { partials: &partials, ..all };
        let pipelines = self.pipelines(Shape::Strided, cut.taker)?;
        self.pieces(&pipelines, &inputs, &all, outputs * pieces, steps);
        self.merges(inputs, &all, pieces, scratch, steps)
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of one chunk")]
    fn segments(
        &self,
        view: &View<'_>,
        first: u64,
        window: u64,
        tile: u64,
        all: Bindings<'_>,
        status: Bound<'_>,
        scratch: &mut Scratch,
        steps: &mut Vec<Step>,
    ) -> Result<(), Error> {
        let (elements, outputs) = (view.elements(), view.outputs());
        let count = window.min(elements - first);
        let mut inputs = Inputs::new(self.gpu, self.job, view, first, count);
        let tiles = grown(self.gpu, &mut scratch.tiles, 4 * scan_words(outputs as u32 + 1));
        let (shape, offsets, order, plan_window);
        match &view.lie {
            Lie::Groups { keys, load, first: own, groups, .. } => {
                let sorter = scratch.sorter.get_or_insert_with(|| Sorter::new(self.gpu, count as u32, *groups));
                let (bound, at) = bound(self.gpu, keys, u64::from(load.element_bytes()) * 8, own + first, count);
                let keys = Keys { load: *load, bound, first: at, count: count as u32, groups: *groups };
                order = Some(sorter.sort(self.gpu, &keys, status.clone(), steps)?);
                offsets = sorter.offsets.as_entire_binding();
                shape = Shape::Groups;
                plan_window = Window { count: count as u32, first: 0, total: count as u32 };
            }
            Lie::Segments { offsets: own, .. } => {
                order = None;
                offsets = part_of(own, 0, 4 * (outputs + 1));
                shape = Shape::Segments;
                plan_window = Window { count: count as u32, first: first as u32, total: elements as u32 };
            }
            Lie::Tensor(_) => return Ok(()),
        }
        order::plan(self.gpu, tile as u32, [offsets.clone(), status], &tiles, outputs as u32, plan_window, steps)?;
        // No more tiles than these, whatever the segments' lengths.
        let most = count / tile + outputs.min(count / (u64::from(SHORT) + 1));
        let partials = grown(self.gpu, &mut scratch.partials, most.max(1) * self.partial_bytes);
        inputs.params = Params {
            count: count as u32,
            outputs: outputs as u32,
            total: plan_window.total,
            window: plan_window.first,
            ..inputs.params
        };
        let all = Bindings { partials: &partials, offsets: Some(offsets), order, tiles: Some(&tiles), ..all };
        self.pieces(&*self.pipelines(shape, Taker::Invocation)?, &inputs, &all, outputs, steps);
        if most > 0 {
            let together = self.pipelines(shape, Taker::Workgroup)?;
            let group = self.pieces(&together, &inputs, &all, most, steps);
            steps.extend(together.merge.as_ref().map(|merge| Step::new(self.gpu, merge, group, most)));
        }
        Ok(())
    }
}

impl Gpu {
    fn recipe(&self, job: &Job, masked: bool, shape: Shape, taker: Taker) -> Recipe {
        Recipe {
            columns: job.loads.clone(),
            parts: parts(&job.specs).into_iter().map(|(_, part)| part).collect(),
            masked,
            shape,
            taker,
            workgroup_bytes: self
                .limits()
                .max_compute_workgroup_storage_size
                .min(strix_shaders::DEFAULT_WORKGROUP_BYTES),
        }
    }

    /// The kernel of that job in that form, compiled once.
    pub(super) fn pipelines(
        &self,
        job: &Job,
        masked: bool,
        shape: Shape,
        taker: Taker,
    ) -> Result<Arc<Pipelines>, Error> {
        let pipelines = self.compiled(self.recipe(job, masked, shape, taker))?;
        for spec in &job.specs {
            spec.check(&pipelines.kernel.layout)?;
        }
        Ok(pipelines)
    }
}
