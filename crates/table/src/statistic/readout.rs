//! What an aggregate finished to, and how each statistic is read from it.

use strix_reduce::ExactElement;
use strix_reduce::aggregators::{
    Bins, Cardinality, CrossMoments, Distribution, ExactCrossMoments, ExactMoments, FourMoments, Line, SecondMoments,
    WeightedMoments,
};
use strix_reduce::arithmetic::Accumulator;

use super::Read;
use super::decimal::Total;
use crate::value::Value;

/// A finished aggregate.
#[derive(Debug, Clone)]
pub(crate) enum Readout {
    Value(Value),
    /// Rows, and those without a missing item.
    Rows(u64, u64),
    Moments(SecondMoments),
    Exact(ExactReadings),
    ExactCross(Box<ExactCrossMoments<f64>>),
    Shape(FourMoments),
    Quantiles(Distribution),
    Distinct(Cardinality),
    /// Values, how often each came at least, and by how much that may be too low.
    Frequent(Vec<(Value, u64)>, u64),
    Histogram(Bins),
    Cross(CrossMoments),
    Line(Option<Line>),
    Weighted(WeightedMoments),
}

impl Readout {
    pub(crate) fn read(&self, read: Read) -> Value {
        match (self, read) {
            (Self::Value(value), _) => value.clone(),
            (Self::Rows(rows, present), Read::Missing) => Value::of(Some(rows - present)),
            (Self::Rows(rows, _), _) => Value::of(Some(*rows)),
            (Self::Moments(m), Read::PopulationVariance) => Value::of(m.population_variance()),
            (Self::Moments(m), Read::SampleVariance) => Value::of(m.sample_variance()),
            (Self::Moments(m), Read::PopulationSd) => Value::of(m.population_sd()),
            (Self::Moments(m), Read::SampleSd) => Value::of(m.sample_sd()),
            (Self::Exact(readings), read) => readings.read(read),
            (Self::ExactCross(m), Read::PopulationCovariance) => Value::of(m.population_covariance()),
            (Self::ExactCross(m), Read::SampleCovariance) => Value::of(m.sample_covariance()),
            (Self::ExactCross(m), Read::Correlation) => Value::of(m.correlation()),
            (Self::Shape(m), Read::PopulationSkewness) => Value::of(m.population_skewness()),
            (Self::Shape(m), Read::SampleSkewness) => Value::of(m.sample_skewness()),
            (Self::Shape(m), Read::PopulationKurtosis) => Value::of(m.population_excess_kurtosis()),
            (Self::Shape(m), Read::SampleKurtosis) => Value::of(m.sample_excess_kurtosis()),
            (Self::Quantiles(d), Read::Quantile(q)) => Value::of(d.quantile(q)),
            #[cfg(feature = "files")]
            (Self::Quantiles(d), Read::Spread(bins)) => spread(d, bins),
            (Self::Distinct(d), _) => Value::of(Some(d.round())),
            (Self::Frequent(values, error), Read::Mode) => mode(values, *error),
            (Self::Frequent(values, error), Read::Top(k)) => {
                Value::Top { values: values.iter().take(k).cloned().collect(), error: *error }
            }
            (Self::Histogram(bins), _) => Value::Histogram(bins.clone()),
            (Self::Cross(m), Read::PopulationCovariance) => Value::of(m.population_covariance()),
            (Self::Cross(m), Read::SampleCovariance) => Value::of(m.sample_covariance()),
            (Self::Cross(m), Read::Correlation) => Value::of(m.correlation()),
            (Self::Line(line), Read::Slope) => Value::of(line.map(|line| line.slope)),
            (Self::Line(line), Read::Intercept) => Value::of(line.map(|line| line.intercept)),
            (Self::Line(line), Read::RSquared) => Value::of(line.and_then(|line| line.r_squared)),
            (Self::Line(line), Read::ResidualSd) => Value::of(line.and_then(|line| line.residual_sd)),
            (Self::Weighted(m), Read::Whole) => Value::of(m.mean()),
            (Self::Weighted(m), Read::PopulationVariance) => Value::of(m.population_variance()),
            (Self::Weighted(m), Read::FrequencyVariance) => Value::of(m.frequency_variance()),
            (Self::Weighted(m), Read::ReliabilityVariance) => Value::of(m.reliability_variance()),
            // No statistic pairs a family with what cannot be read from it.
            _ => Value::Missing,
        }
    }
}

/// What is read from exact moments, whatever they are of.
#[derive(Debug, Clone)]
pub(crate) struct ExactReadings {
    pub(crate) count: u64,
    sum: Value,
    mean: Option<f64>,
    variance: [Option<f64>; 2],
    sd: [Option<f64>; 2],
}

impl ExactReadings {
    pub(crate) fn of<T: ExactElement>(moments: &ExactMoments<T>) -> Self
    where
        <T::Sum as Accumulator<T>>::Total: Into<Value>,
    {
        Self {
            count: moments.count(),
            sum: Value::of(moments.sum()),
            mean: moments.mean(),
            variance: [0, 1].map(|ddof| moments.variance(ddof)),
            sd: [0, 1].map(|ddof| moments.sd(ddof)),
        }
    }

    /// Those of decimals, with digits after the point as `scale` says.
    pub(crate) fn of_decimals(total: &Total, scale: i8) -> Self {
        Self {
            count: total.count,
            sum: total.sum(scale).unwrap_or(Value::Missing),
            mean: total.mean(scale),
            variance: [0, 1].map(|ddof| total.variance(ddof, scale)),
            sd: [0, 1].map(|ddof| total.sd(ddof, scale)),
        }
    }

    fn read(&self, read: Read) -> Value {
        match read {
            Read::Sum => self.sum.clone(),
            Read::Mean => Value::of(self.mean),
            Read::PopulationVariance => Value::of(self.variance[0]),
            Read::SampleVariance => Value::of(self.variance[1]),
            Read::PopulationSd => Value::of(self.sd[0]),
            Read::SampleSd => Value::of(self.sd[1]),
            _ => Value::Missing,
        }
    }
}

/// Counts in bins of one width from the least to the greatest value; none where they are one, or not finite.
#[cfg(feature = "files")]
fn spread(distribution: &Distribution, bins: usize) -> Value {
    let ends = (distribution.quantile(0.0), distribution.quantile(1.0));
    let (Some(low), Some(high)) = ends else { return Value::Missing };
    let width = (high - low) / bins as f64;
    if !(width > 0.0 && width.is_finite()) {
        return Value::Missing;
    }
    let mut edges: Vec<f64> = (0..bins).map(|bin| low + width * bin as f64).collect();
    edges.push(high);
    // A bin has its lower edge, the last one both: what is below an edge is what is at most the next smaller number.
    let below = |edge: &f64| {
        let share = distribution.rank(edge.next_down()).unwrap_or_default();
        (share * distribution.count() as f64).round() as u64
    };
    let mut past: Vec<u64> = edges[..bins].iter().map(below).collect();
    past.push(distribution.count());
    let counts = past.windows(2).map(|past| past[1].saturating_sub(past[0])).collect();
    Value::Histogram(Bins::new(edges, counts))
}

/// The first value, where it is certain that none is more frequent: each may have come `error` more often, and
/// so may one that was forgotten.
pub(crate) fn mode(values: &[(Value, u64)], error: u64) -> Value {
    let second = values.get(1).map_or(0, |(_, count)| *count);
    match values.first() {
        Some((value, count)) if *count >= second.saturating_add(error) => value.clone(),
        _ => Value::Missing,
    }
}
