//! Reductions of a caller's buffers, in a caller's commands, with results that may stay on the device.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::prepared::Prepared;
use super::run::Run;
use super::{Gpu, View};
use crate::{Aggregator, Error, Item, NanPolicy};

/// An aggregation compiled for a device. [`Reduction::bind`] it to buffers, then run it as often as they change.
///
/// ```
/// use strix_reduce::gpu::{Gpu, Reduction, View};
/// use strix_reduce::{Max, Mean, wgpu};
///
/// let gpu = Gpu::open()?;
/// let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
///     label: None,
///     size: 24,
///     usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
///     mapped_at_creation: false,
/// });
/// gpu.queue().write_buffer(&buffer, 0, bytemuck::cast_slice(&[1.0f32, 2.0, 3.0, 10.0, 20.0, 60.0]));
///
/// let reduction = Reduction::<f32, _>::new(&gpu, (Mean, Max))?;
/// let rows = reduction.bind(&View::of(&buffer, 0..6).strided(&[2, 3], &[3, 1], 1)?)?;
/// rows.submit()?;
/// assert_eq!(rows.answers()?, [(Some(2.0), Some(3.0)), (Some(30.0), Some(60.0))]);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Reduction<T, A: Aggregator<T>> {
    aggregator: A,
    prepared: Prepared<A::State>,
    nan: NanPolicy,
    items: PhantomData<fn(T)>,
}

/// A reduction of one view: its buffers, dispatches and results. Running it again allocates nothing of its own.
pub struct Bound<'a, T, A: Aggregator<T>> {
    reduction: &'a Reduction<T, A>,
    run: Run,
    outputs: usize,
}

/// Results where they lie on the device.
#[derive(Debug)]
pub struct Results<'a> {
    /// The buffer, for storage bindings and copies: one `Partial` for each output.
    pub buffer: &'a wgpu::Buffer,
    /// Where each chunk's row of partials begins, in bytes. One, unless the view is larger than a binding of the device;
    /// else an output's state is the merge of its partials in all rows.
    pub rows: Vec<u64>,
    /// Where the states lie in a partial.
    pub layout: &'a strix_shaders::Layout,
}

impl<T: Item, A: Aggregator<T>> Reduction<T, A> {
    /// Compiles `aggregator` for items `T`.
    ///
    /// # Errors
    /// [`Error::NotOnGpu`] when the aggregator or the items have no GPU half, or the device fails the self-test for it;
    /// [`Error::Kernel`] and [`Error::Device`] when the kernel does not compile.
    pub fn new(gpu: &Gpu, aggregator: A) -> Result<Self, Error> {
        let prepared = Prepared::on::<T, A>(gpu, &aggregator)?;
        Ok(Self { aggregator, prepared, nan: NanPolicy::default(), items: PhantomData })
    }

    /// The same under another NaN policy; [`NanPolicy::Propagate`] without this call.
    #[must_use]
    pub fn nan_policy(mut self, nan: NanPolicy) -> Self {
        self.nan = nan;
        self
    }

    /// Everything that a reduction of `view` takes, made once.
    ///
    /// # Errors
    /// [`Error::Parameter`] when the view does not lie in its buffers; [`Error::NotOnGpu`] when it has more outputs than
    /// the device binds or one of its buffers holds, or segments of more than 2^32 - 1 elements; [`Error::Device`].
    pub fn bind(&self, view: &View<'_>) -> Result<Bound<'_, T, A>, Error> {
        let outputs = view.outputs() as usize;
        Ok(Bound { reduction: self, run: self.prepared.run(view, self.nan)?, outputs })
    }
}

impl<T: Item, A: Aggregator<T>> Bound<'_, T, A> {
    /// Answers there will be.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Records the reduction into the caller's commands, behind what they do before. Submit them, then read.
    pub fn record(&self, encoder: &mut wgpu::CommandEncoder) {
        self.run.record(encoder);
    }

    /// Submits the reduction by itself.
    ///
    /// # Errors
    /// [`Error::Device`], also while a future of its answers is under way.
    pub fn submit(&self) -> Result<(), Error> {
        self.run.submit(&self.reduction.prepared.gpu)
    }

    /// Where the results are on the device, from the submission on; `None` of a view without elements.
    pub fn results(&self) -> Option<Results<'_>> {
        let (buffer, rows) = self.run.results();
        self.run.kernel().map(|kernel| Results { buffer, rows, layout: &kernel.layout })
    }

    /// Waits for the submitted reduction, and reads each output's state.
    ///
    /// # Errors
    /// [`Error::Nan`] under [`NanPolicy::Error`]; [`Error::Parameter`] of offsets that do not rise, or a key that is no
    /// group; [`Error::Device`], also where nothing was submitted, or a future of this reduction's answers is under way.
    pub fn states(&self) -> Result<Vec<A::State>, Error> {
        let mut states = self.identities();
        self.run.wait(&self.reduction.prepared.gpu, |taken| self.merge(&mut states, &taken))?;
        Ok(states)
    }

    /// Waits for the submitted reduction, and reads the answers.
    ///
    /// # Errors
    /// As [`Bound::states`].
    pub fn answers(&self) -> Result<Vec<A::Output>, Error> {
        let aggregator = &self.reduction.aggregator;
        Ok(self.states()?.into_iter().map(|state| aggregator.finish(state)).collect())
    }

    /// [`Bound::states`] without blocking the thread: another one waits for the device meanwhile. A future that is
    /// dropped half way leaves nothing behind; until then it alone reads.
    ///
    /// # Errors
    /// As [`Bound::states`].
    pub async fn states_async(&self) -> Result<Vec<A::State>, Error> {
        let gpu = self.reduction.prepared.gpu.clone();
        let mapped = Mapped::default();
        let reading = gpu.checked("read-back", || self.run.read(&gpu, mapped.setter()))??;
        let waited = mapped.setter();
        std::thread::spawn(move || {
            if let Err(error) = gpu.wait() {
                waited(Err(error.to_string()));
            }
        });
        mapped.await.map_err(|message| Error::Device { during: "read-back", message })?;
        let mut states = self.identities();
        self.run.take(reading, |taken| self.merge(&mut states, &taken))?;
        Ok(states)
    }

    /// [`Bound::answers`] without blocking the thread.
    ///
    /// # Errors
    /// As [`Bound::states`].
    pub async fn answers_async(&self) -> Result<Vec<A::Output>, Error> {
        let aggregator = &self.reduction.aggregator;
        Ok(self.states_async().await?.into_iter().map(|state| aggregator.finish(state)).collect())
    }

    fn identities(&self) -> Vec<A::State> {
        (0..self.outputs).map(|_| self.reduction.aggregator.identity()).collect()
    }

    fn merge(&self, states: &mut [A::State], taken: &super::run::Taken<'_>) -> Result<(), Error> {
        let Reduction { aggregator, prepared, nan, .. } = self.reduction;
        let piece = prepared.piece(aggregator, taken, 0, *nan)?;
        aggregator.merge(&mut states[piece.output], piece.state);
        Ok(())
    }
}

impl<T, A: Aggregator<T>> std::fmt::Debug for Bound<'_, T, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("outputs", &self.outputs).finish_non_exhaustive()
    }
}

/// Done once it is set, by the first who does.
#[derive(Default, Clone)]
struct Mapped(Arc<Mutex<Awaited>>);

#[derive(Default)]
struct Awaited {
    done: Option<Result<(), String>>,
    waker: Option<Waker>,
}

impl Mapped {
    fn setter(&self) -> impl FnOnce(Result<(), String>) + Send + 'static {
        let shared = self.0.clone();
        move |done| {
            let mut state = shared.lock().unwrap_or_else(PoisonError::into_inner);
            state.done.get_or_insert(done);
            if let Some(waker) = state.waker.take() {
                waker.wake();
            }
        }
    }
}

impl Future for Mapped {
    type Output = Result<(), String>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.done.take() {
            Some(done) => Poll::Ready(done),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
