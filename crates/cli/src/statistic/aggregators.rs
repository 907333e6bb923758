//! From a family of statistics and a type of items to the aggregator.

use strix_reduce::aggregators::{Frequent, Placed};
use strix_reduce::arithmetic::Accumulator;
use strix_reduce::{
    All, Any, ArgMax, ArgMin, Boxed, Combine, Count, Covariance, DecayedMean, Distinct, Error, Exact, ExactElement,
    First, GeometricMean, HarmonicMean, Histogram, Label, Last, LinearRegression, Max, Mean, Min, Portable, Product,
    Quantiles, Range, Shape, Sum, TopK, Variance, Weighted,
};

use super::readout::ExactReadings;
use super::{Family, Readout};
use crate::output::{Numeral, Value};

/// Different values that are counted one by one.
const COUNTERS: u32 = 1024;

/// The aggregator, or `None` if the family has none for these items.
pub(crate) type Chosen<T> = Result<Option<Boxed<T, Readout>>, Error>;

fn value<T, A, O>(aggregator: A) -> Chosen<T>
where
    T: 'static,
    A: Portable<T, Output = Option<O>> + Combine + 'static,
    O: Numeral + 'static,
{
    readout(aggregator, |answer| Readout::Value(Value::of(answer)))
}

fn readout<T, A>(aggregator: A, read: fn(A::Output) -> Readout) -> Chosen<T>
where
    T: 'static,
    A: Portable<T> + Combine + 'static,
    A::Output: 'static,
{
    Ok(Some(Boxed::new(aggregator.and_then(read))))
}

fn frequent<T: Numeral>(frequent: Frequent<T>) -> Readout {
    let values = frequent.values.into_iter().map(|(value, count)| (Value::of(Some(value)), count)).collect();
    Readout::Frequent(values, frequent.error)
}

/// What any item that can be told apart has; `None` for the families of other types.
fn label<T: Label + Numeral>(family: Family) -> Chosen<T> {
    match family {
        Family::Count => value(Count.and_then(Some)),
        Family::First => value(First),
        Family::Last => value(Last),
        Family::Distinct => readout(Distinct::default(), Readout::Distinct),
        Family::Frequent => readout(TopK::new(COUNTERS)?, frequent),
        _ => Ok(None),
    }
}

/// The aggregator of numbers; `None` for the families of other types.
pub(crate) fn element<T: ExactElement + Numeral>(family: Family) -> Chosen<T>
where
    <T::Sum as Accumulator<T>>::Total: Numeral,
{
    let place = |placed: Option<Placed<T>>| Readout::Value(Value::of(placed.map(|placed| placed.place)));
    match family {
        Family::Sum => value(Sum),
        Family::Product => value(Product),
        Family::Mean => value(Mean),
        Family::Min => value::<T, _, T>(Min),
        Family::Max => value::<T, _, T>(Max),
        Family::Range => value(Range),
        Family::ArgMin => readout(ArgMin, place),
        Family::ArgMax => readout(ArgMax, place),
        Family::Variance => readout(Variance, Readout::Moments),
        Family::ExactSum => value(Exact(Sum)),
        Family::ExactMean => value(Exact(Mean)),
        Family::ExactMoments => readout(Exact(Variance), |moments| Readout::Exact(ExactReadings::of(&moments))),
        Family::Shape => readout(Shape, Readout::Shape),
        Family::GeometricMean => value(GeometricMean),
        Family::HarmonicMean => value(HarmonicMean),
        Family::Quantiles => readout(Quantiles::default(), Readout::Quantiles),
        Family::Histogram { low, high, bins } => readout(Histogram::uniform(low, high, bins)?, Readout::Histogram),
        family => label(family),
    }
}

/// The aggregator of truth values: those of the numbers 0 and 1, and any and all.
pub(crate) fn truth(family: Family) -> Chosen<bool> {
    match family {
        Family::Any => value(Any),
        Family::All => value(All),
        Family::Rows => readout((Count, Sum), |(rows, present): (u64, Option<i128>)| {
            Readout::Rows(rows, present.and_then(|present| u64::try_from(present).ok()).unwrap_or_default())
        }),
        family => element(family),
    }
}

/// The aggregator of text; `None` for the families of numbers.
pub(crate) fn text(family: Family) -> Chosen<String> {
    match family {
        Family::Min => value(Min),
        Family::Max => value(Max),
        family => label(family),
    }
}

/// The aggregator of dates and times as integers; `None` for the families of numbers.
pub(crate) fn ticks(family: Family) -> Chosen<i64> {
    match family {
        Family::Min => value::<i64, _, i64>(Min),
        Family::Max => value::<i64, _, i64>(Max),
        family => label(family),
    }
}

/// The aggregator of two columns; `None` for the families of one.
pub(crate) fn pair(family: Family) -> Chosen<(f64, f64)> {
    match family {
        Family::Covariance => readout(Covariance, Readout::Cross),
        Family::ExactCovariance => readout(Exact(Covariance), |moments| Readout::ExactCross(Box::new(moments))),
        Family::LinearRegression => readout(LinearRegression, Readout::Line),
        Family::WeightedSum => value(Weighted(Sum)),
        Family::WeightedMoments => readout(Weighted(Variance), Readout::Weighted),
        Family::DecayedMean { half_life } => value(DecayedMean::new(half_life)?),
        _ => Ok(None),
    }
}
