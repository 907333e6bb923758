//! Integers, whose sums are exact as they are.

use super::{ExactElement, Fixed, FixedPoint, Specials};
use crate::Block;
use crate::arithmetic::{Accumulator, IntegerMoments, IntegerSum, Moments};

fn fixed(sum: i128) -> Fixed<2> {
    let mut fixed = Fixed::default();
    fixed.add(sum, 0);
    fixed
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl ExactElement for $integer {
            const UNIT: i64 = 0;
            const WIDTH: u64 = 63;
            type First = Fixed<2>;
            type Second = Fixed<3>;

            #[inline(always)]
            fn first(items: &[Self]) -> (Specials, Fixed<2>) {
                (Specials::ordinary(items.len() as u64), fixed(Accumulator::<Self>::total(<IntegerSum as Accumulator<Self>>::of(&Block::new(items)))))
            }
            #[inline(always)]
            fn first_and_second(items: &[Self]) -> (Specials, Fixed<2>, Fixed<3>) {
                let moments = <IntegerMoments as Moments<Self>>::of(&Block::new(items));
                let (high, low) = moments.squares().into_words();
                let mut squares = Fixed::default();
                for (word, position) in [(high, 128), (low, 0)] {
                    squares.add((word >> 64) as u64 as i128, position + 64);
                    squares.add(word as u64 as i128, position);
                }
                let (specials, sum) = Self::first(items);
                (specials, sum, squares)
            }
            fn products(items: &[(Self, Self)]) -> Fixed<3> {
                let mut sum = Fixed::default();
                for &(x, y) in items {
                    // The sides have at most 64 bits, so the product of an unsigned and of a signed pair fits.
                    let negative = (i128::from(x) < 0) != (i128::from(y) < 0);
                    let magnitude = i128::from(x).unsigned_abs() * i128::from(y).unsigned_abs();
                    for (half, position) in [(magnitude as u64, 0), ((magnitude >> 64) as u64, 64)] {
                        sum.add(if negative { -i128::from(half) } else { i128::from(half) }, position);
                    }
                }
                sum
            }
            fn total(sum: &Fixed<2>, _specials: &Specials) -> i128 {
                i128::try_from(sum.to_big()).unwrap_or_default()
            }
        }
    )*};
}
integers!(u8 i8 u16 i16 u32 i32 u64 i64 bool);
