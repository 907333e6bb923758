//! Host data through the device: two sets of buffers in turn, so that the host fills one while the device works on the
//! other.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use super::Gpu;
use super::run::{Job, Reading, Run, Taken};
use super::step::buffer;
use super::view::{Lie, Tensor, View};
use crate::Error;

/// Bytes of a column uploaded at once at most: enough to hide the dispatch, little enough to keep memory bounded.
pub(super) const UPLOAD_BYTES: u64 = 32 << 20;

/// Sets of buffers; the second is only filled where there is more than one load.
#[derive(Default)]
pub(super) struct Stream {
    slots: [Slot; 2],
}

#[derive(Default)]
struct Slot {
    staging: Option<wgpu::Buffer>,
    /// Where each plane of the data lies on the device: columns, mask, and what says which belong together.
    planes: Vec<wgpu::Buffer>,
    run: Option<(Job, Geometry, Arc<Run>)>,
    pending: Option<Pending>,
}

/// Submitted work whose results are not read yet.
struct Pending {
    run: Arc<Run>,
    reading: Reading,
    mapped: Receiver<Result<(), String>>,
    /// Which load it was.
    index: usize,
}

/// How the elements of a load lie.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Geometry {
    Tensor { tensor: Tensor, masked: bool },
    Segments { segments: u32, elements: u64 },
    Groups { groups: u32, elements: u64, load: strix_shaders::Load },
}

/// What is uploaded at once: columns, then the mask, or offsets, or keys.
pub(super) struct Load<'a> {
    pub(super) planes: Vec<Cow<'a, [u8]>>,
    pub(super) geometry: Geometry,
}

impl Gpu {
    /// Reduces load after load; `take` is called with the index of the load, in order.
    pub(super) fn reduce_loads<'a>(
        &self,
        job: &Job,
        loads: impl Iterator<Item = Load<'a>>,
        mut take: impl FnMut(usize, Taken<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut stream = self.stream();
        let reduced = (|| {
            let mut last = 0;
            for (index, load) in loads.enumerate() {
                let slot = &mut stream.slots[index % 2];
                slot.finish(self, &mut take)?;
                slot.submit(self, job, index, &load)?;
                last = index;
            }
            // The older one first.
            stream.slots[(last + 1) % 2].finish(self, &mut take)?;
            stream.slots[last % 2].finish(self, &mut take)
        })();
        if reduced.is_err() {
            // A buffer that could not be made, or stayed mapped, must not meet the next reduction.
            *stream = Stream::default();
        }
        reduced
    }
}

impl Slot {
    fn finish(&mut self, gpu: &Gpu, take: &mut impl FnMut(usize, Taken<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let Some(Pending { run, reading, mapped, index }) = self.pending.take() else { return Ok(()) };
        let failed = |message: String| Error::Device { during: "read-back", message };
        gpu.checked("the reduction", || gpu.wait())??;
        mapped.recv().map_err(|error| failed(error.to_string()))?.map_err(failed)?;
        run.take(reading, |taken| take(index, taken))
    }

    fn submit(&mut self, gpu: &Gpu, job: &Job, index: usize, load: &Load<'_>) -> Result<(), Error> {
        let pending: Result<_, Error> = gpu.checked("the reduction", || {
            self.fill(gpu, load)?;
            let run = self.run(gpu, job, load)?;
            let mut encoder = gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut at = 0;
            for (plane, bytes) in self.planes.iter().zip(&load.planes) {
                if let Some(staging) = self.staging.as_ref().filter(|_| !bytes.is_empty()) {
                    encoder.copy_buffer_to_buffer(staging, at, plane, 0, padded(bytes));
                }
                at += padded(bytes);
            }
            run.record(&mut encoder);
            gpu.queue().submit([encoder.finish()]);
            let (send, mapped) = channel();
            // The receiver outlives the poll that calls back, or nobody asks any more.
            let reading = run.read(gpu, move |done| drop(send.send(done)))?;
            if let Some(staging) = &self.staging {
                staging.map_async(wgpu::MapMode::Write, .., |_| {});
            }
            Ok(Pending { run, reading, mapped, index })
        })?;
        self.pending = Some(pending?);
        Ok(())
    }

    /// Writes the planes to the staging buffer, one after another.
    fn fill(&mut self, gpu: &Gpu, load: &Load<'_>) -> Result<(), Error> {
        use wgpu::BufferUsages as Usage;
        let total: u64 = load.planes.iter().map(|bytes| padded(bytes)).sum();
        if self.staging.as_ref().is_none_or(|staging| staging.size() < total) {
            let made = gpu.device().create_buffer(&wgpu::BufferDescriptor {
                label: Some("strix staging"),
                size: total.next_multiple_of(1 << 12).max(1 << 12),
                usage: Usage::MAP_WRITE | Usage::COPY_SRC,
                mapped_at_creation: true,
            });
            self.staging = Some(made);
        }
        while self.planes.len() < load.planes.len() {
            self.planes.push(buffer(gpu, 4, Usage::STORAGE | Usage::COPY_DST));
        }
        for (plane, bytes) in self.planes.iter_mut().zip(&load.planes) {
            if plane.size() < padded(bytes) {
                *plane = buffer(gpu, padded(bytes), Usage::STORAGE | Usage::COPY_DST);
                self.run = None;
            }
        }
        let Some(staging) = &self.staging else { return Ok(()) };
        let failed = |error: wgpu::MapRangeError| Error::Device { during: "upload", message: error.to_string() };
        if total > 0 {
            let mut view = staging.get_mapped_range_mut(..total).map_err(failed)?;
            let mut at = 0;
            for bytes in &load.planes {
                view.slice(at..at + bytes.len()).copy_from_slice(bytes);
                at += padded(bytes) as usize;
            }
        }
        staging.unmap();
        Ok(())
    }

    /// The run of such a load over this slot's buffers: that of the last one, if it was alike.
    fn run(&mut self, gpu: &Gpu, job: &Job, load: &Load<'_>) -> Result<Arc<Run>, Error> {
        if let Some((known_job, geometry, run)) = &self.run
            && known_job == job
            && *geometry == load.geometry
        {
            return Ok(run.clone());
        }
        let columns = job.loads.len();
        let extra = self.planes.get(columns);
        let elements = match &load.geometry {
            Geometry::Tensor { tensor, .. } => tensor.span(),
            Geometry::Segments { elements, .. } | Geometry::Groups { elements, .. } => *elements,
        };
        let mut view = View::of(&self.planes[0], 0..elements);
        if let (2, Some(second)) = (columns, self.planes.get(1)) {
            view = view.paired(second, 0);
        }
        match (&load.geometry, extra) {
            (Geometry::Tensor { tensor, masked }, extra) => {
                view.lie = Lie::Tensor(tensor.clone());
                if let Some(mask) = extra.filter(|_| *masked) {
                    view = view.masked(mask, 0);
                }
            }
            (Geometry::Segments { segments, .. }, Some(offsets)) => view = view.segments(offsets, *segments),
            (Geometry::Groups { groups, load, .. }, Some(keys)) => view = view.by_key(keys, *load, 0, *groups),
            (_, None) => {}
        }
        let run = Arc::new(Run::new(gpu, job.clone(), &view)?);
        self.run = Some((job.clone(), load.geometry.clone(), run.clone()));
        Ok(run)
    }
}

/// Copies are of whole words; what pads the last of them is never read as an element.
fn padded(bytes: &[u8]) -> u64 {
    (bytes.len() as u64).next_multiple_of(4)
}
