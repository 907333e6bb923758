//! Splits a slice into blocks, and merges the states of long runs of them along a tree that only its length decides.

use crate::{Aggregator, Block, Item, NanPolicy};

/// Items in a block: 16 KiB of f32, which stay in the first-level cache while each aggregator reads them.
pub const BLOCK: usize = 4096;

/// Items in a block that is read once: as many as fill 32 KiB, so that what a block costs at its end weighs less.
#[inline(always)]
pub(crate) const fn one_pass<T>() -> usize {
    let bytes = if size_of::<T>() == 0 { 1 } else { size_of::<T>() };
    (32 << 10) / bytes
}

/// Items that one task takes at least; below it a second thread costs more than it brings.
const TASK: usize = 16 * BLOCK;

/// Tasks of a slice at most: each has a state, and the states may be large.
const TASKS: usize = 1024;

/// Takes `items` into `state`, the first of them at `place`; how many NaN were left out. The error is the index of the
/// first NaN under [`NanPolicy::Error`], and the state is then of no use.
///
/// What is merged with what is fixed by the length alone, so the result has the same bits for any number
/// of threads.
pub(crate) fn reduce<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    state: &mut A::State,
    items: &[T],
    place: u64,
    nan: NanPolicy,
) -> Result<u64, usize> {
    let block = aggregator.block_items().clamp(1, items.len().max(1));
    let task = TASK.max(items.len().div_ceil(TASKS)).next_multiple_of(block);
    let tree = Tree { aggregator, nan, block, task, arch: pulp::Arch::new() };
    if items.len() > task && aggregator.deals(state, items) {
        return tree.deal(state, items, place);
    }
    tree.reduce(state, items, place)
}

/// Takes one block into a state, on the vector unit that this machine has.
pub(crate) fn lift<T, A: Aggregator<T>>(aggregator: &A, state: &mut A::State, block: &Block<'_, T>) {
    pulp::Arch::new().dispatch(Lift { aggregator, state, block });
}

/// What both come to, side by side where there are threads.
fn both<R: Send>(left: impl FnOnce() -> R + Send, right: impl FnOnce() -> R + Send) -> (R, R) {
    #[cfg(feature = "rayon")]
    return rayon::join(left, right);
    #[cfg(not(feature = "rayon"))]
    (left(), right())
}

struct Tree<'a, A> {
    aggregator: &'a A,
    nan: NanPolicy,
    block: usize,
    task: usize,
    arch: pulp::Arch,
}

impl<A> Tree<'_, A> {
    fn reduce<T: Item>(&self, state: &mut A::State, items: &[T], place: u64) -> Result<u64, usize>
    where
        A: Aggregator<T>,
    {
        if items.len() <= self.task {
            let mut skipped = 0;
            for (index, block) in (0..).step_by(self.block).zip(items.chunks(self.block)) {
                skipped += self.block(state, block, place + index as u64).map_err(|nan| index + nan)?;
            }
            return Ok(skipped);
        }
        let middle = (items.len().div_ceil(self.task) / 2) * self.task;
        let (left, right) = items.split_at(middle);
        let mut later = self.aggregator.identity();
        let (left, right) =
            both(|| self.reduce(state, left, place), || self.reduce(&mut later, right, place + middle as u64));
        let skipped = left? + right.map_err(|index| index + middle)?;
        self.aggregator.merge(state, later);
        Ok(skipped)
    }

    /// Takes the items that count in, dealt out by the aggregator.
    fn deal<T: Item>(&self, state: &mut A::State, items: &[T], place: u64) -> Result<u64, usize>
    where
        A: Aggregator<T>,
    {
        let first = || items.iter().position(|item| is_nan(self.aggregator, item));
        match self.nan {
            NanPolicy::Propagate => {}
            _ if !self.arch.dispatch(AnyNan { aggregator: self.aggregator, items }) => {}
            NanPolicy::Error => return Err(first().unwrap_or_default()),
            NanPolicy::Skip if self.aggregator.positional() => return self.reduce(state, items, place),
            NanPolicy::Skip => {
                let kept: Vec<T> = items.iter().filter(|item| !is_nan(self.aggregator, *item)).cloned().collect();
                self.aggregator.lift_dealt(state, &kept, place);
                return Ok((items.len() - kept.len()) as u64);
            }
        }
        self.aggregator.lift_dealt(state, items, place);
        Ok(0)
    }

    fn block<T: Item>(&self, state: &mut A::State, items: &[T], place: u64) -> Result<u64, usize>
    where
        A: Aggregator<T>,
    {
        if self.nan == NanPolicy::Propagate || !self.arch.dispatch(AnyNan { aggregator: self.aggregator, items }) {
            self.lift(state, items, place);
            return Ok(0);
        }
        if self.nan == NanPolicy::Error {
            return Err(items.iter().position(|item| is_nan(self.aggregator, item)).unwrap_or_default());
        }
        if self.aggregator.positional() {
            return Ok(self.runs(state, items, place));
        }
        let kept: Vec<T> = items.iter().filter(|item| !is_nan(self.aggregator, *item)).cloned().collect();
        self.lift(state, &kept, place);
        Ok((items.len() - kept.len()) as u64)
    }

    /// Each run of items without NaN at its own place.
    fn runs<T: Item>(&self, state: &mut A::State, items: &[T], place: u64) -> u64
    where
        A: Aggregator<T>,
    {
        let (mut start, mut runs) = (place, 0);
        for run in items.split(|item| is_nan(self.aggregator, item)) {
            self.lift(state, run, start);
            start += run.len() as u64 + 1;
            runs += 1;
        }
        // Every NaN ends a run, but for the last, which the end of the block ends.
        runs - 1
    }

    fn lift<T>(&self, state: &mut A::State, items: &[T], place: u64)
    where
        A: Aggregator<T>,
    {
        if items.is_empty() {
            return;
        }
        let block = Block::with_facts(items, self.aggregator.facts()).at(place);
        self.arch.dispatch(Lift { aggregator: self.aggregator, state, block: &block });
    }
}

// What runs on the vector unit that was found is a struct and no closure: `with_simd` is inlined by
// force into the function that has the unit's instructions, the call of a closure only by luck.

struct Lift<'a, 'b, A: Aggregator<T>, T> {
    aggregator: &'a A,
    state: &'a mut A::State,
    block: &'a Block<'b, T>,
}

impl<T, A: Aggregator<T>> pulp::WithSimd for Lift<'_, '_, A, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        self.aggregator.lift_block(self.state, self.block);
    }
}

/// Whether the aggregator reads one from the item.
#[inline(always)]
fn is_nan<T: Item, A: Aggregator<T>>(aggregator: &A, item: &T) -> bool {
    aggregator.reads_nan(item, item.is_nan())
}

struct AnyNan<'a, A, T> {
    aggregator: &'a A,
    items: &'a [T],
}

impl<T: Item, A: Aggregator<T>> pulp::WithSimd for AnyNan<'_, A, T> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> bool {
        let mut found = false;
        for item in self.items {
            found |= is_nan(self.aggregator, item);
        }
        found
    }
}
