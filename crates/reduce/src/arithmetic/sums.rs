//! Sums of several quantities over a block, in independent lanes.

use super::Compensated;
use super::compensated::{LANES, across};

/// The sum over the items of each quantity that `of` reads from one.
///
/// With n items the error of each is at most `(n / 16 + 2) 2^-53` of the sum of its magnitudes.
#[inline(always)]
pub(crate) fn sums<T, const N: usize>(items: &[T], of: impl Fn(&T) -> [f64; N]) -> [Compensated; N] {
    let mut lanes = [[0.0f64; LANES]; N];
    let (rows, rest) = items.as_chunks::<LANES>();
    for row in rows {
        for lane in 0..LANES {
            let terms = of(&row[lane]);
            for quantity in 0..N {
                lanes[quantity][lane] += terms[quantity];
            }
        }
    }
    for (lane, item) in rest.iter().enumerate() {
        let terms = of(item);
        for quantity in 0..N {
            lanes[quantity][lane] += terms[quantity];
        }
    }
    lanes.map(
        #[inline(always)]
        |lanes| across(lanes, [0.0; LANES]),
    )
}
