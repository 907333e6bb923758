//! Some of a block's items, or what they map to, as blocks of their own.

use arrayvec::ArrayVec;

use crate::{Aggregator, Block};

/// Items of such a block.
const ITEMS: usize = 256;
/// Bytes of an item up to which a block of them fits a thread's stack.
const BYTES: usize = 64;

/// Takes `items`, each with its index in a block that begins at `place`, into a state: in blocks of their own, which lie on
/// the stack, or, where they are large or their places count, one by one.
#[inline(always)]
pub(super) fn lift_all<T, A: Aggregator<T>>(
    aggregator: &A,
    state: &mut A::State,
    items: impl Iterator<Item = (usize, T)>,
    place: u64,
) {
    if aggregator.positional() {
        return items.for_each(|(index, item)| aggregator.lift_at(state, &item, place + index as u64));
    }
    if size_of::<T>() > BYTES {
        return items.for_each(|(_, item)| aggregator.lift(state, &item));
    }
    let facts = aggregator.facts();
    let mut gathered = ArrayVec::<T, ITEMS>::new();
    for (_, item) in items {
        gathered.push(item);
        if gathered.is_full() {
            aggregator.lift_block(state, &Block::with_facts(&gathered, facts));
            gathered.clear();
        }
    }
    if !gathered.is_empty() {
        aggregator.lift_block(state, &Block::with_facts(&gathered, facts));
    }
}
