//! What a study leaves: the best options, all trials as tables, a page to look at.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value as Json, json};
use strix_table::{Answer, Value};
use strix_train::run::{shell_word, write_whole};
use strix_tune::{State, Stored, Study, best};

use super::plan::{DIRECTION, Plan};
use super::worker::{finished, runs, tidy};
use crate::args::{self, Dataset};
use crate::failure::Failure;
use crate::output::percent;
use crate::present;

/// Options of a training that are of this machine or of this search alone, and do not go into best-params.json.
const OWN: [&str; 5] = ["device", "label-share", "limit", "seed", "train-share"];

/// How a search stands.
pub(super) struct Written {
    /// Whether all trials have ended.
    pub(super) all_ended: bool,
    /// Why trials that have ended came to nothing, if all did.
    pub(super) in_vain: Option<String>,
}

/// Writes all of it, and tells the best.
pub(super) fn write(plan: &Plan, study: &mut Study, took: Duration) -> Result<Written, Failure> {
    let trials = study.trials()?;
    tidy(&plan.out, &trials, true)?;
    let table = table(plan, &trials);
    for name in ["trials.csv", "trials.parquet"] {
        let path = plan.out.join(name);
        put(&path, &present::file(&path, &table)?)?;
    }
    let best = best(&trials, DIRECTION);
    let title = format!("{}: validation accuracy", study.name());
    let page = strix_tune::html(&title, &plan.space, &trials, DIRECTION)?;
    put(&plan.out.join("study.html"), page.as_bytes())?;
    let count = |state: State| trials.iter().filter(|stored| stored.trial.state == state).count();
    let ended = trials.len() - count(State::Running) - count(State::Waiting);
    // Of the time that workers spent, not of the clock: so many trials does one worker run in an hour.
    let seconds: f64 = trials.iter().filter_map(|stored| stored.seconds).sum();
    let an_hour = if seconds > 0.0 { 3600.0 * ended as f64 / seconds } else { 0.0 };
    let summary = json!({
        "study": study.name(), "storage": plan.place(), "complete": count(State::Complete), "pruned": count(State::Pruned),
        "failed": count(State::Failed), "waiting": count(State::Waiting), "running": count(State::Running),
        "trial_seconds": seconds, "trials_an_hour_and_worker": an_hour, "seconds": took.as_secs_f64(), "jobs": plan.args.jobs,
        "sampler": name(&plan.args.sampler), "pruner": name(&plan.args.pruner),
    });
    put(&plan.out.join("summary.json"), pretty(&summary)?.as_bytes())?;
    let mut told = String::new();
    if let Some(best) = best {
        let value = best.trial.value.unwrap_or(f64::NAN);
        let run = Some(runs(&plan.out).join(best.trial.number.to_string())).filter(|run| finished(run));
        let params = json!({
            "study": study.name(), "trial": best.trial.number, "validation_accuracy": value,
            "run": run.as_ref().map(|run| run.display().to_string()), "options": options(plan, best),
        });
        let file = plan.out.join("best-params.json");
        put(&file, pretty(&params)?.as_bytes())?;
        let run = run.map_or("with the worker that trained it".into(), |run| run.display().to_string());
        let (number, value) = (best.trial.number, percent(value));
        told = format!(
            "best: trial {number}, {value} validation accuracy\nits run: {run}\nnext: strix train --params {}\n",
            shell_word(&file)
        );
    }
    // All is written; now a reader of the output may have gone.
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{ended} trials ended: {} complete, {} pruned, {} failed; {an_hour:.0} an hour and worker, {:.0} s here",
        count(State::Complete),
        count(State::Pruned),
        count(State::Failed),
        took.as_secs_f64()
    )?;
    write!(out, "{told}")?;
    let in_vain = (best.is_none() && ended > 0).then(|| in_vain(&plan.out, &trials));
    Ok(Written { all_ended: ended as u64 >= plan.limit(), in_vain })
}

/// What trials of which none is complete failed of, those reasons first that are most frequent, and what to try.
fn in_vain(out: &Path, trials: &[Stored]) -> String {
    const MOST: usize = 3;
    let (mut failed, mut reasons) = (0, BTreeMap::<&str, usize>::new());
    for stored in trials.iter().filter(|stored| stored.trial.state == State::Failed) {
        failed += 1;
        let why = stored.attributes.get("failure").and_then(Json::as_str);
        *reasons.entry(why.unwrap_or("its worker gave no reason")).or_default() += 1;
    }
    let pruned = trials.iter().filter(|stored| stored.trial.state == State::Pruned).count();
    let mut reasons: Vec<(&str, usize)> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, times)| Reverse(*times));
    let told = |(why, times): &(&str, usize)| format!("{why} ({times} of {failed})");
    let told: Vec<String> = reasons.iter().take(MOST).map(told).collect();
    let mut ends = Vec::new();
    if failed > 0 {
        ends.push(format!("{failed} failed: {}", told.join("; ")));
    }
    if pruned > 0 {
        ends.push(format!("{} pruned", if pruned == 1 { String::from("1 was") } else { format!("{pruned} were") }));
    }
    format!(
        "no trial came to its end, so there are no best options: {}; search where trainings are stable and networks fit the \
         images; every reason is in {}",
        ends.join("; "),
        out.join("trials.csv").display()
    )
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    Ok(write_whole(path, |file| file.write_all(bytes))?)
}

fn pretty(json: &Json) -> Result<String, Failure> {
    Ok(serde_json::to_string_pretty(json)? + "\n")
}

/// A choice as it is given.
fn name(choice: &impl clap::ValueEnum) -> String {
    choice.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

/// The options of a trial: those that were given, and those that were found.
fn options(plan: &Plan, best: &Stored) -> Map<String, Json> {
    let mut options = Map::new();
    options.insert("model".into(), json!(name(&plan.args.settings.network.model)));
    let names = ["data", "dataset", "image-size"].map(str::to_owned).into_iter().chain(args::of_network_and_recipe());
    for name in names.filter(|name| !OWN.contains(&name.as_str())) {
        let Some(mut value) = args::value_of(&plan.options, &name) else { continue };
        // Files are found from anywhere.
        if name == "data"
            || name == "weights"
            || (name == "dataset" && matches!(plan.dataset(), Some(Dataset::Folder(_))))
        {
            value = std::path::absolute(&value).map_or(value, |path| path.display().to_string());
        }
        // A number where it is one.
        let number = serde_json::from_str::<Json>(&value).ok().filter(|json| json.is_number() || json.is_boolean());
        options.insert(name, number.unwrap_or(Json::String(value)));
    }
    options.extend(best.values.iter().map(|(name, value)| (name.clone(), value.clone())));
    options
}

/// A row for each trial.
fn table(plan: &Plan, trials: &[Stored]) -> Answer {
    let mut columns: Vec<String> =
        ["number", "state", "value", "steps", "started_utc", "ended_utc", "seconds"].map(str::to_owned).to_vec();
    let mut names: Vec<String> = plan.space.parameters().iter().map(|parameter| parameter.name.clone()).collect();
    // Those of others who work on the study.
    for name in trials.iter().flat_map(|stored| stored.values.keys()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    columns.extend(names.iter().cloned());
    columns.push("failure".into());
    let cell = |value: Option<&Json>| match value {
        None | Some(Json::Null) => Value::Missing,
        Some(Json::Bool(value)) => Value::of(Some(*value)),
        Some(Json::Number(number)) => Value::Decimal(number.to_string()),
        Some(Json::String(text)) => Value::Text(text.clone()),
        Some(other) => Value::Text(other.to_string()),
    };
    let rows = trials.iter().map(|stored| {
        let trial = &stored.trial;
        let mut row = vec![
            Value::of(Some(trial.number)),
            Value::Text(trial.state.to_string()),
            Value::of(trial.value),
            Value::of(Some(trial.reports.len() as u64)),
            Value::of(stored.started.clone()),
            Value::of(stored.ended.clone()),
            Value::of(stored.seconds),
        ];
        row.extend(names.iter().map(|name| cell(stored.values.get(name))));
        row.push(cell(stored.attributes.get("failure")));
        row
    });
    Answer::from_rows(Vec::new(), columns, &rows.collect::<Vec<_>>())
}
