//! A reduction on disk: what it computes, and the state of every group.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use strix_reduce::NanPolicy;
use strix_reduce::state::{Envelope, MOST_ITEMS};

use super::bounds;
use super::key::Key;
use super::lane::ItemType;
use super::plan::{ByGroup, Plan};
use crate::failure::Failure;
use crate::statistic::{exactly, parse_one};

/// A reduction that was saved, or is to be.
///
/// The bytes are those of [`strix_reduce::state`], with a signature that names the keys with their types, the
/// NaN policy and every aggregator with its parameters and item type, and this as the payload; each state
/// inside is in that form again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// The columns of `--by`.
    pub(crate) by: Vec<String>,
    /// The statistics as they were asked for, and their columns.
    pub(super) statistics: Vec<(String, Vec<String>)>,
    /// Whether they are rounded once.
    exact: bool,
    columns: Vec<(String, ItemType)>,
    /// The name of the [`NanPolicy`].
    nan: String,
    /// NaN left out.
    pub(crate) skipped: u64,
    /// States by lane, by aggregator.
    groups: BTreeMap<Vec<Key>, Vec<Vec<Vec<u8>>>>,
    #[serde(skip)]
    pub(crate) rows: u64,
}

/// A reduction as it was read.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) saved: Saved,
    pub(crate) plan: Plan,
    pub(crate) groups: ByGroup,
}

impl Saved {
    /// A reduction as it is to be saved.
    pub(crate) fn new(
        plan: &Plan,
        by: &[String],
        nan: NanPolicy,
        groups: &ByGroup,
        rows: u64,
        skipped: u64,
    ) -> Result<Self, Failure> {
        let written = groups.iter().map(|(key, states)| Ok((key.clone(), plan.write(states, rows)?)));
        let written: BTreeMap<_, _> = written.collect::<Result<_, Failure>>()?;
        if written.len() != groups.len() {
            return Err(Failure::Internal("two groups have one key".into()));
        }
        Ok(Self {
            by: by.to_vec(),
            statistics: plan.statistics.iter().map(|s| (s.text.clone(), s.columns.clone())).collect(),
            exact: plan.exact,
            columns: plan.columns.clone(),
            nan: nan.to_string(),
            skipped,
            groups: written,
            rows,
        })
    }

    /// What a NaN did.
    pub(crate) fn nan(&self) -> Result<NanPolicy, Failure> {
        Ok(self.nan.parse::<NanPolicy>()?)
    }

    /// The plan that its states belong to.
    fn plan(&self) -> Result<Plan, Failure> {
        let damaged = |what: String| Failure::Input(format!("the saved statistics are damaged: {what}"));
        let mut statistics = Vec::new();
        let mut room = bounds::Room::default();
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

    /// The type of each column of the keys; `None` where all are missing, which goes with any.
    fn key_types(&self) -> Result<Vec<Option<String>>, Failure> {
        let mut types = vec![None; self.by.len()];
        for key in self.groups.keys() {
            if key.len() != types.len() {
                return Err(Failure::Input(format!("has a key of {} columns, not {}", key.len(), types.len())));
            }
            for ((known, cell), column) in types.iter_mut().zip(key).zip(&self.by) {
                let Some(kind) = cell.kind() else { continue };
                let known = known.get_or_insert_with(|| kind.clone());
                if *known != kind {
                    return Err(Failure::Input(format!("has keys {column:?} of {known} and of {kind}")));
                }
            }
        }
        Ok(types)
    }

    fn signature(&self, plan: &Plan) -> Result<String, Failure> {
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

    /// What was asked for, for a message.
    fn asked(&self) -> String {
        self.statistics.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Its bytes.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        if self.rows > MOST_ITEMS {
            return Err(Failure::Input(format!("{} rows are more than a state can hold", self.rows)));
        }
        let signature = self.signature(&self.plan()?)?;
        Ok(Envelope { signature, items: self.rows, payload: self.payload()? }.to_bytes())
    }

    fn payload(&self) -> Result<Vec<u8>, Failure> {
        postcard::to_stdvec(self).map_err(|e| Failure::Internal(format!("a state does not save: {e}")))
    }
}

impl Opened {
    /// Reads a file that [`Saved::to_bytes`] made, and checks every state in it.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let bad = |what: &dyn std::fmt::Display| Failure::Input(format!("{}: {what}", path.display()));
        let bytes = std::fs::read(path).map_err(|e| bad(&format!("cannot read it: {e}")))?;
        Self::from_bytes(&bytes).map_err(|failure| bad(&failure))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let envelope = Envelope::from_bytes(bytes)?;
        let (saved, rest) = postcard::take_from_bytes::<Saved>(&envelope.payload)
            .map_err(|e| Failure::Input(format!("holds no saved reduction: {e}")))?;
        if !rest.is_empty() {
            return Err(Failure::Input(format!("{} bytes follow the saved reduction", rest.len())));
        }
        // One reduction has one form, so another form of it was not written by us.
        if saved.payload()? != envelope.payload {
            return Err(Failure::Input("the saved reduction is not in canonical form".into()));
        }
        let saved = Saved { rows: envelope.items, ..saved };
        saved.nan()?;
        if saved.skipped > MOST_ITEMS {
            return Err(Failure::Input(format!("claims {} NaN; there are at most {MOST_ITEMS}", saved.skipped)));
        }
        let plan = saved.plan()?;
        let signature = saved.signature(&plan)?;
        if signature != envelope.signature {
            return Err(Failure::Input(format!("says {}, but holds {signature}", envelope.signature)));
        }
        let groups = saved.groups.iter().map(|(key, states)| Ok((key.clone(), plan.read(states, saved.rows)?)));
        let groups = groups.collect::<Result<ByGroup, Failure>>()?;
        plan.check_rows(&groups, saved.rows)?;
        Ok(Self { saved, plan, groups })
    }

    /// Both as one, the rows of the other after these.
    ///
    /// # Errors
    /// [`Failure::Input`] when they compute different things, saying what.
    fn merge(self, other: Self) -> Result<Self, Failure> {
        let Self { mut saved, plan, groups } = self;
        let (expected, found) = (saved.of(&plan), other.saved.of(&other.plan));
        if expected != found || saved.by != other.saved.by {
            let expected = format!("{expected}{}", by(&saved.by));
            let found = format!("{found}{}", by(&other.saved.by));
            return Err(Failure::Input(format!("{found}, which does not merge with {expected}")));
        }
        if saved.statistics != other.saved.statistics {
            let (expected, found) = (saved.asked(), other.saved.asked());
            return Err(Failure::Input(format!("{found}, which does not merge with {expected}")));
        }
        let types = saved.key_types()?.into_iter().zip(other.saved.key_types()?);
        for (column, types) in saved.by.iter().zip(types) {
            if let (Some(expected), Some(found)) = types
                && expected != found
            {
                return Err(Failure::Input(format!(
                    "keys {column:?} of {found}, which do not merge with keys of {expected}; of text files, --type \
                     {column}=TYPE decides"
                )));
            }
        }
        let sum = |a: u64, b: u64, of: &str| {
            let sum = a.checked_add(b).filter(|&sum| sum <= MOST_ITEMS);
            sum.ok_or_else(|| Failure::Input(format!("{b} {of}, which with {a} are more than a state can hold")))
        };
        let before = saved.rows;
        saved.rows = sum(saved.rows, other.saved.rows, "rows")?;
        saved.skipped = sum(saved.skipped, other.saved.skipped, "NaN")?;
        let mut all: BTreeMap<_, _> = groups.into_iter().collect();
        for (key, states) in other.groups {
            // The types of the keys are read from them, so these are kept up with the states.
            saved.groups.entry(key.clone()).or_default();
            let first = all.entry(key).or_insert_with(|| plan.identity());
            plan.merge(first, states, before);
        }
        Ok(Self { saved, plan, groups: all.into_iter().collect() })
    }
}

fn by(columns: &[String]) -> String {
    columns.iter().map(|column| format!(" by {column:?}")).collect()
}

/// All of them as one, the rows of each after those of the one before.
///
/// # Errors
/// [`Failure::Input`] when two of them compute different things, naming both.
pub(crate) fn merged(files: &[&Path]) -> Result<Opened, Failure> {
    let mut all: Option<Opened> = None;
    for path in files {
        let next = Opened::open(path)?;
        all = Some(match all {
            None => next,
            Some(before) => before.merge(next).map_err(|failure| {
                let first = files[0].display();
                Failure::Input(format!("{} holds {failure} as in {first}", path.display()))
            })?,
        });
    }
    all.ok_or_else(|| Failure::Usage("there is no state to merge".into()))
}
