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
    // A counting sort, of places first, so that each item is copied once.
    let mut ends = vec![0u32; states.len()];
    for &group in groups {
        ends[group as usize] += 1;
    }
    let mut end = 0;
    let mut next: Vec<u32> = Vec::with_capacity(ends.len());
    for count in &mut ends {
        next.push(end);
        end += *count;
        *count = end;
    }
    let mut order = vec![0u32; groups.len()];
    for (place, &group) in (0..).zip(groups) {
        let to = &mut next[group as usize];
        order[*to as usize] = place;
        *to += 1;
    }
    let sorted: Vec<T> = order.iter().map(|&place| block[place as usize].clone()).collect();
    let facts = aggregator.facts();
    let mut start = 0;
    for (state, &end) in states.iter_mut().zip(&ends) {
        // In the engine's own blocks, to which the aggregators' error bounds belong.
        for items in sorted[start as usize..end as usize].chunks(super::BLOCK) {
            super::lift(aggregator, state, &Block::with_facts(items, facts));
        }
        start = end;
    }
}
