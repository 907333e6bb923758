//! Keys as numbers: each key the next one when it is first seen.

use hashbrown::HashTable;

/// The numbers of keys, which are bytes with their hash.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    table: HashTable<u32>,
    hashes: Vec<u64>,
    /// All keys, one after the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Numbers {
    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The key of that number.
    pub(crate) fn key(&self, number: usize) -> &[u8] {
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start..self.ends[number]]
    }

    /// All keys, in the order of their numbers.
    pub(crate) fn keys(&self) -> impl Iterator<Item = (&[u8], u64)> {
        (0..self.len()).map(|number| (self.key(number), self.hashes[number]))
    }

    /// The number of a key.
    ///
    /// # Panics
    /// Of 2^32 keys, which do not fit any machine's memory.
    pub(crate) fn number(&mut self, key: &[u8], hash: u64) -> u32 {
        let Self { table, hashes, bytes, ends } = self;
        let held = |number: u32| {
            let number = number as usize;
            let start = if number == 0 { 0 } else { ends[number - 1] };
            &bytes[start..ends[number]]
        };
        let equal = |&number: &u32| hashes[number as usize] == hash && same(held(number), key);
        if let Some(&number) = table.find(hash, equal) {
            return number;
        }
        let number = u32::try_from(ends.len()).unwrap_or_else(|_| panic!("there are more than 2^32 groups"));
        table.insert_unique(hash, number, |&number| hashes[number as usize]);
        hashes.push(hash);
        bytes.extend_from_slice(key);
        ends.push(bytes.len());
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
