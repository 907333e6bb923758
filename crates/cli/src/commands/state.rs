//! `strix state`: merges, shows and verifies what `strix reduce --save` saved.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::files::{File, check_folder, write_all};
use crate::args::{AnswerOutput, State};
use crate::failure::Failure;
use crate::output::counted;
use crate::present::{self, Answer, Kind};
use crate::table::{ByGroup, Opened, Plan, Saved, merged};

pub(crate) fn run(command: &State) -> Result<(), Failure> {
    match command {
        State::Merge { files, output } => merge(files, output),
        State::Show { file, json } => show(file, *json),
        State::Verify { files } => verify(files),
    }
}

fn merge(files: &[PathBuf], output: &AnswerOutput) -> Result<(), Failure> {
    if let Some(path) = &output.out {
        Kind::of(path)?;
    }
    [&output.out, &output.save].into_iter().flatten().try_for_each(|path| check_folder(path))?;
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let Opened { saved, plan, groups } = merged(&paths)?;
    let mut files = Vec::new();
    if let Some(path) = &output.save {
        let saved = Saved::new(&plan, &saved.by, saved.nan()?, &groups, saved.rows, saved.skipped)?;
        files.push(File { path, bytes: saved.to_bytes()? });
    }
    let answer = answer(&saved, &plan, groups);
    if let Some(path) = &output.out {
        files.push(File { path, bytes: present::file(path, &answer)? });
    }
    let mut out = std::io::stdout().lock();
    match (output.csv, output.json) {
        (true, _) => present::csv(&answer, &mut out)?,
        (_, true) => present::json(&answer, &mut out)?,
        _ => present::text(&answer, &mut out)?,
    }
    out.flush()?;
    write_all(&files)
}

fn show(file: &Path, as_json: bool) -> Result<(), Failure> {
    let Opened { saved, plan, groups } = merged(&[file])?;
    let signature = plan.signature();
    let answer = answer(&saved, &plan, groups);
    let mut out = std::io::stdout().lock();
    if as_json {
        let shown = json!({
            "rows": saved.rows,
            "nan_skipped": saved.skipped,
            "by": saved.by,
            "aggregators": signature,
            "answer": serde_json::to_value(&answer)?,
        });
        serde_json::to_writer(&mut out, &shown)?;
        return Ok(writeln!(out)?);
    }
    writeln!(out, "rows         {}", saved.rows)?;
    if saved.skipped > 0 {
        writeln!(out, "NaN skipped  {}", saved.skipped)?;
    }
    if !saved.by.is_empty() {
        writeln!(out, "by           {}", saved.by.join(", "))?;
    }
    writeln!(out, "aggregators  {signature}\n")?;
    present::text(&answer, &mut out)
}

fn verify(files: &[PathBuf]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let mut broken = 0;
    for file in files {
        match Opened::open(file) {
            Ok(Opened { saved, .. }) => writeln!(out, "{}: whole, {}", file.display(), counted(saved.rows, "row"))?,
            Err(failure) => {
                broken += 1;
                writeln!(out, "{failure}")?;
            }
        }
    }
    if broken > 0 {
        return Err(Failure::Input(format!("{broken} of {} states cannot be used", files.len())));
    }
    Ok(())
}

fn answer(saved: &Saved, plan: &Plan, groups: ByGroup) -> Answer {
    let rows = groups.into_iter().map(|(key, states)| (key, plan.finish(states))).collect();
    let statistics = plan.statistics.iter().map(|s| s.text.clone()).collect();
    Answer { by: saved.by.clone(), statistics, rows }
}
