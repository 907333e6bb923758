//! Hostile bytes as saved reductions: no panic, no more memory than is bounded, and what is taken is canonical.
//!
//! For more: `STRIX_FUZZ_CASES=1000000 cargo test --release -p strix-table --test fuzz_states`, and
//! `STRIX_FUZZ_SECONDS` bounds the time.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampSecondArray};
use arrow::datatypes::{DataType, Field, Schema};
use peak_alloc::PeakAlloc;
use strix_reduce::NanPolicy;
use strix_reduce::state::Envelope;
use strix_table::{Question, Reduction, State};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The edges of the most bins that a state may name, each once while they are checked and once to stay.
const MOST_MEMORY: usize = 128 << 20;

/// The bytes of a reduction of a small table.
fn saved(stats: &str, by: &[&str]) -> Vec<u8> {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("t", Arc::new(TimestampSecondArray::from(vec![Some(5), None, Some(5), Some(-1)]))),
        ("k", Arc::new(StringArray::from(vec![Some("a"), Some("b"), None, Some("a")]))),
        ("i", Arc::new(Int64Array::from(vec![1, -2, 3, 300]))),
        ("x", Arc::new(Float64Array::from(vec![Some(0.5), Some(f64::NAN), None, Some(-2.0)]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let question = Question::parse(stats).unwrap().by(by.iter().copied()).unwrap().nan(NanPolicy::Skip);
    let mut reduction = Reduction::new(&question, &batch.schema()).unwrap();
    reduction.push(&batch).unwrap();
    reduction.state().unwrap().to_bytes().unwrap()
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        saved("count, mean(x), sd(x), p50(x), min(t)", &["k"]),
        saved("count(i), top(k, 3), distinct(t), histogram(x, 0, 1, 4), corr(i, x)", &[]),
        saved("missing(x), last(k), sum(i)", &["i", "t", "x"]),
    ]
}

/// xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16) as usize % bound.max(1)
    }

    /// Values at which integers, lengths and texts break.
    fn interesting(&mut self) -> Vec<u8> {
        match self.below(7) {
            0 => vec![0],
            1 => vec![0x80, 0],
            2 => vec![0xff; 9],
            3 => vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
            4 => b"\x1bhistogram(x, 0, 9, 1048576)".to_vec(),
            5 => f64::NAN.to_le_bytes().to_vec(),
            _ => (0..=self.below(12)).map(|_| self.below(256) as u8).collect(),
        }
    }

    fn mutated(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.below(3) {
            let place = self.below(bytes.len());
            match self.below(5) {
                0 | 1 if !bytes.is_empty() => bytes[place] ^= 1 << self.below(8),
                2 => bytes.truncate(place),
                3 => {
                    let new = self.interesting();
                    bytes.splice(place..place, new);
                }
                _ => {
                    let new = self.interesting();
                    let end = bytes.len().min(place + new.len());
                    bytes.splice(place..end, new);
                }
            }
        }
        bytes
    }
}

#[test]
fn mutated_states_are_refused_or_canonical() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let cases = number("STRIX_FUZZ_CASES").unwrap_or(6000);
    let seconds = std::time::Duration::from_secs(number("STRIX_FUZZ_SECONDS").unwrap_or(u64::MAX / 4));
    let started = std::time::Instant::now();
    let seeds = seeds();
    for seed in &seeds {
        let opened = State::from_bytes(seed).unwrap();
        assert_eq!(opened.to_bytes().unwrap(), *seed);
    }
    let mut random = Random(0x5eed);
    let (mut taken, mut met) = (0, 0);
    for case in 0..cases {
        if started.elapsed() > seconds {
            break;
        }
        met += 1;
        let seed = &seeds[random.below(seeds.len())];
        // Most damage is behind a right checksum, or nothing else would be reached.
        let bytes = if random.below(8) == 0 {
            random.mutated(seed.clone())
        } else {
            let mut envelope = Envelope::from_bytes(seed).unwrap();
            if random.below(8) == 0 {
                envelope.items = random.below(6) as u64;
            } else {
                envelope.payload = random.mutated(envelope.payload);
            }
            envelope.to_bytes()
        };
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let opened = State::from_bytes(&bytes);
        let peak = MEMORY.peak_usage().saturating_sub(before);
        assert!(peak < MOST_MEMORY, "case {case} takes {peak} bytes");
        let Ok(opened) = opened else { continue };
        taken += 1;
        assert_eq!(opened.to_bytes().unwrap(), bytes, "case {case}");
        let again = State::from_bytes(&bytes).unwrap();
        if opened.rows() < 1 << 30
            && let Ok(both) = opened.merge(again)
        {
            both.answer().unwrap();
        }
    }
    assert!(taken * 2 < met, "{taken} of {met} were taken");
}

#[test]
fn what_is_not_written_so_is_refused() {
    let seed = &seeds()[0];
    let envelope = Envelope::from_bytes(seed).unwrap();
    let refusal = |envelope: &Envelope| State::from_bytes(&envelope.to_bytes()).unwrap_err().to_string();
    // The first byte says that there is one key column; the same in two bytes.
    assert_eq!(envelope.payload[0], 1);
    let padded = [&[0x81, 0], &envelope.payload[1..]].concat();
    let message = refusal(&Envelope { payload: padded, ..envelope.clone() });
    assert!(message.contains("canonical"), "{message}");
    let message = refusal(&Envelope { items: 7, ..envelope.clone() });
    assert!(message.contains("4 rows, not 7"), "{message}");
}

#[test]
fn few_bytes_do_not_name_many_bins() {
    let bins: Vec<String> = (1..=4).map(|high| format!("histogram(x, 0, {high}, 1048576)")).collect();
    // Of no rows, a state is a few bytes.
    let fields = vec![Field::new("k", DataType::Utf8, true), Field::new("x", DataType::Float64, true)];
    let bytes = |stats: &str| {
        let question = Question::parse(stats).unwrap().by(["k"]).unwrap();
        Reduction::new(&question, &Schema::new(fields.clone())).unwrap().state().unwrap().to_bytes()
    };
    assert!(State::from_bytes(&bytes(&bins.join(",")).unwrap()).is_ok());
    let message = bytes(&format!("{}, histogram(x, 0, 9, 1)", bins.join(","))).unwrap_err().to_string();
    assert!(message.contains("bins of histograms"), "{message}");
}
