//! `strix reduce`: files to statistics, in one pass over memory.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use strix_data::{Chunk, ChunkReader, Dtype};
use strix_reduce::arithmetic::Accumulator;
use strix_reduce::{Count, Element, Engine, EngineReport, Error, Max, Mean, Min, Reducer, Sum, Variance};

use crate::args::{Reduce, Stat};
use crate::failure::Failure;
use crate::output::{Numeral, Value, grouped};

/// All that `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    engine: &'static str,
    adapter: Option<String>,
    /// Why `auto` is not on the GPU.
    fallback: Option<String>,
    files: usize,
    dtype: &'static str,
    /// Bytes of the elements, uncompressed.
    bytes: u64,
    /// From the first open to the answer.
    seconds: f64,
    nan_skipped: u64,
    #[serde(serialize_with = "as_object")]
    stats: Vec<(Stat, Value)>,
}

fn as_object<S: serde::Serializer>(stats: &[(Stat, Value)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(stats.iter().map(|(stat, value)| (stat.name(), value)))
}

pub(crate) fn run(args: &Reduce) -> Result<(), Failure> {
    let started = Instant::now();
    let first = strix_data::open(&args.files[0], args.column.as_deref())?;
    let mut report = match first.dtype() {
        Dtype::F32 => reduce::<f32>(args, first),
        Dtype::F64 => reduce::<f64>(args, first),
        Dtype::I8 => reduce::<i8>(args, first),
        Dtype::I16 => reduce::<i16>(args, first),
        Dtype::I32 => reduce::<i32>(args, first),
        Dtype::I64 => reduce::<i64>(args, first),
        Dtype::U8 => reduce::<u8>(args, first),
        Dtype::U16 => reduce::<u16>(args, first),
        Dtype::U32 => reduce::<u32>(args, first),
        Dtype::U64 => reduce::<u64>(args, first),
    }?;
    report.seconds = started.elapsed().as_secs_f64();
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &report)?;
        return Ok(writeln!(out)?);
    }
    for (stat, value) in &report.stats {
        writeln!(out, "{:<20}  {}", stat.name(), value.text())?;
    }
    Ok(writeln!(out, "\n{}", summary(&report))?)
}

/// One line on what was read and who did the work.
fn summary(report: &Report) -> String {
    let engine = match (&report.adapter, &report.fallback) {
        (Some(adapter), _) => format!("on the GPU, {adapter}"),
        (None, Some(reason)) => format!("on the CPU ({reason})"),
        (None, None) => "on the CPU".into(),
    };
    let files = if report.files == 1 { "1 file".into() } else { format!("{} files", report.files) };
    let skipped = match report.nan_skipped {
        0 => String::new(),
        nan => format!(", {} NaN skipped", grouped(nan)),
    };
    let rate = report.bytes as f64 / report.seconds / 1e9;
    format!(
        "{files}, {} bytes of {}{skipped}, in {:.3} s ({rate:.2} GB/s) {engine}",
        grouped(report.bytes),
        report.dtype,
        report.seconds
    )
}

/// The elements of a chunk, as the type that they have.
trait Typed: Element + Numeral {
    fn of(chunk: &Chunk) -> Option<&[Self]>;
}

macro_rules! typed {
    ($($variant:ident $number:ident),*) => {$(
        impl Typed for $number {
            fn of(chunk: &Chunk) -> Option<&[Self]> {
                match chunk {
                    Chunk::$variant(items) => Some(items),
                    _ => None,
                }
            }
        }
    )*};
}
typed!(F32 f32, F64 f64, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64);

fn reduce<T: Typed>(args: &Reduce, first: Box<dyn ChunkReader>) -> Result<Report, Failure>
where
    <T::Sum as Accumulator<T>>::Total: Numeral,
{
    let mut stats = if args.stats.is_empty() { Stat::ALL.to_vec() } else { Vec::new() };
    for stat in &args.stats {
        if !stats.contains(stat) {
            stats.push(*stat);
        }
    }
    let any = |wanted: &[Stat]| stats.iter().any(|stat| wanted.contains(stat));
    let spread = [Stat::PopulationVariance, Stat::SampleVariance, Stat::PopulationSd, Stat::SampleSd];
    let aggregators = (
        Count,
        any(&[Stat::Sum]).then_some(Sum),
        any(&[Stat::Mean]).then_some(Mean),
        any(&[Stat::Min]).then_some(Min),
        any(&[Stat::Max]).then_some(Max),
        any(&spread).then_some(Variance),
    );
    let engine = Engine::select(args.engine)?;
    let mut reducer = Reducer::<T, _>::new(aggregators, &engine)?.nan_policy(args.nan);

    let mut elements = 0;
    let mut reader = Some(first);
    for path in &args.files {
        let mut reader = match reader.take() {
            Some(first) => first,
            None => strix_data::open(path, args.column.as_deref())?,
        };
        let progress = bar(path, reader.elements());
        let before = elements;
        while let Some(chunk) = reader.next_chunk()? {
            let items = T::of(chunk).ok_or_else(|| other_type(args, path, chunk.dtype(), T::NAME))?;
            reducer.push(items).map_err(|error| in_file(error, path, before))?;
            elements += items.len() as u64;
            progress.inc(items.len() as u64);
        }
        progress.finish_and_clear();
    }

    let EngineReport { engine, adapter, fallback } = reducer.report();
    let nan_skipped = reducer.skipped();
    let (count, sum, mean, min, max, moments) = reducer.finish();
    let value = |stat| match stat {
        Stat::Count => Value::of(Some(count)),
        Stat::Sum => Value::of(sum.flatten()),
        Stat::Mean => Value::of(mean.flatten()),
        Stat::Min => Value::of(min.flatten()),
        Stat::Max => Value::of(max.flatten()),
        Stat::PopulationVariance => Value::of(moments.and_then(|m| m.population_variance())),
        Stat::SampleVariance => Value::of(moments.and_then(|m| m.sample_variance())),
        Stat::PopulationSd => Value::of(moments.and_then(|m| m.population_sd())),
        Stat::SampleSd => Value::of(moments.and_then(|m| m.sample_sd())),
    };
    Ok(Report {
        engine,
        adapter,
        fallback,
        files: args.files.len(),
        dtype: T::NAME,
        bytes: elements * size_of::<T>() as u64,
        seconds: 0.0,
        nan_skipped,
        stats: stats.iter().map(|&stat| (stat, value(stat))).collect(),
    })
}

/// On a terminal, how far a file is; elsewhere nothing.
fn bar(path: &Path, elements: Option<u64>) -> ProgressBar {
    let Some(elements) = elements else { return ProgressBar::hidden() };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} %");
    ProgressBar::new(elements)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(path.display().to_string())
}

fn other_type(args: &Reduce, path: &Path, found: Dtype, expected: &str) -> Failure {
    Failure::Input(format!(
        "{}: holds {found}, but {} holds {expected}; files that merge into one answer have one type",
        path.display(),
        args.files[0].display()
    ))
}

/// Says which file a NaN is in, and where; `before` elements came from earlier files.
fn in_file(error: Error, path: &Path, before: u64) -> Failure {
    match error {
        Error::Nan { index } => {
            let path = path.display();
            let index = index - before;
            Failure::Input(format!(
                "{path}: element {index} (from 0) is NaN; --nan skip leaves NaN out, --nan propagate lets it through"
            ))
        }
        error => error.into(),
    }
}
