//! Where the least element is.

use super::place::{Placed, positional};
use crate::state::Signature;
use crate::{Aggregator, Block, Element, Facts, Portable};

/// The least element and the place of its first occurrence, counted from 0; `None` of nothing.
///
/// Which element that is follows [`crate::Min`]: the first NaN if there is one.
///
/// ```
/// # use strix_reduce::{ArgMin, Engine, Reducer, aggregators::Placed};
/// let mut reducer = Reducer::new(ArgMin, &Engine::cpu())?;
/// reducer.push(&[3, 1, 2, 1])?;
/// assert_eq!(reducer.finish(), Some(Placed { place: 1, item: 1 }));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArgMin;

impl<T: Element> Aggregator<T> for ArgMin {
    type State = Option<Placed<T>>;
    type Output = Option<Placed<T>>;

    fn identity(&self) -> Self::State {
        None
    }
    fn lift(&self, item: &T) -> Self::State {
        // One NaN for all of them, as a block's.
        Some(Placed { place: 0, item: item.lesser(*item) })
    }
    fn merge(&self, a: Self::State, b: Self::State) -> Self::State {
        let (Some(a), Some(b)) = (a, b) else { return a.or(b) };
        let best = a.item.lesser(b.item);
        Some(match (best.same(&a.item), best.same(&b.item)) {
            (true, true) => Placed { place: a.place.min(b.place), item: best },
            (true, false) => a,
            _ => b,
        })
    }
    fn finish(&self, state: Self::State) -> Self::Output {
        state
    }
    fn lift_block(&self, block: &Block<'_, T>) -> Self::State {
        let best = T::least(block)?;
        let place = block.iter().position(|item| best.same(item))? as u64;
        Some(Placed { place, item: best })
    }
    fn facts(&self) -> Facts {
        Facts::EXTREMES
    }
    positional!(T);

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
        Some(crate::gpu::GpuHalf::new(vec![strix_shaders::ARG_MIN], |partial| Placed::from_gpu(partial, "arg_min")))
    }
}

impl<T: Element> Portable<T> for ArgMin {
    fn signature(&self) -> Signature {
        format!("arg_min of {}", T::NAME)
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        Placed::check(state, items)
    }
}
