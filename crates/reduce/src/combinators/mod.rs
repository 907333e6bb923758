//! Aggregators out of aggregators: tuples, lists, and what [`Combine`] puts around one.

mod boxed;
mod by_key;
mod filter;
mod list;
mod map_input;
mod map_output;
mod optional;
mod per_column;
mod present;
mod tuple;

pub use boxed::{Boxed, BoxedState};
pub use by_key::{ByKey, Groups};
pub use filter::Filter;
pub use map_input::MapInput;
pub use map_output::MapOutput;
pub use per_column::PerColumn;
pub use present::Present;

use crate::Aggregator;

/// What can be put around an aggregator, in the order that a pipe is read from its end:
/// `Mean.map_input(price).only(sold).by_key(region)` takes rows, groups them, drops some, and means.
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
// It is in scope for every type, so no method is named like one of an iterator's or an option's: those could
// not be called any more.
pub trait Combine: Sized {
    /// Takes items of another type, through `f`.
    fn map_input<S, T, F>(self, f: F) -> MapInput<Self, F, T>
    where
        Self: Aggregator<T>,
        F: Fn(&S) -> T + Send + Sync,
    {
        MapInput::new(self, f)
    }

    /// Leaves out the items of which `keep` is false.
    fn only<T, F>(self, keep: F) -> Filter<Self, F>
    where
        Self: Aggregator<T>,
        F: Fn(&T) -> bool + Send + Sync,
    {
        Filter::new(self, keep)
    }

    /// Turns the answer into another.
    fn map_output<T, R, F>(self, f: F) -> MapOutput<Self, F>
    where
        Self: Aggregator<T>,
        F: Fn(Self::Output) -> R + Send + Sync,
    {
        MapOutput::new(self, f)
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

impl<A> Combine for A {}
