//! Splits a slice into blocks and merges their states along a tree that only its length decides.

use crate::{Aggregator, Item, NanPolicy};

/// Items in a block: 16 KiB of f32, which stay in the first-level cache while each aggregator reads them.
pub const BLOCK: usize = 4096;

/// Items that one task takes at least; below it a second thread costs more than it brings.
#[cfg(feature = "rayon")]
const TASK: usize = 16 * BLOCK;

/// A state, and the NaN that were left out of it.
pub(crate) struct Reduced<S> {
    pub(crate) state: S,
    pub(crate) skipped: u64,
}

/// The state of `items`. The error is the index of the first NaN under [`NanPolicy::Error`].
///
/// The tree of merges is fixed by the length alone, so the result has the same bits for any number
/// of threads.
pub(crate) fn reduce<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    items: &[T],
    nan: NanPolicy,
) -> Result<Reduced<A::State>, usize> {
    Tree { aggregator, nan, arch: pulp::Arch::new() }.reduce(items)
}

struct Tree<'a, A> {
    aggregator: &'a A,
    nan: NanPolicy,
    arch: pulp::Arch,
}

impl<A> Tree<'_, A> {
    fn reduce<T: Item>(&self, items: &[T]) -> Result<Reduced<A::State>, usize>
    where
        A: Aggregator<T>,
    {
        if items.len() <= BLOCK {
            return self.block(items);
        }
        let middle = (items.len().div_ceil(BLOCK) / 2) * BLOCK;
        let (left, right) = items.split_at(middle);
        let (left, right) = self.both(left, right);
        let (left, right) = (left?, right.map_err(|index| index + middle)?);
        Ok(Reduced { state: self.aggregator.merge(left.state, right.state), skipped: left.skipped + right.skipped })
    }

    #[expect(clippy::type_complexity, reason = "the two results of `reduce`")]
    fn both<T: Item>(
        &self,
        left: &[T],
        right: &[T],
    ) -> (Result<Reduced<A::State>, usize>, Result<Reduced<A::State>, usize>)
    where
        A: Aggregator<T>,
    {
        #[cfg(feature = "rayon")]
        if left.len() + right.len() > TASK {
            return rayon::join(|| self.reduce(left), || self.reduce(right));
        }
        (self.reduce(left), self.reduce(right))
    }

    fn block<T: Item>(&self, items: &[T]) -> Result<Reduced<A::State>, usize>
    where
        A: Aggregator<T>,
    {
        let lift = |items| self.arch.dispatch(Lift { aggregator: self.aggregator, items });
        if self.nan == NanPolicy::Propagate || !self.arch.dispatch(AnyNan(items)) {
            return Ok(Reduced { state: lift(items), skipped: 0 });
        }
        if self.nan == NanPolicy::Error {
            return Err(items.iter().position(Item::is_nan).unwrap_or_default());
        }
        let kept: Vec<T> = items.iter().filter(|item| !item.is_nan()).cloned().collect();
        Ok(Reduced { state: lift(&kept), skipped: (items.len() - kept.len()) as u64 })
    }
}

// What runs on the vector unit that was found is a struct and no closure: `with_simd` is inlined by
// force into the function that has the unit's instructions, the call of a closure only by luck.

struct Lift<'a, A, T> {
    aggregator: &'a A,
    items: &'a [T],
}

impl<T, A: Aggregator<T>> pulp::WithSimd for Lift<'_, A, T> {
    type Output = A::State;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> A::State {
        self.aggregator.lift_block(self.items)
    }
}

struct AnyNan<'a, T>(&'a [T]);

impl<T: Item> pulp::WithSimd for AnyNan<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> bool {
        let mut found = false;
        for item in self.0 {
            found |= item.is_nan();
        }
        found
    }
}
