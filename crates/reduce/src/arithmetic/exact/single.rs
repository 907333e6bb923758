//! Exact sums of f32 and of their squares at the memory's speed.
//!
//! Most data is alike: where the exponents of a piece lie near enough to one another, plain f64 lanes cannot round, and
//! one addition to the wide integer takes in the whole piece. Any other piece is sorted into a bin for each exponent,
//! in integers alone.
#![expect(clippy::needless_range_loop, reason = "plain loops over lanes compile to vector instructions")]

use std::ops::Range;

use prefetch_index::prefetch_index;

use super::floats::whole;
use super::round::power_of_two;
use super::{Fixed, FixedPoint};
use crate::arithmetic::compensated::{LANES, widened};

/// Items that are looked at together: with the next piece, which is fetched meanwhile, half of the first-level cache.
const PIECE: usize = 2048;

/// How far apart the exponents of a piece may be. A lane of 2^9 items is then below `2^(9 + 1 + top)`, and a multiple
/// of the last bit of the least item, `2^(bottom - 23)`: a ratio of 2^53.
const NEAR: i64 = 20;

/// Items that a set of bins takes in: as many squares of 48 bits fit 64.
const BINFUL: usize = 1 << 16;

/// Whether any item is NaN or infinite, the sum of the others and, if `SQUARES`, that of their squares.
#[inline(always)]
pub(super) fn sums<const SQUARES: bool>(items: &[f32]) -> (bool, Fixed<6>, Fixed<10>) {
    let (mut any, mut first, mut second) = (false, Fixed::default(), Fixed::default());
    for chunk in items.chunks(BINFUL) {
        let mut bins: Option<Box<Bins>> = None;
        // Pieces that will be binned without a look, as the last one had to be.
        let mut skip = 0;
        for begin in (0..chunk.len()).step_by(PIECE) {
            let piece = begin..chunk.len().min(begin + PIECE);
            if skip == 0 && lanes::<SQUARES>(chunk, piece.clone(), &mut first, &mut second) {
                continue;
            }
            skip = if skip == 0 { 7 } else { skip - 1 };
            bins.get_or_insert_default().add::<SQUARES>(chunk, piece);
        }
        if let Some(bins) = bins {
            bins.empty::<SQUARES>(&mut first, &mut second);
            any |= [255, 511].iter().any(|&bin: &usize| bins.sums[bin] != 0);
        }
    }
    (any, first, second)
}

/// Adds up at most [`PIECE`] items of a chunk in f64 lanes that cannot round, and says whether they could be.
#[inline(always)]
fn lanes<const SQUARES: bool>(
    chunk: &[f32],
    piece: Range<usize>,
    first: &mut Fixed<6>,
    second: &mut Fixed<10>,
) -> bool {
    let next = piece.start + PIECE;
    let items = &chunk[piece];
    let (most, fewest) = range(items, chunk, next);
    if most == 0 {
        return true;
    }
    let (top, bottom) = (i64::from(most >> 23), i64::from(fewest >> 23));
    // Neither infinities and NaN, nor subnormal items, which a processor may be told to take for 0.
    if top == 255 || bottom == 0 || top - bottom > NEAR {
        return false;
    }
    // The last bit of the least item.
    let unit = bottom - 127 - 23;
    first.add(whole(lane_sums(items, chunk, next), -unit), (unit + 149) as usize);
    if SQUARES {
        // Squares have 48 bits. Each is split at a power of two that all share: 2^9 high parts are below 2^(cut + 53),
        // as many low ones below 2^(cut + 8), and multiples of the least square's last bit.
        let cut = 2 * (top - 127) - 41;
        let (high, low) = lane_squares(items, 1.5 * power_of_two(cut + 52));
        second.add(whole(high, -cut), (cut + 298) as usize);
        second.add(whole(low, -2 * unit), (2 * unit + 298) as usize);
    }
    true
}

/// The bits of the greatest magnitude and of the least one that is not 0; both 0 where all are.
///
/// Meanwhile one half of the chunk's items from `next` on are fetched.
#[inline(always)]
fn range(items: &[f32], chunk: &[f32], next: usize) -> (u32, u32) {
    let (mut most, mut fewest) = (0, u32::MAX);
    for (place, part) in (next..).step_by(4 * LINE).zip(items.chunks(4 * LINE)) {
        prefetch_index(chunk, place);
        prefetch_index(chunk, place + LINE);
        for x in part {
            let magnitude = x.to_bits() & 0x7fff_ffff;
            most = magnitude.max(most);
            // 0 has no exponent: it wraps to the greatest.
            fewest = magnitude.wrapping_sub(1).min(fewest);
        }
    }
    (most, fewest.wrapping_add(1))
}

// One loop for each thing, over items that are in the first-level cache by now: loops that do several are compiled to
// vector instructions of less than half the width.

/// Meanwhile the other half of the chunk's items from `next` on are fetched.
#[inline(always)]
fn lane_sums(items: &[f32], chunk: &[f32], next: usize) -> [f64; LANES] {
    let mut sums = [0.0f64; LANES];
    let (rows, rest) = items.as_chunks::<LANES>();
    for (place, row) in (next..).step_by(LINE).zip(rows) {
        prefetch_index(chunk, place | (2 * LINE));
        let wide = widened(row);
        for lane in 0..LANES {
            sums[lane] += wide[lane];
        }
    }
    let wide = widened(&filled(rest));
    for lane in 0..LANES {
        sums[lane] += wide[lane];
    }
    sums
}

#[inline(always)]
fn lane_squares(items: &[f32], splitter: f64) -> ([f64; LANES], [f64; LANES]) {
    let mut sums = ([0.0f64; LANES], [0.0f64; LANES]);
    let (rows, rest) = items.as_chunks::<LANES>();
    for row in rows {
        add_squares(&mut sums, row, splitter);
    }
    add_squares(&mut sums, &filled(rest), splitter);
    sums
}

#[inline(always)]
fn add_squares((high, low): &mut ([f64; LANES], [f64; LANES]), row: &[f32; LANES], splitter: f64) {
    let mut squares = widened(row);
    for lane in 0..LANES {
        squares[lane] *= squares[lane];
    }
    let mut upper = [0.0f64; LANES];
    for lane in 0..LANES {
        upper[lane] = (squares[lane] + splitter) - splitter;
    }
    for lane in 0..LANES {
        high[lane] += upper[lane];
    }
    for lane in 0..LANES {
        low[lane] += squares[lane] - upper[lane];
    }
}

/// The items after the last whole row as one: lanes that are also touched one by one are no vectors any more.
#[inline(always)]
fn filled(rest: &[f32]) -> [f32; LANES] {
    let mut row = [0.0; LANES];
    for (cell, &x) in row.iter_mut().zip(rest) {
        *cell = x;
    }
    row
}

/// A sum for each sign and exponent, of mantissas without their hidden bit and, above them, of how many there were; and
/// one of squared mantissas with the hidden bit.
#[derive(Debug)]
struct Bins {
    sums: [u64; 512],
    squares: [u64; 512],
}

impl Default for Bins {
    fn default() -> Self {
        Self { sums: [0; 512], squares: [0; 512] }
    }
}

/// Items of a cache line, and how many items ahead of their use they are fetched.
const LINE: usize = 16;
const AHEAD: usize = 2048;

/// Where the count of a bin begins. 2^16 mantissas of 23 bits stay below it.
const COUNT: u32 = 40;

impl Bins {
    #[inline(always)]
    fn add<const SQUARES: bool>(&mut self, chunk: &[f32], piece: Range<usize>) {
        let (lines, rest) = chunk[piece.clone()].as_chunks::<LINE>();
        for (place, line) in (piece.start + AHEAD..).step_by(LINE).zip(lines) {
            // Sorting into bins is so much work for an item that a processor does not reach the next ones in time.
            prefetch_index(chunk, place);
            for &x in line {
                self.add_one::<SQUARES>(x);
            }
        }
        for &x in rest {
            self.add_one::<SQUARES>(x);
        }
    }

    #[inline(always)]
    fn add_one<const SQUARES: bool>(&mut self, x: f32) {
        let bits = x.to_bits();
        let fraction = u64::from(bits & 0x7f_ffff);
        let bin = (bits >> 23) as usize;
        self.sums[bin] += fraction + (1 << COUNT);
        if SQUARES {
            let mantissa = fraction | 1 << 23;
            self.squares[bin] += mantissa * mantissa;
        }
    }

    fn count_and_fractions(&self, bin: usize) -> (u64, u64) {
        (self.sums[bin] >> COUNT, self.sums[bin] & ((1 << COUNT) - 1))
    }

    /// Adds what is in the bins of finite exponents.
    fn empty<const SQUARES: bool>(&self, first: &mut Fixed<6>, second: &mut Fixed<10>) {
        // As many neighbours as fit 128 bits go to the wide integer at once.
        for begin in (0..255).step_by(64) {
            let mut sum = 0i128;
            for exponent in begin..255.min(begin + 64) {
                let of_sign = |bin: usize| {
                    let (count, fractions) = self.count_and_fractions(bin);
                    i128::from(fractions) + (i128::from(count * u64::from(exponent > 0)) << 23)
                };
                let mantissas = of_sign(exponent) - of_sign(exponent | 256);
                // Exponents 0 and 1 have one unit.
                sum += mantissas << (exponent.max(1) - begin.max(1));
            }
            if sum != 0 {
                first.add(sum, begin.max(1) - 1);
            }
        }
        if !SQUARES {
            return;
        }
        for begin in (0..255).step_by(16) {
            let mut sum = 0i128;
            for exponent in begin..255.min(begin + 16) {
                let squares = |bin: usize| {
                    let (count, fractions) = self.count_and_fractions(bin);
                    // Without a hidden bit after all: (f + 2^23)^2 = f^2 + 2^24 f + 2^46.
                    let hidden = (i128::from(fractions) << 24) + (i128::from(count) << 46);
                    i128::from(self.squares[bin]) - if exponent == 0 { hidden } else { 0 }
                };
                let both = squares(exponent) + squares(exponent | 256);
                sum += both << (2 * (exponent.max(1) - begin.max(1)));
            }
            if sum != 0 {
                second.add(sum, 2 * (begin.max(1) - 1));
            }
        }
    }
}

/// The kernels' half: digits of 16 bits, all but the last of a signed sum carried.
#[cfg(feature = "gpu")]
pub(super) fn gpu(squares: bool) -> super::OnGpu<f32> {
    use strix_shaders::{EXACT_SQUARES, EXACT_SQUARES_DIGITS, EXACT_SUM, EXACT_SUM_DIGITS};

    use crate::gpu::Partial;

    fn digits(partial: &Partial<'_>, snippet: &str, count: u32) -> Vec<i64> {
        (0..count).map(|digit| partial.u32(snippet, digit).into()).collect()
    }
    fn first(partial: &Partial<'_>) -> (super::Specials, Fixed<6>) {
        let mut digits = digits(partial, "exact_sum", EXACT_SUM_DIGITS);
        if let Some(last) = digits.last_mut() {
            *last = i64::from(*last as u32 as i32);
        }
        let others = partial.u32("exact_sum", EXACT_SUM_DIGITS);
        let census = partial.census();
        let negative_zeros = others == 0 && u64::from(census.finite) == census.items();
        (super::Specials::of_census(census, negative_zeros), Fixed::of_digits(&digits, 16))
    }
    if squares {
        let read = |partial: &Partial<'_>| {
            let (specials, sum) = first(partial);
            (specials, sum, Fixed::of_digits(&digits(partial, "exact_squares", EXACT_SQUARES_DIGITS), 16))
        };
        (vec![EXACT_SUM, EXACT_SQUARES], read)
    } else {
        let read = |partial: &Partial<'_>| {
            let (specials, sum) = first(partial);
            (specials, sum, Fixed::default())
        };
        (vec![EXACT_SUM], read)
    }
}
