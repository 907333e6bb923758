//! What is asked of a table.

use std::collections::HashSet;

use strix_reduce::NanPolicy;

use crate::bounds::Room;
use crate::statistic::{Statistic, columns, exactly, parse};
use crate::{Error, memory};

/// What is asked of a table: statistics, and the columns whose values make the groups.
///
/// ```
/// use strix_table::{Question, Statistic};
///
/// // As text, or as typed statistics.
/// let text = Question::parse("mean(price), p99(price)")?.by(["region"])?;
/// let typed = Question::new([Statistic::mean("price"), Statistic::quantile("price", 0.99)?])?.by(["region"])?;
/// # Ok::<(), strix_table::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Question {
    pub(crate) statistics: Vec<Statistic>,
    /// The first of them; the others are computed beside them and are no part of a state.
    pub(crate) asked: usize,
    pub(crate) by: Vec<String>,
    pub(crate) exact: bool,
    pub(crate) nan: NanPolicy,
    pub(crate) memory: memory::Limit,
}

impl Question {
    /// Asks for these statistics.
    ///
    /// # Errors
    /// When two of them have one name.
    pub fn new(statistics: impl IntoIterator<Item = Statistic>) -> Result<Self, Error> {
        let statistics: Vec<Statistic> = statistics.into_iter().collect();
        let asked = statistics.len();
        let question = Self {
            statistics,
            asked,
            by: Vec::new(),
            exact: false,
            nan: NanPolicy::default(),
            memory: memory::Limit::default(),
        };
        question.check_names()?;
        Ok(question)
    }

    /// Asks for the statistics in a list such as `mean(price), p99(price), top(user, 5)`: see [`crate::statistics_help`] for
    /// their names. A column with a comma, a parenthesis or a space at an end is quoted: `mean("net, total")`.
    ///
    /// # Errors
    /// What is wrong with the list, and which name was meant.
    pub fn parse(list: &str) -> Result<Self, Error> {
        Self::new(parse(list).map_err(|what| Error::question(format!("--stats: {what}")))?)
    }

    /// One group for each value of these columns, or of several each combination of values.
    ///
    /// # Errors
    /// When a column of the answer would have the name of another.
    pub fn by<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        self.by = columns.into_iter().map(Into::into).collect();
        self.check_names()?;
        Ok(self)
    }

    /// The same, from a list of columns, which are quoted as in [`Question::parse`].
    ///
    /// # Errors
    /// What is wrong with the list; and those of [`Question::by`].
    pub fn by_list(self, list: &str) -> Result<Self, Error> {
        let columns = columns(list).map_err(|what| Error::question(format!("--by: {what}")))?;
        self.by(columns)
    }

    /// Rounds each answer once, to the nearest f64: the same bits in any order.
    ///
    /// # Errors
    /// When a statistic has no exact form.
    pub fn exact(mut self) -> Result<Self, Error> {
        exactly(&mut self.statistics).map_err(|what| Error::question(format!("--exact: {what}")))?;
        self.exact = true;
        Ok(self)
    }

    /// What a NaN does: make the answer NaN (the default), be left out, or be an error.
    pub fn nan(mut self, policy: NanPolicy) -> Self {
        self.nan = policy;
        self
    }

    /// Ends with an error where the process would hold more than so many bytes of memory; `None`, the default, is no limit.
    pub fn memory(mut self, bytes: Option<u64>) -> Self {
        self.memory = memory::Limit(bytes);
        self
    }

    /// Computes more statistics beside those asked for: they are in the answer, after the others, and in no state.
    pub fn beside(mut self, statistics: impl IntoIterator<Item = Statistic>) -> Self {
        self.statistics.extend(statistics);
        self
    }

    /// The statistics, those that are computed beside them last.
    pub fn statistics(&self) -> &[Statistic] {
        &self.statistics
    }

    /// The columns that rows are grouped by.
    pub fn columns_by(&self) -> &[String] {
        &self.by
    }

    /// Refuses what a saved state cannot hold.
    ///
    /// # Errors
    /// Which bound is passed.
    pub fn check_state(&self) -> Result<(), Error> {
        let mut room = Room::default();
        let fits = self.statistics[..self.asked].iter().try_for_each(|statistic| room.take(statistic));
        fits.map_err(|what| Error::question(format!("--save: {what}")))
    }

    fn check_names(&self) -> Result<(), Error> {
        let mut seen = HashSet::new();
        match self.by.iter().chain(self.statistics.iter().map(|s| &s.text)).find(|name| !seen.insert(*name)) {
            None => Ok(()),
            Some(name) => Err(Error::question(format!(
                "--by and --stats name each column of the answer, but two of them are called {name:?}; choose others with both"
            ))),
        }
    }
}
