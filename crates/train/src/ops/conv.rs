//! 2-D convolutions on slices, channels last: images are `[batch, height, width, channels]` in memory.
//!
//! Two ways, by shape. [`winograd`] takes 3x3 filters over many channels, with 2.25 times fewer products; [`columns`] takes
//! everything else, and lays each pixel's surroundings out as a row of a matrix. Both hand their products to faer. Images
//! are independent, so threads share them out; what the filters' gradient sums over images is summed in [`PARTS`] parts
//! and in their order, whatever the number of threads.

mod columns;
mod winograd;

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

use super::rows;

/// Parts of a batch whose gradients are summed apart: a number of its own, so that the bits do not depend on the threads.
const PARTS: usize = 8;

/// Shapes of a convolution. Filters are `[filters, channels, kernel, kernel]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) batch: usize,
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) filters: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) padding: usize,
}

impl Geometry {
    /// Rows and columns of the output.
    pub(super) fn output(&self) -> [usize; 2] {
        [self.height, self.width].map(|size| (size + 2 * self.padding - self.kernel) / self.stride + 1)
    }

    /// Elements of an input image.
    fn input_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Pixels of an output image.
    fn pixels(&self) -> usize {
        let [height, width] = self.output();
        height * width
    }

    /// Elements of an output image.
    fn output_len(&self) -> usize {
        self.pixels() * self.filters
    }

    /// Elements of a filter.
    fn depth(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }

    /// Images a part of the batch has.
    fn images_a_part(&self) -> usize {
        self.batch.div_ceil(PARTS).max(1)
    }
}

/// The convolution with a bias for each filter, rectified if `relu`: `[batch, rows, columns, filters]`.
pub(super) fn forward(input: &[f32], filters: &[f32], bias: Option<&[f32]>, relu: bool, g: &Geometry) -> Vec<f32> {
    let finish = Finish { bias, relu };
    if winograd::takes(g) {
        let filters = winograd::transformed(filters, g, false);
        winograd::multiply(input, &filters, finish, g)
    } else {
        columns::forward(input, filters, finish, g)
    }
}

/// What a convolution's backward pass leaves; those of input and bias only where they were asked for.
#[derive(Debug)]
pub(super) struct Gradients {
    pub(super) input: Option<Vec<f32>>,
    pub(super) filters: Vec<f32>,
    pub(super) bias: Option<Vec<f32>>,
}

/// What a backward pass asks for beside the filters' gradient.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    pub(super) input: bool,
    pub(super) bias: bool,
}

/// The gradients by those of the output. Where the convolution was rectified, `output` tells which elements passed.
pub(super) fn backward(
    input: &[f32],
    filters: &[f32],
    gradient: &[f32],
    output: Option<&[f32]>,
    wanted: Wanted,
    g: &Geometry,
) -> Gradients {
    let passed;
    let gradient = match output {
        None => gradient,
        Some(output) => {
            passed = rows::all_passed(output, gradient, g.filters);
            &passed
        }
    };
    let bias = wanted.bias.then(|| rows::sums(gradient, g.filters));
    if !winograd::takes(g) {
        let (input, filters) = columns::backward(input, filters, gradient, wanted.input, g);
        return Gradients { input, filters, bias };
    }
    // The input's gradient is the convolution of the output's with the filters turned round.
    let input_gradient = wanted.input.then(|| {
        let turned = Geometry { channels: g.filters, filters: g.channels, ..*g };
        winograd::multiply(gradient, &winograd::transformed(filters, g, true), Finish::default(), &turned)
    });
    Gradients { input: input_gradient, filters: winograd::filters_gradient(input, gradient, g), bias }
}

/// What happens to each output after the products are summed.
#[derive(Debug, Clone, Copy, Default)]
struct Finish<'a> {
    bias: Option<&'a [f32]>,
    relu: bool,
}

impl Finish<'_> {
    /// On rows of one element a filter.
    #[inline(always)]
    fn apply(self, rows: &mut [f32], filters: usize) {
        if let Some(bias) = self.bias {
            for row in rows.chunks_mut(filters) {
                row.iter_mut().zip(bias).for_each(|(y, bias)| *y += bias);
            }
        }
        if self.relu {
            // A NaN stays, so that a diverged network is seen.
            rows.iter_mut().for_each(|y| *y = if *y < 0.0 { 0.0 } else { *y });
        }
    }
}

/// Rows of `columns` elements, each `pitch` behind the one before. (By way of columns, as the constructors of strided rows
/// in faer 0.24 take the two strides for each other.)
fn row_major(data: &[f32], rows: usize, columns: usize, pitch: usize) -> MatRef<'_, f32> {
    MatRef::from_column_major_slice_with_stride(data, columns, rows, pitch).transpose()
}

fn row_major_mut(data: &mut [f32], rows: usize, columns: usize, pitch: usize) -> MatMut<'_, f32> {
    MatMut::from_column_major_slice_with_stride_mut(data, columns, rows, pitch).transpose_mut()
}

/// `to = a b`, or `to += a b`.
fn product(to: MatMut<'_, f32>, how: Accum, a: MatRef<'_, f32>, b: MatRef<'_, f32>) {
    matmul(to, how, a, b, 1.0, Par::Seq);
}

/// A slice of that length, whose content is of no interest.
fn room(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    &mut buffer[..length]
}

fn add(sum: &mut [f32], more: &[f32]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Wanted = Wanted { input: true, bias: true };

    fn numbers(n: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        (0..n)
            .map(|_| {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (state >> 40) as f32 / (1 << 23) as f32 - 1.0
            })
            .collect()
    }

    /// The definition, in f64: outputs, and the gradients of the sum of outputs times `flow`.
    fn defined(x: &[f32], w: &[f32], b: &[f32], flow: &[f32], relu: bool, g: &Geometry) -> [Vec<f64>; 4] {
        let [height, width] = g.output();
        let (channels, kernel) = (g.channels, g.kernel);
        let taps = (0..channels).flat_map(move |c| (0..kernel).flat_map(move |y| (0..kernel).map(move |x| (c, y, x))));
        let mut y = vec![0.0; g.batch * g.output_len()];
        let (mut dx, mut dw, mut db) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; b.len()]);
        for n in 0..g.batch {
            for f in 0..g.filters {
                for (oy, ox) in (0..height).flat_map(|oy| (0..width).map(move |ox| (oy, ox))) {
                    let places: Vec<(usize, usize)> = taps
                        .clone()
                        .enumerate()
                        .filter_map(|(tap, (c, ky, kx))| {
                            let iy = (oy * g.stride + ky).checked_sub(g.padding).filter(|iy| *iy < g.height)?;
                            let ix = (ox * g.stride + kx).checked_sub(g.padding).filter(|ix| *ix < g.width)?;
                            Some((((n * g.height + iy) * g.width + ix) * g.channels + c, f * g.depth() + tap))
                        })
                        .collect();
                    let sum: f64 = places.iter().map(|(i, j)| f64::from(x[*i]) * f64::from(w[*j])).sum();
                    let at = ((n * height + oy) * width + ox) * g.filters + f;
                    let z = sum + f64::from(b[f]);
                    y[at] = if relu { z.max(0.0) } else { z };
                    let flow = if relu && z <= 0.0 { 0.0 } else { f64::from(flow[at]) };
                    db[f] += flow;
                    for (i, j) in places {
                        dx[i] += flow * f64::from(w[j]);
                        dw[j] += flow * f64::from(x[i]);
                    }
                }
            }
        }
        [y, dx, dw, db]
    }

    fn near(found: &[f32], expected: &[f64], what: &str) {
        assert_eq!(found.len(), expected.len(), "{what}");
        for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
            assert!((f64::from(*found) - expected).abs() < 2e-3, "{what} {i}: {found} for {expected}");
        }
    }

    #[test]
    fn as_defined_in_every_geometry() {
        let base =
            Geometry { batch: 3, channels: 2, height: 9, width: 7, filters: 5, kernel: 3, stride: 1, padding: 1 };
        let cases = [
            base,
            Geometry { stride: 2, ..base },
            Geometry { kernel: 1, padding: 0, ..base },
            Geometry { kernel: 1, padding: 0, stride: 2, ..base },
            Geometry { kernel: 5, padding: 2, ..base },
            Geometry { padding: 0, ..base },
            Geometry { padding: 2, ..base },
            Geometry { kernel: 2, padding: 0, stride: 2, ..base },
            // Several images to a product, the last group smaller; a single pixel.
            Geometry { batch: 19, height: 3, width: 3, ..base },
            Geometry { batch: 9, height: 1, width: 1, ..base },
            Geometry { batch: 1, channels: 1, height: 28, width: 28, ..base },
            // More pixels than a piece has.
            Geometry { batch: 2, channels: 40, height: 30, width: 31, filters: 3, ..base },
            // Winograd: even and odd sizes, one tile, more rows of tiles than a piece has, another number of filters.
            Geometry { batch: 2, channels: 16, height: 6, width: 8, filters: 16, ..base },
            Geometry { batch: 19, channels: 16, height: 7, width: 5, filters: 32, ..base },
            Geometry { batch: 3, channels: 32, height: 1, width: 1, filters: 16, ..base },
            Geometry { batch: 2, channels: 16, height: 28, width: 27, filters: 16, ..base },
        ];
        for g in cases {
            for relu in [false, true] {
                let (x, w) = (numbers(g.batch * g.input_len(), 1), numbers(g.filters * g.depth(), 2));
                let (b, flow) = (numbers(g.filters, 3), numbers(g.batch * g.output_len(), 4));
                let [y, dx, dw, db] = defined(&x, &w, &b, &flow, relu, &g);
                let found = forward(&x, &w, Some(&b), relu, &g);
                near(&found, &y, &format!("{g:?} outputs"));
                let back = backward(&x, &w, &flow, relu.then_some(&found[..]), ALL, &g);
                near(&back.input.unwrap_or_default(), &dx, &format!("{g:?} input"));
                near(&back.filters, &dw, &format!("{g:?} filters"));
                near(&back.bias.unwrap_or_default(), &db, &format!("{g:?} bias"));
                let none = backward(&x, &w, &flow, None, Wanted { input: false, bias: false }, &g);
                assert!(none.input.is_none() && none.bias.is_none());
            }
        }
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        the_same_bits(3, 8);
        the_same_bits(16, 32);
    }

    fn the_same_bits(channels: usize, filters: usize) {
        let g = Geometry { batch: 21, channels, height: 12, width: 12, filters, kernel: 3, stride: 1, padding: 1 };
        let (x, w) = (numbers(g.batch * g.input_len(), 5), numbers(g.filters * g.depth(), 6));
        let flow = numbers(g.batch * g.output_len(), 7);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| (forward(&x, &w, None, false, &g), backward(&x, &w, &flow, None, ALL, &g)))
        };
        let (one, five) = (on(1), on(5));
        assert_eq!(one.0, five.0);
        assert_eq!((one.1.input, one.1.filters, one.1.bias), (five.1.input, five.1.filters, five.1.bias));
    }
}
