//! Keys as numbers: each key the next one when it is first seen.

use std::ops::Range;

use hashbrown::HashTable;

/// The numbers of keys, which are bytes with their hash.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    table: HashTable<Entry>,
    /// All keys, one after the other.
    bytes: Vec<u8>,
    ends: Ends,
}

/// Bytes of keys from which on room is made for four times as many.
const GROWN: usize = 1 << 16;

/// A key's hash, beside its number: most keys are told from others without being looked up.
#[derive(Debug, Clone, Copy)]
struct Entry {
    hash: u64,
    number: u32,
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

    /// The number of a key.
    ///
    /// # Panics
    /// Of 2^32 keys, which do not fit any machine's memory.
    #[inline]
    pub(crate) fn number(&mut self, key: &[u8], hash: u64) -> u32 {
        let Self { table, bytes, ends } = self;
        let equal = |entry: &Entry| entry.hash == hash && same(&bytes[ends.range(entry.number as usize)], key);
        if let Some(entry) = table.find(hash, equal) {
            return entry.number;
        }
        let number = u32::try_from(ends.len()).unwrap_or_else(|_| panic!("there are more than 2^32 groups"));
        table.insert_unique(hash, Entry { hash, number }, |entry| entry.hash);
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
                    assert_eq!(numbers.number(bytes, hash), key, "round {round}");
                }
            }
            assert_eq!((numbers.len(), numbers.key(0), numbers.key(4321)), (5000, &b""[..], &b"4321"[..]));
        }
    }
}
