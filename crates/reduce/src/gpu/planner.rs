//! Which engine is the faster one, by measure and not by rule.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::prepared::Prepared;
use crate::{Aggregator, Error, Item, NanPolicy};

/// Below this no device answers before the CPU is done: a submission and a read-back alone take longer.
const LEAST_BYTES: usize = 256 << 10;

/// What a measurement reads at most.
const SAMPLE_BYTES: usize = 8 << 20;

/// Measured crossovers of the CPU and a GPU, one for each adapter, type and set of aggregators. Cheap to clone; clones
/// share what they know.
///
/// The first push of an automatic engine that is large enough measures both engines on its own first elements, and
/// merges nothing of that. With a file, the measurement is made once a machine.
#[derive(Debug, Clone, Default)]
pub struct Planner {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    crossovers: BTreeMap<String, Crossover>,
    file: Option<PathBuf>,
}

/// Seconds of each engine for data in host memory: the CPU's are by the byte, the GPU's begin with a start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Crossover {
    /// CPU seconds a byte.
    pub cpu: f64,
    /// GPU seconds of the least reduction: submission and read-back.
    pub start: f64,
    /// GPU seconds a byte: upload and kernel.
    pub gpu: f64,
}

impl Crossover {
    /// Bytes from which on the GPU is the faster one; `None` where it never is.
    pub fn bytes(&self) -> Option<f64> {
        (self.gpu < self.cpu).then(|| self.start / (self.cpu - self.gpu))
    }
}

/// What was decided for a push, and why.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision {
    pub(crate) on_gpu: bool,
    pub(crate) reason: String,
}

impl Planner {
    /// One that forgets when the process ends.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that knows what the file holds, and writes to it what it measures. A file that is not there, or not of this
    /// version, counts as empty; one that cannot be written is left alone.
    pub fn at(file: &Path) -> Self {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let mut lines = text.lines();
        let crossovers = if lines.next() == Some(HEADER) { lines.filter_map(parse).collect() } else { BTreeMap::new() };
        Self { known: Arc::new(Mutex::new(Known { crossovers, file: Some(file.into()) })) }
    }

    /// Takes a crossover as known, in place of a measurement; see [`Planner::crossovers`] for the keys.
    pub fn set(&self, key: &str, crossover: Crossover) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.crossovers.insert(key.into(), crossover);
        known.save();
    }

    /// All that is known, by adapter, types and aggregators.
    pub fn crossovers(&self) -> Vec<(String, Crossover)> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.crossovers.iter().map(|(key, crossover)| (key.clone(), *crossover)).collect()
    }

    /// Which engine is to take these items, from host memory.
    pub(crate) fn decide<T: Item, A: Aggregator<T>>(
        &self,
        prepared: &Prepared<A::State>,
        aggregator: &A,
        items: &[T],
        nan: NanPolicy,
    ) -> Result<Decision, Error> {
        let width = prepared.item_bytes();
        let bytes = items.len() * width;
        if bytes < LEAST_BYTES {
            let reason = format!("{} in host memory are fewer than any device answers for sooner", text(bytes as f64));
            return Ok(Decision { on_gpu: false, reason });
        }
        let key = prepared.key();
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).crossovers.get(&key).copied();
        let crossover = match known {
            Some(crossover) => crossover,
            None => {
                let sample = &items[..items.len().min(SAMPLE_BYTES / width)];
                let measured = measure(prepared, aggregator, sample, width, nan)?;
                self.set(&key, measured);
                measured
            }
        };
        let seconds = (crossover.cpu * bytes as f64, crossover.start + crossover.gpu * bytes as f64);
        let rate = |seconds: f64| format!("{:.2} ms ({:.1} GB/s)", seconds * 1e3, bytes as f64 / seconds / 1e9);
        let from = match crossover.bytes() {
            Some(bytes) => format!("the GPU is the faster one from {} on", text(bytes)),
            None => "the GPU is never the faster one".into(),
        };
        let when = if known.is_some() { "measured before" } else { "measured now" };
        let reason = format!(
            "{} in host memory: CPU {}, GPU {} with upload; {from} ({when}, {key})",
            text(bytes as f64),
            rate(seconds.0),
            rate(seconds.1)
        );
        Ok(Decision { on_gpu: seconds.1 < seconds.0, reason })
    }
}

/// The shorter of two times, after one that is not counted.
fn time(mut work: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    work()?;
    let mut best = f64::INFINITY;
    for _ in 0..2 {
        let begin = Instant::now();
        work()?;
        best = best.min(begin.elapsed().as_secs_f64());
    }
    Ok(best)
}

fn measure<T: Item, A: Aggregator<T>>(
    prepared: &Prepared<A::State>,
    aggregator: &A,
    sample: &[T],
    width: usize,
    nan: NanPolicy,
) -> Result<Crossover, Error> {
    // A NaN that ends the reduction ends it in the reduction itself.
    let nan = if nan == NanPolicy::Error { NanPolicy::Propagate } else { nan };
    let on_gpu = |items: &[T]| time(|| prepared.whole(aggregator, items, None, nan, |_| {}));
    let part = &sample[..sample.len() / 8];
    let cpu = time(|| crate::cpu::reduce(aggregator, sample, nan).map(|_| ()).map_err(|_| Error::Nan { index: 0 }))?;
    let (less, more) = (on_gpu(part)?, on_gpu(sample)?);
    let bytes = |items: &[T]| (items.len() * width) as f64;
    let gpu = ((more - less) / (bytes(sample) - bytes(part))).max(f64::MIN_POSITIVE);
    Ok(Crossover { cpu: cpu / bytes(sample), start: (less - gpu * bytes(part)).max(0.0), gpu })
}

const HEADER: &str = "strix crossovers 1";

impl Known {
    /// Whole or not at all: a reader never meets half a file.
    fn save(&self) {
        let Some(file) = &self.file else { return };
        let lines = self.crossovers.iter().map(|(key, c)| format!("{:e}\t{:e}\t{:e}\t{key}\n", c.cpu, c.start, c.gpu));
        let text = std::iter::once(format!("{HEADER}\n")).chain(lines).collect::<String>();
        let temporary = file.with_extension(format!("{}.tmp", std::process::id()));
        let made = file.parent().map_or(Ok(()), std::fs::create_dir_all);
        let written = made.and_then(|()| std::fs::write(&temporary, text));
        // What was measured serves this process either way.
        if written.and_then(|()| std::fs::rename(&temporary, file)).is_err() {
            let _ = std::fs::remove_file(&temporary);
        }
    }
}

fn parse(line: &str) -> Option<(String, Crossover)> {
    let mut fields = line.splitn(4, '\t');
    let mut number = || fields.next()?.parse::<f64>().ok().filter(|x| x.is_finite() && *x >= 0.0);
    let (cpu, start, gpu) = (number()?, number()?, number()?);
    Some((fields.next()?.into(), Crossover { cpu, start, gpu }))
}

fn text(bytes: f64) -> String {
    match bytes {
        _ if bytes < 1e3 => format!("{bytes:.0} bytes"),
        _ if bytes < 1e6 => format!("{:.0} kB", bytes / 1e3),
        _ => format!("{:.1} MB", bytes / 1e6),
    }
}
