//! Pushes chunks through an aggregator, on the engine that fits, and reads the answer out.

#[cfg(feature = "gpu")]
use crate::axis::Axes;
use crate::engine::EngineReport;
#[cfg(feature = "gpu")]
use crate::gpu::{ChunkState, Gpu, GpuHalf, Pipelines, Source};
use crate::state::MOST_ITEMS;
use crate::{Aggregator, Engine, EngineChoice, Error, Item, NanPolicy};

/// Masked items gathered at once.
const PIECE: usize = 1 << 16;

/// An aggregation under way: items pushed in chunks of any size, one state, one answer.
///
/// # Example
/// ```
/// use strix_reduce::{Count, Engine, EngineChoice, Max, Mean, Min, Reducer, Variance};
///
/// let engine = Engine::select(EngineChoice::Auto)?;
/// let mut reducer = Reducer::new((Count, Mean, Variance, Min, Max), &engine)?;
/// reducer.push(&[1.0f32, 2.0, 3.0])?;
/// reducer.push(&[4.0])?;
/// let (count, mean, moments, min, max) = reducer.finish();
/// assert_eq!((count, mean, min, max), (4, Some(2.5), Some(1.0), Some(4.0)));
/// assert_eq!(moments.population_variance(), Some(1.25));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug)]
pub struct Reducer<T, A: Aggregator<T>> {
    aggregator: A,
    state: A::State,
    nan: NanPolicy,
    pushed: u64,
    skipped: u64,
    missing: u64,
    choice: EngineChoice,
    fallback: Option<String>,
    #[cfg(feature = "gpu")]
    gpu: Option<OnGpu<A::State>>,
}

/// A device, and this aggregation compiled for it.
#[cfg(feature = "gpu")]
pub(crate) struct OnGpu<S> {
    gpu: Gpu,
    half: GpuHalf<S>,
    pipelines: std::sync::Arc<Pipelines>,
}

#[cfg(feature = "gpu")]
impl<S> std::fmt::Debug for OnGpu<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OnGpu").field(&self.gpu).field(&self.half).finish()
    }
}

impl<T: Item, A: Aggregator<T>> Reducer<T, A> {
    /// An empty reduction by `aggregator` on `engine`.
    ///
    /// # Errors
    /// [`Error::NotOnGpu`] when the engine was chosen as the GPU and the aggregator or the item
    /// type has no GPU half; [`Error::Kernel`] or [`Error::Device`] when its kernel does not
    /// compile. An automatic engine falls back to the CPU instead, and reports why.
    pub fn new(aggregator: A, engine: &Engine) -> Result<Self, Error> {
        #[cfg(feature = "gpu")]
        let (gpu, fallback) = match (OnGpu::prepare::<T, A>(&aggregator, engine), engine.choice) {
            (Ok(gpu), _) => (gpu, engine.fallback.clone()),
            (Err(error), EngineChoice::Gpu) => return Err(error),
            (Err(Error::NotOnGpu { reason }), _) => (None, Some(reason)),
            (Err(error), _) => (None, Some(error.to_string())),
        };
        #[cfg(not(feature = "gpu"))]
        let fallback = engine.fallback.clone();
        Ok(Self {
            state: aggregator.identity(),
            aggregator,
            nan: NanPolicy::default(),
            pushed: 0,
            skipped: 0,
            missing: 0,
            choice: engine.choice,
            fallback,
            #[cfg(feature = "gpu")]
            gpu,
        })
    }

    /// The same reduction under another NaN policy; [`NanPolicy::Propagate`] without this call.
    #[must_use]
    pub fn nan_policy(mut self, nan: NanPolicy) -> Self {
        self.nan = nan;
        self
    }

    /// Takes a chunk in. A chunk that fails leaves the state as it was before.
    ///
    /// # Errors
    /// [`Error::Nan`] under [`NanPolicy::Error`]; [`Error::TooMany`] past 2^56 items, before any sum could
    /// wrap; [`Error::Device`] when a GPU that was chosen by name fails. When an automatically chosen one fails, the CPU takes over, chunk and all.
    pub fn push(&mut self, items: &[T]) -> Result<(), Error> {
        self.room(items.len() as u64)?;
        #[cfg(feature = "gpu")]
        if let (Some(on_gpu), Some(upload)) = (&self.gpu, T::upload(items)) {
            match self.on_gpu(on_gpu, &Source::Host(upload.bytes)) {
                Err(error @ Error::Device { .. }) if self.choice == EngineChoice::Auto => {
                    self.fallback = Some(error.to_string());
                    self.gpu = None;
                }
                reduced => {
                    let (state, skipped) = reduced?;
                    self.take(state, skipped, items.len() as u64);
                    return Ok(());
                }
            }
        }
        let reduced = crate::cpu::reduce(&self.aggregator, items, self.nan)
            .map_err(|index| Error::Nan { index: self.pushed + index as u64 })?;
        self.take(reduced.state, reduced.skipped, items.len() as u64);
        Ok(())
    }

    /// Takes in the items for which `valid`, called with their index, is true; the others count as
    /// [`Reducer::missing`], and keep their places. A chunk that fails may have been taken in up to there.
    ///
    /// ```
    /// # use strix_reduce::{Engine, Reducer, Sum};
    /// let (items, mask) = ([1i32, 2, 4], [true, false, true]);
    /// let mut reducer = Reducer::new(Sum, &Engine::cpu())?;
    /// reducer.push_masked(&items, |index| mask[index])?;
    /// assert_eq!(reducer.missing(), 1);
    /// assert_eq!(reducer.finish(), Some(5));
    /// # Ok::<(), strix_reduce::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`Reducer::push`].
    pub fn push_masked(&mut self, items: &[T], valid: impl Fn(usize) -> bool) -> Result<(), Error> {
        if self.aggregator.positional() {
            return self.push_runs(items, valid);
        }
        for (start, piece) in (0..).step_by(PIECE).zip(items.chunks(PIECE)) {
            let places: Vec<usize> = (0..piece.len()).filter(|index| valid(start + index)).collect();
            let kept: Vec<T> = places.iter().map(|&index| piece[index].clone()).collect();
            let before = self.pushed;
            self.push(&kept).map_err(|error| match error {
                Error::Nan { index } => Error::Nan { index: before + places[(index - before) as usize] as u64 },
                other => other,
            })?;
            self.leave_out((piece.len() - kept.len()) as u64)?;
        }
        Ok(())
    }

    /// Each run of valid items at its own place.
    fn push_runs(&mut self, items: &[T], valid: impl Fn(usize) -> bool) -> Result<(), Error> {
        let mut start = 0;
        while start < items.len() {
            let first = valid(start);
            let end = (start..items.len()).find(|&index| valid(index) != first).unwrap_or(items.len());
            if first {
                self.push(&items[start..end])?;
            } else {
                self.leave_out((end - start) as u64)?;
            }
            start = end;
        }
        Ok(())
    }

    fn leave_out(&mut self, items: u64) -> Result<(), Error> {
        self.room(items)?;
        self.missing += items;
        self.pushed += items;
        Ok(())
    }

    /// Refuses what could make a sum wrap.
    fn room(&self, items: u64) -> Result<(), Error> {
        match self.pushed.checked_add(items) {
            Some(all) if all <= MOST_ITEMS => Ok(()),
            _ => Err(Error::TooMany { before: self.pushed, items, most: MOST_ITEMS }),
        }
    }

    /// Takes in the elements in `bytes` of a buffer on the engine's own device, where they lie.
    ///
    /// The buffer needs usage `STORAGE`; the range begins and ends at whole elements. Work that
    /// fills the buffer must have been submitted to the engine's queue before.
    ///
    /// # Errors
    /// Those of [`Reducer::push`], and [`Error::NotOnGpu`] when this reduction is not on the GPU or the
    /// range is not inside the buffer, at whole elements.
    #[cfg(feature = "gpu")]
    pub fn push_buffer(&mut self, buffer: &wgpu::Buffer, bytes: std::ops::Range<u64>) -> Result<(), Error> {
        let (Some(on_gpu), Some(upload)) = (&self.gpu, T::upload(&[])) else {
            return Err(Error::NotOnGpu { reason: "a device buffer needs the GPU engine".into() });
        };
        let element = u64::from(upload.load.element_bytes());
        // The kernel reads whole words, so the word of the last element has to be in the buffer.
        let size = buffer.size();
        let inside = bytes.start <= bytes.end && bytes.end <= size && bytes.end.next_multiple_of(4) <= size;
        if !(inside && bytes.start.is_multiple_of(element) && bytes.end.is_multiple_of(element)) {
            let reason = format!(
                "bytes {}..{} are not whole elements of {element} bytes within the whole words of a buffer of {} bytes",
                bytes.start,
                bytes.end,
                buffer.size()
            );
            return Err(Error::NotOnGpu { reason });
        }
        let items = (bytes.end - bytes.start) / element;
        self.room(items)?;
        let (state, skipped) = self.on_gpu(on_gpu, &Source::Device(buffer, bytes))?;
        self.take(state, skipped, items);
        Ok(())
    }

    /// Merges in the state of another reduction by an equal aggregator, as if its items came after these.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn merge(&mut self, other: Self) -> Result<(), Error> {
        self.room(other.pushed)?;
        self.missing += other.missing;
        self.take(other.state, other.skipped, other.pushed);
        Ok(())
    }

    /// Merges in a stored state of an equal aggregator, as if its `items` came after these; see
    /// [`crate::state::from_bytes`].
    ///
    /// ```
    /// # use strix_reduce::{Engine, Mean, Reducer, state};
    /// let mut yesterday = Reducer::new(Mean, &Engine::cpu())?;
    /// yesterday.push(&[1.0, 2.0])?;
    /// let saved = state::to_bytes::<f64, _>(&Mean, yesterday.state(), yesterday.pushed())?;
    ///
    /// let mut today = Reducer::new(Mean, &Engine::cpu())?;
    /// let (state, items) = state::from_bytes::<f64, _>(&Mean, &saved)?;
    /// today.push_state(state, items)?;
    /// today.push(&[6.0])?;
    /// assert_eq!(today.finish(), Some(3.0));
    /// # Ok::<(), strix_reduce::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::TooMany`].
    pub fn push_state(&mut self, state: A::State, items: u64) -> Result<(), Error> {
        self.room(items)?;
        self.take(state, 0, items);
        Ok(())
    }

    /// The state so far.
    pub fn state(&self) -> &A::State {
        &self.state
    }

    /// Items pushed so far, with those that were skipped or missing.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Items that a mask or a null left out so far.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// NaN left out so far under [`NanPolicy::Skip`].
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Which engine does the work.
    pub fn report(&self) -> EngineReport {
        #[cfg(feature = "gpu")]
        let adapter = self.gpu.as_ref().map(OnGpu::adapter_name);
        #[cfg(not(feature = "gpu"))]
        let adapter: Option<String> = None;
        EngineReport {
            engine: if adapter.is_some() { "gpu" } else { "cpu" },
            adapter,
            fallback: self.fallback.clone().filter(|_| self.choice == EngineChoice::Auto),
        }
    }

    /// The answer.
    pub fn finish(self) -> A::Output {
        self.aggregator.finish(self.state)
    }

    fn take(&mut self, state: A::State, skipped: u64, items: u64) {
        let before = std::mem::replace(&mut self.state, self.aggregator.identity());
        self.state = self.aggregator.merge(before, self.aggregator.shift(state, self.pushed));
        self.skipped += skipped;
        self.pushed += items;
    }

    /// The state of `source` alone, its chunks merged on the host, and the NaN skipped in it.
    #[cfg(feature = "gpu")]
    fn on_gpu(&self, on_gpu: &OnGpu<A::State>, source: &Source<'_>) -> Result<(A::State, u64), Error> {
        let mut total = (self.aggregator.identity(), 0);
        let OnGpu { gpu, half, pipelines } = on_gpu;
        gpu.reduce(pipelines, half, source, self.nan, |chunk| {
            let before = std::mem::replace(&mut total.0, self.aggregator.identity());
            total.0 = self.aggregator.merge(before, chunk.state);
            total.1 += chunk.skipped;
        })
        .map_err(|error| match error {
            Error::Nan { index } => Error::Nan { index: self.pushed + index },
            other => other,
        })?;
        Ok(total)
    }
}

#[cfg(feature = "gpu")]
impl<S> OnGpu<S> {
    pub(crate) fn prepare<T: Item, A: Aggregator<T, State = S>>(
        aggregator: &A,
        engine: &Engine,
    ) -> Result<Option<Self>, Error> {
        let Some(gpu) = &engine.gpu else { return Ok(None) };
        let missing = |what: String| Error::NotOnGpu { reason: what };
        let item = std::any::type_name::<T>();
        let upload = T::upload(&[]).ok_or_else(|| missing(format!("it has no form for elements of type {item}")))?;
        let half = aggregator.gpu().ok_or_else(|| missing("one of the aggregators has no WGSL".into()))?;
        let pipelines = gpu.pipelines(upload.load, &half)?;
        Ok(Some(Self { gpu: gpu.clone(), half, pipelines }))
    }

    pub(crate) fn adapter_name(&self) -> String {
        self.gpu.adapter_name()
    }

    /// The states of `bytes` along an axis, by lane; a lane may come in pieces.
    pub(crate) fn reduce_axis(
        &self,
        bytes: &[u8],
        axes: Axes,
        nan: NanPolicy,
        mut take: impl FnMut(usize, S),
    ) -> Result<(), Error> {
        let state = |lane, chunk: ChunkState<S>| take(lane, chunk.state);
        self.gpu.reduce_axis(&self.pipelines, &self.half, bytes, axes, nan, state)
    }
}
