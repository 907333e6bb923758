//! Which engine is the faster one, by measure and not by rule.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::prepared::Prepared;
use crate::Error;

/// Below this no device answers before the CPU is done: a submission and a read-back alone take longer.
const LEAST_BYTES: usize = 256 << 10;

/// What a measurement reads at most, and again where that showed nothing.
const SAMPLE_BYTES: [usize; 2] = [8 << 20, 64 << 20];

/// Measured crossovers of the CPU and a GPU, one for each adapter, type, set of aggregators and form: a whole, or an axis,
/// segments or groups of about a size. Cheap to clone; clones share what they know.
///
/// The first push of an automatic engine that is large enough measures both engines on its own first elements, in its own
/// form, and merges nothing of that. With a file, the measurement is made once a machine. One in which the GPU's time does
/// not grow with the data is noise: it is not kept, and the CPU takes the data.
#[derive(Debug, Clone, Default)]
pub struct Planner {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    crossovers: BTreeMap<String, Crossover>,
    /// Bytes in which nothing but noise was measured.
    noise: BTreeMap<String, usize>,
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

    /// From times of the CPU, and of the GPU for less and for more; `None` where the latter two differ by no more than
    /// times of equal work do.
    fn of([cpu, less, more]: [Timing; 3]) -> Option<Self> {
        if less.bytes >= more.bytes || less.longest >= more.shortest || cpu.shortest <= 0.0 {
            return None;
        }
        let gpu = (more.shortest - less.shortest) / (more.bytes - less.bytes);
        let start = (less.shortest - gpu * less.bytes).max(0.0);
        Some(Self { cpu: cpu.shortest / cpu.bytes, start, gpu })
    }
}

/// Seconds that one piece of work took, each time.
#[derive(Debug, Clone, Copy)]
struct Timing {
    bytes: f64,
    shortest: f64,
    longest: f64,
}

impl Timing {
    /// Of three times, after one that is not counted.
    fn of(bytes: usize, work: impl Fn() -> Result<(), Error>) -> Result<Self, Error> {
        work()?;
        let mut timing = Self { bytes: bytes as f64, shortest: f64::INFINITY, longest: 0.0 };
        for _ in 0..3 {
            let begin = Instant::now();
            work()?;
            let seconds = begin.elapsed().as_secs_f64();
            timing.shortest = timing.shortest.min(seconds);
            timing.longest = timing.longest.max(seconds);
        }
        Ok(timing)
    }
}

/// What is to be done, and how either engine does it for the first items alone.
pub(crate) struct Work<'a> {
    /// What it is, beside adapter, types and aggregators; empty of a whole.
    pub(crate) form: &'a str,
    pub(crate) items: usize,
    /// So many items, or somewhat fewer, that are work of the same form.
    pub(crate) fit: &'a dyn Fn(usize) -> usize,
    pub(crate) cpu: &'a dyn Fn(usize) -> Result<(), Error>,
    pub(crate) gpu: &'a dyn Fn(usize) -> Result<(), Error>,
}

impl Work<'_> {
    /// The CPU on a sample of at most that many bytes, the GPU on an eighth of it, and on all of it.
    fn measure(&self, width: usize, most: usize) -> Result<[Timing; 3], Error> {
        let sample = |bytes: usize| (self.fit)((bytes / width).min(self.items));
        let (less, more) = (sample(most / 8), sample(most));
        let time = |work: &dyn Fn(usize) -> Result<(), Error>, items: usize| Timing::of(items * width, || work(items));
        Ok([time(self.cpu, more)?, time(self.gpu, less)?, time(self.gpu, more)?])
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
        Self { known: Arc::new(Mutex::new(Known { crossovers, file: Some(file.into()), ..Known::default() })) }
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

    /// Which engine is to take this work, on data in host memory.
    pub(crate) fn decide<S>(&self, prepared: &Prepared<S>, work: &Work<'_>) -> Result<Decision, Error> {
        let (width, mut key) = (prepared.item_bytes(), prepared.key());
        if !work.form.is_empty() {
            key = format!("{key}, {}", work.form);
        }
        self.decide_by(&key, work.items * width, |most| work.measure(width, most))
    }

    fn decide_by(
        &self,
        key: &str,
        bytes: usize,
        mut measure: impl FnMut(usize) -> Result<[Timing; 3], Error>,
    ) -> Result<Decision, Error> {
        let on_cpu = |reason: String| Ok(Decision { on_gpu: false, reason });
        let size = text(bytes as f64);
        if bytes < LEAST_BYTES {
            return on_cpu(format!("{size} in host memory are fewer than any device answers for sooner"));
        }
        let (known, noise) = {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            (known.crossovers.get(key).copied(), known.noise.get(key).copied().unwrap_or_default())
        };
        let mut found = known;
        let mut tried = noise;
        for most in SAMPLE_BYTES.map(|most| most.min(bytes)) {
            // Not as much again that showed nothing.
            if found.is_none() && most >= 2 * tried {
                found = Crossover::of(measure(most)?);
                tried = most;
            }
        }
        let Some(crossover) = found else {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).noise.insert(key.into(), tried);
            return on_cpu(format!(
                "{size} in host memory: the GPU's time for {} is no longer than for an eighth of it, but for noise, so \
                 that nothing is known of it; the CPU takes them ({key})",
                text(tried as f64)
            ));
        };
        if known.is_none() {
            self.set(key, crossover);
        }
        let seconds = (crossover.cpu * bytes as f64, crossover.start + crossover.gpu * bytes as f64);
        let rate = |seconds: f64| format!("{:.2} ms ({:.1} GB/s)", seconds * 1e3, bytes as f64 / seconds / 1e9);
        let from = match crossover.bytes() {
            Some(bytes) => format!("the GPU is the faster one from {} on", text(bytes)),
            None => "the GPU is never the faster one".into(),
        };
        let when = if known.is_some() { "measured before" } else { "measured now" };
        let reason = format!(
            "{size} in host memory: CPU {}, GPU {} with upload; {from} ({when}, {key})",
            rate(seconds.0),
            rate(seconds.1)
        );
        Ok(Decision { on_gpu: seconds.1 < seconds.0, reason })
    }
}

/// Version 1 kept noise, and the price of a whole for all forms.
const HEADER: &str = "strix crossovers 2";

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
    // No time for any bytes is no measurement.
    (cpu > 0.0 && gpu > 0.0).then_some(())?;
    Some((fields.next()?.into(), Crossover { cpu, start, gpu }))
}

fn text(bytes: f64) -> String {
    match bytes {
        _ if bytes < 1e3 => format!("{bytes:.0} bytes"),
        _ if bytes < 1e6 => format!("{:.0} kB", bytes / 1e3),
        _ => format!("{:.1} MB", bytes / 1e6),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    /// Times of the CPU, and of the GPU for an eighth of the bytes and for all, in milliseconds, with what they scatter by.
    fn times(bytes: usize, milliseconds: [f64; 3], scatter: f64) -> [Timing; 3] {
        let timing = |bytes: usize, shortest: f64| Timing {
            bytes: bytes as f64,
            shortest: shortest * 1e-3,
            longest: (shortest + scatter) * 1e-3,
        };
        [timing(bytes, milliseconds[0]), timing(bytes / 8, milliseconds[1]), timing(bytes, milliseconds[2])]
    }

    #[test]
    fn a_slope_is_kept_and_noise_is_not() {
        // 8 MB: 4 ms on the CPU; on the GPU 1 ms, and 1 ms for all eight eighths.
        let crossover = Crossover::of(times(8_000_000, [4.0, 1.125, 2.0], 0.5)).unwrap();
        for (found, expected) in [(crossover.cpu, 5e-10), (crossover.start, 1e-3), (crossover.gpu, 1.25e-10)] {
            assert!((found / expected - 1.0).abs() < 1e-9, "{crossover:?}");
        }
        // Shorter for more, as long, longer by less than equal work scatters, of no time, and of as many bytes.
        assert_eq!(Crossover::of(times(8_000_000, [4.0, 2.0, 1.0], 0.0)), None);
        assert_eq!(Crossover::of(times(8_000_000, [4.0, 1.0, 1.0], 0.0)), None);
        assert_eq!(Crossover::of(times(8_000_000, [4.0, 1.0, 1.4], 0.5)), None);
        assert_eq!(Crossover::of(times(8_000_000, [0.0, 1.0, 2.0], 0.0)), None);
        let [cpu, _, more] = times(8_000_000, [4.0, 1.0, 2.0], 0.0);
        assert_eq!(Crossover::of([cpu, Timing { bytes: more.bytes, ..times(1, [0.0, 1.0, 1.0], 0.0)[1] }, more]), None);
    }

    #[test]
    fn noise_is_measured_again_of_more_and_leaves_the_cpu() {
        let planner = Planner::new();
        let noise = |most: usize| -> Result<[Timing; 3], Error> { Ok(times(most, [4.0, 1.0, 1.0], 0.0)) };
        let mut sizes = Vec::new();
        let mut push = |bytes: usize, measured: &dyn Fn(usize) -> Result<[Timing; 3], Error>| {
            sizes.clear();
            let decision = planner.decide_by("sum", bytes, |most| {
                sizes.push(most);
                measured(most)
            });
            (decision.unwrap(), sizes.clone())
        };
        let (decision, sizes) = push(1 << 20, &noise);
        assert!(!decision.on_gpu && decision.reason.contains("noise") && decision.reason.contains("1.0 MB"));
        assert_eq!((sizes, planner.crossovers().len()), (vec![1 << 20], 0));
        // As much again is not asked of again; twice as much is, and then what is larger still.
        assert!(push(3 << 19, &noise).1.is_empty());
        assert_eq!(push(1 << 30, &noise).1, [8 << 20, 64 << 20]);
        let (decision, sizes) = push(1 << 30, &noise);
        assert!(!decision.on_gpu && decision.reason.contains("noise") && sizes.is_empty());
        // Another aggregation has its own; what shows in the larger sample decides.
        let mut sizes = Vec::new();
        let decision = planner.decide_by("max", 1 << 30, |most| {
            sizes.push(most);
            Ok(times(most, [4.0, 1.0, if most > 8 << 20 { 2.0 } else { 1.0 }], 0.1))
        });
        assert!(decision.unwrap().on_gpu && sizes == [8 << 20, 64 << 20] && planner.crossovers().len() == 1);
        let again = planner.decide_by("max", 1 << 30, |_| Err(Error::State("measured twice".into()))).unwrap();
        assert!(again.on_gpu && again.reason.contains("measured before"));
        // An error of the measurement is none of the plan's.
        assert!(planner.decide_by("min", 1 << 30, |_| Err(Error::State("no".into()))).is_err());
    }
}
