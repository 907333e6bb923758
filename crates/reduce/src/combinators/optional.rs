//! An aggregator that may be absent: for a set of statistics chosen at run time.

use crate::state::Signature;
use crate::{Aggregator, Block, Facts, Portable};

/// The aggregator and its state, where there are both.
#[inline(always)]
fn both<'a, A, S>(aggregator: &'a Option<A>, state: &'a mut Option<S>) -> Option<(&'a A, &'a mut S)> {
    match (aggregator, state) {
        (Some(aggregator), Some(state)) => Some((aggregator, state)),
        (None, None) => None,
        (Some(_), None) => panic!("the state of an absent aggregator is not that of one; merge states of equal sets"),
        (None, Some(_)) => {
            panic!("the state of an aggregator is not that of an absent one; merge states of equal sets")
        }
    }
}

/// `None` costs nothing and finishes to `None`; `Some(a)` is `a`.
impl<T, A: Aggregator<T>> Aggregator<T> for Option<A> {
    type State = Option<A::State>;
    type Output = Option<A::Output>;

    fn identity(&self) -> Self::State {
        self.as_ref().map(A::identity)
    }
    #[inline(always)]
    fn lift(&self, state: &mut Self::State, item: &T) {
        self.lift_at(state, item, 0);
    }
    #[inline(always)]
    fn lift_at(&self, state: &mut Self::State, item: &T, place: u64) {
        if let Some((a, state)) = both(self, state) {
            a.lift_at(state, item, place);
        }
    }
    #[inline(always)]
    fn merge(&self, state: &mut Self::State, mut other: Self::State) {
        both(self, &mut other);
        if let (Some((a, state)), Some(other)) = (both(self, state), other) {
            a.merge(state, other);
        }
    }
    fn finish(&self, mut state: Self::State) -> Self::Output {
        both(self, &mut state);
        self.as_ref().zip(state).map(|(a, state)| a.finish(state))
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut Self::State, block: &Block<'_, T>) {
        if let Some((a, state)) = both(self, state) {
            a.lift_block(state, block);
        }
    }
    fn block_items(&self) -> usize {
        self.as_ref().map_or(usize::MAX, A::block_items)
    }
    fn facts(&self) -> Facts {
        self.as_ref().map_or(Facts::NONE, A::facts)
    }
    #[inline(always)]
    fn reads_nan(&self, item: &T, itself: bool) -> bool {
        self.as_ref().is_some_and(|a| a.reads_nan(item, itself))
    }
    fn positional(&self) -> bool {
        self.as_ref().is_some_and(A::positional)
    }
    fn shift(&self, state: &mut Self::State, places: u64) {
        if let Some((a, state)) = both(self, state) {
            a.shift(state, places);
        }
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
        match self {
            None => Some(crate::gpu::GpuHalf::new(vec![], |_| None)),
            Some(a) => a.gpu().map(|half| half.map(Some)),
        }
    }
}

impl<T, A: Portable<T>> Portable<T> for Option<A> {
    fn signature(&self) -> Signature {
        self.as_ref().map_or_else(|| "nothing".into(), A::signature)
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        match (self, state) {
            (None, None) => Ok(()),
            (Some(a), Some(state)) => a.check(state, items),
            _ => Err("a part is missing".into()),
        }
    }
}
