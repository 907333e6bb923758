//! Floats as mantissa and position, and the sums that need no more than that.

use super::digits::Digits;
use super::round::{power_of_two, quotient};
use super::{ExactElement, Fixed, FixedPoint, Specials, single};
use crate::arithmetic::compensated::LANES;

/// A finite float: `magnitude * 2^(UNIT + position)`, or nothing for NaN and infinities.
struct Parts {
    magnitude: u64,
    position: u32,
    negative: bool,
}

/// The bits of a float, taken apart without any float operation.
trait Bits: Copy {
    fn parts(self) -> Option<Parts>;
    fn sign_alone(self) -> bool;
    fn kind(self) -> (bool, bool, bool);
}

macro_rules! bits {
    ($float:ty, $bits:ty, $mantissa:literal, $exponents:literal) => {
        impl Bits for $float {
            #[inline(always)]
            fn parts(self) -> Option<Parts> {
                let bits = self.to_bits();
                let exponent = (bits >> $mantissa) & $exponents;
                if exponent == $exponents {
                    return None;
                }
                let fraction = bits & ((1 << $mantissa) - 1);
                let hidden = <$bits>::from(exponent > 0) << $mantissa;
                Some(Parts {
                    magnitude: u64::from(fraction | hidden),
                    position: u32::try_from(exponent.max(1) - 1).unwrap_or_default(),
                    negative: bits >> (<$bits>::BITS - 1) == 1,
                })
            }
            fn sign_alone(self) -> bool {
                self.to_bits() == 1 << (<$bits>::BITS - 1)
            }
            fn kind(self) -> (bool, bool, bool) {
                let bits = self.to_bits();
                let magnitude = bits & (<$bits>::MAX >> 1);
                let infinite = magnitude == $exponents << $mantissa;
                let negative = bits != magnitude;
                (magnitude > $exponents << $mantissa, infinite && !negative, infinite && negative)
            }
        }
    };
}
bits!(f32, u32, 23, 0xff);
bits!(f64, u64, 52, 0x7ff);

/// What the items are apart from their sum, which says where to look: seldom is anything special.
#[inline(always)]
fn specials<T: Bits>(items: &[T], any: bool, sum_is_zero: bool) -> Specials {
    let mut specials = Specials::ordinary(items.len() as u64);
    if any {
        for item in items {
            let (nan, positive, negative) = item.kind();
            specials.nan += u64::from(nan);
            specials.positive_infinite += u64::from(positive);
            specials.negative_infinite += u64::from(negative);
        }
    }
    if sum_is_zero {
        specials.negative_zeros = items.iter().all(|item| item.sign_alone());
    }
    specials
}

fn products<T: Bits, F: FixedPoint, const DIGITS: usize>(items: &[(T, T)]) -> F {
    let mut sum = F::default();
    for block in items.chunks(DIGITFUL) {
        let mut digits = Digits::<DIGITS>::new();
        for (x, y) in block {
            if let (Some(x), Some(y)) = (x.parts(), y.parts()) {
                let product = u128::from(x.magnitude) * u128::from(y.magnitude);
                digits.add_wide(product, x.position + y.position, x.negative != y.negative);
            }
        }
        sum = sum.plus(digits.total());
    }
    sum
}

fn total(sum: &impl FixedPoint, specials: &Specials, unit: i64) -> f64 {
    specials.sum().unwrap_or_else(|| quotient(&sum.to_big(), &1u8.into(), unit))
}

impl ExactElement for f32 {
    const UNIT: i64 = -149;
    const WIDTH: u64 = 276;
    type First = Fixed<6>;
    type Second = Fixed<10>;

    #[inline(always)]
    fn first(items: &[Self]) -> (Specials, Fixed<6>) {
        let (any, first, _) = single::sums::<false>(items);
        (specials(items, any, first.is_zero()), first)
    }
    #[inline(always)]
    fn first_and_second(items: &[Self]) -> (Specials, Fixed<6>, Fixed<10>) {
        let (any, first, second) = single::sums::<true>(items);
        (specials(items, any, first.is_zero()), first, second)
    }
    fn products(items: &[(Self, Self)]) -> Fixed<10> {
        // A position of up to 506, and up to five digits from there.
        products::<Self, _, 21>(items)
    }
    #[cfg(feature = "gpu")]
    fn gpu(squares: bool) -> Option<super::OnGpu<Self>> {
        Some(single::gpu(squares))
    }
    fn total(sum: &Fixed<6>, specials: &Specials) -> f64 {
        total(sum, specials, Self::UNIT)
    }
}

impl ExactElement for f64 {
    const UNIT: i64 = -1074;
    const WIDTH: u64 = 2097;
    type First = Fixed<34>;
    type Second = Fixed<67>;

    #[inline(always)]
    fn first(items: &[Self]) -> (Specials, Fixed<34>) {
        let mut sum = Fixed::default();
        let mut any = false;
        for piece in items.chunks(PIECE) {
            if !lanes(piece, &mut sum) {
                any |= piece.iter().any(|x| !x.is_finite());
                sum = sum.plus(digits(piece));
            }
        }
        (specials(items, any, sum.is_zero()), sum)
    }
    fn first_and_second(items: &[Self]) -> (Specials, Fixed<34>, Fixed<67>) {
        let (specials, first) = Self::first(items);
        let mut second = Fixed::default();
        for block in items.chunks(DIGITFUL) {
            let mut squares = Digits::<136>::new();
            for item in block {
                if let Some(Parts { magnitude, position, .. }) = item.parts() {
                    squares.add_wide(u128::from(magnitude) * u128::from(magnitude), 2 * position, false);
                }
            }
            second = second.plus(squares.total());
        }
        (specials, first, second)
    }
    fn products(items: &[(Self, Self)]) -> Fixed<67> {
        // A position of up to 4090, and up to five digits from there.
        products::<Self, _, 136>(items)
    }
    fn total(sum: &Fixed<34>, specials: &Specials) -> f64 {
        total(sum, specials, Self::UNIT)
    }
}

/// Products that a set of digits takes in, far below what fits.
const DIGITFUL: usize = 1 << 20;

/// Items of f64 that are looked at together.
const PIECE: usize = 4096;

/// The sum of any f64.
fn digits(items: &[f64]) -> Fixed<34> {
    let mut digits = Digits::<70>::new();
    for item in items {
        if let Some(Parts { magnitude, position, negative }) = item.parts() {
            digits.add(magnitude, position, negative);
        }
    }
    digits.total()
}

/// Adds up at most [`PIECE`] f64 whose exponents lie near enough to one another, in f64 that cannot round; says
/// whether they did.
///
/// Each is split at a power of two `2^cut` that all of them share. A lane of 2^9 high parts is below `2^(cut + 53)` and
/// a multiple of `2^cut`; one of low parts is below `2^(cut + 8)` and a multiple of the least item's last bit, 2^53
/// times less at most. So both fit an f64.
#[inline(always)]
fn lanes(items: &[f64], sum: &mut Fixed<34>) -> bool {
    let (mut greatest, mut least) = ([0u64; LANES], [u64::MAX; LANES]);
    let (rows, rest) = items.as_chunks::<LANES>();
    let magnitude = |x: f64| x.to_bits() & (u64::MAX >> 1);
    for row in rows {
        for lane in 0..LANES {
            let magnitude = magnitude(row[lane]);
            greatest[lane] = greatest[lane].max(magnitude);
            // 0 has no exponent: it wraps to the greatest.
            least[lane] = least[lane].min(magnitude.wrapping_sub(1));
        }
    }
    let (mut most, mut fewest) = (0, u64::MAX);
    for (lane, &x) in rest.iter().enumerate() {
        greatest[lane] = greatest[lane].max(magnitude(x));
        least[lane] = least[lane].min(magnitude(x).wrapping_sub(1));
    }
    for lane in 0..LANES {
        most = greatest[lane].max(most);
        fewest = least[lane].min(fewest);
    }
    if most == 0 {
        return true;
    }
    let (top, bottom) = ((most >> 52) as i64, (fewest.wrapping_add(1) >> 52) as i64);
    // Far from both ends, so that neither the splitting nor a low part leaves the normal numbers.
    if bottom < 60 || top > 2030 || top - bottom > 35 {
        return false;
    }
    let cut = top - 1023 - 42;
    let splitter = 1.5 * power_of_two(cut + 52);
    let (mut high, mut low) = ([0.0f64; LANES], [0.0f64; LANES]);
    for row in rows {
        for lane in 0..LANES {
            let upper = (row[lane] + splitter) - splitter;
            high[lane] += upper;
            low[lane] += row[lane] - upper;
        }
    }
    for (lane, &x) in rest.iter().enumerate() {
        let upper = (x + splitter) - splitter;
        high[lane] += upper;
        low[lane] += x - upper;
    }
    // The last bit of the least item.
    let unit = bottom - 1023 - 52;
    sum.add(whole(high, -cut), (cut + 1074) as usize);
    sum.add(whole(low, -unit), (unit + 1074) as usize);
    true
}

/// The sum across lanes, each of them an integer times `2^-exponent` of less than 2^53.
#[inline(always)]
pub(super) fn whole(lanes: [f64; LANES], exponent: i64) -> i128 {
    let scale = power_of_two(exponent);
    let mut sum = 0i64;
    for lane in lanes {
        sum += (lane * scale) as i64;
    }
    sum.into()
}

#[cfg(feature = "half")]
macro_rules! half {
    ($($float:ty, $width:expr;)*) => {$(
        /// 16-bit floats go through f32, which holds them exactly.
        impl ExactElement for $float {
            const UNIT: i64 = f32::UNIT;
            const WIDTH: u64 = $width;
            type First = Fixed<6>;
            type Second = Fixed<10>;

            fn first(items: &[Self]) -> (Specials, Fixed<6>) {
                f32::first(&items.iter().map(|&x| x.into()).collect::<Vec<f32>>())
            }
            fn first_and_second(items: &[Self]) -> (Specials, Fixed<6>, Fixed<10>) {
                f32::first_and_second(&items.iter().map(|&x| x.into()).collect::<Vec<f32>>())
            }
            fn products(items: &[(Self, Self)]) -> Fixed<10> {
                f32::products(&items.iter().map(|&(x, y)| (x.into(), y.into())).collect::<Vec<(f32, f32)>>())
            }
            fn total(sum: &Fixed<6>, specials: &Specials) -> f64 {
                f32::total(sum, specials)
            }
        }
    )*};
}
#[cfg(feature = "half")]
half! {
    half::f16, 164;
    half::bf16, f32::WIDTH;
}
