//! From a family of statistics and a type of items to the aggregator.

use strix_reduce::aggregators::{Frequent, Placed};
use strix_reduce::arithmetic::Accumulator;
use strix_reduce::{
    All, Any, ArgMax, ArgMin, Boxed, Combine, Count, Covariance, DecayedMean, Distinct, Error, Exact, ExactElement,
    First, GeometricMean, HarmonicMean, Histogram, Label, Last, LinearRegression, Max, Mean, Min, Portable, Product,
    Quantiles, Range, Shape, Sum, TopK, Variance, Weighted,
};

use super::decimal::{self, Digits, Extremes, Sums, Total};
use super::readout::ExactReadings;
use super::{Family, Readout};
use crate::clock::Clock;
use crate::value::{Value, bytes_text};

/// Different values that are counted one by one.
const COUNTERS: u32 = 1024;

/// The aggregator, or `None` if the family has none for these items.
pub(crate) type Chosen<T> = Result<Option<Boxed<T, Readout>>, Error>;

fn value<T, A, O>(aggregator: A) -> Chosen<T>
where
    T: 'static,
    A: Portable<T, Output = Option<O>> + Combine + 'static,
    O: Into<Value> + 'static,
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

/// An aggregator whose answer, if there is one, is shown as `show` has it.
fn shown<T, A, O>(aggregator: A, show: impl Fn(O) -> Value + Send + Sync + 'static) -> Chosen<T>
where
    T: 'static,
    A: Portable<T, Output = Option<O>> + Combine + 'static,
    O: 'static,
{
    let read = move |answer: Option<O>| Readout::Value(answer.map_or(Value::Missing, &show));
    Ok(Some(Boxed::new(aggregator.and_then(read))))
}

/// What any item that can be told apart has, each item shown as `show` has it; `None` for the families of other types.
fn label<T: Label>(family: Family, show: impl Fn(T) -> Value + Copy + Send + Sync + 'static) -> Chosen<T> {
    match family {
        Family::Count => value(Count.and_then(Some)),
        Family::First => shown(First, show),
        Family::Last => shown(Last, show),
        Family::Distinct => readout(Distinct::default(), Readout::Distinct),
        Family::Frequent => {
            let read = move |frequent: Frequent<T>| {
                let values = frequent.values.into_iter().map(|(value, count)| (show(value), count)).collect();
                Readout::Frequent(values, frequent.error)
            };
            Ok(Some(Boxed::new(TopK::new(COUNTERS)?.and_then(read))))
        }
        _ => Ok(None),
    }
}

/// The aggregator of numbers; `None` for the families of other types.
pub(crate) fn element<T: ExactElement + Into<Value>>(family: Family) -> Chosen<T>
where
    <T::Sum as Accumulator<T>>::Total: Into<Value>,
{
    let place = |placed: Option<Placed<T>>| Readout::Value(Value::of(placed.map(|placed| placed.place)));
    match family {
        Family::Sum => value(Sum),
        Family::Product => value(Product),
        Family::Mean => value(Mean),
        Family::Min => value::<T, _, T>(Min),
        Family::Max => value::<T, _, T>(Max),
        // Of integers exact; as f64 it would round.
        Family::Range if T::NAME.starts_with(['i', 'u']) => {
            let integer = |x: T| match x.into() {
                Value::Integer(integer) => Some(integer),
                _ => None,
            };
            shown(
                (Min, Max).and_then(move |(least, greatest): (Option<T>, Option<T>)| {
                    Some(integer(greatest?)? - integer(least?)?)
                }),
                Into::into,
            )
        }
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
        family => label(family, Into::into),
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
    strings(family, Value::Text)
}

/// The aggregator of bytes, each a character of text, which orders as they do.
pub(crate) fn bytes(family: Family) -> Chosen<String> {
    strings(family, |bytes| Value::Text(bytes_text(&bytes.chars().map(|byte| byte as u8).collect::<Vec<_>>())))
}

fn strings(family: Family, show: impl Fn(String) -> Value + Copy + Send + Sync + 'static) -> Chosen<String> {
    match family {
        Family::Min => shown::<String, _, _>(Min, show),
        Family::Max => shown::<String, _, _>(Max, show),
        family => label(family, show),
    }
}

/// The aggregator of dates and times as integers, and of durations; `None` for the families of numbers.
pub(crate) fn ticks(family: Family, clock: Clock) -> Chosen<i64> {
    let show = move |ticks: i64| Value::Text(clock.text(ticks.into()));
    match family {
        Family::Min => shown::<i64, _, _>(Min, show),
        Family::Max => shown::<i64, _, _>(Max, show),
        Family::ArgMin | Family::ArgMax => element(family),
        Family::Range => {
            let range = |(least, greatest): (Option<i64>, Option<i64>)| Some((least?, greatest?));
            shown((Min, Max).and_then(range), move |(least, greatest)| Value::Text(clock.between(least, greatest)))
        }
        Family::Mean | Family::ExactMean => {
            let mean = |(count, sum): (u64, Option<i128>)| Some((sum?, count));
            shown((Count, Sum).and_then(mean), move |(sum, count)| Value::Text(clock.mean(sum, count)))
        }
        Family::Sum | Family::ExactSum if matches!(clock, Clock::Elapsed(_)) => {
            shown(Sum, move |sum: i128| Value::Text(clock.text(sum)))
        }
        family => label(family, show),
    }
}

/// The aggregator of decimals of a scale that never rounds, or once; `None` for families that take them as f64.
pub(crate) fn decimal(family: Family, scale: i8) -> Chosen<Digits> {
    let show = move |digits: Digits| digits.value(scale);
    match family {
        Family::Min => shown(Extremes, move |(least, _)| show(least)),
        Family::Max => shown(Extremes, move |(_, greatest)| show(greatest)),
        Family::Range => shown(Extremes, move |both| decimal::range(both, scale)),
        Family::Sum | Family::ExactSum => {
            shown(Sums { squares: false }.and_then(move |total: Total| total.sum(scale)), |sum| sum)
        }
        Family::Mean | Family::ExactMean => {
            shown(Sums { squares: false }.and_then(move |total: Total| total.mean(scale)), Into::into)
        }
        Family::Variance | Family::ExactMoments => {
            let read = move |total: Total| Readout::Exact(ExactReadings::of_decimals(&total, scale));
            Ok(Some(Boxed::new(Sums { squares: true }.and_then(read))))
        }
        family => label(family, show),
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
