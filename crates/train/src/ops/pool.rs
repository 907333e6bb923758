//! Max-pooling of squares of 2 x 2 on slices; an odd last row or column is left out.

use rayon::prelude::*;

/// Shapes: `[planes, height, width]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) planes: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Size {
    pub(super) fn output(&self) -> [usize; 2] {
        [self.height / 2, self.width / 2]
    }

    fn output_len(&self) -> usize {
        self.output().iter().product()
    }
}

/// The largest of each square, and which of the four it was.
pub(super) fn forward(x: &[f32], s: &Size) -> (Vec<f32>, Vec<u8>) {
    let [height, width] = s.output();
    let (mut out, mut places) = (vec![0.0; s.planes * s.output_len()], vec![0u8; s.planes * s.output_len()]);
    let planes = x.par_chunks((s.height * s.width).max(1));
    let outputs = out.par_chunks_mut(s.output_len().max(1)).zip(places.par_chunks_mut(s.output_len().max(1)));
    planes.zip(outputs).for_each(|(plane, (out, places))| {
        for row in 0..height {
            let (upper, lower) = plane[2 * row * s.width..][..2 * s.width].split_at(s.width);
            let squares = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
            let targets = out[row * width..].iter_mut().zip(&mut places[row * width..]);
            for (([a, b], [c, d]), (out, place)) in squares.zip(targets) {
                // A NaN is larger than anything, so that it is seen.
                let larger = |x: (f32, u8), y: (f32, u8)| if y.0 <= x.0 { x } else { y };
                (*out, *place) = larger(larger((*a, 0), (*b, 1)), larger((*c, 2), (*d, 3)));
            }
        }
    });
    (out, places)
}

/// Each output's gradient, to where its value came from.
pub(super) fn backward(gradient: &[f32], places: &[u8], s: &Size) -> Vec<f32> {
    let [_, width] = s.output();
    let mut left = vec![0.0; s.planes * s.height * s.width];
    let flows = gradient.par_chunks(s.output_len().max(1)).zip(places.par_chunks(s.output_len().max(1)));
    left.par_chunks_mut((s.height * s.width).max(1)).zip(flows).for_each(|(plane, (gradient, places))| {
        for (rows, (flow, places)) in
            plane.chunks_mut(2 * s.width).zip(gradient.chunks(width.max(1)).zip(places.chunks(width.max(1))))
        {
            let (upper, lower) = rows.split_at_mut(s.width);
            let squares = upper.as_chunks_mut::<2>().0.iter_mut().zip(lower.as_chunks_mut::<2>().0);
            for (([a, b], [c, d]), (flow, place)) in squares.zip(flow.iter().zip(places)) {
                let to = |which: u8| if which == *place { *flow } else { 0.0 };
                (*a, *b, *c, *d) = (to(0), to(1), to(2), to(3));
            }
        }
    });
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_of_each_square_and_its_gradient() {
        let s = Size { planes: 1, height: 3, width: 5 };
        let x = [1.0, 5.0, 2.0, 2.0, 9.0, 3.0, 4.0, 2.0, f32::NAN, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0];
        let (y, places) = forward(&x, &s);
        assert!(y[0] == 5.0 && y[1].is_nan());
        let left = backward(&[10.0, 20.0], &places, &s);
        assert_eq!(left, [0.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 20.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn planes_of_one_row_or_column_leave_nothing() {
        for (height, width) in [(1, 4), (4, 1), (0, 0)] {
            let s = Size { planes: 2, height, width };
            let (y, places) = forward(&vec![1.0; 2 * height * width], &s);
            assert!(y.is_empty());
            assert_eq!(backward(&[], &places, &s), vec![0.0; 2 * height * width]);
        }
    }
}
