//! Hostile bytes as stored states of every aggregator: no panic, no more memory than the bytes deserve, and what is
//! taken can be merged and read.
//!
//! The default run takes seconds. For more: `STRIX_FUZZ_CASES=1000000 cargo test --release -p strix-reduce --test
//! fuzz_states -- --nocapture`, and `STRIX_FUZZ_SECONDS` bounds the time of each aggregator.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]
#![allow(clippy::print_stderr, reason = "the rates are the point of a long run")]

mod common;
#[path = "common/states.rs"]
mod every;

use std::fmt::Debug;
use std::time::{Duration, Instant};

use common::mixed;
use every::{Each, each, state_of};
use peak_alloc::PeakAlloc;
use strix_reduce::Portable;
use strix_reduce::state::{Envelope, MOST_ITEMS, from_bytes, to_bytes};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Bytes of memory for each byte of input: a list of empty lists takes 24 for one, a map's first entry a whole node.
const FOR_A_BYTE: usize = 200;
/// Bytes of memory for an input of no size: the largest fixed parts are messages and registers.
const AT_LEAST: usize = 1 << 21;

struct Fuzz {
    inputs: u64,
    /// For each aggregator, at most.
    seconds: Duration,
    /// Those that were taken.
    taken: u64,
    /// Those that differ from every state written here.
    new: u64,
    random: Box<dyn Iterator<Item = u64>>,
}

impl Fuzz {
    fn below(&mut self, bound: usize) -> usize {
        (self.random.next().unwrap() % bound.max(1) as u64) as usize
    }

    /// Values at which integers, lengths and floats break.
    fn interesting(&mut self) -> Vec<u8> {
        match self.below(9) {
            0 => vec![0],
            1 => vec![1],
            2 => vec![0x7f],
            // A varint of 2^56, and of 2^64 - 1.
            3 => vec![0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
            4 => vec![0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
            5 => f64::NAN.to_le_bytes().to_vec(),
            6 => f64::INFINITY.to_le_bytes().to_vec(),
            7 => (-0.0f64).to_le_bytes().to_vec(),
            _ => self.random.next().unwrap().to_le_bytes().to_vec(),
        }
    }

    /// A payload like one of `seeds`, or none at all like them.
    fn payload(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let seed = self.below(seeds.len());
        let mut payload = seeds[seed].clone();
        if self.below(16) == 0 {
            let length = self.below(64);
            payload = (0..length).map(|_| self.random.next().unwrap() as u8).collect();
        }
        for _ in 0..=self.below(4) {
            let place = self.below(payload.len());
            match self.below(6) {
                0 | 1 if !payload.is_empty() => payload[place] ^= 1 << self.below(8),
                2 if !payload.is_empty() => payload[place] = self.random.next().unwrap() as u8,
                3 => payload.truncate(place),
                4 => {
                    let bytes = self.interesting();
                    payload.splice(place..place, bytes);
                }
                _ => {
                    let bytes = self.interesting();
                    let end = payload.len().min(place + bytes.len());
                    payload.splice(place..end, bytes);
                }
            }
        }
        payload
    }
}

impl Each for Fuzz {
    fn one<T: Clone, A: Portable<T, Output: Debug>>(&mut self, name: &str, aggregator: A, items: &[T]) {
        let write = |state: &A::State| to_bytes::<T, A>(&aggregator, state, items.len() as u64).unwrap();
        let states = [&items[..0], &items[..1], &items[..items.len().min(20)], items].map(|i| state_of(&aggregator, i));
        let written = states.each_ref().map(write);
        let seeds = written.each_ref().map(|bytes| Envelope::from_bytes(bytes).unwrap().payload);
        let signature = aggregator.signature();
        // Answers may be long: parameters and fixed parts are not the input's.
        let started = Instant::now();
        let mut done = 0;
        for round in 0..self.inputs {
            // The clock costs more than a short state.
            if round % 256 == 0 && started.elapsed() > self.seconds {
                break;
            }
            done = round + 1;
            let payload = self.payload(&seeds);
            // Now and then the envelope is damaged too, with the checksum of the damage.
            let items = if round % 64 == 0 { self.random.next().unwrap() } else { MOST_ITEMS - round % MOST_ITEMS };
            let bytes = Envelope { signature: signature.clone(), items, payload }.to_bytes();
            MEMORY.reset_peak_usage();
            let before = MEMORY.current_usage();
            let decoded = from_bytes::<T, A>(&aggregator, &bytes);
            let Ok((state, count)) = decoded else {
                let grown = MEMORY.peak_usage().saturating_sub(before);
                assert!(grown <= AT_LEAST + FOR_A_BYTE * bytes.len(), "{name}: {grown} bytes for {}", bytes.len());
                continue;
            };
            self.taken += 1;
            self.new += u64::from(!written.contains(&bytes));
            assert_eq!(to_bytes::<T, A>(&aggregator, &state, count).unwrap(), bytes, "{name}");
            let _ = format!("{:?}", aggregator.finish(state.clone()));
            let other = states[self.below(4)].clone();
            let (mut all, mut inner) = (aggregator.identity(), other);
            aggregator.merge(&mut inner, state.clone());
            aggregator.merge(&mut all, state);
            aggregator.merge(&mut all, inner);
            aggregator.shift(&mut all, MOST_ITEMS);
            let _ = format!("{:?}", aggregator.finish(all));
            let grown = MEMORY.peak_usage().saturating_sub(before);
            assert!(grown <= AT_LEAST + FOR_A_BYTE * bytes.len(), "{name}: {grown} bytes for {}", bytes.len());
        }
        eprintln!("{name}: {done} inputs, {:.0} a second", done as f64 / started.elapsed().as_secs_f64());
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// The one test of this binary: the peak of memory is of all threads.
#[test]
fn hostile_states_of_each_aggregator() {
    let inputs = number("STRIX_FUZZ_CASES").unwrap_or(2000);
    let seconds = number("STRIX_FUZZ_SECONDS").map_or(Duration::MAX, Duration::from_secs);
    let random = Box::new(mixed(number("STRIX_FUZZ_SEED").unwrap_or(1)));
    let mut fuzz = Fuzz { inputs, seconds, taken: 0, new: 0, random };
    each(&mut fuzz);
    // Else the mutations never get past the checks, and the merging is not reached.
    assert!(fuzz.new > 1000, "only {} of {} new states were taken", fuzz.new, fuzz.taken);
}
