//! Powers of two in which deviations and weights are held where their powers would leave the range of f64.

use serde::{Deserialize, Serialize};

use super::Compensated;

/// Exponents of numbers that need no unit: fourth powers of them, 2^56 of them together, are normal numbers.
const PLAIN: i16 = 200;

/// A larger exponent is held in units of this one, whose inverse is still a normal number.
const MOST: i16 = 1000;

/// The power of two that deviations are counted in.
///
/// It is 1 as long as they are of usual size, so that it changes no bit of them; else it is that of the largest one. What
/// is read from a state without a unit of its own (a correlation, a skewness) then does not depend on the scale of the
/// elements, and what has one (a standard deviation) leaves the range of f64 only where it is itself outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Unit(i16);

impl Unit {
    /// The unit of numbers of which this one is the largest; `None` of 0, which fits any. The larger of two units is that
    /// of both.
    #[inline(always)]
    pub(crate) fn of(largest: f64) -> Option<Self> {
        if largest == 0.0 {
            return None;
        }
        if largest.is_nan() {
            return Some(Self::default());
        }
        let exponent = (largest.abs().to_bits() >> 52) as i16 - 1023;
        Some(if exponent.abs() <= PLAIN { Self::default() } else { Self(exponent.clamp(-MOST, MOST)) })
    }

    /// The unit of what `of` reads from each of the items.
    #[inline(always)]
    pub(crate) fn of_all<T>(items: &[T], of: impl Fn(&T) -> f64) -> Self {
        let mut largest = 0.0f64;
        for item in items {
            let magnitude = of(item).abs();
            largest = if magnitude > largest { magnitude } else { largest };
        }
        Self::of(largest).unwrap_or_default()
    }

    /// Whether a sum of squares says that the largest of them needs no unit, and that nothing that counts was lost.
    #[inline(always)]
    pub(crate) fn is_plain(squares: f64) -> bool {
        (power_of_two(-2 * PLAIN)..=power_of_two(2 * PLAIN)).contains(&squares)
    }

    /// How many of it are 1.
    #[inline(always)]
    pub(crate) fn inverse(self) -> f64 {
        power_of_two(-self.0)
    }

    /// How many of it `x` is further than `center`, where the difference itself may be infinite.
    #[inline(always)]
    pub(crate) fn deviation(self, x: f64, center: f64) -> f64 {
        x * self.inverse() - center * self.inverse()
    }

    /// `x` units, each to that power, as a number: infinite or 0 where there is none of that size.
    #[inline(always)]
    pub(crate) fn times(self, x: f64, power: i32) -> f64 {
        scaled(x, power * i32::from(self.0))
    }

    /// `x` units, each to that power, in units of another.
    #[inline(always)]
    pub(crate) fn convert(self, x: f64, power: i32, to: Self) -> f64 {
        scaled(x, power * (i32::from(self.0) - i32::from(to.0)))
    }

    /// The product of units, of which `x` are as many as that number.
    #[inline(always)]
    pub(crate) fn product(self, other: Self, x: f64) -> f64 {
        scaled(x, i32::from(self.0) + i32::from(other.0))
    }

    /// Refuses what no numbers have.
    pub(crate) fn check(self) -> Result<(), String> {
        let sound = self.0 == 0 || (PLAIN + 1..=MOST).contains(&self.0.saturating_abs());
        if sound { Ok(()) } else { Err(format!("deviations are not held in units of 2^{}", self.0)) }
    }
}

/// The way from one mean to another, as two states are joined.
pub(crate) struct Step {
    /// What fits both spreads and the way.
    pub(crate) unit: Unit,
    /// How many units the second mean is further than the first.
    pub(crate) delta: f64,
    /// The mean of all.
    pub(crate) mean: Compensated,
}

impl Step {
    /// From mean `a` to mean `b`, of which the latter has that share of all; `spreads` is the unit of both spreads.
    #[inline(always)]
    pub(crate) fn between(a: Compensated, b: Compensated, share: f64, spreads: Option<Unit>) -> Self {
        let apart = b.plus(a.negated()).value();
        let unit = spreads.max(Unit::of(apart)).unwrap_or_default();
        let inverse = unit.inverse();
        if apart.is_finite() {
            return Self { unit, delta: apart * inverse, mean: a.plus(Compensated::of_two(apart * share, 0.0)) };
        }
        // Further apart than the largest f64, or infinite: each weighs what it holds.
        let delta = b.scaled(inverse).plus(a.scaled(inverse).negated()).value();
        Self { unit, delta, mean: Compensated::of_two(a.value() * (1.0 - share), b.value() * share) }
    }
}

/// 2^exponent, of -1022 to 1023.
#[inline(always)]
const fn power_of_two(exponent: i16) -> f64 {
    f64::from_bits(((1023 + exponent as i64) as u64) << 52)
}

/// x 2^exponent, rounded once unless it is far below the normal numbers.
#[inline(always)]
pub(crate) fn scaled(mut x: f64, mut exponent: i32) -> f64 {
    let most = i32::from(MOST);
    while exponent.abs() > most {
        let step = exponent.clamp(-most, most);
        x *= power_of_two(step as i16);
        exponent -= step;
    }
    x * power_of_two(exponent as i16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_of_the_largest_and_1_for_usual_sizes() {
        assert_eq!((Unit::of(0.0), Unit::of(1e9), Unit::of(-1e-9)), (None, Some(Unit(0)), Some(Unit(0))));
        assert_eq!((Unit::of(2f64.powi(-700)), Unit::of(-1.5 * 2f64.powi(300))), (Some(Unit(-700)), Some(Unit(300))));
        assert_eq!((Unit::of(5e-324), Unit::of(f64::INFINITY)), (Some(Unit(-MOST)), Some(Unit(MOST))));
        assert!(None < Some(Unit(-700)) && Unit(-700) < Unit(0) && Unit(0) < Unit(300));
    }

    #[test]
    fn scaling_leaves_the_range_only_where_the_result_does() {
        assert_eq!(scaled(2f64.powi(900), -1900), 2f64.powi(-1000));
        assert_eq!(scaled(3.0, -1074), 15e-324);
        assert_eq!((scaled(1.0, 2000), scaled(-1.0, 1024), scaled(1.0, -2000)), (f64::INFINITY, -f64::INFINITY, 0.0));
        assert_eq!(scaled(0.0, 2000), 0.0);
    }
}
