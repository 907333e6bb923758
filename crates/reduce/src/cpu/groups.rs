//! Groups: items into the states that their numbers name.

use crate::{Aggregator, Block};

/// Items for a group, on average, from which on it costs less to put a block's items in the order of their groups first, so
/// that each group goes through the aggregator's own fast loop.
const SORTED: usize = 8;

/// Takes the items of a block into the states of their groups: item i into `states[groups[i]]`.
pub(crate) fn lift_into<T: Clone, A: Aggregator<T>>(
    aggregator: &A,
    states: &mut [A::State],
    block: &Block<'_, T>,
    groups: &[u32],
) {
    if aggregator.positional() || block.len() < SORTED * states.len() {
        return aggregator.lift_groups(states, block, groups);
    }
    let (order, ends) = in_groups(0u32.., groups, states.len());
    let sorted: Vec<T> = order.into_iter().map(|place| block[place as usize].clone()).collect();
    let facts = aggregator.facts();
    let mut start = 0;
    for (state, &end) in states.iter_mut().zip(&ends) {
        // In the engine's own blocks, to which the aggregators' error bounds belong.
        for items in sorted[start..end].chunks(super::BLOCK) {
            super::lift(aggregator, state, &Block::with_facts(items, facts));
        }
        start = end;
    }
}

/// Takes these rows of a run of items, which begins at `place`, into the states of their groups: the i-th into
/// `states[groups[i]]`.
pub(crate) fn lift_rows<T: Clone, A: Aggregator<T>>(
    aggregator: &A,
    states: &mut [A::State],
    (place, run): (u64, &[T]),
    rows: impl Iterator<Item = u32>,
    groups: &[u32],
) {
    if !aggregator.positional() {
        let items: Vec<T> = rows.map(|row| run[row as usize].clone()).collect();
        return lift_into(aggregator, states, &Block::new(&items), groups);
    }
    for (row, &group) in rows.zip(groups) {
        aggregator.lift_at(&mut states[group as usize], &run[row as usize], place + u64::from(row));
    }
}

/// These places, each of an item whose group is told, in the order of the groups and each group's in their own; and where each
/// group ends: a counting sort, in two passes. It comes first, and the items are copied once by it.
///
/// ```
/// let (places, ends) = strix_reduce::cpu::in_groups(0u32.., &[1, 0, 1], 3);
/// assert_eq!((places, ends), (vec![1, 0, 2], vec![1, 3, 3]));
/// ```
///
/// # Panics
/// When a number is no group.
pub fn in_groups<P: Copy + Default>(
    places: impl IntoIterator<Item = P>,
    groups: &[u32],
    count: usize,
) -> (Vec<P>, Vec<usize>) {
    let mut ends = vec![0; count];
    for &group in groups {
        ends[group as usize] += 1;
    }
    let mut end = 0;
    let mut next: Vec<usize> = Vec::with_capacity(count);
    for items in &mut ends {
        next.push(end);
        end += *items;
        *items = end;
    }
    let mut order = vec![P::default(); groups.len()];
    for (place, &group) in places.into_iter().zip(groups) {
        let to = &mut next[group as usize];
        order[*to] = place;
        *to += 1;
    }
    (order, ends)
}
