//! `strix reduce`: files to statistics, in one pass over memory.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use etcetera::BaseStrategy;
use serde::Serialize;
use strix_reduce::{EngineChoice, EngineReport};
use strix_table::describe::Detail;
use strix_table::files::Opened;
use strix_table::{Answer, Question, Statistic, Value, default_statistics};

use super::files::{File, check_folder, write_all};
use crate::args::Reduce;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::{counted, grouped};
use crate::present::{self, GroupedMean, Kind};
use crate::progress::Progress;

/// All that `--json` prints of statistics without columns.
#[derive(Debug, Serialize)]
struct Report {
    engine: &'static str,
    adapter: Option<String>,
    /// Why `auto` is not on the GPU.
    fallback: Option<String>,
    files: usize,
    dtype: String,
    /// Bytes of the elements, uncompressed.
    bytes: u64,
    /// From the first open to the answer.
    seconds: f64,
    nan_skipped: u64,
    #[serde(serialize_with = "as_object")]
    stats: Vec<(String, Value)>,
}

fn as_object<S: serde::Serializer>(stats: &[(String, Value)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(stats.iter().map(|(name, value)| (name, value)))
}

pub(crate) fn run(args: Reduce) -> Result<(), Failure> {
    let started = Instant::now();
    let args = &args;
    let (question, bars) = question(args)?;
    if let Some(path) = &args.output.out {
        Kind::of(path)?;
    }
    let written = [&args.output.out, &args.output.save, &args.plot];
    written.into_iter().flatten().try_for_each(|path| check_folder(path))?;
    if args.output.save.is_some() {
        question.check_state()?;
    }
    if let Some(path) = &args.plot {
        check_plot(path, &question, args)?;
    }
    interrupt::listen()?;

    let progress = Progress::default();
    let files = args.input.files().column(args.column.clone()).engine(args.engine).crossovers(crossovers());
    let mut opened = files.open(&progress)?;
    let of_columns = !args.by.is_empty() || question.statistics().iter().any(|s| !s.columns().is_empty());
    let nothing_asked = args.stats.is_empty() && args.by.is_empty() && args.column.is_none();
    if nothing_asked && !opened.is_array() && !opened.is_one_column(&progress)? {
        return describe(args, opened, started, &progress);
    }
    let outcome = opened.reduce(&question, &progress)?;
    let seconds = started.elapsed().as_secs_f64();
    note(outcome.notes())?;
    let (rows, skipped, item) = (outcome.rows(), outcome.skipped(), outcome.item());
    let (report, cancelled) = (outcome.report().clone(), outcome.cancelled().map(str::to_owned));
    if args.explain {
        explain(args.engine, &report)?;
    }
    let mut files = Vec::new();
    let answer = match &args.output.save {
        None => outcome.answer()?,
        Some(path) => {
            let state = outcome.state()?;
            files.push(File { path, bytes: state.to_bytes()? });
            state.answer()?
        }
    };
    let asked = question.statistics().len() - 2 * bars.len();
    let means: Vec<GroupedMean> = bars.iter().map(|bar| bar.of(&answer)).collect();
    let answer = answer.first(asked);

    // The picture may fail for what is in the answer, which is printed all the same.
    let undrawn = also(args, &answer, &means, &mut files)?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if args.output.csv {
        present::csv(&answer, &mut out)?;
    } else if of_columns && args.output.json {
        present::json(&answer, &mut out)?;
    } else {
        let (dtype, bytes) = item.map_or_else(|| ("rows".into(), 0), |(name, bytes)| (name, rows * bytes));
        let stats =
            if of_columns { Vec::new() } else { answer.statistics().iter().cloned().zip(answer.row(0)).collect() };
        let report = Report {
            engine: report.engine,
            adapter: report.adapter,
            fallback: report.fallback,
            files: args.input.files.len(),
            dtype,
            bytes,
            seconds,
            nan_skipped: skipped,
            stats,
        };
        if args.output.json {
            serde_json::to_writer(&mut out, &report)?;
            writeln!(out)?;
        } else if of_columns {
            present::text(&answer, &mut out)?;
            let groups = (!answer.by().is_empty()).then_some(answer.len());
            writeln!(out, "\n{}", rows_summary(report.files, rows, groups, skipped, seconds))?;
        } else {
            for (stat, value) in &report.stats {
                writeln!(out, "{stat:<20}  {}", value.text())?;
            }
            writeln!(out, "\n{}", summary(&report))?;
        }
    }
    out.flush()?;
    finish(cancelled, undrawn, &files)
}

/// Writes the files, unless the answer is not of all rows or one of them could not be made.
pub(super) fn finish(cancelled: Option<String>, undrawn: Option<Failure>, files: &[File<'_>]) -> Result<(), Failure> {
    let Some(place) = cancelled else { return undrawn.map_or_else(|| write_all(files), Err) };
    let mut message = format!("stopped {place}; the statistics are of what was read");
    if !files.is_empty() {
        // A file that is there may be of all the rows, and does not give way to less.
        let paths: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
        message += &format!("; not written: {}", paths.join(", "));
    }
    Err(Failure::Interrupted(message))
}

/// What is asked, and what is computed beside it for error bars.
fn question(args: &Reduce) -> Result<(Question, Vec<ErrorBars>), Failure> {
    let mut question = match (&args.stats[..], &args.by[..], &args.column) {
        ([], [_, ..], None) => Question::parse("count")?,
        ([], ..) => Question::new(default_statistics()?)?,
        (stats, ..) => Question::parse(&stats.join(","))?,
    };
    if !args.by.is_empty() {
        question = question.by_list(&args.by.join(","))?;
    }
    if args.exact {
        question = question.exact()?;
    }
    question = question.nan(args.input.nan.unwrap_or_default()).memory(args.input.memory());
    let mut bars = Vec::new();
    if args.plot.is_some() && !args.by.is_empty() {
        let means: Vec<(usize, Statistic)> = question.statistics().iter().cloned().enumerate().collect();
        for (mean, statistic) in means.into_iter().filter(|(_, statistic)| has_error_bar(statistic, args)) {
            let sd = question.statistics().len();
            bars.push(ErrorBars { title: statistic.text().to_owned(), mean, sd, count: sd + 1 });
            question = question.beside([statistic.renamed("sample_sd")?, statistic.renamed("count")?.of_items()]);
        }
    }
    Ok((question, bars))
}

/// Where what was measured of this machine's engines is kept, with what the machine can make again.
fn crossovers() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.cache_dir().join("strix/crossovers.tsv"))
}

/// The description of a table of which nothing was asked.
fn describe(args: &Reduce, opened: Opened, started: Instant, progress: &Progress) -> Result<(), Failure> {
    if args.output.save.is_some() {
        let what = "--save: a description of all columns is no state; name statistics with --stats";
        return Err(Failure::Usage(what.into()));
    }
    let nan = args.input.nan.unwrap_or_default();
    let description = opened.describe(Detail::Short, nan, args.input.memory(), progress)?;
    let seconds = started.elapsed().as_secs_f64();
    note(&description.notes)?;
    let answer = description.to_answer(Detail::Short);
    let mut files = Vec::new();
    let undrawn = also(args, &answer, &[], &mut files)?;
    let mut out = std::io::stdout().lock();
    if args.output.csv {
        present::csv(&answer, &mut out)?;
    } else if args.output.json {
        present::json(&answer, &mut out)?;
    } else {
        present::text(&answer, &mut out)?;
        let files = args.input.files.len();
        writeln!(out, "\n{}", rows_summary(files, description.rows, None, description.nan, seconds))?;
    }
    out.flush()?;
    finish(description.cancelled, undrawn, &files)
}

/// The files that an answer is written to too; why no picture could be made of it.
fn also<'a>(
    args: &'a Reduce,
    answer: &Answer,
    means: &[GroupedMean],
    files: &mut Vec<File<'a>>,
) -> Result<Option<Failure>, Failure> {
    if let Some(path) = &args.output.out {
        files.push(File { path, bytes: present::file(path, answer)? });
    }
    if let Some(path) = &args.plot {
        match present::plot(path, answer, means) {
            Ok(bytes) => files.push(File { path, bytes }),
            Err(failure) => return Ok(Some(failure)),
        }
    }
    Ok(None)
}

/// Notes shown; of many files they are alike.
const NOTES: usize = 3;

/// Says what was decided in doubt.
pub(super) fn note(notes: &[String]) -> Result<(), Failure> {
    let mut out = std::io::stderr().lock();
    for note in notes.iter().take(NOTES) {
        writeln!(out, "note: {note}")?;
    }
    if notes.len() > NOTES {
        writeln!(out, "note: and {} more like these", notes.len() - NOTES)?;
    }
    Ok(())
}

/// Which engine it was, and why.
fn explain(asked: EngineChoice, report: &EngineReport) -> Result<(), Failure> {
    let reason = match (&report.plan, &report.fallback) {
        (_, Some(reason)) | (Some(reason), None) => reason.as_str(),
        (None, None) if asked == EngineChoice::Auto => "it is the only one that could",
        (None, None) => "it was asked for by name",
    };
    let adapter = report.adapter.as_ref().map(|adapter| format!(", {adapter}")).unwrap_or_default();
    Ok(writeln!(std::io::stderr(), "engine: {}{adapter}: {reason}", report.engine)?)
}

/// One line on what was read and who did the work.
fn summary(report: &Report) -> String {
    let engine = match (&report.adapter, &report.fallback) {
        (Some(adapter), _) => format!("on the GPU, {adapter}"),
        (None, Some(reason)) => format!("on the CPU ({reason})"),
        (None, None) => "on the CPU".into(),
    };
    let rate = report.bytes as f64 / report.seconds / 1e9;
    format!(
        "{}, {} bytes of {}{}, in {:.3} s ({rate:.2} GB/s) {engine}",
        counted(report.files as u64, "file"),
        grouped(report.bytes),
        report.dtype,
        skipped(report.nan_skipped),
        report.seconds
    )
}

fn rows_summary(files: usize, rows: u64, groups: Option<usize>, nan: u64, seconds: f64) -> String {
    let groups = groups.map_or_else(String::new, |groups| format!(" in {}", counted(groups as u64, "group")));
    let (files, rows) = (counted(files as u64, "file"), counted(rows, "row"));
    format!("{files}, {rows}{groups}{}, in {seconds:.3} s", skipped(nan))
}

fn skipped(nan: u64) -> String {
    if nan == 0 { String::new() } else { format!(", {} NaN skipped", grouped(nan)) }
}

/// Refuses a picture of nothing before anything is read.
fn check_plot(path: &Path, question: &Question, args: &Reduce) -> Result<(), Failure> {
    if path.extension().is_none_or(|ending| ending != "svg") {
        return Err(Failure::Usage(format!("--plot {}: the picture is an .svg", path.display())));
    }
    if question.statistics().iter().any(|s| s.is_histogram() || has_error_bar(s, args)) {
        return Ok(());
    }
    let what = "--plot draws histogram(column, low, high, bins), and mean(column) with --by; neither is asked for";
    Err(Failure::Usage(what.into()))
}

/// A mean by group, of a column that is named: a count without one would be of rows.
fn has_error_bar(statistic: &Statistic, args: &Reduce) -> bool {
    let named = !statistic.columns().is_empty() || args.column.is_some();
    statistic.is_mean() && !args.by.is_empty() && named
}

/// Where the mean, standard deviation and count of a column are among the statistics.
struct ErrorBars {
    title: String,
    mean: usize,
    sd: usize,
    count: usize,
}

impl ErrorBars {
    fn of(&self, answer: &Answer) -> GroupedMean {
        let groups = (0..answer.len()).filter_map(|group| {
            let key: Vec<String> = answer.key(group).map(|cell| cell.text()).collect();
            let number = |statistic: usize| answer.value(group, statistic).as_f64();
            let mean = number(self.mean).filter(|mean| mean.is_finite())?;
            // The normal distribution's 97.5 % point; a group of one has no bar.
            let half = match (number(self.sd), number(self.count)) {
                (Some(sd), Some(n)) if sd.is_finite() => 1.959_964 * sd / n.sqrt(),
                _ => 0.0,
            };
            Some((key.join(", "), mean, half))
        });
        GroupedMean { title: self.title.clone(), groups: groups.collect() }
    }
}
