//! Decimals: integers of up to 256 bits with a point somewhere, added and compared exactly.

use std::cmp::Ordering;

use arrow::datatypes::i256;
use num_bigint::{BigInt, BigUint};
use num_traits::Zero;
use serde::{Deserialize, Serialize};
use strix_reduce::arithmetic::exact::{quotient, root};
use strix_reduce::state::{Signature, check_count};
use strix_reduce::{Aggregator, Block, Combine, Item, Label, Portable};

use crate::value::Value;

/// The digits of a decimal as an integer; its scale belongs to the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Digits(#[serde(with = "bytes")] pub(crate) i256);

/// The integer's bytes, the least first.
mod bytes {
    use arrow::datatypes::i256;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(digits: &i256, serializer: S) -> Result<S::Ok, S::Error> {
        digits.to_le_bytes().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i256, D::Error> {
        <[u8; 32]>::deserialize(deserializer).map(i256::from_le_bytes)
    }
}

impl Digits {
    /// The decimal as a value.
    pub(crate) fn value(self, scale: i8) -> Value {
        Value::Decimal(text(&self.big(), scale))
    }

    /// The nearest f64: where neither the digits nor the power of ten round, their quotient, which rounds once.
    pub(crate) fn to_f64(self, scale: i8) -> f64 {
        match (self.0.to_i128(), scale) {
            (Some(digits), 0..=22) if digits.unsigned_abs() <= 1 << 53 => digits as f64 / 10f64.powi(scale.into()),
            _ => text(&self.big(), scale).parse().unwrap_or(f64::NAN),
        }
    }

    fn big(self) -> BigInt {
        BigInt::from_signed_bytes_le(&self.0.to_le_bytes())
    }
}

/// `digits / 10^scale` in digits.
fn text(digits: &BigInt, scale: i8) -> String {
    let magnitude = digits.magnitude().to_string();
    let sign = if *digits < BigInt::zero() { "-" } else { "" };
    let Ok(scale) = usize::try_from(scale) else {
        let zeros = if digits.is_zero() { 0 } else { usize::from(scale.unsigned_abs()) };
        return format!("{sign}{magnitude}{}", "0".repeat(zeros));
    };
    let padded = format!("{magnitude:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

impl Item for Digits {}

impl Combine for Extremes {}
impl Combine for Sums {}

impl Label for Digits {
    const NAME: &'static str = "decimal";

    fn hash64(&self) -> u64 {
        let (low, high) = self.0.to_parts();
        let words = [low as u64, (low >> 64) as u64, high as u64, (high >> 64) as u64];
        words.iter().fold(0, |hash: u64, word| (hash.rotate_left(29) ^ word).hash64())
    }

    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

/// The least and the greatest decimal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extremes;

impl Aggregator<Digits> for Extremes {
    type State = Option<(Digits, Digits)>;
    type Output = Option<(Digits, Digits)>;

    fn identity(&self) -> Self::State {
        None
    }
    fn lift(&self, state: &mut Self::State, item: &Digits) {
        self.merge(state, Some((*item, *item)));
    }
    fn merge(&self, state: &mut Self::State, other: Self::State) {
        if let Some(other) = other {
            let kept = state.unwrap_or(other);
            *state = Some((kept.0.min(other.0), kept.1.max(other.1)));
        }
    }
    fn finish(&self, state: Self::State) -> Self::Output {
        state
    }
}

impl Portable<Digits> for Extremes {
    fn signature(&self) -> Signature {
        "extremes of decimal".into()
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        match state {
            Some(_) if items == 0 => Err("it has extremes, but no items".into()),
            Some((least, greatest)) if least > greatest => Err("its extremes are the wrong way round".into()),
            _ => Ok(()),
        }
    }
}

/// The greatest decimal less the least.
pub(crate) fn range((least, greatest): (Digits, Digits), scale: i8) -> Value {
    Value::Decimal(text(&(greatest.big() - least.big()), scale))
}

/// The sum of decimals and, if `squares`, that of their squares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sums {
    pub(crate) squares: bool,
}

/// Sums of decimals, in units of their last digit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Total {
    pub(crate) count: u64,
    sum: BigInt,
    squares: BigInt,
}

impl Sums {
    fn add(self, total: &mut Total, items: &[Digits]) {
        total.count += items.len() as u64;
        let mut sum = i256::ZERO;
        let mut squares = 0u128;
        for item in items {
            sum = sum.checked_add(item.0).unwrap_or_else(|| {
                total.sum += Digits(sum).big();
                item.0
            });
            if !self.squares {
                continue;
            }
            // Nearly every decimal has a square of 128 bits.
            let small = item.0.to_i128().map(i128::unsigned_abs).and_then(|x| x.checked_mul(x));
            match small.and_then(|square| squares.checked_add(square)) {
                Some(sum) => squares = sum,
                None => total.squares += item.big().pow(2),
            }
        }
        total.sum += Digits(sum).big();
        total.squares += squares;
    }
}

impl Aggregator<Digits> for Sums {
    type State = Total;
    type Output = Total;

    fn identity(&self) -> Total {
        Total::default()
    }
    fn lift(&self, total: &mut Total, item: &Digits) {
        self.add(total, std::slice::from_ref(item));
    }
    fn merge(&self, total: &mut Total, other: Total) {
        total.count = total.count.saturating_add(other.count);
        total.sum += other.sum;
        total.squares += other.squares;
    }
    fn finish(&self, state: Total) -> Total {
        state
    }
    fn lift_block(&self, total: &mut Total, block: &Block<'_, Digits>) {
        self.add(total, block);
    }
}

impl Portable<Digits> for Sums {
    fn signature(&self) -> Signature {
        if self.squares { "sum and squares of decimal".into() } else { "sum of decimal".into() }
    }
    fn check(&self, state: &Total, items: u64) -> Result<(), String> {
        check_count(state.count, items)?;
        let empty = state.count == 0 && !(state.sum.is_zero() && state.squares.is_zero());
        // The sum of squares is at least the square of the sum over the count.
        let spread = &state.squares * BigInt::from(state.count) < state.sum.pow(2);
        if empty || (self.squares && spread) || (!self.squares && !state.squares.is_zero()) {
            return Err("its sums are not those of any items".into());
        }
        Ok(())
    }
}

/// `10^scale` on the side of the fraction on which it is whole.
fn power(scale: i32) -> (BigUint, BigUint) {
    let power = BigUint::from(10u8).pow(scale.unsigned_abs());
    if scale < 0 { (power, BigUint::from(1u8)) } else { (BigUint::from(1u8), power) }
}

impl Total {
    pub(crate) fn sum(&self, scale: i8) -> Option<Value> {
        (self.count > 0).then(|| Value::Decimal(text(&self.sum, scale)))
    }

    /// The mean, rounded once.
    pub(crate) fn mean(&self, scale: i8) -> Option<f64> {
        let (above, below) = power(scale.into());
        (self.count > 0).then(|| quotient(&(&self.sum * BigInt::from(above)), &(below * self.count), 0))
    }

    /// The variance over `count - ddof`, rounded once; or its square root, if `of` is that.
    fn spread(&self, ddof: u64, scale: i8, of: fn(&BigInt, &BigUint, i64) -> f64) -> Option<f64> {
        let over = self.count.checked_sub(ddof).filter(|&over| over > 0)?;
        let (above, below) = power(2 * i32::from(scale));
        let numerator = (&self.squares * BigInt::from(self.count) - self.sum.pow(2)) * BigInt::from(above);
        Some(of(&numerator, &(below * self.count * over), 0))
    }

    pub(crate) fn variance(&self, ddof: u64, scale: i8) -> Option<f64> {
        self.spread(ddof, scale, quotient)
    }

    pub(crate) fn sd(&self, ddof: u64, scale: i8) -> Option<f64> {
        self.spread(ddof, scale, root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_read_as_they_are_written() {
        for (digits, scale, expected) in [(330, 2, "3.30"), (-5, 2, "-0.05"), (7, 0, "7"), (7, -2, "700"), (0, -2, "0")]
        {
            assert_eq!(Digits(i256::from_i128(digits)).value(scale), Value::Decimal(expected.into()));
        }
        assert_eq!(Digits(i256::from_i128(330)).to_f64(2), 3.3);
        assert_eq!(Digits(i256::MAX).to_f64(76), 5.789604461865809);
    }

    #[test]
    fn sums_beyond_256_bits_do_not_wrap() {
        let items = vec![Digits(i256::MAX); 4100];
        let total = Sums { squares: true }.state_of(&items);
        assert_eq!(total.mean(0), Some(5.78960446186581e76));
        assert_eq!((total.variance(1, 0), total.sd(0, 0)), (Some(0.0), Some(0.0)));
        assert!(Sums { squares: true }.check(&total, 4100).is_ok());
    }
}
