//! 2-D convolutions on slices: images are laid out as columns, then multiplied with the filters.
//!
//! A piece of an image's output, small enough for the cache, at a time: its columns (`channels * kernel * kernel` rows of
//! `pixels`), then one matrix product by faer. Images are independent, so threads share them out; what the filters'
//! gradient sums over images is summed in [`PARTS`] parts and in their order, whatever the number of threads.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use rayon::prelude::*;

/// Parts of a batch whose gradients are summed apart: a number of its own, so that the bits do not depend on the threads.
const PARTS: usize = 8;

/// Elements of a piece's columns: half of a core's second-level cache.
const COLUMNS: usize = 1 << 17;

/// Pixels a matrix product should have at least: images of fewer go several to a product.
const FEW: usize = 64;

/// Shapes of a convolution. Images are `[batch, channels, height, width]`, filters `[filters, channels, kernel, kernel]`.
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

    fn input_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    fn output_len(&self) -> usize {
        self.filters * self.pixels()
    }

    fn pixels(&self) -> usize {
        let [height, width] = self.output();
        height * width
    }

    /// Rows of the columns: elements of a filter.
    fn depth(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }

    /// Output rows of a piece.
    fn rows(&self) -> usize {
        let [height, width] = self.output();
        (COLUMNS / (self.depth() * width).max(1)).clamp(1, height.max(1))
    }

    /// Images of a product: more than one only where they are small.
    fn together(&self) -> usize {
        FEW.div_ceil(self.pixels().max(1))
    }

    /// Whether a row of columns is the image, shifted.
    fn same(&self) -> bool {
        self.stride == 1 && self.output() == [self.height, self.width]
    }
}

/// Output rows `begin..end` of one image.
#[derive(Debug, Clone, Copy)]
struct Rows {
    begin: usize,
    end: usize,
}

/// Where in the input an offset of the kernel is inside, along one axis: the outputs `begin..end`.
fn inside(offset: usize, size: usize, outputs: Rows, g: &Geometry) -> Rows {
    let least = g.padding.saturating_sub(offset).div_ceil(g.stride);
    let most = if size + g.padding > offset { (size + g.padding - offset - 1) / g.stride + 1 } else { 0 };
    let begin = least.clamp(outputs.begin, outputs.end);
    Rows { begin, end: most.clamp(begin, outputs.end) }
}

/// Each row of the columns with its channel, and with the offset in the kernel.
fn taps(g: &Geometry) -> impl Iterator<Item = (usize, usize, usize)> + use<> {
    let (channels, kernel) = (g.channels, g.kernel);
    (0..channels).flat_map(move |c| (0..kernel).flat_map(move |y| (0..kernel).map(move |x| (c, y, x))))
}

/// The columns of the rows of an image; a row of columns begins every `pitch` elements.
fn unfold(image: &[f32], g: &Geometry, rows: Rows, columns: &mut [f32], pitch: usize) {
    let [_, width] = g.output();
    let count = (rows.end - rows.begin) * width;
    for (line, (channel, y, x)) in columns.chunks_mut(pitch).zip(taps(g)) {
        let line = &mut line[..count];
        let plane = &image[channel * g.height * g.width..][..g.height * g.width];
        let valid = inside(y, g.height, rows, g);
        line[..(valid.begin - rows.begin) * width].fill(0.0);
        line[(valid.end - rows.begin) * width..].fill(0.0);
        if valid.begin == valid.end {
            continue;
        }
        let across = inside(x, g.width, Rows { begin: 0, end: width }, g);
        if across.begin == across.end {
            line.fill(0.0);
            continue;
        }
        let middle = &mut line[(valid.begin - rows.begin) * width..(valid.end - rows.begin) * width];
        if g.same() {
            // One copy, shifted; what came round the edge from a neighbouring row is taken out again.
            let shift = (valid.begin + y - g.padding) * width;
            let (from, to) = (shift + across.begin + x - g.padding, shift + middle.len() - width + across.end + x);
            middle[across.begin..][..to - g.padding - from].copy_from_slice(&plane[from..to - g.padding]);
            for row in middle.chunks_mut(width) {
                row[..across.begin].fill(0.0);
                row[across.end..].fill(0.0);
            }
        } else {
            for (row, out) in (valid.begin..valid.end).zip(middle.chunks_mut(width)) {
                let source = &plane[(row * g.stride + y - g.padding) * g.width..][..g.width];
                out[..across.begin].fill(0.0);
                out[across.end..].fill(0.0);
                for (at, to) in (across.begin..).zip(&mut out[across.begin..across.end]) {
                    *to = source[at * g.stride + x - g.padding];
                }
            }
        }
    }
}

/// Adds columns back to the image that they would have come from: the transpose of [`unfold`].
fn fold(columns: &[f32], g: &Geometry, rows: Rows, image: &mut [f32], pitch: usize) {
    let [_, width] = g.output();
    for (line, (channel, y, x)) in columns.chunks(pitch).zip(taps(g)) {
        let plane = &mut image[channel * g.height * g.width..][..g.height * g.width];
        let valid = inside(y, g.height, rows, g);
        let across = inside(x, g.width, Rows { begin: 0, end: width }, g);
        for row in valid.begin..valid.end {
            let source = &line[(row - rows.begin) * width..][across.begin..across.end];
            let target = &mut plane[(row * g.stride + y - g.padding) * g.width..][..g.width];
            if across.begin == across.end {
                continue;
            }
            let first = across.begin * g.stride + x - g.padding;
            if g.stride == 1 {
                for (to, from) in target[first..].iter_mut().zip(source) {
                    *to += from;
                }
            } else {
                for (to, from) in target[first..].iter_mut().step_by(g.stride).zip(source) {
                    *to += from;
                }
            }
        }
    }
}

/// Pieces of an image's output, by rows.
fn pieces(g: &Geometry) -> impl Iterator<Item = Rows> + use<> {
    let (rows, [height, _]) = (g.rows(), g.output());
    (0..height).step_by(rows).map(move |begin| Rows { begin, end: (begin + rows).min(height) })
}

/// Rows of `columns` elements, each `pitch` behind the one before. (By way of columns, as the constructors of strided rows
/// in faer 0.24 take the two strides for each other.)
fn row_major(data: &[f32], rows: usize, columns: usize, pitch: usize) -> MatRef<'_, f32> {
    MatRef::from_column_major_slice_with_stride(data, columns, rows, pitch).transpose()
}

fn row_major_mut(data: &mut [f32], rows: usize, columns: usize, pitch: usize) -> MatMut<'_, f32> {
    MatMut::from_column_major_slice_with_stride_mut(data, columns, rows, pitch).transpose_mut()
}

/// Buffers of one thread.
#[derive(Default)]
struct Scratch {
    columns: Vec<f32>,
    outputs: Vec<f32>,
}

/// A slice of that length, whose content is of no interest.
fn room(buffer: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if buffer.len() < length {
        buffer.resize(length, 0.0);
    }
    &mut buffer[..length]
}

/// The convolution with a bias for each filter, rectified if `relu`.
pub(super) fn forward(input: &[f32], filters: &[f32], bias: Option<&[f32]>, relu: bool, g: &Geometry) -> Vec<f32> {
    let mut output = vec![0.0; g.batch * g.output_len()];
    if output.is_empty() {
        return output;
    }
    let weights = row_major(filters, g.filters, g.depth(), g.depth());
    let finish = |outputs: &mut [f32], filter: usize| {
        let bias = bias.map_or(0.0, |bias| bias[filter]);
        match relu {
            true => outputs.iter_mut().for_each(|y| *y = (*y + bias).max(0.0)),
            false if bias != 0.0 => outputs.iter_mut().for_each(|y| *y += bias),
            false => {}
        }
    };
    let together = g.together();
    let groups = output.par_chunks_mut(together * g.output_len()).zip(input.par_chunks(together * g.input_len()));
    groups.for_each_init(Scratch::default, |scratch, (outputs, images)| {
        let pixels = g.pixels();
        if together == 1 {
            let [_, width] = g.output();
            for rows in pieces(g) {
                let count = (rows.end - rows.begin) * width;
                let columns = room(&mut scratch.columns, g.depth() * count);
                unfold(images, g, rows, columns, count);
                let target = &mut outputs[rows.begin * width..];
                let product = row_major_mut(target, g.filters, count, pixels);
                let columns = row_major(columns, g.depth(), count, count);
                matmul(product, Accum::Replace, weights, columns, 1.0, Par::Seq);
                for filter in 0..g.filters {
                    finish(&mut outputs[filter * pixels + rows.begin * width..][..count], filter);
                }
            }
            return;
        }
        let images: Vec<&[f32]> = images.chunks(g.input_len()).collect();
        let pitch = images.len() * pixels;
        let columns = unfold_all(&images, g, &mut scratch.columns);
        let side_by_side = room(&mut scratch.outputs, g.filters * pitch);
        let product = row_major_mut(side_by_side, g.filters, pitch, pitch);
        matmul(product, Accum::Replace, weights, row_major(columns, g.depth(), pitch, pitch), 1.0, Par::Seq);
        for (filter, line) in side_by_side.chunks_mut(pitch).enumerate() {
            finish(line, filter);
            for (image, pixels_of) in line.chunks(pixels).enumerate() {
                outputs[image * g.output_len() + filter * pixels..][..pixels].copy_from_slice(pixels_of);
            }
        }
    });
    output
}

/// The columns of several images, side by side.
fn unfold_all<'a>(images: &[&[f32]], g: &Geometry, buffer: &'a mut Vec<f32>) -> &'a mut [f32] {
    let ([height, _], pixels) = (g.output(), g.pixels());
    let pitch = images.len() * pixels;
    let columns = room(buffer, g.depth() * pitch);
    for (at, image) in images.iter().enumerate() {
        unfold(image, g, Rows { begin: 0, end: height }, &mut columns[at * pixels..], pitch);
    }
    columns
}

/// What a convolution's backward pass leaves; the input's gradient only where it was asked for.
#[derive(Debug)]
pub(super) struct Gradients {
    pub(super) input: Option<Vec<f32>>,
    pub(super) filters: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// The gradients by those of the output. Where the convolution was rectified, `output` tells which elements passed.
pub(super) fn backward(
    input: &[f32],
    filters: &[f32],
    gradient: &[f32],
    output: Option<&[f32]>,
    wants_input: bool,
    g: &Geometry,
) -> Gradients {
    let (depth, pixels) = (g.depth(), g.pixels());
    let mut left = vec![0.0; if wants_input { g.batch * g.input_len() } else { 0 }];
    let images = g.batch.div_ceil(PARTS).max(1);
    // A part without an input gradient has an empty slice of it.
    let mut lefts: Vec<&mut [f32]> = left.chunks_mut((images * g.input_len()).max(1)).collect();
    lefts.resize_with(g.batch.div_ceil(images), Default::default);
    let transposed = row_major(filters, g.filters, depth, depth).transpose();
    let sums: Vec<(Vec<f32>, Vec<f32>)> = lefts
        .into_par_iter()
        .enumerate()
        .map_init(
            || (Scratch::default(), Vec::new()),
            |(scratch, back), (part, left)| {
                let (mut by_filter, mut by_bias) = (vec![0.0; g.filters * depth], vec![0.0f64; g.filters]);
                let first = part * images;
                let last = (first + images).min(g.batch);
                let together = g.together();
                for begin in (first..last).step_by(together) {
                    let end = (begin + together).min(last);
                    let pitch = (end - begin) * pixels;
                    // The gradients of the products, side by side, as the columns are.
                    let flow = room(&mut scratch.outputs, g.filters * pitch);
                    for image in begin..end {
                        for filter in 0..g.filters {
                            let at = image * g.output_len() + filter * pixels;
                            let to = &mut flow[filter * pitch + (image - begin) * pixels..][..pixels];
                            match output {
                                None => to.copy_from_slice(&gradient[at..at + pixels]),
                                Some(output) => {
                                    let passed = output[at..at + pixels].iter().zip(&gradient[at..at + pixels]);
                                    for (to, (y, dy)) in to.iter_mut().zip(passed) {
                                        *to = if *y > 0.0 { *dy } else { 0.0 };
                                    }
                                }
                            }
                        }
                    }
                    for (sum, line) in by_bias.iter_mut().zip(flow.chunks(pitch)) {
                        *sum += f64::from(sum_of(line));
                    }
                    let [height, width] = g.output();
                    let whole = [Rows { begin: 0, end: height }];
                    let by_rows: Vec<Rows> = if together == 1 { pieces(g).collect() } else { whole.into() };
                    for rows in by_rows {
                        let (count, columns) = if together == 1 {
                            let count = (rows.end - rows.begin) * width;
                            let columns = room(&mut scratch.columns, depth * count);
                            let image = &input[begin * g.input_len()..][..g.input_len()];
                            unfold(image, g, rows, columns, count);
                            (count, columns)
                        } else {
                            let images: Vec<&[f32]> =
                                input[begin * g.input_len()..end * g.input_len()].chunks(g.input_len()).collect();
                            (pitch, unfold_all(&images, g, &mut scratch.columns))
                        };
                        let flow = row_major(&flow[rows.begin * width..], g.filters, count, pitch);
                        let columns = row_major(columns, depth, count, count).transpose();
                        let sum = row_major_mut(&mut by_filter, g.filters, depth, depth);
                        matmul(sum, Accum::Add, flow, columns, 1.0, Par::Seq);
                        if wants_input {
                            let back = room(back, depth * count);
                            let product = row_major_mut(back, depth, count, count);
                            matmul(product, Accum::Replace, transposed, flow, 1.0, Par::Seq);
                            for image in begin..end {
                                let left = &mut left[(image - first) * g.input_len()..][..g.input_len()];
                                fold(&back[(image - begin) * pixels..], g, rows, left, count);
                            }
                        }
                    }
                }
                (by_filter, by_bias.into_iter().map(|sum| sum as f32).collect())
            },
        )
        .collect();
    let mut filters_gradient = vec![0.0; g.filters * depth];
    let mut bias = vec![0.0; g.filters];
    for (by_filter, by_bias) in &sums {
        add(&mut filters_gradient, by_filter);
        add(&mut bias, by_bias);
    }
    Gradients { input: wants_input.then_some(left), filters: filters_gradient, bias }
}

fn add(sum: &mut [f32], more: &[f32]) {
    sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// A sum in sixteen lanes, which become vectors.
pub(super) fn sum_of(values: &[f32]) -> f32 {
    let (blocks, rest) = values.as_chunks::<16>();
    let mut lanes = [0.0f32; 16];
    for block in blocks {
        lanes.iter_mut().zip(block).for_each(|(lane, x)| *lane += x);
    }
    lanes.iter().chain(rest).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut y = vec![0.0; g.batch * g.output_len()];
        let (mut dx, mut dw, mut db) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; b.len()]);
        for n in 0..g.batch {
            for f in 0..g.filters {
                for (oy, ox) in (0..height).flat_map(|oy| (0..width).map(move |ox| (oy, ox))) {
                    let places: Vec<(usize, usize)> = taps(g)
                        .enumerate()
                        .filter_map(|(tap, (c, ky, kx))| {
                            let iy = (oy * g.stride + ky).checked_sub(g.padding).filter(|iy| *iy < g.height)?;
                            let ix = (ox * g.stride + kx).checked_sub(g.padding).filter(|ix| *ix < g.width)?;
                            Some((((n * g.channels + c) * g.height + iy) * g.width + ix, f * g.depth() + tap))
                        })
                        .collect();
                    let sum: f64 = places.iter().map(|(i, j)| f64::from(x[*i]) * f64::from(w[*j])).sum();
                    let at = ((n * g.filters + f) * height + oy) * width + ox;
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
            // More rows than a piece has.
            Geometry { batch: 2, channels: 40, height: 30, width: 31, filters: 3, ..base },
        ];
        for g in cases {
            for relu in [false, true] {
                let (x, w) = (numbers(g.batch * g.input_len(), 1), numbers(g.filters * g.depth(), 2));
                let (b, flow) = (numbers(g.filters, 3), numbers(g.batch * g.output_len(), 4));
                let [y, dx, dw, db] = defined(&x, &w, &b, &flow, relu, &g);
                let found = forward(&x, &w, Some(&b), relu, &g);
                near(&found, &y, &format!("{g:?} outputs"));
                let back = backward(&x, &w, &flow, relu.then_some(&found[..]), true, &g);
                near(&back.input.unwrap_or_default(), &dx, &format!("{g:?} input"));
                near(&back.filters, &dw, &format!("{g:?} filters"));
                near(&back.bias, &db, &format!("{g:?} bias"));
                assert!(backward(&x, &w, &flow, None, false, &g).input.is_none());
            }
        }
    }

    #[test]
    fn the_same_bits_on_any_number_of_threads() {
        let g =
            Geometry { batch: 21, channels: 3, height: 12, width: 12, filters: 8, kernel: 3, stride: 1, padding: 1 };
        let (x, w) = (numbers(g.batch * g.input_len(), 5), numbers(g.filters * g.depth(), 6));
        let flow = numbers(g.batch * g.output_len(), 7);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
            pool.install(|| (forward(&x, &w, None, false, &g), backward(&x, &w, &flow, None, true, &g)))
        };
        let (one, five) = (on(1), on(5));
        assert_eq!(one.0, five.0);
        assert_eq!((one.1.input, one.1.filters, one.1.bias), (five.1.input, five.1.filters, five.1.bias));
    }
}
