//! Reductions of segments of an array, and of its groups by key, on either engine.

use std::borrow::Cow;

use crate::axis::{Extent, Total, outputs, size_class};
use crate::cpu::{BLOCK, each, in_groups, lift_into};
use crate::{Aggregator, AlongAxis, Block, Engine, Error, Item, NanPolicy};

/// Segments or groups that one task takes on the CPU.
const TASK: usize = 64;

/// Groups up to which each run of items has states of its own, which are merged.
const FEW: usize = 1024;

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
/// [`NanPolicy::Error`], with the place of one of them; and those of [`reduce_segments`].
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
        |count| {
            let (items, keys) = (&items[..count], &keys[..count]);
            if groups as usize <= FEW && count > RUN && !aggregator.positional() {
                return few_groups(aggregator, items, keys, groups as usize, nan);
            }
            let (order, mut bounds) = in_groups(0.., keys, groups as usize);
            bounds.insert(0, 0);
            let bounds: Vec<&[usize]> = bounds.windows(2).collect();
            in_tasks(&bounds, |bounds| group(aggregator, items, &order[bounds[0]..bounds[1]], nan))
        },
    )
}

/// The states of groups that are few: of each run of items, and then merged in their order.
fn few_groups<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    items: &[T],
    keys: &[u32],
    groups: usize,
    nan: NanPolicy,
) -> Result<Vec<A::State>, Error> {
    let is_nan = |item: &T| nan != NanPolicy::Propagate && aggregator.reads_nan(item, item.is_nan());
    let runs: Vec<(usize, &[T], &[u32])> = (0..)
        .step_by(RUN)
        .zip(items.chunks(RUN))
        .zip(keys.chunks(RUN))
        .map(|((at, items), keys)| (at, items, keys))
        .collect();
    let states = each(&runs, |&(at, items, keys)| {
        let mut states: Vec<A::State> = (0..groups).map(|_| aggregator.identity()).collect();
        match items.iter().position(is_nan) {
            None => lift_into(aggregator, &mut states, &Block::new(items), keys),
            Some(first) if nan == NanPolicy::Error => return Err(Error::Nan { index: (at + first) as u64 }),
            Some(_) => {
                let kept = items.iter().zip(keys).filter(|(item, _)| !is_nan(item));
                let (items, keys): (Vec<T>, Vec<u32>) = kept.map(|(item, &key)| (item.clone(), key)).unzip();
                lift_into(aggregator, &mut states, &Block::new(&items), &keys);
            }
        }
        Ok(states)
    })?;
    let mut all: Vec<A::State> = (0..groups).map(|_| aggregator.identity()).collect();
    for run in states {
        all.iter_mut().zip(run).for_each(|(state, other)| aggregator.merge(state, other));
    }
    Ok(all)
}

/// The state of the items at these places, which rise.
fn group<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    items: &[T],
    places: &[usize],
    nan: NanPolicy,
) -> Result<A::State, Error> {
    let named = |places: &[usize], error| match error {
        Error::Nan { index } => Error::Nan { index: places[index as usize] as u64 },
        other => other,
    };
    let mut total = Total::new(aggregator);
    if !aggregator.positional() {
        for places in places.chunks(BLOCK) {
            let piece: Vec<T> = places.iter().map(|&place| items[place].clone()).collect();
            let before = total.items();
            total.push(aggregator, &piece, nan).map_err(|error| match error {
                Error::Nan { index } => named(places, Error::Nan { index: index - before }),
                other => other,
            })?;
        }
        return Ok(total.state);
    }
    // Every item at its own place.
    let mut state = aggregator.identity();
    for &place in places {
        let item = std::slice::from_ref(&items[place]);
        crate::cpu::reduce(aggregator, &mut state, item, place as u64, nan)
            .map_err(|_| named(&[place], Error::Nan { index: 0 }))?;
    }
    Ok(state)
}

fn in_tasks<S: Send>(
    bounds: &[&[usize]],
    state: impl Fn(&[usize]) -> Result<S, Error> + Sync + Send,
) -> Result<Vec<S>, Error> {
    let tasks: Vec<&[&[usize]]> = bounds.chunks(TASK).collect();
    let states = each(&tasks, |task| task.iter().map(|bounds| state(bounds)).collect::<Result<Vec<S>, Error>>())?;
    Ok(states.into_iter().flatten().collect())
}
