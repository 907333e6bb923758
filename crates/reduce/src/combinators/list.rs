//! A list of aggregators, for a set that is chosen at run time.

use crate::state::Signature;
use crate::{Aggregator, Block, Facts, Portable};

/// The state of each aggregator.
#[inline(always)]
fn each<'a, A, S>(list: &'a [A], states: &'a mut [S]) -> impl Iterator<Item = (&'a A, &'a mut S)> {
    assert_own(list, states);
    list.iter().zip(states)
}

/// Refuses the states of another list.
#[inline(always)]
fn assert_own<A, S>(list: &[A], states: &[S]) {
    let (own, found) = (list.len(), states.len());
    assert!(own == found, "{found} states are not those of a list of {own} aggregators; merge states of equal lists");
}

/// All of one type, which [`crate::Boxed`] makes of any; one pass, like a tuple.
impl<T, A: Aggregator<T>> Aggregator<T> for Vec<A> {
    type State = Vec<A::State>;
    type Output = Vec<A::Output>;

    fn identity(&self) -> Self::State {
        self.iter().map(A::identity).collect()
    }
    fn lift(&self, states: &mut Self::State, item: &T) {
        self.lift_at(states, item, 0);
    }
    fn lift_at(&self, states: &mut Self::State, item: &T, place: u64) {
        each(self, states).for_each(|(a, state)| a.lift_at(state, item, place));
    }
    fn merge(&self, states: &mut Self::State, others: Self::State) {
        assert_own(self, &others);
        each(self, states).zip(others).for_each(|((a, state), other)| a.merge(state, other));
    }
    fn finish(&self, states: Self::State) -> Self::Output {
        assert_own(self, &states);
        self.iter().zip(states).map(|(a, state)| a.finish(state)).collect()
    }
    #[inline(always)]
    fn lift_block(&self, states: &mut Self::State, block: &Block<'_, T>) {
        each(self, states).for_each(|(a, state)| a.lift_block(state, block));
    }
    fn block_items(&self) -> usize {
        self.iter().map(A::block_items).min().unwrap_or(crate::cpu::BLOCK)
    }
    fn facts(&self) -> Facts {
        self.iter().fold(Facts::NONE, |facts, a| facts | a.facts())
    }
    #[inline(always)]
    fn reads_nan(&self, item: &T, itself: bool) -> bool {
        self.iter().any(|a| a.reads_nan(item, itself))
    }
    fn positional(&self) -> bool {
        self.iter().any(A::positional)
    }
    fn shift(&self, states: &mut Self::State, places: u64) {
        each(self, states).for_each(|(a, state)| a.shift(state, places));
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
        let halves = self.iter().map(A::gpu).collect::<Option<Vec<_>>>()?;
        let specs = halves.iter().flat_map(|half| half.specs()).cloned().collect();
        Some(crate::gpu::GpuHalf::joined(specs, move |partial| halves.iter().map(|half| half.read(partial)).collect()))
    }
}

impl<T, A: Portable<T>> Portable<T> for Vec<A> {
    fn signature(&self) -> Signature {
        format!("[{}]", self.iter().map(A::signature).collect::<Vec<_>>().join(", "))
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        if state.len() != self.len() {
            return Err(format!("it has {} parts, not {}", state.len(), self.len()));
        }
        self.iter().zip(state).try_for_each(|(a, state)| a.check(state, items))
    }
}
