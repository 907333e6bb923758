//! The one rounding of an exact answer: a rational, or its square root, to the nearest f64, ties to even.

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::Zero;

/// Bits that a quotient or root is computed to before it is rounded: those of an f64, and enough to see on which
/// side of a tie it lies when what is cut off is told apart from 0.
const BITS: i64 = 64;

/// `numerator / denominator * 2^exponent`; the denominator is not 0.
pub fn quotient(numerator: &BigInt, denominator: &BigUint, exponent: i64) -> f64 {
    let magnitude = numerator.magnitude();
    let shift = (BITS + 1 + denominator.bits() as i64 - magnitude.bits() as i64).max(0);
    let dividend = magnitude << shift as u64;
    let quotient = &dividend / denominator;
    let rest = dividend != &quotient * denominator;
    signed(nearest(&quotient, rest, exponent - shift), numerator)
}

/// The square root of `numerator / denominator * 2^exponent`, with the numerator's sign.
pub fn root(numerator: &BigInt, denominator: &BigUint, exponent: i64) -> f64 {
    let magnitude = numerator.magnitude();
    let shift = (2 * BITS + 2 + denominator.bits() as i64 - magnitude.bits() as i64).max(0);
    // The exponent that is left is halved.
    let shift = shift + (exponent - shift).rem_euclid(2);
    let dividend = magnitude << shift as u64;
    let quotient = &dividend / denominator;
    let root = quotient.sqrt();
    let rest = quotient != &root * &root || dividend != &quotient * denominator;
    signed(nearest(&root, rest, (exponent - shift) / 2), numerator)
}

fn signed(magnitude: f64, like: &BigInt) -> f64 {
    if like.sign() == Sign::Minus { -magnitude } else { magnitude }
}

/// `(integer + rest) * 2^exponent`, the rest being less than 1 and 0 or not. Without a rest the integer may have
/// any number of bits, else it has at least [`BITS`].
fn nearest(integer: &BigUint, rest: bool, exponent: i64) -> f64 {
    if integer.is_zero() {
        return 0.0;
    }
    let top = integer.bits() as i64 + exponent;
    if top > 1024 {
        return f64::INFINITY;
    }
    // The exponent of the result's last bit, which subnormal numbers have in common.
    let last = (top - 53).max(-1074);
    let cut = last - exponent;
    let mantissa = if cut <= 0 {
        integer << cut.unsigned_abs()
    } else {
        let cut = cut as u64;
        let mut mantissa = integer >> cut;
        let half = integer.bit(cut - 1);
        let beyond_half = rest || integer.trailing_zeros().is_some_and(|zeros| zeros < cut - 1);
        if half && (beyond_half || mantissa.bit(0)) {
            mantissa += 1u8;
        }
        mantissa
    };
    // At most 53 bits, or 2^53: exact, and so are both products but for an overflow to infinity.
    let mantissa = mantissa.iter_u64_digits().next().unwrap_or(0) as f64;
    let (first, second) = (last / 2, last - last / 2);
    mantissa * power_of_two(first) * power_of_two(second)
}

/// 2^n for n of a normal f64.
#[inline(always)]
pub(crate) fn power_of_two(n: i64) -> f64 {
    f64::from_bits(((n + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numerator: i64, denominator: u64, exponent: i64) -> f64 {
        quotient(&numerator.into(), &denominator.into(), exponent)
    }

    #[test]
    fn quotients_are_those_of_ieee_division() {
        for (a, b) in [(1, 3), (-2, 3), (9_007_199_254_740_993, 1), (9_007_199_254_740_995, 1), (1, 10), (7, 7)] {
            // Both operands round to f64 first, so only those that fit are compared with a division.
            if a == (a as f64) as i64 {
                assert_eq!(of(a, b, 0), a as f64 / b as f64);
            }
        }
        // Ties go to even, and the least bit beyond one breaks it.
        assert_eq!(of((1 << 53) + 1, 1, 0), 9_007_199_254_740_992.0);
        assert_eq!(of((1 << 53) + 3, 1, 0), 9_007_199_254_740_996.0);
        assert_eq!(of((1 << 54) + 3, 2, 0), 9_007_199_254_740_994.0);
        assert_eq!(of(0, 5, 10).to_bits(), 0);
    }

    #[test]
    fn subnormal_numbers_round_once_and_huge_ones_overflow() {
        assert_eq!(of(1, 1, -1074), 5e-324);
        assert_eq!(of(1, 2, -1074), 0.0);
        assert_eq!(of(3, 2, -1074), 1e-323);
        assert_eq!(of(-3, 4, -1074), -5e-324);
        assert_eq!(of(1, 1, 1023), 2f64.powi(1023));
        assert_eq!(of(1, 1, 1024), f64::INFINITY);
        // The largest f64 and a half of its last bit: the tie goes to infinity, anything less does not.
        assert_eq!(of((1 << 54) - 1, 1, 970), f64::INFINITY);
        assert_eq!(of(i64::MAX - 512, 1, 961), f64::MAX);
        assert_eq!(of(-1, 1, 5000), f64::NEG_INFINITY);
        assert_eq!(of(1, 1, -5000), 0.0);
    }

    #[test]
    fn roots_are_those_of_ieee() {
        let root_of = |n: i64, d: u64, e| root(&n.into(), &d.into(), e);
        for n in [1, 2, 3, 4, 5, 1 << 52, (1 << 53) - 1, 12_345_678_987_654_321] {
            if n == (n as f64) as i64 {
                assert_eq!(root_of(n, 1, 0), (n as f64).sqrt());
            }
        }
        assert_eq!(root_of(2, 1, 1), 2.0);
        assert_eq!(root_of(-9, 4, 0), -1.5);
        assert_eq!(root_of(0, 4, 0), 0.0);
        assert_eq!(root_of(1, 1, -2148), 5e-324);
    }
}
