//! Keys as numbers: each key the next one when it is first seen.

use std::ops::Range;

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64;

/// What a key is mostly told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) hash: u64,
    /// The key's length where no other key of that length has that hash, else 0.
    pub(crate) whole: u8,
}

impl Mark {
    /// The mark of a key's bytes. A column of numbers has a byte that says that the number is there, and at most eight others:
    /// scrambled by what can be undone, they are a hash of their own.
    #[inline(always)]
    pub(crate) fn of(key: &[u8]) -> Self {
        match key {
            [1, word @ ..] if word.len() <= 8 => {
                let mut bytes = [0; 8];
                bytes[..word.len()].copy_from_slice(word);
                Self { hash: scrambled(u64::from_le_bytes(bytes)), whole: key.len() as u8 }
            }
            _ => Self { hash: xxh3_64(key), whole: 0 },
        }
    }
}

/// One word for each: the finisher of MurmurHash3 (Appleby, 2011).
#[inline(always)]
fn scrambled(word: u64) -> u64 {
    let word = (word ^ (word >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let word = (word ^ (word >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    word ^ (word >> 33)
}

/// The numbers of keys, which are bytes with their mark.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    table: HashTable<Entry>,
    /// All keys, one after the other.
    bytes: Vec<u8>,
    ends: Ends,
}

/// Bytes of keys from which on room is made for four times as many.
const GROWN: usize = 1 << 16;

/// A key's mark beside its number: most keys are told from others without being looked up.
#[derive(Debug, Clone, Copy)]
struct Entry {
    // The fields of the mark, in 16 bytes with the number.
    hash: u64,
    number: u32,
    whole: u8,
}

/// Where each key ends.
#[derive(Debug)]
enum Ends {
    /// All of one width, which takes no bytes a key.
    Even {
        width: usize,
        keys: usize,
    },
    Each(Vec<usize>),
}

impl Default for Ends {
    fn default() -> Self {
        Self::Even { width: 0, keys: 0 }
    }
}

impl Ends {
    fn len(&self) -> usize {
        match self {
            Self::Even { keys, .. } => *keys,
            Self::Each(ends) => ends.len(),
        }
    }

    #[inline(always)]
    fn range(&self, number: usize) -> Range<usize> {
        match self {
            Self::Even { width, .. } => number * width..(number + 1) * width,
            Self::Each(ends) => (if number == 0 { 0 } else { ends[number - 1] })..ends[number],
        }
    }

    /// One more key, of that many bytes.
    fn push(&mut self, bytes: usize) {
        match self {
            Self::Even { width, keys } if *keys == 0 => (*width, *keys) = (bytes, 1),
            Self::Even { width, keys } if *width == bytes => *keys += 1,
            Self::Even { width, keys } => {
                let mut ends: Vec<usize> = (1..=*keys).map(|key| key * *width).collect();
                ends.push(*keys * *width + bytes);
                *self = Self::Each(ends);
            }
            Self::Each(ends) => ends.push(ends.last().copied().unwrap_or_default() + bytes),
        }
    }
}

impl Numbers {
    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The key of that number.
    #[inline(always)]
    pub(crate) fn key(&self, number: usize) -> &[u8] {
        &self.bytes[self.ends.range(number)]
    }

    /// All keys, in the order of their numbers.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|number| self.key(number))
    }

    /// The number of a key of that mark, which is looked up where the mark does not tell it.
    ///
    /// # Panics
    /// Of 2^32 keys, which do not fit any machine's memory.
    #[inline]
    pub(crate) fn number<'a>(&mut self, mark: Mark, key: impl Fn() -> &'a [u8]) -> u32 {
        let Self { table, bytes, ends } = self;
        let Mark { hash, whole } = mark;
        let equal = |entry: &Entry| {
            (entry.hash, entry.whole) == (hash, whole)
                && (whole > 0 || same(&bytes[ends.range(entry.number as usize)], key()))
        };
        if let Some(entry) = table.find(hash, equal) {
            return entry.number;
        }
        let key = key();
        let number = u32::try_from(ends.len()).unwrap_or_else(|_| panic!("there are more than 2^32 groups"));
        table.insert_unique(hash, Entry { hash, number, whole }, |entry| entry.hash);
        if bytes.capacity() - bytes.len() < key.len() && bytes.len() > GROWN {
            // Far ahead: to move millions of keys costs more than room that nobody has touched.
            bytes.reserve_exact(3 * bytes.len());
        }
        bytes.extend_from_slice(key);
        ends.push(key.len());
        number
    }
}

/// Whether two keys are one: eight bytes at once, as they are mostly too short for what calling `memcmp` costs.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let whole = a.iter().zip(b).all(|(a, b)| u64::from_ne_bytes(*a) == u64::from_ne_bytes(*b));
    whole && a_rest.iter().zip(b_rest).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_tell_all_numbers_apart() {
        let number = |word: u64| [&[1][..], &word.to_be_bytes()].concat();
        let keys: Vec<Vec<u8>> = (0..64).flat_map(|bit| [1 << bit, !(1 << bit)]).map(number).collect();
        let missing = [vec![0; 9], vec![0; 5], vec![1, 0, 0, 0, 0], vec![1; 10]];
        let mut numbers = Numbers::default();
        for _ in 0..2 {
            for (number, key) in (0..).zip(keys.iter().chain(&missing)) {
                assert_eq!(numbers.number(Mark::of(key), || key), number, "{key:?}");
            }
        }
        assert_eq!((Mark::of(&keys[0]).whole, Mark::of(&missing[0]).whole, Mark::of(&missing[3]).whole), (9, 0, 0));
    }

    #[test]
    fn each_key_has_one_number_whatever_its_hash() {
        for bits in [0, 3, 64] {
            let mask = u64::MAX.checked_shr(64 - bits).unwrap_or(0);
            let mut numbers = Numbers::default();
            for round in 0..3 {
                for key in 0..5000u32 {
                    let hash = u64::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15) & mask;
                    // Of several lengths, the empty one too.
                    let bytes = key.to_string();
                    let bytes = if key == 0 { &[][..] } else { bytes.as_bytes() };
                    assert_eq!(numbers.number(Mark { hash, whole: 0 }, || bytes), key, "round {round}");
                }
            }
            assert_eq!((numbers.len(), numbers.key(0), numbers.key(4321)), (5000, &b""[..], &b"4321"[..]));
        }
    }
}
