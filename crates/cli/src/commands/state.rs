//! `strix state`: merges, shows and verifies what `strix reduce --save` saved.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use strix_table::State;

use super::files::{File, check_folder, write_all};
use crate::args::{self, AnswerOutput};
use crate::failure::Failure;
use crate::output::counted;
use crate::present::{self, Kind};

pub(crate) fn run(command: &args::State) -> Result<(), Failure> {
    match command {
        args::State::Merge { files, output } => merge(files, output),
        args::State::Show { file, json } => show(file, *json),
        args::State::Verify { files } => verify(files),
    }
}

fn merge(files: &[PathBuf], output: &AnswerOutput) -> Result<(), Failure> {
    if let Some(path) = &output.out {
        Kind::of(path)?;
    }
    [&output.out, &output.save].into_iter().flatten().try_for_each(|path| check_folder(path))?;
    let paths: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let state = State::merged(&paths)?;
    let mut files = Vec::new();
    if let Some(path) = &output.save {
        files.push(File { path, bytes: state.to_bytes()? });
    }
    let answer = state.answer()?;
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
    let state = State::open(file)?;
    let (rows, skipped, by, aggregators) = (state.rows(), state.skipped(), state.by().to_vec(), state.aggregators());
    let answer = state.answer()?;
    let mut out = std::io::stdout().lock();
    if as_json {
        let shown = json!({
            "rows": rows,
            "nan_skipped": skipped,
            "by": by,
            "aggregators": aggregators,
            "answer": serde_json::to_value(&answer)?,
        });
        serde_json::to_writer(&mut out, &shown)?;
        return Ok(writeln!(out)?);
    }
    writeln!(out, "rows         {rows}")?;
    if skipped > 0 {
        writeln!(out, "NaN skipped  {skipped}")?;
    }
    if !by.is_empty() {
        writeln!(out, "by           {}", by.join(", "))?;
    }
    writeln!(out, "aggregators  {aggregators}\n")?;
    present::text(&answer, &mut out)
}

fn verify(files: &[PathBuf]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let mut broken = 0;
    for file in files {
        match State::open(file) {
            Ok(state) => writeln!(out, "{}: whole, {}", file.display(), counted(state.rows(), "row"))?,
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
