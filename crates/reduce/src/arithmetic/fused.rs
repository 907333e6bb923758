//! Sum, moments and extremes of a block of f32 in one loop: what fused statistics cost one pass for.
#![expect(clippy::needless_range_loop, reason = "plain loops over lanes compile to vector instructions")]

use prefetch_index::prefetch_index;

use super::compensated::{LANES, across};
use super::{Compensated, FloatMoments};
use crate::block::{Block, Facts};

/// Spread of a block around its center, at most, as a multiple of its variance. A center further off
/// would cancel digits, so that the block is read again around its mean.
const OFF_CENTER: f64 = 2.0;

/// How many items ahead of their use they are fetched, past the block's end too, where the next one mostly lies.
const AHEAD: usize = 512;

/// Fills in the block's sum, and the other facts that are wanted.
///
/// Every fact has the same bits whatever else is wanted. The sum is that of plain f64 lanes. The
/// moments come from deviations from a center inside the data, corrected for its distance from the mean.
#[inline(always)]
pub(crate) fn facts(block: &Block<'_, f32>, wanted: Facts) {
    let arch = pulp::Arch::new();
    let items = block.items();
    let (moments, extremes) = (wanted.contains(Facts::MOMENTS), wanted.contains(Facts::EXTREMES));
    let raw = match (moments, extremes) {
        (true, true) => arch.dispatch(Pass::<true, true>(items)),
        (true, false) => arch.dispatch(Pass::<true, false>(items)),
        (false, true) => arch.dispatch(Pass::<false, true>(items)),
        (false, false) => arch.dispatch(Pass::<false, false>(items)),
    };
    let _ = block.sum.set(raw.sum.into());
    if moments {
        let _ = block.moments.set(raw.moments(items));
    }
    // NaN and infinities of both signs make the sum NaN.
    if extremes && !items.is_empty() && !raw.sum.value().is_nan() {
        let _ = block.extremes.set(raw.extremes);
    }
}

/// The least and the greatest item; `None` of a block that is empty or may hold NaN.
#[inline(always)]
pub(crate) fn extremes(block: &Block<'_, f32>) -> Option<(f32, f32)> {
    if block.sum.get().is_none() {
        facts(block, block.facts() | Facts::EXTREMES);
    }
    block.extremes.get().copied()
}

/// What one pass leaves.
struct Raw {
    sum: Compensated,
    center: f64,
    residue: f64,
    squares: f64,
    extremes: (f32, f32),
}

impl Raw {
    #[inline(always)]
    fn moments(&self, items: &[f32]) -> FloatMoments {
        let n = items.len() as f64;
        let m2 = self.squares - self.residue * self.residue / n;
        // Also where anything is infinite or NaN.
        if m2 * OFF_CENTER >= self.squares {
            return FloatMoments::around(items.len() as u64, self.center, self.residue, m2);
        }
        FloatMoments::in_two_passes(items, self.sum.divided_by(items.len() as u64))
    }
}

struct Pass<'a, const MOMENTS: bool, const EXTREMES: bool>(&'a [f32]);

impl<const MOMENTS: bool, const EXTREMES: bool> pulp::WithSimd for Pass<'_, MOMENTS, EXTREMES> {
    type Output = Raw;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> Raw {
        let items = self.0;
        // Adding as a fused product with 1 gives the same bits and spreads the work over all float units,
        // where additions alone would crowd two of them. The compiler must not know that it is 1.
        let spread = size_of::<S::f64s>() > size_of::<f64>();
        let one = std::hint::black_box(1.0);
        let center = if MOMENTS { center(items) } else { 0.0 };
        let (rows, rest) = items.as_chunks::<LANES>();
        let mut sums = [0.0f64; LANES];
        let mut residues = [0.0f64; LANES];
        let mut squares = [0.0f64; LANES];
        let mut least = [f32::INFINITY; LANES];
        let mut greatest = [f32::NEG_INFINITY; LANES];
        for (place, row) in (AHEAD..).step_by(LANES).zip(rows) {
            // A row is a cache line. The processor's window is too short to ask for those far ahead by itself.
            prefetch_index(items, place);
            let mut wide = [0.0f64; LANES];
            for lane in 0..LANES {
                wide[lane] = f64::from(row[lane]);
            }
            for lane in 0..LANES {
                sums[lane] = if spread { wide[lane].mul_add(one, sums[lane]) } else { wide[lane] + sums[lane] };
            }
            if MOMENTS {
                for lane in 0..LANES {
                    wide[lane] = if spread { wide[lane].mul_add(one, -center) } else { wide[lane] - center };
                }
                for lane in 0..LANES {
                    residues[lane] += wide[lane];
                }
                for lane in 0..LANES {
                    squares[lane] = wide[lane].mul_add(wide[lane], squares[lane]);
                }
            }
            if EXTREMES {
                for lane in 0..LANES {
                    least[lane] = if row[lane] < least[lane] { row[lane] } else { least[lane] };
                }
                for lane in 0..LANES {
                    greatest[lane] = if row[lane] > greatest[lane] { row[lane] } else { greatest[lane] };
                }
            }
        }
        // In memory, as a whole each: lanes that stay scalars up to their sum are not compiled to vectors.
        (sums, residues, squares) = std::hint::black_box((sums, residues, squares));
        (least, greatest) = std::hint::black_box((least, greatest));
        let rest = rest_of(rest, center);
        let mut extremes = (rest.least, rest.greatest);
        if EXTREMES {
            for lane in 0..LANES {
                extremes.0 = extremes.0.min(least[lane]);
                extremes.1 = extremes.1.max(greatest[lane]);
            }
            extremes = (signed_zero(items, extremes.0, true), signed_zero(items, extremes.1, false));
        }
        Raw {
            sum: across(sums, [0.0; LANES]).plus(Compensated::of_two(rest.sum, 0.0)),
            center,
            residue: if MOMENTS { across(residues, [0.0; LANES]).value() + rest.residue } else { 0.0 },
            squares: if MOMENTS { across(squares, [0.0; LANES]).value() + rest.squares } else { 0.0 },
            extremes,
        }
    }
}

/// The items after the last whole row.
struct Rest {
    sum: f64,
    residue: f64,
    squares: f64,
    least: f32,
    greatest: f32,
}

/// In a function of its own: lanes that are also touched one by one are compiled to short vectors.
#[inline(never)]
fn rest_of(items: &[f32], center: f64) -> Rest {
    let mut rest = Rest { sum: 0.0, residue: 0.0, squares: 0.0, least: f32::INFINITY, greatest: f32::NEG_INFINITY };
    for &x in items {
        let deviation = f64::from(x) - center;
        rest.sum += f64::from(x);
        rest.residue += deviation;
        rest.squares += deviation * deviation;
        rest.least = if x < rest.least { x } else { rest.least };
        rest.greatest = if x > rest.greatest { x } else { rest.greatest };
    }
    rest
}

/// The mean of the first few items, as an f32: differences from it are mostly exact.
///
/// They are next to one another, where the loop begins: items from all over the block would each wait for
/// memory, and cost more than reading the block a second time where the first ones are not typical.
#[inline(always)]
fn center(items: &[f32]) -> f64 {
    let first = &items[..items.len().min(LANES)];
    let mut sum = 0.0;
    for &x in first {
        sum += f64::from(x);
    }
    let mean = (sum / first.len() as f64) as f32;
    if mean.is_finite() { f64::from(mean) } else { 0.0 }
}

/// Comparison does not see a zero's sign, but the extremes have one: -0 is below +0.
#[inline(always)]
fn signed_zero(items: &[f32], extreme: f32, negative: bool) -> f32 {
    if extreme != 0.0 {
        return extreme;
    }
    let wanted = if negative { (-0.0f32).to_bits() } else { 0.0f32.to_bits() };
    let mut found = false;
    for x in items {
        found |= x.to_bits() == wanted;
    }
    if found { f32::from_bits(wanted) } else { -f32::from_bits(wanted) }
}
