//! Aggregators out of aggregators: tuples, lists, and what [`Combine`] puts around one.

/// The methods over states that go to the aggregator inside as they are.
macro_rules! forward_states {
    ($inner:tt) => {
        fn identity(&self) -> Self::State {
            self.$inner.identity()
        }
        #[inline(always)]
        fn merge(&self, state: &mut Self::State, other: Self::State) {
            self.$inner.merge(state, other);
        }
        fn block_items(&self) -> usize {
            self.$inner.block_items()
        }
        fn positional(&self) -> bool {
            self.$inner.positional()
        }
        fn shift(&self, state: &mut Self::State, places: u64) {
            self.$inner.shift(state, places);
        }
    };
}

/// The methods over items `$item` that go to the aggregator inside as they are.
macro_rules! forward_items {
    ($item:ty, $inner:tt) => {
        #[inline(always)]
        fn lift(&self, state: &mut Self::State, item: &$item) {
            self.$inner.lift(state, item);
        }
        #[inline(always)]
        fn lift_at(&self, state: &mut Self::State, item: &$item, place: u64) {
            self.$inner.lift_at(state, item, place);
        }
        #[inline(always)]
        fn lift_block(&self, state: &mut Self::State, block: &Block<'_, $item>) {
            self.$inner.lift_block(state, block);
        }
        #[inline(always)]
        fn lift_groups(&self, states: &mut [Self::State], block: &Block<'_, $item>, groups: &[u32]) {
            self.$inner.lift_groups(states, block, groups);
        }
        fn deals(&self, state: &Self::State, items: &[$item]) -> bool {
            self.$inner.deals(state, items)
        }
        fn lift_dealt(&self, state: &mut Self::State, items: &[$item], place: u64) {
            self.$inner.lift_dealt(state, items, place);
        }
        fn facts(&self) -> Facts {
            self.$inner.facts()
        }
        #[inline(always)]
        fn reads_nan(&self, item: &$item, itself: bool) -> bool {
            self.$inner.reads_nan(item, itself)
        }
    };
}

mod and_then;
mod boxed;
mod by_key;
mod filter;
mod gather;
mod groups;
mod list;
mod map_input;
mod named;
mod optional;
mod per_column;
mod present;
mod tuple;

pub use and_then::AndThen;
pub use boxed::{Boxed, BoxedGroups, BoxedState};
pub use by_key::ByKey;
pub use filter::Filter;
pub use groups::Groups;
pub use map_input::MapInput;
pub use named::Named;
pub use per_column::PerColumn;
pub use present::Present;

use crate::Aggregator;

/// What can be put around an aggregator, in the order that a pipe is read from its end:
/// `Mean.map_input(price).filter(sold).by_key(region)` takes rows, groups them, drops some, and means.
///
/// ```
/// use strix_reduce::{Combine, Engine, Item, Mean, Reducer};
///
/// #[derive(Clone)]
/// struct Sale { region: u8, price: f64 }
/// impl Item for Sale {}
///
/// let by_region = Mean.map_input(|sale: &Sale| sale.price).by_key(|sale: &Sale| sale.region);
/// let mut reducer = Reducer::new(by_region, &Engine::cpu())?;
/// reducer.push(&[Sale { region: 1, price: 2.0 }, Sale { region: 1, price: 4.0 }, Sale { region: 0, price: 9.0 }])?;
/// assert_eq!(reducer.finish().into_iter().collect::<Vec<_>>(), [(0, Some(9.0)), (1, Some(3.0))]);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
///
/// An aggregator of one's own joins with `impl Combine for Mine {}`. It is not there for every type, as
/// iterators have methods of these names.
pub trait Combine: Sized {
    /// Takes items of another type, through `f`. The [`crate::NanPolicy`] applies to what it gives.
    fn map_input<S, T, F>(self, f: F) -> MapInput<Self, F, T>
    where
        Self: Aggregator<T>,
        F: Fn(&S) -> T + Send + Sync,
    {
        MapInput::new(self, f)
    }

    /// Leaves out the items of which `keep` is false.
    fn filter<T, F>(self, keep: F) -> Filter<Self, F>
    where
        Self: Aggregator<T>,
        F: Fn(&T) -> bool + Send + Sync,
    {
        Filter::new(self, keep)
    }

    /// Turns the answer into another.
    fn and_then<T, R, F>(self, f: F) -> AndThen<Self, F, T>
    where
        Self: Aggregator<T>,
        F: Fn(Self::Output) -> R + Send + Sync,
    {
        AndThen::new(self, f)
    }

    /// Groups the items by `key` and aggregates each group.
    fn by_key<T, K, F>(self, key: F) -> ByKey<Self, F>
    where
        Self: Aggregator<T>,
        F: Fn(&T) -> K + Send + Sync,
    {
        ByKey::new(self, key)
    }

    /// Takes rows of N items, and aggregates each column.
    fn per_column(self) -> PerColumn<Self> {
        PerColumn(self)
    }

    /// Takes `Option`s, and leaves out what is `None`.
    fn present(self) -> Present<Self> {
        Present(self)
    }
}

macro_rules! combine {
    ($($name:ident)*) => { $(impl Combine for crate::$name {})* };
}
combine! {
    All Any ArgMax ArgMin ConfusionMatrix Count Covariance DecayedMean Distinct First GeometricMean HarmonicMean
    Histogram Last LinearRegression Max Mean Min Product Quantiles Range Shape Sum TopK Variance
}
impl<A> Combine for crate::Weighted<A> {}
impl<A, F, T> Combine for AndThen<A, F, T> {}
impl<A, F, T> Combine for MapInput<A, F, T> {}
impl<A, F> Combine for Filter<A, F> {}
impl<A> Combine for Named<A> {}
impl<A, F> Combine for ByKey<A, F> {}
impl<A> Combine for PerColumn<A> {}
impl<A> Combine for Present<A> {}
impl<T, O> Combine for Boxed<T, O> {}

macro_rules! tuples {
    ($(($($name:ident),+))*) => { $(impl<$($name),+> Combine for ($($name,)+) {})* };
}
tuples!((A)(A, B)(A, B, C)(A, B, C, D)(A, B, C, D, E)(A, B, C, D, E, F)(A, B, C, D, E, F, G)(A, B, C, D, E, F, G, H));
