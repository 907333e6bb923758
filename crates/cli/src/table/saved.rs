//! A reduction on disk: what it computes, and the state of every group.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use strix_reduce::state::{Envelope, MOST_ITEMS};

use super::key::Key;
use super::lane::ItemType;
use super::plan::{ByGroup, GroupStates, Plan};
use crate::failure::Failure;
use crate::statistic::parse;

/// A reduction that was saved, or is to be.
///
/// The bytes are those of [`strix_reduce::state`], with a signature that names the keys and every aggregator
/// with its parameters and item type, and this as the payload; each state inside is in that form again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    /// The columns of `--by`.
    pub(crate) by: Vec<String>,
    /// The statistics as they were asked for, and their columns.
    statistics: Vec<(String, Vec<String>)>,
    columns: Vec<(String, ItemType)>,
    /// NaN left out.
    pub(crate) skipped: u64,
    /// States by lane, by aggregator.
    groups: BTreeMap<Vec<Key>, Vec<Vec<Vec<u8>>>>,
    #[serde(skip)]
    pub(crate) rows: u64,
}

impl Saved {
    /// A reduction as it is to be saved.
    pub(crate) fn new(plan: &Plan, by: &[String], groups: &ByGroup, rows: u64, skipped: u64) -> Result<Self, Failure> {
        let written = groups.iter().map(|(key, states)| Ok((key.clone(), plan.write(states, rows)?)));
        Ok(Self {
            by: by.to_vec(),
            statistics: plan.statistics.iter().map(|s| (s.text.clone(), s.columns.clone())).collect(),
            columns: plan.item_types(),
            skipped,
            groups: written.collect::<Result<_, Failure>>()?,
            rows,
        })
    }

    /// The plan that its states belong to.
    pub(crate) fn plan(&self) -> Result<Plan, Failure> {
        let damaged = |what: String| Failure::Input(format!("the saved statistics are damaged: {what}"));
        let mut statistics = Vec::new();
        for (text, columns) in &self.statistics {
            let [mut statistic] = <[_; 1]>::try_from(parse(text).map_err(damaged)?)
                .map_err(|_| damaged(format!("{text:?} is not one statistic")))?;
            statistic.columns.clone_from(columns);
            statistics.push(statistic);
        }
        Plan::new(statistics, |column| {
            let known = self.columns.iter().find(|(name, _)| name == column);
            Ok(known.map_or(ItemType::F64, |&(_, item)| item))
        })
    }

    /// The states, checked.
    pub(crate) fn states(&self, plan: &Plan) -> Result<ByGroup, Failure> {
        self.groups.iter().map(|(key, states)| Ok((key.clone(), plan.read(states)?))).collect()
    }

    fn signature(&self, plan: &Plan) -> String {
        let by = self.by.iter().map(|column| format!(" by {column:?}")).collect::<String>();
        format!("{}{by}", plan.signature())
    }

    /// Its bytes.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, Failure> {
        if self.rows > MOST_ITEMS {
            return Err(Failure::Input(format!("{} rows are more than a state can hold", self.rows)));
        }
        let payload =
            postcard::to_stdvec(self).map_err(|e| Failure::Internal(format!("a state does not save: {e}")))?;
        Ok(Envelope { signature: self.signature(&self.plan()?), items: self.rows, payload }.to_bytes())
    }

    /// Reads a file that [`Saved::to_bytes`] made, and checks every state in it.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let bad = |what: &dyn std::fmt::Display| Failure::Input(format!("{}: {what}", path.display()));
        let bytes = std::fs::read(path).map_err(|e| bad(&format!("cannot read it: {e}")))?;
        Self::from_bytes(&bytes).map_err(|failure| bad(&failure))
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Failure> {
        let envelope = Envelope::from_bytes(bytes)?;
        let (saved, rest) = postcard::take_from_bytes::<Self>(&envelope.payload)
            .map_err(|e| Failure::Input(format!("holds no saved reduction: {e}")))?;
        if !rest.is_empty() {
            return Err(Failure::Input(format!("{} bytes follow the saved reduction", rest.len())));
        }
        let saved = Self { rows: envelope.items, ..saved };
        let plan = saved.plan()?;
        let signature = saved.signature(&plan);
        if signature != envelope.signature {
            return Err(Failure::Input(format!("says {}, but holds {signature}", envelope.signature)));
        }
        if let Some(key) = saved.groups.keys().find(|key| key.len() != saved.by.len()) {
            return Err(Failure::Input(format!("has a key of {} columns, not {}", key.len(), saved.by.len())));
        }
        saved.states(&plan)?;
        Ok(saved)
    }
}

/// All of them as one, the rows of each after those of the one before.
///
/// # Errors
/// [`Failure::Input`] when two of them compute different things, naming both.
pub(crate) fn merged(files: &[&Path]) -> Result<(Saved, Plan, ByGroup), Failure> {
    let mut all: Option<(Saved, Plan, BTreeMap<Vec<Key>, GroupStates>)> = None;
    for path in files {
        let saved = Saved::open(path)?;
        let plan = saved.plan()?;
        let states = saved.states(&plan)?;
        let Some((first, plan, groups)) = &mut all else {
            all = Some((saved, plan, states.into_iter().collect()));
            continue;
        };
        let (expected, found) = (first.signature(plan), saved.signature(&saved.plan()?));
        if expected != found || first.statistics != saved.statistics {
            return Err(Failure::Input(format!(
                "{} holds {found}, but {} holds {expected}; only states of the same statistics merge",
                path.display(),
                files[0].display()
            )));
        }
        for (key, states) in states {
            let before = groups.remove(&key).unwrap_or_else(|| plan.identity());
            groups.insert(key, plan.merge(before, states, first.rows));
        }
        first.rows += saved.rows;
        first.skipped += saved.skipped;
        if first.rows > MOST_ITEMS {
            return Err(Failure::Input(format!("{} rows are more than a state can hold", first.rows)));
        }
    }
    let (saved, plan, groups) = all.ok_or_else(|| Failure::Usage("there is no state to merge".into()))?;
    Ok((saved, plan, groups.into_iter().collect()))
}
