//! Items that may be missing.

use super::gather::lift_all;
use crate::state::Signature;
use crate::{Aggregator, Block, Portable, Subtract};

/// An aggregator over `Option`s that leaves out `None`; see [`crate::Combine::present`].
///
/// Around [`crate::Count`] it counts what is not missing.
///
/// ```
/// # use strix_reduce::{Combine, Count, Engine, Mean, Reducer};
/// let mut reducer = Reducer::new((Count, Count.present(), Mean.present()), &Engine::cpu())?;
/// reducer.push(&[Some(1.0), None, Some(4.0)])?;
/// assert_eq!(reducer.finish(), (3, 2, Some(2.5)));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Present<A>(pub(super) A);

impl<T: Clone, A: Aggregator<T>> Aggregator<Option<T>> for Present<A> {
    type State = A::State;
    type Output = A::Output;

    forward_states!(0);
    #[inline(always)]
    fn lift(&self, state: &mut A::State, item: &Option<T>) {
        self.lift_at(state, item, 0);
    }
    #[inline(always)]
    fn lift_at(&self, state: &mut A::State, item: &Option<T>, place: u64) {
        if let Some(item) = item {
            self.0.lift_at(state, item, place);
        }
    }
    fn finish(&self, state: A::State) -> A::Output {
        self.0.finish(state)
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut A::State, block: &Block<'_, Option<T>>) {
        let present = block.iter().enumerate().filter_map(|(index, item)| Some((index, item.clone()?)));
        lift_all(&self.0, state, present, block.place());
    }
    #[inline(always)]
    fn reads_nan(&self, item: &Option<T>, itself: bool) -> bool {
        item.as_ref().is_some_and(|item| self.0.reads_nan(item, itself))
    }
}

impl<T: Clone, A: Portable<T>> Portable<Option<T>> for Present<A> {
    fn signature(&self) -> Signature {
        format!("present ({})", self.0.signature())
    }
    fn check(&self, state: &A::State, items: u64) -> Result<(), String> {
        self.0.check(state, items)
    }
}

impl<T: Clone, A: Subtract<T>> Subtract<Option<T>> for Present<A> {
    fn subtract(&self, whole: A::State, part: A::State) -> A::State {
        self.0.subtract(whole, part)
    }
}
