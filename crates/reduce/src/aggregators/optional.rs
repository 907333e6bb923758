//! An aggregator that may be absent: for a set of statistics chosen at run time.

use crate::Aggregator;

/// `None` costs nothing and finishes to `None`; `Some(a)` is `a`.
impl<T, A: Aggregator<T>> Aggregator<T> for Option<A> {
    type State = Option<A::State>;
    type Output = Option<A::Output>;

    fn identity(&self) -> Self::State {
        self.as_ref().map(A::identity)
    }
    #[inline(always)]
    fn lift(&self, item: &T) -> Self::State {
        self.as_ref().map(|a| a.lift(item))
    }
    #[inline(always)]
    fn merge(&self, a: Self::State, b: Self::State) -> Self::State {
        self.as_ref().and_then(|aggregator| Some(aggregator.merge(a?, b?)))
    }
    fn finish(&self, state: Self::State) -> Self::Output {
        self.as_ref().zip(state).map(|(a, state)| a.finish(state))
    }
    #[inline(always)]
    fn lift_block(&self, items: &[T]) -> Self::State {
        self.as_ref().map(|a| a.lift_block(items))
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<Self::State>> {
        match self {
            None => Some(crate::gpu::GpuHalf::new(vec![], |_| None)),
            Some(a) => a.gpu().map(|half| half.map(Some)),
        }
    }
}
