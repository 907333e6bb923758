//! Reductions of segments of an array, and of its groups by key, on either engine.

use std::borrow::Cow;

use crate::axis::{Extent, Total, outputs, size_class};
use crate::cpu::{each, lift_into, lift_rows};
use crate::{Aggregator, AlongAxis, Block, Engine, Error, Item, NanPolicy};

/// Segments or groups that one task takes on the CPU.
const TASK: usize = 64;

/// Groups up to which each run of items has states of its own, and the ranges of more.
const FEW: usize = 1024;
const RANGES: usize = 64;

/// Items of a run.
const RUN: usize = 1 << 16;

/// One answer for each segment: segment i is `items[offsets[i]..offsets[i + 1]]`, as in compressed sparse rows.
///
/// Places, as [`crate::ArgMin`] tells them, count from the segment's begin.
///
/// ```
/// use strix_reduce::{Engine, NanPolicy, Sum, reduce_segments};
///
/// let rows = reduce_segments(&Sum, &Engine::cpu(), &[1.0, 2.0, 4.0], &[0, 2, 2, 3], NanPolicy::Propagate)?;
/// assert_eq!(rows.answers, [Some(3.0), None, Some(4.0)]);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] when the offsets do not rise, or pass the number of items; [`Error::Nan`] under
/// [`NanPolicy::Error`], with the place in its segment of one of them; [`Error::NotOnGpu`], [`Error::Kernel`] and
/// [`Error::Device`] when the engine is a GPU that was chosen by name. An automatic engine falls back to the CPU, and
/// reports why.
pub fn reduce_segments<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    engine: &Engine,
    items: &[T],
    offsets: &[usize],
    nan: NanPolicy,
) -> Result<AlongAxis<A::Output>, Error> {
    if let Some(at) = offsets.windows(2).position(|bounds| bounds[0] > bounds[1]) {
        let (begin, end) = (offsets[at], offsets[at + 1]);
        return Err(Error::Parameter(format!("segment {at} would begin at {begin} and end at {end}; offsets rise")));
    }
    let last = offsets.last().copied().unwrap_or_default();
    if last > items.len() {
        let items = items.len();
        return Err(Error::Parameter(format!("the last segment would end at {last}, and there are {items} items")));
    }
    let segments = offsets.len().saturating_sub(1);
    let extent = Extent {
        outputs: segments,
        form: format!("segments of 2^{} elements and more", size_class(items.len() / segments.max(1))),
        fit: &|count| count,
    };
    // Those of the first items: the later ones are cut short, or have none.
    let within = |count: usize| {
        if count == items.len() {
            return Cow::Borrowed(offsets);
        }
        Cow::Owned(offsets.iter().map(|offset| count.min(*offset)).collect::<Vec<usize>>())
    };
    outputs(
        aggregator,
        engine,
        items,
        extent,
        #[cfg(feature = "gpu")]
        |prepared, count, take| prepared.segments(aggregator, items, &within(count), nan, take),
        |count| {
            let offsets = within(count);
            let bounds: Vec<&[usize]> = offsets.windows(2).collect();
            in_tasks(&bounds, |bounds| {
                let mut total = Total::new(aggregator);
                total.push(aggregator, &items[bounds[0]..bounds[1]], nan)?;
                Ok(total.state)
            })
        },
    )
}

/// One answer for each of `groups` groups: item i belongs to group `keys[i]`.
///
/// Places, as [`crate::ArgMin`] tells them, are those among all items.
///
/// ```
/// use strix_reduce::{Engine, Mean, NanPolicy, reduce_by_key};
///
/// let (items, keys) = ([1.0, 2.0, 5.0], [2, 0, 2]);
/// let groups = reduce_by_key(&Mean, &Engine::cpu(), &items, &keys, 3, NanPolicy::Propagate)?;
/// assert_eq!(groups.answers, [Some(2.0), None, Some(3.0)]);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
///
/// # Errors
/// [`Error::Parameter`] when there are not as many keys as items, or a key is no group; [`Error::Nan`] under
/// [`NanPolicy::Error`], with the place of the first; and those of [`reduce_segments`].
pub fn reduce_by_key<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    engine: &Engine,
    items: &[T],
    keys: &[u32],
    groups: u32,
    nan: NanPolicy,
) -> Result<AlongAxis<A::Output>, Error> {
    if items.len() != keys.len() {
        return Err(Error::Parameter(format!("{} items have {} keys", items.len(), keys.len())));
    }
    if let Some(at) = keys.iter().position(|key| *key >= groups) {
        let key = keys[at];
        return Err(Error::Parameter(format!(
            "the key of item {at} is {key}, and there are {groups} groups, from 0 on"
        )));
    }
    let extent = Extent {
        outputs: groups as usize,
        form: format!("2^{} groups and more", size_class(groups as usize)),
        fit: &|count| count,
    };
    outputs(
        aggregator,
        engine,
        items,
        extent,
        #[cfg(feature = "gpu")]
        |prepared, count, take| prepared.groups(aggregator, &items[..count], &keys[..count], groups, nan, take),
        |count| groups_of(aggregator, &items[..count], &keys[..count], groups as usize, nan),
    )
}

/// The state of each group.
fn groups_of<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    items: &[T],
    keys: &[u32],
    groups: usize,
    nan: NanPolicy,
) -> Result<Vec<A::State>, Error> {
    let is_nan = |item: &T| nan != NanPolicy::Propagate && aggregator.reads_nan(item, item.is_nan());
    let runs: Vec<Run<'_, T>> = Run::all(items, keys).collect();
    // Of few groups, each run has states of its own, which are merged in their order; of many, each range of groups has the
    // rows of all runs.
    let ranges = if groups > FEW { RANGES } else { 1 };
    let width = groups.div_ceil(ranges).max(1);
    let dealt = each(&runs, |run| {
        if ranges == 1 && !run.items.iter().any(is_nan) {
            // All rows, in no list.
            return Ok(Vec::new());
        }
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); ranges];
        for (row, (item, &key)) in (0..).zip(run.items.iter().zip(run.keys)) {
            match is_nan(item) {
                true if nan == NanPolicy::Error => return Err(Error::Nan { index: run.first + u64::from(row) }),
                true => {}
                false => rows[key as usize / width].push(row),
            }
        }
        Ok(rows)
    });
    let dealt = dealt.collect::<Result<Vec<_>, Error>>()?;
    let identities = |range: usize| {
        let count = width.min(groups.saturating_sub(range * width));
        (0..count).map(|_| aggregator.identity()).collect::<Vec<A::State>>()
    };
    if ranges == 1 {
        let dealt: Vec<_> = runs.iter().zip(&dealt).collect();
        let parts = each(&dealt, |(run, rows)| {
            let mut states = identities(0);
            run.lift(aggregator, &mut states, rows.first().map(Vec::as_slice), 0);
            states
        });
        let mut all = identities(0);
        for part in parts {
            all.iter_mut().zip(part).for_each(|(state, other)| aggregator.merge(state, other));
        }
        return Ok(all);
    }
    let all: Vec<usize> = (0..ranges).collect();
    let states = each(&all, |&range| {
        let mut states = identities(range);
        for (run, rows) in runs.iter().zip(&dealt) {
            run.lift(aggregator, &mut states, Some(&rows[range]), (range * width) as u32);
        }
        states
    });
    Ok(states.flatten().collect())
}

/// Some of the items, with their keys.
struct Run<'a, T> {
    first: u64,
    items: &'a [T],
    keys: &'a [u32],
}

impl<'a, T: Item> Run<'a, T> {
    fn all(items: &'a [T], keys: &'a [u32]) -> impl Iterator<Item = Self> {
        let runs = items.chunks(RUN).zip(keys.chunks(RUN));
        (0..).step_by(RUN).zip(runs).map(|(first, (items, keys))| Self { first, items, keys })
    }

    /// Takes these rows, or all, into the states of their groups, of which the first has the key `least`.
    fn lift<A: Aggregator<T>>(&self, aggregator: &A, states: &mut [A::State], rows: Option<&[u32]>, least: u32) {
        let Some(rows) = rows else {
            return lift_into(aggregator, states, &Block::new(self.items).at(self.first), self.keys);
        };
        let numbers: Vec<u32> = rows.iter().map(|&row| self.keys[row as usize] - least).collect();
        lift_rows(aggregator, states, (self.first, self.items), rows.iter().copied(), &numbers);
    }
}

fn in_tasks<S: Send>(
    bounds: &[&[usize]],
    state: impl Fn(&[usize]) -> Result<S, Error> + Sync + Send,
) -> Result<Vec<S>, Error> {
    let tasks: Vec<&[&[usize]]> = bounds.chunks(TASK).collect();
    let states = each(&tasks, |task| task.iter().map(|bounds| state(bounds)).collect::<Result<Vec<S>, Error>>());
    Ok(states.collect::<Result<Vec<_>, Error>>()?.into_iter().flatten().collect())
}
