//! The geometric mean.

use super::product::ProductState;
use crate::state::Signature;
use crate::{Aggregator, Element, Portable, Product};

/// The n-th root of the product of n elements; `None` of nothing, NaN when the product is negative.
///
/// The state is a [`Product`]'s, which does not overflow. The root is taken of its logarithm: the
/// relative error is about `2^-52`, for elements of any size.
///
/// ```
/// # use strix_reduce::{Engine, GeometricMean, Reducer};
/// let mut reducer = Reducer::new(GeometricMean, &Engine::cpu())?;
/// reducer.push(&[2.0, 8.0])?;
/// assert_eq!(reducer.finish(), Some(4.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GeometricMean;

impl<T: Element> Aggregator<T> for GeometricMean {
    type State = ProductState;
    type Output = Option<f64>;

    fn identity(&self) -> ProductState {
        ProductState::ONE
    }
    #[inline(always)]
    fn lift(&self, state: &mut ProductState, item: &T) {
        Product.lift(state, item);
    }
    #[inline(always)]
    fn merge(&self, state: &mut ProductState, other: ProductState) {
        *state = state.times(other);
    }
    fn finish(&self, state: ProductState) -> Option<f64> {
        (state.count > 0).then(|| state.root())
    }
}

impl<T: Element> Portable<T> for GeometricMean {
    fn signature(&self) -> Signature {
        format!("geometric_mean of {}", T::NAME)
    }
    fn check(&self, state: &ProductState, items: u64) -> Result<(), String> {
        state.check(items)
    }
}
