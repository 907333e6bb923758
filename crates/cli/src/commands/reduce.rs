//! `strix reduce`: files to statistics, in one pass over memory.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde::Serialize;
use strix_data::Source;
use strix_reduce::{EngineChoice, EngineReport};

use super::files::{File, check_folder, write_all};
use crate::args::Reduce;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::{Value, counted, grouped};
use crate::present::{self, Answer, GroupedMean, Kind};
use crate::reduction::{Outcome, check_options, described, formats, reduce_arrays, reduce_tables};
use crate::statistic::{DEFAULT, Family, Read, Statistic, columns, exactly, parse};
use crate::table::{ItemType, Room, Saved};

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

pub(crate) fn run(mut args: Reduce) -> Result<(), Failure> {
    let started = Instant::now();
    let by = args.by.iter().map(|list| columns(list)).collect::<Result<Vec<_>, _>>();
    args.by = by.map_err(|what| Failure::Usage(format!("--by: {what}")))?.concat();
    let args = &args;
    let list = match (&args.stats[..], &args.by[..], &args.column) {
        ([], [_, ..], None) => "count".to_owned(),
        ([], ..) => DEFAULT.to_owned(),
        (stats, ..) => stats.join(","),
    };
    let mut statistics = parse(&list).map_err(|what| Failure::Usage(format!("--stats: {what}")))?;
    if args.exact {
        exactly(&mut statistics).map_err(|what| Failure::Usage(format!("--exact: {what}")))?;
    }
    let names: Vec<&String> = args.by.iter().chain(statistics.iter().map(|s| &s.text)).collect();
    if let Some((_, name)) = names.iter().enumerate().find(|&(at, name)| names[..at].contains(name)) {
        let what = "--by and --stats name each column of the answer";
        return Err(Failure::Usage(format!("{what}, but two of them are called {name:?}; choose others with both")));
    }
    if let Some(path) = &args.output.out {
        Kind::of(path)?;
    }
    let written = [&args.output.out, &args.output.save, &args.plot];
    written.into_iter().flatten().try_for_each(|path| check_folder(path))?;
    check_room(args, &statistics)?;
    if let Some(path) = &args.plot {
        check_plot(path, &statistics, args)?;
    }
    let sources: Vec<Source> = args.files.iter().map(Source::parse).collect();
    if sources.iter().filter(|source| matches!(source, Source::Stdin)).count() > 1 {
        return Err(Failure::Usage("- is standard input, which can be read once".into()));
    }
    interrupt::listen()?;

    let of_columns = !args.by.is_empty() || statistics.iter().any(|s| !s.columns.is_empty());
    let mut wanted = statistics;
    let mut asked = wanted.len();
    let means = if args.plot.is_some() && !args.by.is_empty() { for_error_bars(&mut wanted, args) } else { Vec::new() };
    let formats = formats(args, &sources)?;
    check_options(args, &sources, &formats)?;
    let mut description = None;
    let outcome = if !of_columns && formats[0].is_array() {
        reduce_arrays(args, &sources, wanted)?
    } else {
        let mut open = Vec::new();
        if args.stats.is_empty() && args.by.is_empty() && args.column.is_none() {
            let mut found = described(args, &sources, &formats)?;
            open = std::mem::take(&mut found.open);
            if !found.is_alone() {
                wanted = found.statistics.clone();
                asked = wanted.len();
                check_room(args, &wanted)?;
                description = Some(found);
            }
        }
        if description.is_none() && args.stats.is_empty() && args.by.is_empty() {
            // Beside the mean of the only column belongs the number of its items, not that of rows.
            for statistic in wanted.iter_mut().filter(|s| s.family == Family::Count) {
                statistic.family = Family::Items;
            }
        }
        reduce_tables(args, &sources, &formats, wanted, open)?
    };
    let of_columns = of_columns || description.is_some();
    let seconds = started.elapsed().as_secs_f64();
    let mut files = Vec::new();
    if let Some(path) = &args.output.save {
        let saved = Saved::new(
            &outcome.plan.first(asked)?,
            &outcome.by,
            args.nan,
            &outcome.groups,
            outcome.rows,
            outcome.skipped,
        )?;
        files.push(File { path, bytes: saved.to_bytes()? });
    }

    let Outcome { plan, by, groups, rows, skipped, report, item, notes, interrupted } = outcome;
    note(&notes)?;
    if args.explain {
        explain(args.engine, &report)?;
    }
    let names: Vec<String> = plan.statistics.iter().map(|s| s.text.clone()).collect();
    let finished = groups.into_iter().map(|(key, states)| (key, plan.finish(states))).collect();
    let mut answer = Answer { by, statistics: names, rows: finished };
    let means = means.iter().map(|mean| mean.of(&answer)).collect::<Vec<_>>();
    answer.statistics.truncate(asked);
    answer.rows.iter_mut().for_each(|(_, values)| values.truncate(asked));
    let groups = (!answer.by.is_empty()).then_some(answer.rows.len());
    if let Some(description) = description {
        note(&description.notes)?;
        answer = description.of(&answer);
    }

    if let Some(path) = &args.output.out {
        files.push(File { path, bytes: present::file(path, &answer)? });
    }
    // The picture may fail for what is in the answer, which is printed all the same.
    let mut undrawn = None;
    if let Some(path) = &args.plot {
        match present::plot(path, &answer, &means) {
            Ok(bytes) => files.push(File { path, bytes }),
            Err(failure) => undrawn = Some(failure),
        }
    }
    let mut out = std::io::stdout().lock();
    if args.output.csv {
        present::csv(&answer, &mut out)?;
    } else if of_columns && args.output.json {
        present::json(&answer, &mut out)?;
    } else {
        let dtype = item.map_or_else(|| "rows".into(), ItemType::name);
        let bytes = rows * item.map_or(0, |item| item.bytes());
        let files = args.files.len();
        let (engine, adapter, fallback) = (report.engine, report.adapter, report.fallback);
        let stats = if of_columns {
            Vec::new()
        } else {
            let values = answer.rows.first().map(|(_, values)| values.clone()).unwrap_or_default();
            answer.statistics.iter().cloned().zip(values).collect()
        };
        let report = Report { engine, adapter, fallback, files, dtype, bytes, seconds, nan_skipped: skipped, stats };
        if args.output.json {
            serde_json::to_writer(&mut out, &report)?;
            writeln!(out)?;
        } else if of_columns {
            present::text(&answer, &mut out)?;
            writeln!(out, "\n{}", rows_summary(&report, rows, groups))?;
        } else {
            for (stat, value) in &report.stats {
                writeln!(out, "{stat:<20}  {}", value.text())?;
            }
            writeln!(out, "\n{}", summary(&report))?;
        }
    }
    out.flush()?;
    let Some(place) = interrupted else { return undrawn.map_or_else(|| write_all(&files), Err) };
    let mut message = format!("stopped {place}; the statistics are of what was read");
    if !files.is_empty() {
        // A file that is there may be of all the rows, and does not give way to less.
        let paths: Vec<String> = files.iter().map(|file| file.path.display().to_string()).collect();
        message += &format!("; not written: {}", paths.join(", "));
    }
    Err(Failure::Interrupted(message))
}

/// Refuses what a saved state cannot hold.
fn check_room(args: &Reduce, statistics: &[Statistic]) -> Result<(), Failure> {
    if args.output.save.is_none() {
        return Ok(());
    }
    let mut room = Room::default();
    let fits = statistics.iter().try_for_each(|statistic| room.take(statistic));
    fits.map_err(|what| Failure::Usage(format!("--save: {what}")))
}

/// Notes shown; of many files they are alike.
const NOTES: usize = 3;

/// Says what was decided in doubt.
fn note(notes: &[String]) -> Result<(), Failure> {
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
        skipped(report),
        report.seconds
    )
}

fn rows_summary(report: &Report, rows: u64, groups: Option<usize>) -> String {
    let groups = groups.map_or_else(String::new, |groups| format!(" in {}", counted(groups as u64, "group")));
    let files = counted(report.files as u64, "file");
    format!("{files}, {}{groups}{}, in {:.3} s", counted(rows, "row"), skipped(report), report.seconds)
}

fn skipped(report: &Report) -> String {
    if report.nan_skipped == 0 { String::new() } else { format!(", {} NaN skipped", grouped(report.nan_skipped)) }
}

/// Refuses a picture of nothing before anything is read.
fn check_plot(path: &Path, statistics: &[Statistic], args: &Reduce) -> Result<(), Failure> {
    if path.extension().is_none_or(|ending| ending != "svg") {
        return Err(Failure::Usage(format!("--plot {}: the picture is an .svg", path.display())));
    }
    let histogram = |s: &Statistic| matches!(s.family, Family::Histogram { .. });
    if statistics.iter().any(|s| histogram(s) || has_error_bar(s, args)) {
        return Ok(());
    }
    let what = "--plot draws histogram(column, low, high, bins), and mean(column) with --by; neither is asked for";
    Err(Failure::Usage(what.into()))
}

/// A mean by group, of a column that is named: a count without one would be of rows.
fn has_error_bar(statistic: &Statistic, args: &Reduce) -> bool {
    let named = !statistic.columns.is_empty() || args.column.is_some();
    let mean = matches!(statistic.family, Family::Mean | Family::ExactMean) || statistic.read == Read::Mean;
    mean && !args.by.is_empty() && named
}

/// Where the mean, standard deviation and count of a column are among the statistics.
struct ErrorBars {
    title: String,
    mean: usize,
    sd: usize,
    count: usize,
}

/// Adds, for every mean, what its error bar needs.
fn for_error_bars(statistics: &mut Vec<Statistic>, args: &Reduce) -> Vec<ErrorBars> {
    let asked = statistics.clone();
    let means = asked.iter().enumerate().filter(|(_, statistic)| has_error_bar(statistic, args));
    let bars = means.map(|(mean, statistic)| {
        // `mean(price)` and `mean` as `sample_sd(price)` and `sample_sd`.
        let [sd, count] = [("sample_sd", Family::Variance, Read::SampleSd), ("count", Family::Count, Read::Whole)].map(
            |(name, family, read)| {
                let text = statistic.text.replacen("mean", name, 1);
                statistics.push(Statistic { text, columns: statistic.columns.clone(), family, read });
                statistics.len() - 1
            },
        );
        ErrorBars { title: statistic.text.clone(), mean, sd, count }
    });
    bars.collect()
}

impl ErrorBars {
    fn of(&self, answer: &Answer) -> GroupedMean {
        let number = |value: &Value| if let Value::Number(digits) = value { digits.parse::<f64>().ok() } else { None };
        let groups = answer.rows.iter().filter_map(|(key, values)| {
            let key: Vec<String> = key.iter().map(|cell| cell.value().text()).collect();
            let mean = number(&values[self.mean]).filter(|mean| mean.is_finite())?;
            // The normal distribution's 97.5 % point; a group of one has no bar.
            let half = match (number(&values[self.sd]), number(&values[self.count])) {
                (Some(sd), Some(n)) if sd.is_finite() => 1.959_964 * sd / n.sqrt(),
                _ => 0.0,
            };
            Some((key.join(", "), mean, half))
        });
        GroupedMean { title: self.title.clone(), groups: groups.collect() }
    }
}
