//! Splits a slice into blocks and merges their states along a tree that only its length decides.

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
#[cfg(feature = "rayon")]
const TASK: usize = 16 * BLOCK;

/// A state, and the NaN that were left out of it.
pub(crate) struct Reduced<S> {
    pub(crate) state: S,
    pub(crate) skipped: u64,
}

/// The state of `items`, the first of them at place 0. The error is the index of the first NaN under
/// [`NanPolicy::Error`].
///
/// The tree of merges is fixed by the length alone, so the result has the same bits for any number
/// of threads.
pub(crate) fn reduce<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    items: &[T],
    nan: NanPolicy,
) -> Result<Reduced<A::State>, usize> {
    let block = aggregator.block_items().max(1);
    Tree { aggregator, nan, block, arch: pulp::Arch::new() }.reduce(items)
}

/// The state of one block, on the vector unit that this machine has.
pub(crate) fn lift<T, A: Aggregator<T>>(aggregator: &A, block: &Block<'_, T>) -> A::State {
    pulp::Arch::new().dispatch(Lift { aggregator, block })
}

struct Tree<'a, A> {
    aggregator: &'a A,
    nan: NanPolicy,
    block: usize,
    arch: pulp::Arch,
}

type Part<S> = Result<Reduced<S>, usize>;

impl<A> Tree<'_, A> {
    fn reduce<T: Item>(&self, items: &[T]) -> Part<A::State>
    where
        A: Aggregator<T>,
    {
        if items.len() <= self.block {
            return self.block(items);
        }
        let middle = (items.len().div_ceil(self.block) / 2) * self.block;
        let (left, right) = items.split_at(middle);
        let (left, right) = self.both(left, right);
        let (left, right) = (left?, right.map_err(|index| index + middle)?);
        let right_state = self.aggregator.shift(right.state, middle as u64);
        Ok(Reduced { state: self.aggregator.merge(left.state, right_state), skipped: left.skipped + right.skipped })
    }

    fn both<T: Item>(&self, left: &[T], right: &[T]) -> (Part<A::State>, Part<A::State>)
    where
        A: Aggregator<T>,
    {
        #[cfg(feature = "rayon")]
        if left.len() + right.len() > TASK {
            return rayon::join(|| self.reduce(left), || self.reduce(right));
        }
        (self.reduce(left), self.reduce(right))
    }

    fn block<T: Item>(&self, items: &[T]) -> Part<A::State>
    where
        A: Aggregator<T>,
    {
        if self.nan == NanPolicy::Propagate || !self.arch.dispatch(AnyNan { aggregator: self.aggregator, items }) {
            return Ok(Reduced { state: self.lift(items), skipped: 0 });
        }
        if self.nan == NanPolicy::Error {
            return Err(items.iter().position(|item| is_nan(self.aggregator, item)).unwrap_or_default());
        }
        if self.aggregator.positional() {
            return Ok(self.runs(items));
        }
        let kept: Vec<T> = items.iter().filter(|item| !is_nan(self.aggregator, *item)).cloned().collect();
        Ok(Reduced { state: self.lift(&kept), skipped: (items.len() - kept.len()) as u64 })
    }

    /// Each run of items without NaN at its own place.
    fn runs<T: Item>(&self, items: &[T]) -> Reduced<A::State>
    where
        A: Aggregator<T>,
    {
        let mut reduced = Reduced { state: self.aggregator.identity(), skipped: 0 };
        let mut place = 0;
        for run in items.split(|item| is_nan(self.aggregator, item)) {
            if !run.is_empty() {
                let state = self.aggregator.shift(self.lift(run), place);
                reduced.state = self.aggregator.merge(reduced.state, state);
            }
            place += run.len() as u64 + 1;
        }
        // Every NaN ends a run, but for the last, which the end of the block ends.
        reduced.skipped = items.iter().filter(|item| is_nan(self.aggregator, *item)).count() as u64;
        reduced
    }

    fn lift<T>(&self, items: &[T]) -> A::State
    where
        A: Aggregator<T>,
    {
        let block = Block::with_facts(items, self.aggregator.facts());
        self.arch.dispatch(Lift { aggregator: self.aggregator, block: &block })
    }
}

// What runs on the vector unit that was found is a struct and no closure: `with_simd` is inlined by
// force into the function that has the unit's instructions, the call of a closure only by luck.

struct Lift<'a, 'b, A, T> {
    aggregator: &'a A,
    block: &'a Block<'b, T>,
}

impl<T, A: Aggregator<T>> pulp::WithSimd for Lift<'_, '_, A, T> {
    type Output = A::State;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> A::State {
        self.aggregator.lift_block(self.block)
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
