//! Sums of integers at any bit position, held as digits that carry late.

use super::FixedPoint;

/// `sum(digits[i] * 2^(32 i))`. A term touches three digits and adds less than 2^32 to each of them, a product of two five
/// and less than 2^33, so 2^29 terms fit before anything has to be carried: the "small superaccumulator" of Neal, "Fast exact summation using small
/// and large superaccumulators" (arXiv 1505.05571, 2015).
#[derive(Debug)]
pub(super) struct Digits<const COUNT: usize>([i64; COUNT]);

impl<const COUNT: usize> Digits<COUNT> {
    pub(super) fn new() -> Self {
        Self([0; COUNT])
    }

    /// Adds `magnitude * 2^position`, or subtracts it.
    #[inline(always)]
    pub(super) fn add(&mut self, magnitude: u64, position: u32, negative: bool) {
        let place = (position / 32) as usize;
        let term = u128::from(magnitude) << (position % 32);
        for part in 0..3 {
            let digit = (term >> (32 * part)) as u32;
            let digit = i64::from(digit);
            self.0[place + part] += if negative { -digit } else { digit };
        }
    }

    /// The same for a product of two.
    #[inline(always)]
    pub(super) fn add_wide(&mut self, magnitude: u128, position: u32, negative: bool) {
        self.add(magnitude as u64, position, negative);
        self.add((magnitude >> 64) as u64, position + 64, negative);
    }

    pub(super) fn total<F: FixedPoint>(&self) -> F {
        F::of_digits(&self.0, 32)
    }
}
