//! Integers, whose sums are exact as they are.

use super::{ExactElement, Fixed, FixedPoint, Specials};
use crate::Block;
use crate::arithmetic::{Accumulator, IntegerMoments, IntegerSum, Moments};
#[cfg(feature = "gpu")]
use crate::gpu::Partial;

fn fixed(sum: i128) -> Fixed<2> {
    let mut fixed = Fixed::default();
    fixed.add(sum, 0);
    fixed
}

fn squares(moments: IntegerMoments) -> Fixed<3> {
    let (high, low) = moments.squares().into_words();
    let mut squares = Fixed::default();
    for (word, position) in [(high as u64, 128), ((low >> 64) as u64, 64), (low as u64, 0)] {
        squares.add(word.into(), position);
    }
    squares
}

macro_rules! integers {
    ($($integer:ident $width:expr, $signed:literal;)*) => {$(
        impl ExactElement for $integer {
            const UNIT: i64 = 0;
            const WIDTH: u64 = $width;
            type First = Fixed<2>;
            type Second = Fixed<3>;

            fn admits(specials: &Specials, sum_is_negative: bool) -> bool {
                *specials == Specials::ordinary(specials.count) && ($signed || !sum_is_negative)
            }
            #[inline(always)]
            fn first(items: &[Self]) -> (Specials, Fixed<2>) {
                (Specials::ordinary(items.len() as u64), fixed(Accumulator::<Self>::total(<IntegerSum as Accumulator<Self>>::of(&Block::new(items)))))
            }
            #[inline(always)]
            fn first_and_second(items: &[Self]) -> (Specials, Fixed<2>, Fixed<3>) {
                let squares = squares(<IntegerMoments as Moments<Self>>::of(&Block::new(items)));
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
            #[cfg(feature = "gpu")]
            fn gpu(squares: bool) -> Option<super::OnGpu<Self>> {
                // What a kernel does with integers is exact as it is.
                if squares {
                    let read: fn(&Partial<'_>) -> _ = |partial| {
                        let moments = <IntegerMoments as Moments<Self>>::from_gpu(partial);
                        let specials = Specials::ordinary(partial.census().items());
                        (specials, fixed(moments.sum()), self::squares(moments))
                    };
                    Some((vec![<IntegerMoments as Moments<Self>>::SNIPPET], read))
                } else {
                    let read: fn(&Partial<'_>) -> _ = |partial| {
                        let sum = <IntegerSum as Accumulator<Self>>::from_gpu(partial);
                        let sum = fixed(<IntegerSum as Accumulator<Self>>::total(sum));
                        (Specials::ordinary(partial.census().items()), sum, Fixed::default())
                    };
                    Some((vec![<IntegerSum as Accumulator<Self>>::SNIPPET], read))
                }
            }
            fn total(sum: &Fixed<2>, _specials: &Specials) -> i128 {
                i128::try_from(sum.to_big()).unwrap_or_default()
            }
        }
    )*};
}
integers! {
    u8 7, false; i8 7, true; u16 15, false; i16 15, true; u32 31, false; i32 31, true; u64 63, false; i64 63, true;
    bool 0, false;
}
