//! Where the greatest element is.

use super::place::{Placed, positional};
use crate::state::Signature;
use crate::{Aggregator, Block, Element, Facts, Portable};

/// The greatest element and the place of its first occurrence, counted from 0; `None` of nothing.
///
/// Which element that is follows [`crate::Max`]: the first NaN if there is one.
///
/// ```
/// # use strix_reduce::{ArgMax, Engine, Reducer, aggregators::Placed};
/// let mut reducer = Reducer::new(ArgMax, &Engine::cpu())?;
/// reducer.push(&[3, 1, 2, 1])?;
/// assert_eq!(reducer.finish(), Some(Placed { place: 0, item: 3 }));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArgMax;

impl<T: Element> Aggregator<T> for ArgMax {
    type State = Option<Placed<T>>;
    type Output = Option<Placed<T>>;

    fn identity(&self) -> Self::State {
        None
    }
    fn lift(&self, state: &mut Self::State, item: &T) {
        self.lift_at(state, item, 0);
    }
    #[inline]
    fn lift_at(&self, state: &mut Self::State, item: &T, place: u64) {
        // One NaN for all of them, as a block's.
        self.merge(state, Some(Placed { place, item: item.greater(*item) }));
    }
    fn merge(&self, state: &mut Self::State, other: Self::State) {
        let (Some(a), Some(b)) = (*state, other) else {
            *state = state.or(other);
            return;
        };
        let best = a.item.greater(b.item);
        *state = Some(match (best.same(&a.item), best.same(&b.item)) {
            (true, true) => Placed { place: a.place.min(b.place), item: best },
            (true, false) => a,
            _ => b,
        });
    }
    fn finish(&self, state: Self::State) -> Self::Output {
        state
    }
    fn lift_block(&self, state: &mut Self::State, block: &Block<'_, T>) {
        let found = T::greatest(block).and_then(|best| {
            let index = block.iter().position(|item| best.same(item))?;
            Some(Placed { place: block.place() + index as u64, item: best })
        });
        self.merge(state, found);
    }
    fn facts(&self) -> Facts {
        Facts::EXTREMES
    }
    positional!(T);

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
        Some(crate::gpu::GpuHalf::new(vec![strix_shaders::ARG_MAX], |partial| Placed::from_gpu(partial, "arg_max")))
    }
}

impl<T: Element> Portable<T> for ArgMax {
    fn signature(&self) -> Signature {
        format!("arg_max of {}", T::NAME)
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        Placed::check(state, items)
    }
}
