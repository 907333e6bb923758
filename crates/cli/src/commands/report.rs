//! `strix report`: several runs beside each other.

use std::io::Write;

use serde_json::json;
use strix_train::report::{Comparison, Figure, compare};
use strix_train::run::Run;

use crate::args::Report;
use crate::failure::Failure;

pub(crate) fn run(args: &Report) -> Result<(), Failure> {
    let read = |path: &std::path::PathBuf| {
        let run = Run::open(path)?;
        Ok((path.display().to_string(), run.read_manifest()?, run.read_evaluation()?))
    };
    let runs = args.runs.iter().map(read).collect::<Result<Vec<_>, strix_train::Error>>()?;
    let (groups, comparisons) = compare(&runs)?;
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
    for Comparison { metric, groups: [one, other], difference, p_value, better } in &comparisons {
        let verdict = match (better, p_value) {
            (Some(better), Some(p)) => format!("{better} is better (p {p:.2e})"),
            (None, Some(p)) => format!("no difference can be told (p {p:.3})"),
            _ => "needs two runs or more of both".into(),
        };
        writeln!(out, "{metric:<18} {one} - {other} = {difference:+.5}: {verdict}")?;
    }
    Ok(())
}
