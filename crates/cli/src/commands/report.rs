//! `strix report`: several runs beside each other.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;
use strix_train::report::{Comparison, Figure, compare};
use strix_train::run::Run;

use crate::args::Report;
use crate::commands::dataset::warn;
use crate::failure::Failure;

pub(crate) fn run(args: &Report) -> Result<(), Failure> {
    refuse_twice(&args.runs)?;
    let read = |path: &PathBuf| {
        let run = Run::open(path)?;
        Ok((path.display().to_string(), run.read_manifest()?, run.read_evaluation()?))
    };
    let runs = args.runs.iter().map(read).collect::<Result<Vec<_>, strix_train::Error>>()?;
    let (groups, comparisons) = compare(&runs)?;
    for (name, manifest, record) in &runs {
        if let Some(tested) = record.tested.as_ref().filter(|tested| !tested.differences.is_empty()) {
            let (then, what) = (&manifest.dataset.name, tested.differences.join("; "));
            warn(&format!("{name} was trained on {then}, but tested on {}, which has {what}.", tested.name));
        }
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &json!({"groups": groups, "comparisons": comparisons}))?;
        return Ok(writeln!(out)?);
    }
    for group in &groups {
        writeln!(out, "{}: {}", group.name, group.runs.join(", "))?;
        writeln!(out, "  {:<18} {:>12} {:>12}  95 % confidence", "metric", "mean", "sd")?;
        for Figure { metric, mean, sd, confidence, .. } in &group.figures {
            let shown = |value: &Option<f64>| value.map_or("-".into(), |value| format!("{value:.5}"));
            let interval = match confidence {
                Some(by) => format!("{:.5} to {:.5}", mean - by, mean + by),
                None => "needs two runs or more".into(),
            };
            writeln!(out, "  {metric:<18} {mean:>12.5} {:>12}  {interval}", shown(sd))?;
        }
        writeln!(out)?;
    }
    for Comparison { metric, groups: [one, other], paired_seeds, difference, adjusted_p_value, better, .. } in
        &comparisons
    {
        let pairs = paired_seeds.as_ref().map_or("no pairs".into(), |seeds| format!("{} pairs", seeds.len()));
        let verdict = match (better, adjusted_p_value) {
            (Some(better), Some(p)) => format!("{better} is better (p {p:.2e}, {pairs})"),
            (None, Some(p)) => format!("no difference can be told (p {p:.3}, {pairs})"),
            _ => "chance cannot be judged: it takes two runs or more of each, with differences that vary".into(),
        };
        writeln!(out, "{metric:<18} {one} - {other} = {difference:+.5}: {verdict}")?;
    }
    let known = comparisons.iter().filter(|comparison| comparison.p_value.is_some()).count();
    if known > 0 {
        writeln!(out, "\np is corrected for {known} comparisons (Holm); runs of equal seeds are pairs")?;
    }
    Ok(())
}

/// A run that counts twice would make the figures surer than they are.
fn refuse_twice(runs: &[PathBuf]) -> Result<(), Failure> {
    let mut known: Vec<(PathBuf, &PathBuf)> = Vec::new();
    for run in runs {
        let real = std::fs::canonicalize(run).unwrap_or_else(|_| run.clone());
        if let Some((_, before)) = known.iter().find(|(other, _)| *other == real) {
            let (before, run) = (before.display(), run.display());
            return Err(Failure::Usage(format!(
                "{before} and {run} are the same run, which counts once; leave one out"
            )));
        }
        known.push((real, run));
    }
    Ok(())
}
