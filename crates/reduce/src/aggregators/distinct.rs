//! How many different values there are, about.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::brief::Few;

use crate::state::{Signature, check_count};
use crate::{Aggregator, Block, Error, Label, Portable};

/// Counts different values by HyperLogLog (Flajolet, Fusy, Gandouet and Meunier 2007) over 64-bit XXH3.
///
/// Up to 2^(precision - 3) different values are held by their hashes and counted exactly. Above, the
/// standard error is 1.04 / sqrt(2^precision): 0.8 % at the default precision of 14, in 16 KiB, read out
/// by Ertl's improved estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017,
/// arXiv 1702.01284). The state is the same bits for every order of merging.
///
/// ```
/// # use strix_reduce::{Distinct, Engine, Reducer};
/// let mut reducer = Reducer::new(Distinct::default(), &Engine::cpu())?;
/// reducer.push(&[3, 1, 3, 2])?;
/// assert_eq!(reducer.finish().round(), 3);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distinct {
    precision: u8,
}

impl Default for Distinct {
    fn default() -> Self {
        Self { precision: 14 }
    }
}

/// The values seen so far: their hashes while they are few, then registers.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DistinctSketch {
    /// Every hash, rising.
    Few(Vec<u64>),
    /// For each prefix of the hash, the longest run of zeros after it, and one more.
    Many(Vec<u8>),
}

impl fmt::Debug for DistinctSketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Few(hashes) => f.debug_tuple("Few").field(&Few(hashes)).finish(),
            Self::Many(registers) => f.debug_tuple("Many").field(&Few(registers)).finish(),
        }
    }
}

/// About how many different values there are.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Cardinality {
    /// The estimate.
    pub estimate: f64,
    /// Its relative standard error; 0 where it is exact.
    pub standard_error: f64,
}

impl Cardinality {
    /// The estimate as a whole number.
    pub fn round(&self) -> u64 {
        self.estimate.round() as u64
    }
}

impl Distinct {
    /// A sketch of 2^`precision` registers of a byte.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `precision` is 7 to 18; below, the estimator is biased by more than 1 %.
    pub fn with_precision(precision: u8) -> Result<Self, Error> {
        if (7..=18).contains(&precision) {
            Ok(Self { precision })
        } else {
            Err(Error::Parameter(format!("a distinct count has a precision of 7 to 18, not {precision}")))
        }
    }

    fn registers(self) -> usize {
        1 << self.precision
    }

    /// Hashes held one by one: as many as fill the registers' bytes.
    fn few(self) -> usize {
        self.registers() / 8
    }

    /// Bits of a hash after its prefix, each a step of a register.
    fn steps(self) -> u32 {
        64 - u32::from(self.precision)
    }

    #[inline(always)]
    fn register(self, registers: &mut [u8], hash: u64) {
        let prefix = (hash >> self.steps()) as usize;
        let zeros = (hash << self.precision).leading_zeros().min(self.steps());
        registers[prefix] = registers[prefix].max(zeros as u8 + 1);
    }

    fn registers_of(self, hashes: &[u64]) -> Vec<u8> {
        let mut registers = vec![0; self.registers()];
        for &hash in hashes {
            self.register(&mut registers, hash);
        }
        registers
    }

    /// Takes hashes in, in any order and with repeats.
    #[inline(always)]
    fn take(self, state: &mut DistinctSketch, more: impl Iterator<Item = u64>) {
        match state {
            DistinctSketch::Many(registers) => more.for_each(|hash| self.register(registers, hash)),
            DistinctSketch::Few(hashes) => {
                let before = hashes.len();
                hashes.extend(more);
                hashes[before..].sort_unstable();
                // Two runs in order, which the stable sort merges.
                hashes.sort();
                hashes.dedup();
                if hashes.len() > self.few() {
                    *state = DistinctSketch::Many(self.registers_of(hashes));
                }
            }
        }
    }

    /// Refuses a sketch of other registers. Hashes, while they are few, are those of any precision.
    #[inline(always)]
    fn assert_own(self, sketch: &DistinctSketch) {
        if let DistinctSketch::Many(registers) = sketch {
            let (own, found) = (self.registers(), registers.len());
            assert!(own == found, "a sketch of {found} registers is not one of {own}; merge sketches of one precision");
        }
    }

    /// Ertl 2017, algorithm 6.
    fn estimate(self, registers: &[u8]) -> f64 {
        let (m, steps) = (registers.len() as f64, self.steps() as usize);
        let mut multiplicity = vec![0u64; steps + 2];
        for &register in registers {
            multiplicity[usize::from(register)] += 1;
        }
        let mut z = m * tau(1.0 - multiplicity[steps + 1] as f64 / m);
        for step in (1..=steps).rev() {
            z = 0.5 * (z + multiplicity[step] as f64);
        }
        z += m * sigma(multiplicity[0] as f64 / m);
        m * m / (2.0 * std::f64::consts::LN_2 * z)
    }
}

/// Where a hash belongs among others that rise; `None` if it is among them.
///
/// Hashes are spread evenly, so its place is near where its share of all of them says: in one line of the cache or two, where a
/// binary search would touch one a step.
#[inline(always)]
fn place(hashes: &[u64], hash: u64) -> Option<usize> {
    let mut place = ((u128::from(hash) * hashes.len() as u128) >> 64) as usize;
    // Hashes that are not spread evenly, such as damaged ones, would make a walk of it.
    for _ in 0..64 {
        if place > 0 && hashes[place - 1] >= hash {
            place -= 1;
        } else if place < hashes.len() && hashes[place] < hash {
            place += 1;
        } else {
            return (hashes.get(place) != Some(&hash)).then_some(place);
        }
    }
    hashes.binary_search(&hash).err()
}

/// x + sum of x^(2^k) 2^(k-1), k from 1.
fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

/// (1 - x - sum of (1 - x^(2^-k))^2 2^-k) / 3, k from 1.
fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}

impl<T: Label> Aggregator<T> for Distinct {
    type State = DistinctSketch;
    type Output = Cardinality;

    fn identity(&self) -> DistinctSketch {
        DistinctSketch::Few(Vec::new())
    }
    #[inline(always)]
    fn lift(&self, state: &mut DistinctSketch, item: &T) {
        self.assert_own(state);
        let hash = item.hash64();
        match state {
            DistinctSketch::Many(registers) => self.register(registers, hash),
            DistinctSketch::Few(hashes) => {
                let Some(place) = place(hashes, hash) else { return };
                hashes.insert(place, hash);
                if hashes.len() > self.few() {
                    *state = DistinctSketch::Many(self.registers_of(hashes));
                }
            }
        }
    }
    fn merge(&self, state: &mut DistinctSketch, other: DistinctSketch) {
        use DistinctSketch::{Few, Many};
        self.assert_own(state);
        self.assert_own(&other);
        match (state, other) {
            (Few(a), Few(b)) if b.is_empty() || a.is_empty() => a.extend(b),
            (state @ Few(_), Few(b)) => self.take(state, b.into_iter()),
            (Many(registers), Few(hashes)) => hashes.iter().for_each(|&hash| self.register(registers, hash)),
            (state @ Few(_), Many(mut registers)) => {
                if let Few(hashes) = state {
                    hashes.iter().for_each(|&hash| self.register(&mut registers, hash));
                }
                *state = Many(registers);
            }
            (Many(a), Many(b)) => {
                for (a, b) in a.iter_mut().zip(b) {
                    *a = (*a).max(b);
                }
            }
        }
    }
    fn finish(&self, state: DistinctSketch) -> Cardinality {
        self.assert_own(&state);
        match state {
            DistinctSketch::Few(hashes) => Cardinality { estimate: hashes.len() as f64, standard_error: 0.0 },
            DistinctSketch::Many(registers) => Cardinality {
                estimate: self.estimate(&registers),
                standard_error: 1.04 / (self.registers() as f64).sqrt(),
            },
        }
    }
    fn lift_block(&self, state: &mut DistinctSketch, block: &Block<'_, T>) {
        self.assert_own(state);
        self.take(state, block.iter().map(Label::hash64));
    }
}

impl<T: Label> Portable<T> for Distinct {
    fn signature(&self) -> Signature {
        format!("distinct(precision={}) of {}", self.precision, T::NAME)
    }
    fn check(&self, state: &DistinctSketch, items: u64) -> Result<(), String> {
        match state {
            DistinctSketch::Few(hashes) if hashes.len() > self.few() => {
                Err(format!("it holds {} hashes", hashes.len()))
            }
            DistinctSketch::Few(hashes) if !hashes.is_sorted_by(|a, b| a < b) => Err("its hashes do not rise".into()),
            DistinctSketch::Many(registers) if registers.len() != self.registers() => {
                Err(format!("it has {} registers, not {}", registers.len(), self.registers()))
            }
            DistinctSketch::Many(registers) if registers.iter().any(|&r| u32::from(r) > self.steps() + 1) => {
                Err("a register is longer than a hash".into())
            }
            DistinctSketch::Few(hashes) => check_count(hashes.len() as u64, items),
            // Each register that is not empty has seen an item at least.
            DistinctSketch::Many(registers) => check_count(registers.iter().filter(|&&r| r > 0).count() as u64, items),
        }
    }
}
