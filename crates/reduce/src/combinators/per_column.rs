//! Every column of a table with rows of a fixed width.

use super::gather::lift_all;
use crate::state::Signature;
use crate::{Aggregator, Block, Facts, Item, Portable};

/// An aggregator of each of the N columns of rows `[T; N]`; see [`crate::Combine::per_column`].
///
/// ```
/// # use strix_reduce::{Combine, Engine, Max, Reducer};
/// let mut reducer = Reducer::new(Max.per_column(), &Engine::cpu())?;
/// reducer.push(&[[1, 20], [3, 10]])?;
/// assert_eq!(reducer.finish(), [Some(3), Some(20)]);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PerColumn<A>(pub(super) A);

/// The states of the columns.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ColumnStates<S>(Vec<S>);

impl<S> ColumnStates<S> {
    /// The states, if they are of N columns.
    #[inline(always)]
    fn of<const N: usize>(&mut self) -> &mut [S] {
        let found = self.0.len();
        assert!(found == N, "states of {found} columns are not those of {N}; merge states of as many columns");
        &mut self.0
    }
}

impl<T: Item, A: Aggregator<T>, const N: usize> Aggregator<[T; N]> for PerColumn<A> {
    type State = ColumnStates<A::State>;
    type Output = [A::Output; N];

    fn identity(&self) -> Self::State {
        ColumnStates((0..N).map(|_| self.0.identity()).collect())
    }
    fn lift(&self, states: &mut Self::State, row: &[T; N]) {
        self.lift_at(states, row, 0);
    }
    fn lift_at(&self, states: &mut Self::State, row: &[T; N], place: u64) {
        states.of::<N>().iter_mut().zip(row).for_each(|(state, item)| self.0.lift_at(state, item, place));
    }
    fn merge(&self, states: &mut Self::State, mut others: Self::State) {
        others.of::<N>();
        states.of::<N>().iter_mut().zip(others.0).for_each(|(state, other)| self.0.merge(state, other));
    }
    fn finish(&self, mut states: Self::State) -> Self::Output {
        states.of::<N>();
        let mut states = states.0.into_iter();
        std::array::from_fn(|_| self.0.finish(states.next().unwrap_or_else(|| self.0.identity())))
    }
    #[inline(always)]
    fn lift_block(&self, states: &mut Self::State, block: &Block<'_, [T; N]>) {
        for (index, state) in states.of::<N>().iter_mut().enumerate() {
            let column = block.iter().enumerate().map(|(place, row)| (place, row[index].clone()));
            lift_all(&self.0, state, column, block.place());
        }
    }
    fn facts(&self) -> Facts {
        self.0.facts()
    }
    #[inline(always)]
    fn reads_nan(&self, row: &[T; N], _itself: bool) -> bool {
        row.iter().any(|item| self.0.reads_nan(item, item.is_nan()))
    }
    fn positional(&self) -> bool {
        self.0.positional()
    }
    fn shift(&self, states: &mut Self::State, places: u64) {
        states.of::<N>().iter_mut().for_each(|state| self.0.shift(state, places));
    }
}

impl<T: Item, A: Portable<T>, const N: usize> Portable<[T; N]> for PerColumn<A> {
    fn signature(&self) -> Signature {
        format!("{N} columns of ({})", self.0.signature())
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        if state.0.len() != N {
            return Err(format!("it has {} columns, not {N}", state.0.len()));
        }
        state.0.iter().try_for_each(|column| self.0.check(column, items))
    }
}
