//! Damaged input of every format: an error or an answer, never a panic, a hang or all of the memory.
//!
//! The default run takes seconds. For more: `STRIX_FUZZ_CASES=1000000 cargo test --release -p strix-data
//! --test fuzz -- --nocapture`, and `STRIX_FUZZ_SECONDS` bounds the time of each reader.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]
#![allow(clippy::print_stderr, reason = "the rates are the point of a long run")]

mod corpus;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use strix_data::{Format, Source, TableOptions, open, open_table, read_idx};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// One reader at a time, or the memory is not its own.
static ALONE: Mutex<()> = Mutex::new(());

const MEMORY_LIMIT: usize = 256 << 20;
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Batches read of one input: damaged counts may give a great many, which is no hang.
const BATCHES: usize = 64;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What the input is packed by, if it is.
type Pack = Option<fn(&[u8]) -> Vec<u8>>;

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn fuzz(format: Format, packing: &str, pack: Pack) {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !strix_data::panic_is_caught() {
                default(info);
            }
        }));
    });
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let cases = number("STRIX_FUZZ_CASES").unwrap_or(400);
    let seconds = Duration::from_secs(number("STRIX_FUZZ_SECONDS").unwrap_or(u64::MAX / 4));
    let seed = number("STRIX_FUZZ_SEED").unwrap_or(0);
    let corpus = corpus::of(format);
    for bytes in &corpus {
        assert_eq!(read(format, bytes.clone(), false), Ok(()), "a valid {format} is refused");
    }
    let started = Instant::now();
    let (mut done, mut accepted, mut most) = (0, 0, 0);
    while done < cases && started.elapsed() < seconds {
        let mut random = ChaCha8Rng::seed_from_u64(seed << 40 | done);
        let mut bytes = corpus[random.random_range(0..corpus.len())].clone();
        // Of packed input, half is damaged inside, so that the damage gets past the checksum.
        let early = pack.filter(|_| random.random());
        if let Some(pack) = early {
            bytes = pack(&bytes);
        }
        mutate(&mut bytes, &corpus, &mut random);
        if let (None, Some(pack)) = (early, pack) {
            bytes = pack(&bytes);
        }
        let project = random.random_ratio(1, 4);
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let case = Instant::now();
        let kept = bytes.clone();
        let outcome = catch_unwind(AssertUnwindSafe(|| read(format, bytes, project)));
        let peak = MEMORY.peak_usage().saturating_sub(before);
        let problem = match outcome {
            Err(_) => Some("a panic".into()),
            Ok(_) if peak > MEMORY_LIMIT => Some(format!("{peak} bytes of memory")),
            Ok(_) if case.elapsed() > TIME_LIMIT => Some(format!("{:?}", case.elapsed())),
            Ok(read) => {
                accepted += u64::from(read.is_ok());
                None
            }
        };
        if let Some(problem) = problem {
            let file = std::env::temp_dir().join(format!("strix-fuzz-{format}-{done}"));
            std::fs::write(&file, kept).unwrap();
            panic!("{format}, case {done} of seed {seed}: {problem}; the input is in {}", file.display());
        }
        most = most.max(peak);
        done += 1;
    }
    let rate = done as f64 / started.elapsed().as_secs_f64();
    eprintln!("{format}{packing}: {done} inputs, {accepted} read whole, {rate:.0} a second, at most {most} bytes");
}

/// Reads all there is; whether it was all right.
fn read(format: Format, bytes: Vec<u8>, project: bool) -> Result<(), String> {
    let source = Source::Memory { name: "fuzzed".into(), bytes: bytes.into() };
    if !format.is_table() || (format == Format::Npz && project) {
        let array = (format == Format::Npz).then_some("a");
        let mut reader = open(&source, array, Some(format)).map_err(|e| e.to_string())?;
        for _ in 0..BATCHES {
            if reader.next_chunk().map_err(|e| e.to_string())?.is_none() {
                break;
            }
        }
        return Ok(());
    }
    let columns = project.then(|| vec!["b".to_string()]);
    let options = TableOptions { format: Some(format), columns, ..TableOptions::default() };
    let mut reader = open_table(&source, &options).map_err(|e| e.to_string())?;
    for _ in 0..BATCHES {
        let Some(batch) = reader.next_batch().map_err(|e| e.to_string())? else { break };
        assert!(batch.num_rows() <= 65_536 && batch.schema() == reader.schema());
    }
    Ok(())
}

/// One to eight changes of the kinds that break parsers.
fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut ChaCha8Rng) {
    for _ in 0..1 << random.random_range(0..4) {
        if bytes.is_empty() {
            bytes.push(random.random());
        }
        // Trailers and headers are where the lengths are, so the ends get half of the changes.
        let len = bytes.len();
        let at = match random.random_range(0..4) {
            0 => random.random_range(0..len.min(64)),
            1 => len - 1 - random.random_range(0..len.min(256)),
            _ => random.random_range(0..len),
        };
        let end = len.min(at + random.random_range(1..=16));
        match random.random_range(0..10) {
            0 => bytes[at] ^= 1 << random.random_range(0..8),
            1 => bytes[at] = random.random(),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let fill = *[0x00, 0xff, 0x7f, 0x80, b'"', b'[', b'\n', b','].get(random.random_range(0..8)).unwrap();
                bytes[at..end].fill(fill);
            }
            5 => {
                let other = &corpus[random.random_range(0..corpus.len())];
                let from = random.random_range(0..other.len());
                let to = other.len().min(from + random.random_range(1..=64));
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            6 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            7 => {
                let long = [u64::MAX, i64::MAX as u64, 1 << 40, u32::MAX.into(), i32::MAX as u64, 1 << 28, 0];
                let value = long[random.random_range(0..long.len())];
                let le = if random.random() { value.to_le_bytes() } else { value.to_be_bytes() };
                let width = (1 << random.random_range(0..4)).min(len - at);
                bytes[at..at + width].copy_from_slice(&le[..width]);
            }
            8 => {
                let mut inserted = vec![0; random.random_range(1..=16)];
                random.fill_bytes(&mut inserted);
                bytes.splice(at..at, inserted);
            }
            _ => bytes[at] = bytes[at].wrapping_add(if random.random() { 1 } else { 255 }),
        }
    }
}

/// The reader of whole IDX files, which takes a path.
#[test]
fn whole_idx() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fuzzed.idx");
    let corpus = corpus::of(Format::Idx);
    for case in 0..number("STRIX_FUZZ_CASES").unwrap_or(400).min(10_000) {
        let mut random = ChaCha8Rng::seed_from_u64(number("STRIX_FUZZ_SEED").unwrap_or(0) << 40 | case);
        let mut bytes = corpus[random.random_range(0..corpus.len())].clone();
        if random.random() {
            bytes = corpus::gzip(&bytes);
        }
        mutate(&mut bytes, &corpus, &mut random);
        std::fs::write(&path, &bytes).unwrap();
        if let Ok(idx) = read_idx(&path) {
            assert_eq!(idx.shape.iter().product::<usize>(), idx.data.len(), "case {case}");
        }
    }
}

macro_rules! readers {
    ($($name:ident $gzipped:ident $zstd:ident $format:ident),*) => {$(
        #[test]
        fn $name() {
            fuzz(Format::$format, "", None);
        }

        #[test]
        fn $gzipped() {
            fuzz(Format::$format, ".gz", Some(corpus::gzip));
        }

        #[test]
        fn $zstd() {
            fuzz(Format::$format, ".zst", Some(zstd));
        }
    )*};
}
/// The other packings, whose decoders are the same for every format.
#[test]
fn csv_bz2() {
    fuzz(Format::Csv, ".bz2", Some(corpus::bzip2));
}

#[test]
fn csv_xz() {
    fuzz(Format::Csv, ".xz", Some(corpus::xz));
}

readers!(csv csv_gz csv_zst Csv, tsv tsv_gz tsv_zst Tsv, jsonl jsonl_gz jsonl_zst JsonLines);
readers!(parquet parquet_gz parquet_zst Parquet, arrow arrow_gz arrow_zst ArrowIpc);
readers!(npy npy_gz npy_zst Npy, npz npz_gz npz_zst Npz, idx idx_gz idx_zst Idx);
