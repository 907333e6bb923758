//! Reductions of row-major arrays along one axis, on either engine.

use crate::cpu::{self, BLOCK, each};
use crate::engine::EngineReport;
#[cfg(feature = "gpu")]
use crate::gpu::{Piece, Prepared, Work};
use crate::{Aggregator, Engine, EngineChoice, Error, Item, NanPolicy};

/// Lanes that are read side by side: neighbours in memory unless the axis is the last one.
const SIDE_BY_SIDE: usize = 16;

/// The answers of a reduction along an axis, of segments or of groups.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AlongAxis<O> {
    /// One for each lane along the axis, in row-major order of the array's other axes; or for each segment or group.
    pub answers: Vec<O>,
    /// Which engine did the work.
    pub report: EngineReport,
}

/// One answer for each lane along `axis` of a row-major array of `shape`.
///
/// ```
/// use strix_reduce::{Engine, NanPolicy, Sum, reduce_axis};
///
/// let table = [1.0, 2.0, 3.0, 40.0, 50.0, 60.0];
/// let columns = reduce_axis(&Sum, &Engine::cpu(), &table, &[2, 3], 0, NanPolicy::Propagate)?;
/// assert_eq!(columns.answers, [Some(41.0), Some(52.0), Some(63.0)]);
/// let rows = reduce_axis(&Sum, &Engine::cpu(), &table, &[2, 3], 1, NanPolicy::Propagate)?;
/// assert_eq!(rows.answers, [Some(6.0), Some(150.0)]);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] when the shape has no such axis or does not hold as many items; [`Error::Nan`] under
/// [`NanPolicy::Error`], with the place along the axis of one of them; [`Error::NotOnGpu`], [`Error::Kernel`] and
/// [`Error::Device`] when the engine is a GPU that was chosen by name. An automatic engine falls back to the CPU, and reports why.
pub fn reduce_axis<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    engine: &Engine,
    items: &[T],
    shape: &[usize],
    axis: usize,
    nan: NanPolicy,
) -> Result<AlongAxis<A::Output>, Error> {
    let length = *shape.get(axis).ok_or_else(|| {
        Error::Parameter(format!("an array of shape {shape:?} has no axis {axis}; axes count from 0"))
    })?;
    let size = |axes: &[usize]| axes.iter().try_fold(1usize, |size, axis| size.checked_mul(*axis));
    if size(shape) != Some(items.len()) {
        return Err(Error::Parameter(format!("an array of shape {shape:?} does not hold {} items", items.len())));
    }
    // Without items, an axis of no length leaves the others as long as they please.
    let too_many = || Error::Parameter(format!("an array of shape {shape:?} has too many lanes along axis {axis}"));
    let (outer, inner) = (size(&shape[..axis]).ok_or_else(too_many)?, size(&shape[axis + 1..]).ok_or_else(too_many)?);
    let lanes = outer.checked_mul(inner).ok_or_else(too_many)?;
    let mut room: Vec<A::Output> = Vec::new();
    room.try_reserve_exact(lanes).map_err(|_| too_many())?;
    drop(room);
    let axes = Axes { outer, length, inner };
    let extent = Extent {
        outputs: lanes,
        form: format!("axes of 2^{} elements and more, 2^{} apart", size_class(length), size_class(inner)),
        fit: &|count| axes.first(count).items(),
    };
    outputs(
        aggregator,
        engine,
        items,
        extent,
        #[cfg(feature = "gpu")]
        |prepared: &Prepared<A::State>, count, take| {
            if items.is_empty() { Ok(()) } else { prepared.along(aggregator, items, axes.first(count), nan, take) }
        },
        |count| {
            let Axes { outer, length, inner } = axes.first(count);
            let lanes: Vec<Strided<'_, T>> = (0..outer * inner)
                .map(|lane| Strided { items, first: lane / inner * length * inner + lane % inner, step: inner, length })
                .collect();
            states(aggregator, &lanes, nan)
        },
    )
}

/// How many outputs there are, and what a reduction of the first items is that costs as much an item as that of all.
#[cfg_attr(not(feature = "gpu"), expect(dead_code, reason = "only the GPU engine is measured"))]
pub(crate) struct Extent<'a> {
    pub(crate) outputs: usize,
    /// What it is measured as.
    pub(crate) form: String,
    /// So many items, or somewhat fewer, that are a reduction of the same form.
    pub(crate) fit: &'a dyn Fn(usize) -> usize,
}

/// The power of two that a size is not below: sizes of one class are measured once.
pub(crate) fn size_class(size: usize) -> u32 {
    size.max(1).ilog2()
}

/// The answers of several outputs: by the GPU where the engine is one, else, or where an automatic one fails, by the CPU.
/// Either takes how many of the items to reduce.
pub(crate) fn outputs<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    engine: &Engine,
    items: &[T],
    #[cfg_attr(not(feature = "gpu"), expect(unused_variables, reason = "the CPU's closure holds what it needs"))]
    extent: Extent<'_>,
    #[cfg(feature = "gpu")] on_gpu: impl Fn(
        &Prepared<A::State>,
        usize,
        &mut dyn FnMut(Piece<A::State>),
    ) -> Result<(), Error>,
    on_cpu: impl Fn(usize) -> Result<Vec<A::State>, Error>,
) -> Result<AlongAxis<A::Output>, Error> {
    #[cfg_attr(not(feature = "gpu"), expect(unused_mut, reason = "only a GPU that fails adds to it"))]
    let mut fallback = engine.fallback.clone();
    #[cfg_attr(not(feature = "gpu"), expect(unused_mut, reason = "only a planner sets it"))]
    let mut plan = None;
    #[cfg(feature = "gpu")]
    {
        let reduced = Prepared::new::<T, A>(aggregator, engine).and_then(|prepared| {
            let Some(prepared) = prepared else { return Ok(None) };
            if let Some(planner) = engine.planner.as_ref().filter(|_| engine.choice == EngineChoice::Auto) {
                let work = Work {
                    form: &extent.form,
                    items: items.len(),
                    fit: extent.fit,
                    cpu: &|count| on_cpu(count).map(|_| ()),
                    gpu: &|count| on_gpu(&prepared, count, &mut |_| {}),
                };
                let decision = planner.decide(&prepared, &work)?;
                plan = Some(decision.reason);
                if !decision.on_gpu {
                    return Ok(None);
                }
            }
            let mut states: Vec<A::State> = (0..extent.outputs).map(|_| aggregator.identity()).collect();
            on_gpu(&prepared, items.len(), &mut |piece| {
                aggregator.merge(&mut states[piece.output], piece.state);
            })?;
            Ok(Some((states, prepared.adapter_name())))
        });
        match reduced {
            Ok(Some((states, adapter))) => {
                let answers = states.into_iter().map(|state| aggregator.finish(state)).collect();
                let report = EngineReport { engine: "gpu", adapter: Some(adapter), fallback: None, plan };
                return Ok(AlongAxis { answers, report });
            }
            Ok(None) => {}
            Err(error) if engine.choice == EngineChoice::Gpu || error.is_of_items() => return Err(error),
            Err(error) => fallback = Some(error.into_fallback()),
        }
    }
    let answers = on_cpu(items.len())?.into_iter().map(|state| aggregator.finish(state)).collect();
    let report = EngineReport {
        engine: "cpu",
        adapter: None,
        fallback: fallback.filter(|_| engine.choice == EngineChoice::Auto),
        plan,
    };
    Ok(AlongAxis { answers, report })
}

/// A row-major array of outer x length x inner elements, reduced along the middle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axes {
    pub(crate) outer: usize,
    pub(crate) length: usize,
    pub(crate) inner: usize,
}

impl Axes {
    pub(crate) fn items(self) -> usize {
        // The lanes first: their number is known to be one, where the product of outer and length need not be.
        self.outer * self.inner * self.length
    }

    /// An array of at most `count` of the elements, the first ones: whole slabs, or part of one along the axis.
    pub(crate) fn first(self, count: usize) -> Self {
        let Self { length, inner, .. } = self;
        if count >= self.items() {
            return self;
        }
        match count / (length * inner) {
            0 => Self { outer: 1, length: (count / inner).max(1), inner },
            outer => Self { outer, length, inner },
        }
    }
}

/// Items in a row, near one another or not.
pub(crate) trait Lane<T>: Sync {
    fn length(&self) -> usize;
    fn item(&self, index: usize) -> &T;
    /// All of them, where they are neighbours in memory.
    fn slice(&self) -> Option<&[T]>;
}

struct Strided<'a, T> {
    items: &'a [T],
    first: usize,
    step: usize,
    length: usize,
}

impl<T: Sync> Lane<T> for Strided<'_, T> {
    fn length(&self) -> usize {
        self.length
    }
    fn item(&self, index: usize) -> &T {
        &self.items[self.first + index * self.step]
    }
    fn slice(&self) -> Option<&[T]> {
        (self.step == 1).then(|| &self.items[self.first..self.first + self.length])
    }
}

/// The states of all lanes, on all threads.
pub(crate) fn states<T: Item, A: Aggregator<T>, L: Lane<T>>(
    aggregator: &A,
    lanes: &[L],
    nan: NanPolicy,
) -> Result<Vec<A::State>, Error> {
    let groups: Vec<&[L]> = lanes.chunks(SIDE_BY_SIDE).collect();
    let states = each(&groups, |group| side_by_side(aggregator, group, nan)).collect::<Result<Vec<_>, Error>>()?;
    Ok(states.into_iter().flatten().collect())
}

/// The states of neighbouring lanes, a piece of each at a time.
fn side_by_side<T: Item, A: Aggregator<T>, L: Lane<T>>(
    aggregator: &A,
    lanes: &[L],
    nan: NanPolicy,
) -> Result<Vec<A::State>, Error> {
    let length = lanes.first().map_or(0, Lane::length);
    let mut totals: Vec<_> = lanes.iter().map(|_| Total::new(aggregator)).collect();
    if lanes.iter().all(|lane| lane.slice().is_some()) {
        for (lane, total) in lanes.iter().zip(&mut totals) {
            total.push(aggregator, lane.slice().unwrap_or_default(), nan)?;
        }
        return Ok(totals.into_iter().map(|total| total.state).collect());
    }
    let mut pieces: Vec<Vec<T>> = lanes.iter().map(|_| Vec::with_capacity(BLOCK.min(length))).collect();
    for start in (0..length).step_by(BLOCK) {
        for index in start..length.min(start + BLOCK) {
            for (lane, piece) in lanes.iter().zip(&mut pieces) {
                piece.push(lane.item(index).clone());
            }
        }
        for (piece, total) in pieces.iter_mut().zip(&mut totals) {
            total.push(aggregator, piece, nan)?;
            piece.clear();
        }
    }
    Ok(totals.into_iter().map(|total| total.state).collect())
}

/// A state, and how many items led to it.
pub(crate) struct Total<S> {
    pub(crate) state: S,
    items: u64,
}

impl<S> Total<S> {
    pub(crate) fn new<T, A: Aggregator<T, State = S>>(aggregator: &A) -> Self {
        Self { state: aggregator.identity(), items: 0 }
    }

    pub(crate) fn push<T: Item, A: Aggregator<T, State = S>>(
        &mut self,
        aggregator: &A,
        piece: &[T],
        nan: NanPolicy,
    ) -> Result<(), Error> {
        let place = self.items;
        cpu::reduce(aggregator, &mut self.state, piece, place, nan)
            .map_err(|index| Error::Nan { index: place + index as u64 })?;
        self.items += piece.len() as u64;
        Ok(())
    }
}
