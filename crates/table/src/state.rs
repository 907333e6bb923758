//! A reduction's state: what merges with others, and is a file.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use strix_reduce::NanPolicy;
use strix_reduce::state::{Envelope, MOST_ITEMS};

use crate::bounds::Room;
use crate::key::Key;
use crate::lane::ItemType;
use crate::plan::{ByGroup, Plan};
use crate::statistic::{exactly, parse_one};
use crate::{Answer, Error, Value};

/// What a reduction knows of its rows. States of one question merge, and each is a file.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, Float64Array, RecordBatch};
/// use strix_table::{Question, Reduction, State, Value};
///
/// let day = |prices: Vec<f64>| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
///     let price: ArrayRef = Arc::new(Float64Array::from(prices));
///     let batch = RecordBatch::try_from_iter([("price", price)])?;
///     let mut reduction = Reduction::new(&Question::parse("mean(price)")?, &batch.schema())?;
///     reduction.push(&batch)?;
///     Ok(reduction.state()?.to_bytes()?)
/// };
/// let (monday, tuesday) = (day(vec![1.0, 2.0])?, day(vec![6.0])?);
/// let both = State::from_bytes(&monday)?.merge(State::from_bytes(&tuesday)?)?;
/// assert_eq!((both.rows(), both.answer()?.value(0, 0)), (3, Value::Float(3.0)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct State {
    pub(crate) by: Vec<String>,
    pub(crate) nan: NanPolicy,
    /// The first statistics, which are saved.
    pub(crate) asked: usize,
    pub(crate) rows: u64,
    /// NaN left out.
    pub(crate) skipped: u64,
    pub(crate) plan: Plan,
    pub(crate) groups: ByGroup,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (of, groups) = (self.aggregators(), self.groups.len());
        f.debug_struct("State")
            .field("of", &of)
            .field("rows", &self.rows)
            .field("groups", &groups)
            .finish_non_exhaustive()
    }
}

/// The form of a state in a file.
///
/// The bytes are those of [`strix_reduce::state`], with a signature that names the keys with their types, the
/// NaN policy and every aggregator with its parameters and item type, and this as the payload; each state
/// inside is in that form again.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    by: Vec<String>,
    /// The statistics as they were asked for, and their columns.
    statistics: Vec<(String, Vec<String>)>,
    /// Whether they are rounded once.
    exact: bool,
    columns: Vec<(String, ItemType)>,
    /// The name of the [`NanPolicy`].
    nan: String,
    skipped: u64,
    /// States by lane, by aggregator.
    groups: BTreeMap<Vec<Key>, Vec<Vec<Vec<u8>>>>,
}

impl Saved {
    /// The plan that its states belong to.
    fn plan(&self) -> Result<Plan, Error> {
        let damaged = |what: String| Error::input(format!("the saved statistics are damaged: {what}"));
        let mut statistics = Vec::new();
        let mut room = Room::default();
        for (text, columns) in &self.statistics {
            let mut statistic = parse_one(text).map_err(damaged)?;
            room.take(&statistic).map_err(damaged)?;
            statistic.columns.clone_from(columns);
            statistics.push(statistic);
        }
        if self.exact {
            exactly(&mut statistics).map_err(damaged)?;
        }
        Plan::new(statistics, self.exact, |column| {
            let known = self.columns.iter().find(|(name, _)| name == column);
            Ok(known.map_or(ItemType::F64, |&(_, item)| item))
        })
    }

    fn payload(&self) -> Result<Vec<u8>, Error> {
        postcard::to_stdvec(self).map_err(|e| Error::internal(format!("a state does not save: {e}")))
    }
}

impl State {
    /// Rows, or elements of an array, that it is of.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// NaN that were left out.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Groups.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The columns that rows were grouped by.
    pub fn by(&self) -> &[String] {
        &self.by
    }

    /// The aggregators, with their parameters, columns and types.
    pub fn aggregators(&self) -> String {
        self.plan.signature()
    }

    /// The answer. Its groups are in the order of their keys.
    ///
    /// # Errors
    /// None that a caller can mend.
    pub fn answer(self) -> Result<Answer, Error> {
        let Self { by, plan, groups, .. } = self;
        let rows = groups.into_iter().map(|(key, states)| {
            let values = plan.finish(states);
            key.iter().map(Key::value).chain(values).collect::<Vec<Value>>()
        });
        Ok(Answer::from_rows(by, plan.texts(), &rows.collect::<Vec<_>>()))
    }

    /// Its bytes, as [`State::from_bytes`] reads them.
    ///
    /// # Errors
    /// When it is of more than a state can hold.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        if self.rows > MOST_ITEMS {
            return Err(Error::input(format!("{} rows are more than a state can hold", self.rows)));
        }
        let saved = self.saved()?;
        // Read as it will be: what is too large to read is not written.
        let signature = self.signature(&saved.plan()?)?;
        Ok(Envelope { signature, items: self.rows, payload: saved.payload()? }.to_bytes())
    }

    fn saved(&self) -> Result<Saved, Error> {
        let plan = self.plan.first(self.asked)?;
        let written = self.groups.iter().map(|(key, states)| Ok((key.clone(), plan.write(states, self.rows)?)));
        let groups: BTreeMap<_, _> = written.collect::<Result<_, Error>>()?;
        if groups.len() != self.groups.len() {
            return Err(Error::internal("two groups have one key"));
        }
        Ok(Saved {
            by: self.by.clone(),
            statistics: plan.statistics.iter().map(|s| (s.text.clone(), s.columns.clone())).collect(),
            exact: plan.exact,
            columns: plan.columns.clone(),
            nan: self.nan.to_string(),
            skipped: self.skipped,
            groups,
        })
    }

    /// Reads a file that holds what [`State::to_bytes`] made, and checks every state in it.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or holds what no rows lead to; each names the file.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bad = |what: &dyn std::fmt::Display| Error::input(format!("{}: {what}", path.display()));
        let bytes = std::fs::read(path).map_err(|e| bad(&format!("cannot read it: {e}")))?;
        Self::from_bytes(&bytes).map_err(|error| bad(&error))
    }

    /// The state in bytes that [`State::to_bytes`] made, every part of it checked.
    ///
    /// # Errors
    /// When they are damaged, of another version, or hold what no rows lead to.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let envelope = Envelope::from_bytes(bytes)?;
        let (saved, rest) = postcard::take_from_bytes::<Saved>(&envelope.payload)
            .map_err(|e| Error::input(format!("holds no saved reduction: {e}")))?;
        if !rest.is_empty() {
            return Err(Error::input(format!("{} bytes follow the saved reduction", rest.len())));
        }
        let not_canonical = || Error::input("the saved reduction is not in canonical form");
        // One reduction has one form, so another form of it was not written by us.
        if saved.payload()? != envelope.payload {
            return Err(not_canonical());
        }
        let nan = saved.nan.parse::<NanPolicy>()?;
        if saved.skipped > MOST_ITEMS {
            return Err(Error::input(format!("claims {} NaN; there are at most {MOST_ITEMS}", saved.skipped)));
        }
        let (plan, rows) = (saved.plan()?, envelope.items);
        let groups = saved.groups.into_iter().map(|(key, states)| Ok((key, plan.read(&states, rows)?)));
        let groups = groups.collect::<Result<ByGroup, Error>>()?;
        let (asked, skipped) = (plan.statistics.len(), saved.skipped);
        let state = Self { by: saved.by, nan, asked, rows, skipped, plan, groups };
        let signature = state.signature(&state.plan)?;
        if signature != envelope.signature {
            return Err(Error::input(format!("says {}, but holds {signature}", envelope.signature)));
        }
        state.plan.check_rows(&state.groups, rows)?;
        // Parts that nothing reads, such as the type of a column that no statistic is of.
        if state.saved()?.payload()? != envelope.payload {
            return Err(not_canonical());
        }
        Ok(state)
    }

    /// Both as one, the rows of the other after these.
    ///
    /// # Errors
    /// When they compute different things, saying what.
    pub fn merge(mut self, other: Self) -> Result<Self, Error> {
        let (expected, found) = (self.of(&self.plan), other.of(&other.plan));
        if expected != found || self.by != other.by {
            let (expected, found) = (format!("{expected}{}", by(&self.by)), format!("{found}{}", by(&other.by)));
            return Err(Error::input(format!("{found}, which does not merge with {expected}")));
        }
        let same = self.plan.statistics.iter().map(|s| (&s.text, &s.columns));
        if !same.eq(other.plan.statistics.iter().map(|s| (&s.text, &s.columns))) {
            let (expected, found) = (self.plan.texts().join(", "), other.plan.texts().join(", "));
            return Err(Error::input(format!("{found}, which does not merge with {expected}")));
        }
        let types = self.key_types()?.into_iter().zip(other.key_types()?);
        for (column, types) in self.by.iter().zip(types) {
            if let (Some(expected), Some(found)) = types
                && expected != found
            {
                return Err(Error::input(format!(
                    "keys {column:?} of {found}, which do not merge with keys of {expected}; of text files, --type \
                     {column}=TYPE decides"
                )));
            }
        }
        let sum = |a: u64, b: u64, of: &str| {
            let sum = a.checked_add(b).filter(|&sum| sum <= MOST_ITEMS);
            sum.ok_or_else(|| Error::input(format!("{b} {of}, which with {a} are more than a state can hold")))
        };
        let before = self.rows;
        self.rows = sum(self.rows, other.rows, "rows")?;
        self.skipped = sum(self.skipped, other.skipped, "NaN")?;
        let mut all: BTreeMap<_, _> = self.groups.into_iter().collect();
        for (key, states) in other.groups {
            let first = all.entry(key).or_insert_with(|| self.plan.identity());
            self.plan.merge(first, states, before);
        }
        self.groups = all.into_iter().collect();
        Ok(self)
    }

    /// All of these files' states as one, the rows of each after those of the one before.
    ///
    /// # Errors
    /// Those of [`State::open`]; and when two of them compute different things, naming both.
    pub fn merged(files: &[&Path]) -> Result<Self, Error> {
        let mut all: Option<Self> = None;
        for path in files {
            let next = Self::open(path)?;
            all = Some(match all {
                None => next,
                Some(before) => before.merge(next).map_err(|error| {
                    let first = files[0].display();
                    Error::input(format!("{} holds {error} as in {first}", path.display()))
                })?,
            });
        }
        all.ok_or_else(|| Error::question("there is no state to merge"))
    }

    /// The type of each column of the keys; `None` where all are missing, which goes with any.
    fn key_types(&self) -> Result<Vec<Option<String>>, Error> {
        let mut types = vec![None; self.by.len()];
        for (key, _) in &self.groups {
            if key.len() != types.len() {
                return Err(Error::input(format!("has a key of {} columns, not {}", key.len(), types.len())));
            }
            for ((known, cell), column) in types.iter_mut().zip(key).zip(&self.by) {
                let Some(kind) = cell.kind() else { continue };
                let known = known.get_or_insert_with(|| kind.clone());
                if *known != kind {
                    return Err(Error::input(format!("has keys {column:?} of {known} and of {kind}")));
                }
            }
        }
        Ok(types)
    }

    fn signature(&self, plan: &Plan) -> Result<String, Error> {
        let mut signature = self.of(plan);
        for (column, kind) in self.by.iter().zip(self.key_types()?) {
            signature += &format!(" by {column:?}");
            signature += &kind.map(|kind| format!(" of {kind}")).unwrap_or_default();
        }
        Ok(signature)
    }

    /// What it computes, without the keys.
    fn of(&self, plan: &Plan) -> String {
        format!("{}; nan {}", plan.signature(), self.nan)
    }
}

fn by(columns: &[String]) -> String {
    columns.iter().map(|column| format!(" by {column:?}")).collect()
}
