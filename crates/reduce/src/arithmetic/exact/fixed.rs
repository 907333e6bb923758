//! A sum as one wide integer: fixed point, so that adding never rounds.

use std::fmt;

use num_bigint::{BigInt, Sign};
use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An integer of `64 LIMBS` bits in two's complement, least limb first.
///
/// Every value has one form, so equal sums are equal bytes. It wraps past its width, which the widths chosen in
/// [`super::ExactElement`] leave 2^56 items short of.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fixed<const LIMBS: usize>([u64; LIMBS]);

/// What all widths of [`Fixed`] can do. Sealed.
pub trait FixedPoint:
    crate::sealed::Sealed
    + Copy
    + Default
    + PartialEq
    + fmt::Debug
    + Send
    + Sync
    + Serialize
    + serde::de::DeserializeOwned
    + 'static
{
    /// Adds `value * 2^position`.
    fn add(&mut self, value: i128, position: usize);

    /// The sum of `digits[i] * 2^(bits i)`; `bits` is at most 32.
    fn of_digits(digits: &[i64], bits: u32) -> Self;

    /// The sum of both.
    #[must_use]
    fn plus(self, other: Self) -> Self;

    /// Whether it is 0.
    fn is_zero(&self) -> bool;

    /// The same integer, of any size.
    fn to_big(&self) -> BigInt;
}

impl<const LIMBS: usize> Default for Fixed<LIMBS> {
    fn default() -> Self {
        Self([0; LIMBS])
    }
}

impl<const LIMBS: usize> crate::sealed::Sealed for Fixed<LIMBS> {}

impl<const LIMBS: usize> FixedPoint for Fixed<LIMBS> {
    #[inline]
    fn add(&mut self, value: i128, position: usize) {
        let (limb, shift) = (position / 64, position % 64);
        let low = (value << shift) as u128;
        // The bits that the shift pushed out, with the sign above them; two shifts, as one of 128 is none.
        let high = (value >> 64) >> (64 - shift);
        let sign = (value >> 127) as u64;
        let mut carry = false;
        for (place, sum) in self.0.iter_mut().enumerate().skip(limb) {
            let term = match place - limb {
                0 => low as u64,
                1 => (low >> 64) as u64,
                2 => high as u64,
                // Nothing changes any more above.
                _ if (sign == 0) != carry => return,
                _ => sign,
            };
            let (partial, over) = sum.overflowing_add(term);
            let (total, over_again) = partial.overflowing_add(u64::from(carry));
            *sum = total;
            carry = over | over_again;
        }
    }

    fn of_digits(digits: &[i64], bits: u32) -> Self {
        let mask = (1i64 << bits) - 1;
        let mut fixed = Self::default();
        let (mut carry, mut word, mut filled, mut limb) = (0i64, 0u128, 0, 0);
        // Past the last digit the carry is the rest of the number, and then its sign.
        let mut digits = digits.iter();
        while limb < LIMBS {
            // 2^30 terms of less than 2^33 leave room for the carry.
            let sum = digits.next().unwrap_or(&0) + carry;
            carry = sum >> bits;
            word |= ((sum & mask) as u128) << filled;
            filled += bits;
            if filled >= 64 {
                fixed.0[limb] = word as u64;
                limb += 1;
                word >>= 64;
                filled -= 64;
            }
        }
        fixed
    }

    #[inline]
    fn plus(mut self, other: Self) -> Self {
        let mut carry = false;
        for (sum, term) in self.0.iter_mut().zip(other.0) {
            let (partial, over) = sum.overflowing_add(term);
            let (total, over_again) = partial.overflowing_add(u64::from(carry));
            *sum = total;
            carry = over | over_again;
        }
        self
    }

    fn is_zero(&self) -> bool {
        self.0.iter().all(|&limb| limb == 0)
    }

    fn to_big(&self) -> BigInt {
        let negative = self.0[LIMBS - 1] >> 63 == 1;
        let mut carry = negative;
        let magnitude = self.0.map(|limb| {
            if !negative {
                return limb;
            }
            let (limb, over) = (!limb).overflowing_add(u64::from(carry));
            carry = over;
            limb
        });
        let words: Vec<u32> = magnitude.iter().flat_map(|&limb| [limb as u32, (limb >> 32) as u32]).collect();
        BigInt::from_slice(if negative { Sign::Minus } else { Sign::Plus }, &words)
    }
}

impl<const LIMBS: usize> fmt::Debug for Fixed<LIMBS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_big())
    }
}

impl<const LIMBS: usize> Serialize for Fixed<LIMBS> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(LIMBS)?;
        for limb in &self.0 {
            tuple.serialize_element(limb)?;
        }
        tuple.end()
    }
}

impl<'de, const LIMBS: usize> Deserialize<'de> for Fixed<LIMBS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Limbs<const LIMBS: usize>;
        impl<'de, const LIMBS: usize> Visitor<'de> for Limbs<LIMBS> {
            type Value = Fixed<LIMBS>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{LIMBS} limbs of 64 bits")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut limbs: A) -> Result<Fixed<LIMBS>, A::Error> {
                let mut fixed = Fixed::default();
                for (place, limb) in fixed.0.iter_mut().enumerate() {
                    *limb = limbs.next_element()?.ok_or_else(|| A::Error::invalid_length(place, &self))?;
                }
                Ok(fixed)
            }
        }
        deserializer.deserialize_tuple(LIMBS, Limbs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_is_that_of_integers_of_any_size() {
        let values = [1, -1, i128::MAX, i128::MIN, 0x1234_5678_9abc_def0_1234_5678_9abc_def0, -(1 << 100)];
        let (mut sum, mut expected) = (Fixed::<5>::default(), BigInt::default());
        for round in 0..3 {
            for (index, value) in values.into_iter().enumerate() {
                for position in [0, 1, 63, 64, 65, 127, 128, 150, 180] {
                    let value = value >> round;
                    sum.add(value, position + index);
                    expected += BigInt::from(value) << (position + index);
                    assert_eq!(sum.to_big(), expected, "{value} at {position}");
                }
            }
        }
    }

    #[test]
    fn digits_carry_and_keep_their_sign() {
        for (digits, bits) in
            [(vec![-1i64, 0, 0], 32), (vec![1 << 50, -(1 << 61), 7], 16), (vec![i64::MAX >> 2; 8], 32)]
        {
            let expected: BigInt =
                digits.iter().zip(0u32..).map(|(&digit, place)| BigInt::from(digit) << (place * bits)).sum();
            assert_eq!(Fixed::<6>::of_digits(&digits, bits).to_big(), expected);
        }
    }
}
