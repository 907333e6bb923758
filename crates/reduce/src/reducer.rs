//! Pushes chunks through an aggregator, on the engine that fits, and reads the answer out.

use crate::engine::EngineReport;
#[cfg(feature = "gpu")]
use crate::gpu::{Decision, Planner, Prepared, View, Work};
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
    gpu: Option<Prepared<A::State>>,
    #[cfg(feature = "gpu")]
    planner: Option<Planner>,
    /// What the planner said of the last push.
    #[cfg(feature = "gpu")]
    decision: Option<Decision>,
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
        let (gpu, fallback) = match (Prepared::new::<T, A>(&aggregator, engine), engine.choice) {
            (Ok(gpu), _) => (gpu, engine.fallback.clone()),
            (Err(error), EngineChoice::Gpu) => return Err(error),
            (Err(error), _) => (None, Some(error.into_fallback())),
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
            #[cfg(feature = "gpu")]
            planner: engine.planner.clone().filter(|_| engine.choice == EngineChoice::Auto),
            #[cfg(feature = "gpu")]
            decision: None,
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
    /// wrap; [`Error::Device`], [`Error::NotOnGpu`] and [`Error::Kernel`] when a GPU that was chosen by name fails or
    /// refuses. Where an automatically chosen one does, the CPU takes over, chunk and all.
    pub fn push(&mut self, items: &[T]) -> Result<(), Error> {
        self.room(items.len() as u64)?;
        #[cfg(feature = "gpu")]
        if let Some(done) = self.push_to_gpu(items, None) {
            return done;
        }
        let (aggregator, before) = (&self.aggregator, self.pushed);
        let skipped = if self.nan == NanPolicy::Error {
            // Apart, until it is known that there is none.
            let mut state = aggregator.identity();
            let reduced = crate::cpu::reduce(aggregator, &mut state, items, before, self.nan);
            reduced.map_err(|index| Error::Nan { index: before + index as u64 })?;
            aggregator.merge(&mut self.state, state);
            0
        } else {
            let reduced = crate::cpu::reduce(aggregator, &mut self.state, items, before, self.nan);
            reduced.map_err(|index| Error::Nan { index: before + index as u64 })?
        };
        self.skipped += skipped;
        self.pushed += items.len() as u64;
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
        #[cfg(feature = "gpu")]
        if self.gpu.is_some() {
            self.room(items.len() as u64)?;
            if let Some(done) = self.push_to_gpu(items, Some(&valid)) {
                return done;
            }
        }
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
        let (Some(prepared), [load]) = (&self.gpu, &T::loads()[..]) else {
            return Err(Error::NotOnGpu {
                reason: "a device buffer needs the GPU engine, and items of one column".into(),
            });
        };
        let element = u64::from(load.element_bytes());
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
        let mut total = Sum::new(&self.aggregator);
        let view = View::of(buffer, bytes.start / element..bytes.end / element);
        let reduced = prepared.view(&self.aggregator, &view, self.nan, |piece| total.add(&self.aggregator, piece));
        reduced.map_err(|error| error.moved(self.pushed))?;
        self.take(total.state, total.skipped, items);
        Ok(())
    }

    /// Merges in the state of another reduction by an equal aggregator, as if its items came after these.
    ///
    /// # Errors
    /// [`Error::TooMany`].
    ///
    /// # Panics
    /// When the other aggregator has other parameters; see [`Aggregator::merge`].
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
        let adapter = {
            let planned = self.decision.as_ref().is_none_or(|decision| decision.on_gpu);
            self.gpu.as_ref().filter(|_| planned).map(Prepared::adapter_name)
        };
        #[cfg(not(feature = "gpu"))]
        let adapter: Option<String> = None;
        #[cfg(feature = "gpu")]
        let plan = self.decision.as_ref().map(|decision| decision.reason.clone());
        #[cfg(not(feature = "gpu"))]
        let plan = None;
        EngineReport {
            engine: if adapter.is_some() { "gpu" } else { "cpu" },
            adapter,
            fallback: self.fallback.clone().filter(|_| self.choice == EngineChoice::Auto),
            plan,
        }
    }

    /// The answer so far; more items may be pushed after it. It costs a copy of the state.
    ///
    /// ```
    /// # use strix_reduce::{Engine, Mean, Reducer};
    /// let mut reducer = Reducer::new(Mean, &Engine::cpu())?;
    /// reducer.push(&[1.0, 2.0])?;
    /// assert_eq!(reducer.answer(), Some(1.5));
    /// reducer.push(&[6.0])?;
    /// assert_eq!(reducer.answer(), Some(3.0));
    /// # Ok::<(), strix_reduce::Error>(())
    /// ```
    pub fn answer(&self) -> A::Output {
        self.aggregator.finish(self.state.clone())
    }

    /// The answer.
    pub fn finish(self) -> A::Output {
        self.aggregator.finish(self.state)
    }

    fn take(&mut self, mut state: A::State, skipped: u64, items: u64) {
        self.aggregator.shift(&mut state, self.pushed);
        self.aggregator.merge(&mut self.state, state);
        self.skipped += skipped;
        self.pushed += items;
    }

    /// Takes items in on the GPU, or those that are valid; `None` where the CPU is to do it.
    #[cfg(feature = "gpu")]
    fn push_to_gpu(&mut self, items: &[T], valid: Option<&dyn Fn(usize) -> bool>) -> Option<Result<(), Error>> {
        let prepared = self.gpu.as_ref()?;
        let mut total = Sum::new(&self.aggregator);
        let decision = self.planner.as_ref().map(|planner| {
            // A NaN that ends the reduction ends it in the reduction itself, where a mask may leave it out.
            let nan = if self.nan == NanPolicy::Error { NanPolicy::Propagate } else { self.nan };
            let on_cpu = |count: usize| {
                let mut state = self.aggregator.identity();
                let reduced = crate::cpu::reduce(&self.aggregator, &mut state, &items[..count], 0, nan);
                reduced.map(|_| ()).map_err(|index| Error::Nan { index: index as u64 })
            };
            let on_gpu = |count: usize| prepared.whole(&self.aggregator, &items[..count], None, nan, |_| {});
            let work = Work { form: "", items: items.len(), fit: &|count| count, cpu: &on_cpu, gpu: &on_gpu };
            planner.decide(prepared, &work)
        });
        let reduced = match decision.transpose() {
            Ok(decision) => {
                self.decision = decision;
                if self.decision.as_ref().is_some_and(|decision| !decision.on_gpu) {
                    return None;
                }
                prepared.whole(&self.aggregator, items, valid, self.nan, |piece| total.add(&self.aggregator, piece))
            }
            Err(error) => Err(error),
        };
        match reduced {
            Ok(()) => {
                let items = items.len() as u64;
                self.missing += if valid.is_some() { items - total.items - total.skipped } else { 0 };
                self.take(total.state, total.skipped, items);
                Some(Ok(()))
            }
            // Whatever the device refuses; the state has nothing of these items yet.
            Err(error) if self.choice == EngineChoice::Auto && !error.is_of_items() => {
                self.fallback = Some(error.into_fallback());
                self.gpu = None;
                self.decision = None;
                None
            }
            Err(error) => Some(Err(error.moved(self.pushed))),
        }
    }
}

/// What the chunks of a push come to.
#[cfg(feature = "gpu")]
struct Sum<S> {
    state: S,
    skipped: u64,
    items: u64,
}

#[cfg(feature = "gpu")]
impl<S> Sum<S> {
    fn new<T, A: Aggregator<T, State = S>>(aggregator: &A) -> Self {
        Self { state: aggregator.identity(), skipped: 0, items: 0 }
    }

    fn add<T, A: Aggregator<T, State = S>>(&mut self, aggregator: &A, piece: crate::gpu::Piece<S>) {
        aggregator.merge(&mut self.state, piece.state);
        self.skipped += piece.skipped;
        self.items += piece.items;
    }
}

impl Error {
    /// The same error where that many items came before.
    #[cfg(feature = "gpu")]
    fn moved(self, before: u64) -> Self {
        match self {
            Self::Nan { index } => Self::Nan { index: before + index },
            other => other,
        }
    }
}
