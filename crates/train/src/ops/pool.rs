//! Max-pooling of squares of 2 x 2 on slices, channels last; an odd last row or column is left out.

use rayon::prelude::*;

/// Shapes: `[batch, height, width, channels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) batch: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

impl Size {
    pub(super) fn output(&self) -> [usize; 2] {
        [self.height / 2, self.width / 2]
    }

    /// Elements of an output row.
    fn row(&self) -> usize {
        self.output()[1] * self.channels
    }

    fn output_len(&self) -> usize {
        self.batch * self.output()[0] * self.row()
    }

    /// Where the upper row of pixels begins from which an output row (counted over all images) is made.
    fn above(&self, row: usize) -> usize {
        let [height, _] = self.output();
        (row / height * self.height + 2 * (row % height)) * self.width * self.channels
    }
}

/// The largest of each square, and which of the four it was.
pub(super) fn forward(x: &[f32], s: &Size) -> (Vec<f32>, Vec<u8>) {
    let (mut out, mut places) = (vec![0.0; s.output_len()], vec![0u8; s.output_len()]);
    let row = s.row().max(1);
    let arch = pulp::Arch::new();
    let rows = out.par_chunks_mut(row).zip(places.par_chunks_mut(row)).enumerate();
    rows.with_min_len(8).for_each(|(at, (out, places))| {
        let upper = &x[s.above(at)..];
        let lower = &upper[s.width * s.channels..];
        arch.dispatch(
            #[inline(always)]
            || {
                let squares = upper.chunks_exact(2 * s.channels).zip(lower.chunks_exact(2 * s.channels));
                let targets = out.chunks_mut(s.channels).zip(places.chunks_mut(s.channels));
                for ((out, places), (upper, lower)) in targets.zip(squares) {
                    let ((a, b), (c, d)) = (upper.split_at(s.channels), lower.split_at(s.channels));
                    let fours = a.iter().zip(b).zip(c.iter().zip(d));
                    for ((out, place), ((a, b), (c, d))) in out.iter_mut().zip(places).zip(fours) {
                        // A NaN is larger than anything, so that it is seen.
                        let larger = |x: (f32, u8), y: (f32, u8)| if y.0 <= x.0 { x } else { y };
                        (*out, *place) = larger(larger((*a, 0), (*b, 1)), larger((*c, 2), (*d, 3)));
                    }
                }
            },
        );
    });
    (out, places)
}

/// Each output's gradient, to where its value came from.
pub(super) fn backward(gradient: &[f32], places: &[u8], s: &Size) -> Vec<f32> {
    let [height, _] = s.output();
    let mut left = vec![0.0; s.batch * s.height * s.width * s.channels];
    let (image, row) = ((s.height * s.width * s.channels).max(1), s.row());
    let arch = pulp::Arch::new();
    left.par_chunks_mut(image).enumerate().for_each(|(at, image)| {
        arch.dispatch(
            #[inline(always)]
            || {
                for (line, rows) in image.chunks_exact_mut((2 * s.width * s.channels).max(1)).enumerate() {
                    let from = (at * height + line) * row;
                    let (upper, lower) = rows.split_at_mut(s.width * s.channels);
                    let squares = upper.chunks_exact_mut(2 * s.channels).zip(lower.chunks_exact_mut(2 * s.channels));
                    let flows = gradient[from..from + row].chunks(s.channels).zip(places[from..].chunks(s.channels));
                    for ((upper, lower), (flow, places)) in squares.zip(flows) {
                        let ((a, b), (c, d)) = (upper.split_at_mut(s.channels), lower.split_at_mut(s.channels));
                        let fours = a.iter_mut().zip(b).zip(c.iter_mut().zip(d));
                        for (((a, b), (c, d)), (flow, place)) in fours.zip(flow.iter().zip(places)) {
                            let to = |which: u8| if which == *place { *flow } else { 0.0 };
                            (*a, *b, *c, *d) = (to(0), to(1), to(2), to(3));
                        }
                    }
                }
            },
        );
    });
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_each_square_and_its_gradient() {
        let s = Size { batch: 1, height: 3, width: 5, channels: 1 };
        let x = [1.0, 5.0, 2.0, 2.0, 9.0, 3.0, 4.0, 2.0, f32::NAN, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0];
        let (y, places) = forward(&x, &s);
        assert!(y[0] == 5.0 && y[1].is_nan());
        let left = backward(&[10.0, 20.0], &places, &s);
        assert_eq!(left, [0.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 20.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn channels_are_pooled_apart() {
        let s = Size { batch: 1, height: 2, width: 2, channels: 3 };
        let x = [1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 0.0, 9.0, 0.0, 5.0, 5.0, 5.0];
        let (y, places) = forward(&x, &s);
        assert_eq!((y, &places[..]), (vec![5.0, 9.0, 5.0], &[3u8, 2, 3][..]));
        let left = backward(&[1.0, 2.0, 3.0], &places, &s);
        assert_eq!(left, [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, 0.0, 1.0, 0.0, 3.0]);
    }

    #[test]
    fn images_of_one_row_or_column_leave_nothing() {
        for (height, width) in [(1, 4), (4, 1), (0, 0)] {
            let s = Size { batch: 2, height, width, channels: 1 };
            let (y, places) = forward(&vec![1.0; 2 * height * width], &s);
            assert!(y.is_empty());
            assert_eq!(backward(&[], &places, &s), vec![0.0; 2 * height * width]);
        }
    }
}
