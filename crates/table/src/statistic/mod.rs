//! The statistics, by name: what is aggregated, and what is read from it.

mod aggregators;
mod decimal;
mod exact;
mod parse;
mod readout;

pub(crate) use aggregators::{Chosen, bytes, decimal, element, pair, text, ticks, truth};
pub(crate) use decimal::Digits;
pub(crate) use exact::exactly;
pub(crate) use parse::{columns, parse, parse_one, quoted};
pub(crate) use readout::Readout;
#[cfg(feature = "files")]
pub(crate) use readout::mode;

use std::fmt::Write;

use crate::Error;

/// One statistic of a question: its name, its columns and its parameters.
///
/// ```
/// use strix_table::Statistic;
/// assert_eq!(Statistic::mean("price"), Statistic::parse("mean(price)")?);
/// assert_eq!(Statistic::top("net, total", 5)?.text(), "top(\"net, total\", 5)");
/// # Ok::<(), strix_table::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Statistic {
    /// As it was written, and as it is called in every output.
    pub(crate) text: String,
    /// The columns that it names; none where the input is one column.
    pub(crate) columns: Vec<String>,
    pub(crate) family: Family,
    pub(crate) read: Read,
}

impl Statistic {
    /// The statistic that a text such as `quantile(price, 0.99)` asks for.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, Error> {
        parse_one(text).map_err(Error::question)
    }

    /// The statistic of that name, of columns, without further parameters: any of those that [`statistics_help`] lists.
    ///
    /// # Errors
    /// When there is no such statistic, or it takes other columns or parameters.
    pub fn named(name: &str, columns: &[&str]) -> Result<Self, Error> {
        Self::parse(&format!("{name}({})", columns.iter().map(|column| written(column)).collect::<Vec<_>>().join(", ")))
    }

    fn one(name: &str, column: &str, family: Family, read: Read) -> Self {
        Self { text: format!("{name}({})", written(column)), columns: vec![column.to_owned()], family, read }
    }

    /// The number of rows.
    pub fn rows() -> Self {
        Self { text: "count".into(), columns: Vec::new(), family: Family::Count, read: Read::Whole }
    }

    /// The number of values that are not missing.
    pub fn count(column: &str) -> Self {
        Self::one("count", column, Family::Count, Read::Whole)
    }

    /// The sum; of integers exact.
    pub fn sum(column: &str) -> Self {
        Self::one("sum", column, Family::Sum, Read::Whole)
    }

    /// The arithmetic mean.
    pub fn mean(column: &str) -> Self {
        Self::one("mean", column, Family::Mean, Read::Whole)
    }

    /// The least value.
    pub fn min(column: &str) -> Self {
        Self::one("min", column, Family::Min, Read::Whole)
    }

    /// The greatest value.
    pub fn max(column: &str) -> Self {
        Self::one("max", column, Family::Max, Read::Whole)
    }

    /// The standard deviation of a sample, over n - 1.
    pub fn sample_sd(column: &str) -> Self {
        Self::one("sample_sd", column, Family::Variance, Read::SampleSd)
    }

    /// The value below which a fraction `q` of the values lie.
    ///
    /// # Errors
    /// Unless `q` is from 0 to 1.
    pub fn quantile(column: &str, q: f64) -> Result<Self, Error> {
        Self::parse(&format!("quantile({}, {q})", written(column)))
    }

    /// The number of different values.
    pub fn distinct(column: &str) -> Self {
        Self::one("distinct", column, Family::Distinct, Read::Whole)
    }

    /// The `k` most frequent values.
    ///
    /// # Errors
    /// Unless `k` is from 1 to 1024.
    pub fn top(column: &str, k: usize) -> Result<Self, Error> {
        Self::parse(&format!("top({}, {k})", written(column)))
    }

    /// Counts in so many bins of one width between the extremes, as the quantiles have them: exact up to 4096 values.
    #[cfg(feature = "files")]
    pub(crate) fn spread(column: &str, bins: usize) -> Self {
        Self::one("spread", column, Family::Quantiles, Read::Spread(bins))
    }

    /// The same statistic of the same columns under another name, such as `sample_sd(price)` for `mean(price)`.
    ///
    /// # Errors
    /// When there is no such statistic, or it takes parameters.
    pub fn renamed(&self, name: &str) -> Result<Self, Error> {
        let mut renamed = Self::parse(name)?;
        if !self.columns.is_empty() {
            renamed.text = Self::named(name, &self.columns.iter().map(String::as_str).collect::<Vec<_>>())?.text;
            renamed.columns.clone_from(&self.columns);
        }
        Ok(renamed)
    }

    /// The same, but where it is a count that names no column: of the items of the only column, instead of rows.
    pub fn of_items(mut self) -> Self {
        if self.family == Family::Count && self.columns.is_empty() {
            self.family = Family::Items;
        }
        self
    }

    /// As it was written, and as it is called in the answer.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The columns that it names.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether it is a histogram.
    pub fn is_histogram(&self) -> bool {
        matches!(self.family, Family::Histogram { .. })
    }

    /// Whether it is an arithmetic mean.
    pub fn is_mean(&self) -> bool {
        matches!(self.family, Family::Mean | Family::ExactMean) || self.read == Read::Mean
    }

    /// Whether it is a count, which without a column is of rows.
    pub(crate) fn is_count(&self) -> bool {
        matches!(self.family, Family::Count | Family::Rows)
    }
}

/// A column as a statistic names it, in quotes where they are needed.
fn written(column: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '#');
    if !column.is_empty() && column.chars().all(plain) { column.to_owned() } else { quoted(column) }
}

/// The statistics of one column, or of an array, where none is asked for.
///
/// # Errors
/// None: the list is one that [`crate::Question::parse`] takes.
pub fn default_statistics() -> Result<Vec<Statistic>, Error> {
    let statistics = parse(DEFAULT).map_err(Error::internal)?;
    // Beside the mean of the only column belongs the number of its items, not that of rows.
    Ok(statistics.into_iter().map(Statistic::of_items).collect())
}

/// What is aggregated. Statistics of one family on one column share a state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Family {
    /// Rows, and those in which no column is missing; of items of any type.
    Rows,
    Count,
    /// A count that takes the only column, as other statistics without one do.
    Items,
    Sum,
    Product,
    Mean,
    Min,
    Max,
    Range,
    ArgMin,
    ArgMax,
    First,
    Last,
    Variance,
    /// The sum alone, rounded once.
    ExactSum,
    /// The mean alone, rounded once.
    ExactMean,
    /// Sum, mean and variance, each rounded once.
    ExactMoments,
    Shape,
    GeometricMean,
    HarmonicMean,
    Any,
    All,
    Histogram {
        low: f64,
        high: f64,
        bins: usize,
    },
    Quantiles,
    Distinct,
    Frequent,
    Covariance,
    ExactCovariance,
    LinearRegression,
    WeightedSum,
    WeightedMoments,
    DecayedMean {
        half_life: f64,
    },
}

/// What is read from the finished aggregate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Read {
    /// All of it.
    Whole,
    Sum,
    Mean,
    Missing,
    PopulationVariance,
    SampleVariance,
    PopulationSd,
    SampleSd,
    PopulationSkewness,
    SampleSkewness,
    PopulationKurtosis,
    SampleKurtosis,
    Quantile(f64),
    /// Counts in so many bins between the extremes.
    #[cfg(feature = "files")]
    Spread(usize),
    Mode,
    Top(usize),
    PopulationCovariance,
    SampleCovariance,
    Correlation,
    Slope,
    Intercept,
    RSquared,
    ResidualSd,
    FrequencyVariance,
    ReliabilityVariance,
}

/// What a statistic is with these numbers, or what is wrong with them.
type Build = fn(&[f64]) -> Result<(Family, Read), String>;

/// A statistic by name: how many columns and numbers it takes, and what it is.
struct Known {
    name: &'static str,
    columns: usize,
    /// What the numbers after the columns are called.
    parameters: &'static [&'static str],
    /// For `--help`.
    about: &'static str,
    build: Build,
}

macro_rules! known {
    ($($name:literal, $columns:literal [$($parameter:literal),*], $about:literal, $build:expr;)*) => {
        &[$(Known {
            name: $name,
            columns: $columns,
            parameters: &[$($parameter),*],
            about: $about,
            build: $build,
        }),*]
    };
}

/// Other names that people know: of SQL, pandas, Polars and NumPy.
const ALIASES: &[(&str, &[&str])] = &[
    ("sum", &["total"]),
    ("product", &["prod"]),
    ("mean", &["avg", "average"]),
    ("min", &["minimum"]),
    ("max", &["maximum"]),
    ("arg_min", &["argmin"]),
    ("arg_max", &["argmax"]),
    ("population_variance", &["var_pop"]),
    ("sample_variance", &["var", "var_samp"]),
    ("population_sd", &["stddev_pop"]),
    ("sample_sd", &["sd", "std", "stddev", "stdev", "stddev_samp"]),
    ("skewness", &["skew"]),
    ("kurtosis", &["kurt"]),
    ("distinct", &["nunique", "n_unique", "count_distinct"]),
    ("any", &["bool_or"]),
    ("all", &["bool_and", "every"]),
    ("covariance", &["cov", "covar_samp"]),
    ("population_covariance", &["covar_pop"]),
    ("correlation", &["corr"]),
];

/// The other names of a statistic.
fn aliases(name: &str) -> &'static [&'static str] {
    ALIASES.iter().find(|(known, _)| *known == name).map_or(&[], |(_, aliases)| aliases)
}

/// Every statistic, in the order in which `--help` lists them.
const KNOWN: &[Known] = known! {
    "count", 1 [], "items that are not missing; without a column, rows", |_| Ok((Family::Count, Read::Whole));
    "missing", 1 [], "missing items", |_| Ok((Family::Rows, Read::Missing));
    "sum", 1 [], "exact for integers", |_| Ok((Family::Sum, Read::Whole));
    "product", 1 [], "of all items, without overflow on the way", |_| Ok((Family::Product, Read::Whole));
    "mean", 1 [], "the arithmetic mean", |_| Ok((Family::Mean, Read::Whole));
    "min", 1 [], "of numbers, truth values, text, dates and times", |_| Ok((Family::Min, Read::Whole));
    "max", 1 [], "likewise", |_| Ok((Family::Max, Read::Whole));
    "range", 1 [], "max less min", |_| Ok((Family::Range, Read::Whole));
    "arg_min", 1 [], "place of the first least item, from 0", |_| Ok((Family::ArgMin, Read::Whole));
    "arg_max", 1 [], "place of the first greatest item", |_| Ok((Family::ArgMax, Read::Whole));
    "first", 1 [], "the first item", |_| Ok((Family::First, Read::Whole));
    "last", 1 [], "the last item", |_| Ok((Family::Last, Read::Whole));
    "population_variance", 1 [], "over n", |_| Ok((Family::Variance, Read::PopulationVariance));
    "sample_variance", 1 [], "over n - 1", |_| Ok((Family::Variance, Read::SampleVariance));
    "population_sd", 1 [], "standard deviation over n", |_| Ok((Family::Variance, Read::PopulationSd));
    "sample_sd", 1 [], "over n - 1", |_| Ok((Family::Variance, Read::SampleSd));
    "skewness", 1 [], "of a sample, G1", |_| Ok((Family::Shape, Read::SampleSkewness));
    "population_skewness", 1 [], "g1", |_| Ok((Family::Shape, Read::PopulationSkewness));
    "kurtosis", 1 [], "excess, of a sample, G2", |_| Ok((Family::Shape, Read::SampleKurtosis));
    "population_kurtosis", 1 [], "excess, g2", |_| Ok((Family::Shape, Read::PopulationKurtosis));
    "geometric_mean", 1 [], "of numbers that are not negative", |_| Ok((Family::GeometricMean, Read::Whole));
    "harmonic_mean", 1 [], "of numbers of one sign", |_| Ok((Family::HarmonicMean, Read::Whole));
    "median", 1 [], "also p50; p99, p99.9 and so on are percentiles", |_| Ok((Family::Quantiles, Read::Quantile(0.5)));
    "quantile", 1 ["q"], "exact up to 4096 items, then to 0.13 % in rank", |p| {
        if (0.0..=1.0).contains(&p[0]) {
            Ok((Family::Quantiles, Read::Quantile(p[0])))
        } else {
            Err(format!("a quantile is from 0 to 1, not {}", p[0]))
        }
    };
    "distinct", 1 [], "different values, exact up to 2048, then with a standard error of 0.8 %",
        |_| Ok((Family::Distinct, Read::Whole));
    "mode", 1 [], "the most frequent value; none where more than 1024 different ones leave it open", |_| Ok((Family::Frequent, Read::Mode));
    "top", 1 ["k"], "the k most frequent values; exact up to 1024 different ones", |p| {
        let k = whole(p[0], "top", 1024)?;
        Ok((Family::Frequent, Read::Top(k)))
    };
    "histogram", 1 ["low", "high", "bins"], "counts in bins of one width", |p| {
        let bins = whole(p[2], "the number of bins", strix_reduce::aggregators::MOST_BINS)?;
        strix_reduce::Histogram::uniform(p[0], p[1], bins).map_err(|e| e.to_string())?;
        Ok((Family::Histogram { low: p[0], high: p[1], bins }, Read::Whole))
    };
    "any", 1 [], "of truth values", |_| Ok((Family::Any, Read::Whole));
    "all", 1 [], "of truth values", |_| Ok((Family::All, Read::Whole));
    "covariance", 2 [], "of a sample", |_| Ok((Family::Covariance, Read::SampleCovariance));
    "population_covariance", 2 [], "over n", |_| Ok((Family::Covariance, Read::PopulationCovariance));
    "correlation", 2 [], "Pearson's", |_| Ok((Family::Covariance, Read::Correlation));
    "slope", 2 [], "of the least-squares line: slope(x, y)", |_| Ok((Family::LinearRegression, Read::Slope));
    "intercept", 2 [], "likewise", |_| Ok((Family::LinearRegression, Read::Intercept));
    "r_squared", 2 [], "likewise", |_| Ok((Family::LinearRegression, Read::RSquared));
    "residual_sd", 2 [], "likewise", |_| Ok((Family::LinearRegression, Read::ResidualSd));
    "weighted_sum", 2 [], "weighted_sum(value, weight)", |_| Ok((Family::WeightedSum, Read::Whole));
    "weighted_mean", 2 [], "weighted_mean(value, weight)", |_| Ok((Family::WeightedMoments, Read::Whole));
    "weighted_population_variance", 2 [], "over the weight", |_| Ok((Family::WeightedMoments, Read::PopulationVariance));
    "frequency_variance", 2 [], "weights that count: over the weight less 1",
        |_| Ok((Family::WeightedMoments, Read::FrequencyVariance));
    "reliability_variance", 2 [], "weights that say how far to trust",
        |_| Ok((Family::WeightedMoments, Read::ReliabilityVariance));
    "decayed_mean", 2 ["half_life"], "decayed_mean(time, value, half_life): the latest count most", |p| {
        strix_reduce::DecayedMean::new(p[0]).map_err(|e| e.to_string())?;
        Ok((Family::DecayedMean { half_life: p[0] }, Read::Whole))
    };
};

/// The statistics without parameters that arrays get when none is asked for.
const DEFAULT: &str = "count,sum,mean,min,max,population_variance,sample_variance,population_sd,sample_sd";

fn whole(x: f64, what: &str, most: usize) -> Result<usize, String> {
    if x.fract() == 0.0 && x >= 1.0 && x <= most as f64 {
        Ok(x as usize)
    } else {
        Err(format!("{what} is a whole number from 1 to {most}, not {x}"))
    }
}

/// The names of all statistics and what they take, for a help text.
///
/// ```
/// assert!(strix_table::statistics_help().contains("p99"));
/// ```
pub fn statistics_help() -> String {
    let mut help = String::from("Statistics:\n");
    for known in KNOWN {
        let columns = ["column", "column, column"][known.columns - 1];
        let mut call = format!("{}({columns}", known.name);
        for parameter in known.parameters {
            let _ = write!(call, ", {parameter}");
        }
        call.push(')');
        let also = aliases(known.name).join(", ");
        let alias = if also.is_empty() { also } else { format!("also {also}; ") };
        let _ = writeln!(help, "  {:<45} {alias}{}", call, known.about);
    }
    help.push_str("Names are in any case. Decimals are exact in count, sum, mean, variances, standard deviations, min, max, range, first, last, distinct, mode and top, and taken as f64 elsewhere. Two columns are taken as f64, to which integers of 64 bits round. Dates and times have means; durations have sums too.\n");
    help.push_str("Without a column, as in mean or p99, they are of an array, of the only column or of --column.");
    help
}
