//! Every column of a table in one pass.

use std::collections::HashSet;

use serde::Serialize;
use strix_data::TableReader;
use strix_reduce::NanPolicy;

use crate::files::{Observer, Opened, agree, open_table};
use crate::lane::ItemType;
use crate::statistic::{Family, Read, mode};
use crate::{Answer, Error, Question, Statistic, Value};

/// Bins of the small histograms.
const BINS: usize = 24;
/// The most frequent values that are told.
const TOP: usize = 5;

/// What is computed of each column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Detail {
    /// Counts, means and extremes: what costs no more than reading.
    Short,
    /// Different and frequent values, standard deviation, quartiles and a histogram too.
    Full,
}

/// The description of a table.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// Rows.
    pub rows: u64,
    /// NaN, which were left out of all but the counts.
    pub nan: u64,
    /// Its columns, in their order.
    pub columns: Vec<Column>,
    /// What was decided in doubt, and which columns were left out.
    #[serde(skip)]
    pub notes: Vec<String>,
    /// After a cancellation, where it stopped: the description is of what was read.
    #[serde(skip)]
    pub cancelled: Option<String>,
}

/// The description of a column; a value is missing where its type has none, or there is nothing it could be of.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Cells that are not missing.
    pub count: u64,
    /// Cells that are missing.
    pub missing: u64,
    /// Different values: exact up to 2048, above with a standard error of 0.8 %.
    pub distinct: Value,
    /// The mean.
    pub mean: Value,
    /// The standard deviation, over n - 1.
    pub sd: Value,
    /// The least value.
    pub min: Value,
    /// The quantile of 0.25.
    pub p25: Value,
    /// The quantile of 0.5.
    pub median: Value,
    /// The quantile of 0.75.
    pub p75: Value,
    /// The greatest value.
    pub max: Value,
    /// The most frequent values and how often each came; `error` is by how much these may be too low.
    pub top: Value,
    /// Counts in bins of one width from the least to the greatest value.
    pub histogram: Value,
}

/// Where the statistics of the columns are in the answer.
struct Plan {
    columns: Vec<(String, String, Vec<Option<usize>>)>,
    statistics: Vec<Statistic>,
    notes: Vec<String>,
    /// Whether all columns are of numbers or truth values.
    is_of_numbers: bool,
}

/// The statistics of a column, in the order of the fields of [`Column`].
fn statistics(column: &str, detail: Detail) -> Result<Vec<Option<Statistic>>, Error> {
    let full = |statistic: Result<Statistic, Error>| (detail == Detail::Full).then_some(statistic).transpose();
    Ok(vec![
        Some(Statistic::named("missing", &[column])?),
        full(Ok(Statistic::distinct(column)))?,
        Some(Statistic::mean(column)),
        full(Ok(Statistic::sample_sd(column)))?,
        Some(Statistic::min(column)),
        full(Statistic::quantile(column, 0.25))?,
        full(Statistic::quantile(column, 0.5))?,
        full(Statistic::quantile(column, 0.75))?,
        Some(Statistic::max(column)),
        full(Statistic::top(column, TOP))?,
        full(Ok(Statistic::spread(column, BINS)))?,
    ])
}

impl Opened {
    /// Describes every column, in one pass. Columns that JSON Lines first have after their first rows are not known here.
    ///
    /// # Errors
    /// As [`Opened::reduce`]; and for an array, which has no columns.
    pub fn describe(
        mut self,
        detail: Detail,
        nan: NanPolicy,
        memory: Option<u64>,
        observer: &dyn Observer,
    ) -> Result<Description, Error> {
        let plan = self.plan(detail, observer)?;
        plan.describe(self, nan, memory, observer)
    }

    /// Whether it is a table with one column of numbers alone, whose own statistics say more than a description.
    ///
    /// # Errors
    /// When the first file cannot be read.
    pub fn is_one_column(&mut self, observer: &dyn Observer) -> Result<bool, Error> {
        if self.is_array() && !matches!(self.formats[0], strix_data::Format::Npz) {
            return Ok(true);
        }
        let reader = self.first(observer)?;
        let columns = reader.schema().fields().len();
        self.keep(reader);
        // The type that all files share is asked for only where it matters.
        Ok(columns == 1 && self.plan(Detail::Short, observer)?.is_of_numbers)
    }

    /// The reader of the first file.
    fn first(&mut self, observer: &dyn Observer) -> Result<Box<dyn TableReader>, Error> {
        match self.open.first_mut().and_then(Option::take) {
            Some(reader) => Ok(reader),
            None => open_table(&self.files.sources[0], &self.files.options, observer),
        }
    }

    /// Keeps a reader of the first file that could not be opened again.
    fn keep(&mut self, reader: Box<dyn TableReader>) {
        self.open = vec![(!self.files.sources[0].opens_again()).then_some(reader)];
    }

    fn plan(&mut self, detail: Detail, observer: &dyn Observer) -> Result<Plan, Error> {
        let reader = self.first(observer)?;
        let (all, notes) = (reader.schema(), reader.notes());
        self.keep(reader);
        let names: Vec<&String> = all.fields().iter().map(|field| field.name()).collect();
        let of_all = names.iter().map(|name| statistics(name, detail)).collect::<Result<Vec<_>, _>>()?;
        // The types that all files share, as far as no statistic decides them.
        let missing = of_all.iter().filter_map(|statistics| statistics[0].clone());
        let mut missing: Vec<Statistic> = missing.collect();
        let agreed = agree(&self.files, &self.formats, &[], &mut missing, std::mem::take(&mut self.open), observer)?;
        self.open = agreed.open;
        let mut plan = Plan { columns: Vec::new(), statistics: Vec::new(), notes, is_of_numbers: true };
        for (field, statistics) in agreed.schema.fields().iter().zip(of_all) {
            let known = ItemType::of(field.data_type());
            plan.is_of_numbers &= known.is_some_and(|item| !item.is_label());
            let mut place = |statistic: Option<Statistic>| {
                let statistic = statistic.filter(|statistic| {
                    // Means and quantiles of truth values are theirs as numbers, which nobody asks for.
                    let of_numbers = matches!(statistic.read, Read::Quantile(_) | Read::Spread(_) | Read::SampleSd);
                    statistic.family == Family::Rows
                        || known
                            .is_some_and(|item| item.has(statistic.family) && !(of_numbers && item == ItemType::Bool))
                })?;
                plan.statistics.push(statistic);
                Some(plan.statistics.len() - 1)
            };
            let places = statistics.into_iter().map(&mut place).collect();
            plan.columns.push((field.name().clone(), ItemType::named(field.data_type()), places));
        }
        plan.statistics.push(Statistic::rows());
        Ok(plan)
    }
}

impl Plan {
    fn describe(
        self,
        opened: Opened,
        nan: NanPolicy,
        memory: Option<u64>,
        observer: &dyn Observer,
    ) -> Result<Description, Error> {
        let question = Question::new(self.statistics)?.nan(nan).memory(memory);
        let outcome = opened.reduce(&question, observer)?;
        let (rows, skipped) = (outcome.rows(), outcome.skipped());
        let cancelled = outcome.cancelled().map(str::to_owned);
        let mut notes = self.notes;
        let known: HashSet<String> = notes.iter().cloned().collect();
        notes.extend(outcome.notes().iter().filter(|note| !known.contains(*note)).cloned());
        let answer = outcome.answer()?;
        let column = |(name, kind, places): (String, String, Vec<Option<usize>>)| {
            let mut values = places.into_iter().map(|place| value(&answer, place));
            let mut next = || values.next().unwrap_or(Value::Missing);
            let missing = match next() {
                Value::Integer(missing) => u64::try_from(missing).unwrap_or_default(),
                _ => 0,
            };
            Column {
                name,
                kind,
                count: rows.saturating_sub(missing),
                missing,
                distinct: next(),
                mean: next(),
                sd: next(),
                min: next(),
                p25: next(),
                median: next(),
                p75: next(),
                max: next(),
                top: next(),
                histogram: next(),
            }
        };
        let columns = self.columns.into_iter().map(column).collect();
        Ok(Description { rows, nan: skipped, columns, notes, cancelled })
    }
}

fn value(answer: &Answer, place: Option<usize>) -> Value {
    place.map_or(Value::Missing, |place| answer.value(0, place))
}

impl Description {
    /// A table of it: a row for each column, with its name and type, and these statistics.
    pub fn to_answer(&self, detail: Detail) -> Answer {
        let short = ["count", "missing", "mean", "min", "max"];
        let full =
            ["count", "missing", "distinct", "mean", "sd", "min", "p25", "median", "p75", "max", "most frequent"];
        let names: Vec<&str> = match detail {
            Detail::Short => short.to_vec(),
            Detail::Full => full.to_vec(),
        };
        let rows = self.columns.iter().map(|column| {
            let key = [Value::from(column.name.as_str()), Value::from(column.kind.as_str())];
            key.into_iter().chain(names.iter().map(|name| column.value(name))).collect::<Vec<_>>()
        });
        let by = ["column", "type"].map(str::to_owned).to_vec();
        Answer::from_rows(by, names.iter().map(|&name| name.to_owned()).collect(), &rows.collect::<Vec<_>>())
    }
}

impl Column {
    fn value(&self, name: &str) -> Value {
        match name {
            "count" => self.count.into(),
            "missing" => self.missing.into(),
            "distinct" => self.distinct.clone(),
            "mean" => self.mean.clone(),
            "sd" => self.sd.clone(),
            "min" => self.min.clone(),
            "p25" => self.p25.clone(),
            "median" => self.median.clone(),
            "p75" => self.p75.clone(),
            "max" => self.max.clone(),
            _ => self.most_frequent(),
        }
    }

    /// The most frequent value, where it is certain that none is more frequent and it came more than once.
    pub fn most_frequent(&self) -> Value {
        match &self.top {
            Value::Top { values, error } if values.first().is_some_and(|(_, count)| *count > 1) => mode(values, *error),
            _ => Value::Missing,
        }
    }
}
