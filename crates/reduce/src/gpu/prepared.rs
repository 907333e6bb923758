//! An aggregation compiled for a device, and its ways to get at elements.

use std::borrow::Cow;
use std::ops::Range;

use strix_shaders::{Shape, Taker};

use super::Gpu;
use super::half::GpuHalf;
use super::run::{Job, Run, Taken};
use super::stream::{Geometry, Load, UPLOAD_BYTES};
use super::view::{Tensor, View};
use crate::axis::Axes;
use crate::{Aggregator, Engine, Error, Item, NanPolicy};

/// Elements of the largest tile: chunks are whole numbers of them.
const TILE: usize = 8192;

/// A device, and an aggregation compiled for it.
#[derive(Clone)]
pub(crate) struct Prepared<S> {
    pub(super) gpu: Gpu,
    half: GpuHalf<S>,
    job: Job,
}

/// A chunk's state of an output, shifted to its place.
pub(crate) struct Piece<S> {
    pub(crate) output: usize,
    pub(crate) state: S,
    pub(crate) skipped: u64,
    /// Items that the state is of.
    pub(crate) items: u64,
}

impl<S> std::fmt::Debug for Prepared<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Prepared").field(&self.gpu).field(&self.half).finish()
    }
}

impl<S> Prepared<S> {
    /// `None` where the engine is the CPU.
    pub(crate) fn new<T: Item, A>(aggregator: &A, engine: &Engine) -> Result<Option<Self>, Error>
    where
        A: Aggregator<T, State = S>,
    {
        engine.gpu.as_ref().map(|gpu| Self::on::<T, A>(gpu, aggregator)).transpose()
    }

    pub(crate) fn on<T: Item, A: Aggregator<T, State = S>>(gpu: &Gpu, aggregator: &A) -> Result<Self, Error> {
        let missing = |what: String| Error::NotOnGpu { reason: what };
        let item = std::any::type_name::<T>();
        let loads = T::loads();
        if loads.is_empty() {
            return Err(missing(format!("it has no form for elements of type {item}")));
        }
        let half = aggregator.gpu().ok_or_else(|| missing("one of the aggregators has no WGSL".into()))?;
        let job = Job { loads, specs: half.specs().to_vec(), nan: NanPolicy::default() };
        gpu.pipelines(&job, false, Shape::Strided, Taker::Workgroup)?;
        Ok(Self { gpu: gpu.clone(), half, job })
    }

    pub(crate) fn adapter_name(&self) -> String {
        self.gpu.adapter_name()
    }

    /// Bytes of an item, in all its columns.
    pub(super) fn item_bytes(&self) -> usize {
        self.job.loads.iter().map(|load| load.element_bytes() as usize).sum()
    }

    /// What a measurement of it is known by: adapter, types and aggregators.
    pub(super) fn key(&self) -> String {
        let snippets: Vec<&str> = self.half.snippets().map(|snippet| snippet.name).collect();
        format!("{}, {:?}, {}", self.gpu.adapter_name(), self.job.loads, snippets.join(" "))
    }

    fn job(&self, nan: NanPolicy) -> Job {
        Job { nan, ..self.job.clone() }
    }

    /// A view, ready to be reduced any number of times.
    pub(super) fn run(&self, view: &View<'_>, nan: NanPolicy) -> Result<Run, Error> {
        Run::new(&self.gpu, self.job(nan), view)
    }

    /// The state that a chunk left, as if `place` items came before the chunk's array.
    pub(super) fn piece<T, A: Aggregator<T, State = S>>(
        &self,
        aggregator: &A,
        taken: &Taken<'_>,
        place: u64,
        nan: NanPolicy,
    ) -> Result<Piece<S>, Error> {
        let (census, place) = (taken.partial.census(), taken.place + place);
        if nan == NanPolicy::Error && census.nan > 0 {
            return Err(Error::Nan { index: place + u64::from(census.first_nan) });
        }
        let mut state = self.half.read(&taken.partial);
        aggregator.shift(&mut state, place);
        Ok(Piece { output: taken.output, state, skipped: taken.skipped, items: census.items() })
    }

    /// Elements that a load has at most.
    fn most(&self) -> usize {
        let widest = self.job.loads.iter().map(|load| load.element_bytes()).max().unwrap_or(4);
        let limits = self.gpu.limits();
        let binding = limits.max_storage_buffer_binding_size.min(limits.max_buffer_size) / 2;
        ((UPLOAD_BYTES.min(binding) / u64::from(widest)) as usize / TILE).max(1) * TILE
    }

    fn columns<'a, T: Item>(&self, items: &'a [T]) -> Vec<Cow<'a, [u8]>> {
        (0..self.job.loads.len()).map(|column| T::column(items, column)).collect()
    }

    /// All of `items`, or of those that are valid, chunk by chunk.
    pub(crate) fn whole<T: Item, A: Aggregator<T, State = S>>(
        &self,
        aggregator: &A,
        items: &[T],
        valid: Option<&dyn Fn(usize) -> bool>,
        nan: NanPolicy,
        mut take: impl FnMut(Piece<S>),
    ) -> Result<(), Error> {
        let most = self.most();
        let loads = items.chunks(most).zip((0..).step_by(most)).map(|(chunk, first)| {
            let mut planes = self.columns(chunk);
            planes.extend(valid.map(|valid| Cow::Owned(bits(first..first + chunk.len(), valid))));
            let geometry = Geometry::Tensor { tensor: Tensor::whole(chunk.len() as u64), masked: valid.is_some() };
            Load { planes, geometry }
        });
        self.gpu.reduce_loads(&self.job(nan), loads, |load, taken| {
            take(self.piece(aggregator, &taken, (load * most) as u64, nan)?);
            Ok(())
        })
    }

    /// What a view comes to, chunk by chunk.
    pub(crate) fn view<T, A: Aggregator<T, State = S>>(
        &self,
        aggregator: &A,
        view: &View<'_>,
        nan: NanPolicy,
        mut take: impl FnMut(Piece<S>),
    ) -> Result<(), Error> {
        let run = self.run(view, nan)?;
        run.submit(&self.gpu)?;
        run.wait(&self.gpu, |taken| {
            take(self.piece(aggregator, &taken, 0, nan)?);
            Ok(())
        })
    }

    /// Elements along the middle of `axes`; each output's state, in pieces of its axis where it is longer than a load.
    ///
    /// # Errors
    /// [`Error::Nan`] with the element's index along its axis; [`Error::NotOnGpu`] where not even one step along the
    /// axis fits a load; [`Error::Device`].
    pub(crate) fn along<T: Item, A: Aggregator<T, State = S>>(
        &self,
        aggregator: &A,
        items: &[T],
        axes: Axes,
        nan: NanPolicy,
        mut take: impl FnMut(Piece<S>),
    ) -> Result<(), Error> {
        let Axes { outer, length, inner } = axes;
        let (most, slab) = (self.most(), length * inner);
        if inner > most {
            let reason = format!("{inner} elements lie between two of one output, and {most} fit a chunk");
            return Err(Error::NotOnGpu { reason });
        }
        // Whole slabs, or part of one along the axis.
        let (slabs, steps) = if slab <= most { (most / slab, length) } else { (1, most / inner) };
        let parts: Vec<(usize, usize)> = (0..outer)
            .step_by(slabs)
            .flat_map(|first| (0..length).step_by(steps).map(move |step| (first, step)))
            .collect();
        let loads = parts.iter().map(|&(first, step)| {
            let (slabs, count) = (slabs.min(outer - first), steps.min(length - step));
            let begin = first * slab + step * inner;
            let tensor = Tensor {
                others: vec![(slabs as u64, (count * inner) as u64), (inner as u64, 1)],
                length: count as u64,
                stride: inner as u64,
            };
            let planes = self.columns(&items[begin..begin + slabs * count * inner]);
            Load { planes, geometry: Geometry::Tensor { tensor, masked: false } }
        });
        self.gpu.reduce_loads(&self.job(nan), loads, |load, taken| {
            let (first, step) = parts[load];
            let piece = self.piece(aggregator, &taken, step as u64, nan)?;
            take(Piece { output: first * inner + piece.output, ..piece });
            Ok(())
        })
    }

    /// Elements between offsets that rise from 0 to at most the number of items.
    pub(crate) fn segments<T: Item, A: Aggregator<T, State = S>>(
        &self,
        aggregator: &A,
        items: &[T],
        offsets: &[usize],
        nan: NanPolicy,
        mut take: impl FnMut(Piece<S>),
    ) -> Result<(), Error> {
        let parts = cut(offsets, self.most());
        let loads = parts.iter().map(|part| {
            let elements = part.items.len() as u64;
            let mut planes = self.columns(&items[part.items.clone()]);
            planes.push(Cow::Owned(bytemuck::cast_slice(&part.offsets).to_vec()));
            let segments = part.offsets.len() as u32 - 1;
            Load { planes, geometry: Geometry::Segments { segments, elements } }
        });
        self.gpu.reduce_loads(&self.job(nan), loads, |load, taken| {
            let part = &parts[load];
            // Only the first may have begun in the load before.
            let place = if taken.output == 0 { part.place } else { 0 };
            let piece = self.piece(aggregator, &taken, place as u64, nan)?;
            take(Piece { output: part.first + piece.output, ..piece });
            Ok(())
        })
    }

    /// Elements by key; every key is below `groups`.
    pub(crate) fn groups<T: Item, A: Aggregator<T, State = S>>(
        &self,
        aggregator: &A,
        items: &[T],
        keys: &[u32],
        groups: u32,
        nan: NanPolicy,
        mut take: impl FnMut(Piece<S>),
    ) -> Result<(), Error> {
        let most = self.most();
        let loads = items.chunks(most).zip(keys.chunks(most)).map(|(items, keys)| {
            let mut planes = self.columns(items);
            planes.push(Cow::Borrowed(bytemuck::cast_slice(keys)));
            let (elements, load) = (items.len() as u64, strix_shaders::Load::U32);
            Load { planes, geometry: Geometry::Groups { groups, elements, load } }
        });
        self.gpu.reduce_loads(&self.job(nan), loads, |load, taken| {
            take(self.piece(aggregator, &taken, (load * most) as u64, nan)?);
            Ok(())
        })
    }
}

/// Segments of one load.
struct Part {
    items: Range<usize>,
    /// From the load's first element.
    offsets: Vec<u32>,
    /// The first segment, and how many of its elements came before.
    first: usize,
    place: usize,
}

/// Segments in loads of at most `most` elements: many short ones at once, a long one in pieces.
fn cut(offsets: &[usize], most: usize) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (segment, bounds) in offsets.windows(2).enumerate() {
        let (mut begin, end) = (bounds[0], bounds[1]);
        loop {
            let room = parts.last().filter(|part| part.offsets.len() <= most).map_or(0, |part| most - part.items.len());
            let fits = parts.last().is_some() && room > 0 && (end - begin <= room || begin > bounds[0]);
            if !fits {
                let place = begin - bounds[0];
                parts.push(Part { items: begin..begin, offsets: vec![0], first: segment, place });
            }
            let Some(part) = parts.last_mut() else { break };
            let take = (end - begin).min(most - part.items.len());
            part.items.end += take;
            part.offsets.push(part.items.len() as u32);
            begin += take;
            if begin == end {
                break;
            }
        }
    }
    parts
}

/// One bit an item, the lowest first.
fn bits(items: Range<usize>, valid: &dyn Fn(usize) -> bool) -> Vec<u8> {
    let mut bits = vec![0u8; items.len().div_ceil(8)];
    for (at, item) in items.enumerate() {
        bits[at / 8] |= u8::from(valid(item)) << (at % 8);
    }
    bits
}
