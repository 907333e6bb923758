//! Every column of a table with rows of a fixed width.

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
    /// The state of each of N columns.
    fn each<const N: usize>(self) -> impl Iterator<Item = S> {
        let found = self.0.len();
        assert!(found == N, "states of {found} columns are not those of {N}; merge states of as many columns");
        self.0.into_iter()
    }
}

impl<T: Item, A: Aggregator<T>, const N: usize> Aggregator<[T; N]> for PerColumn<A> {
    type State = ColumnStates<A::State>;
    type Output = [A::Output; N];

    fn identity(&self) -> Self::State {
        ColumnStates((0..N).map(|_| self.0.identity()).collect())
    }
    fn lift(&self, row: &[T; N]) -> Self::State {
        ColumnStates(row.iter().map(|item| self.0.lift(item)).collect())
    }
    fn merge(&self, a: Self::State, b: Self::State) -> Self::State {
        ColumnStates(a.each::<N>().zip(b.each::<N>()).map(|(a, b)| self.0.merge(a, b)).collect())
    }
    fn finish(&self, state: Self::State) -> Self::Output {
        let mut states = state.each::<N>();
        std::array::from_fn(|_| self.0.finish(states.next().unwrap_or_else(|| self.0.identity())))
    }
    #[inline(always)]
    fn lift_block(&self, block: &Block<'_, [T; N]>) -> Self::State {
        let mut column = Vec::with_capacity(block.len());
        let states = (0..N).map(|index| {
            column.clear();
            column.extend(block.iter().map(|row| row[index].clone()));
            self.0.lift_block(&Block::with_facts(&column, self.0.facts()))
        });
        ColumnStates(states.collect())
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
    fn shift(&self, state: Self::State, places: u64) -> Self::State {
        ColumnStates(state.each::<N>().map(|column| self.0.shift(column, places)).collect())
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
