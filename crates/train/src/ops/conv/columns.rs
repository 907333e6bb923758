//! Convolutions as one product: each output pixel's surroundings as a row of `kernel * kernel * channels` elements, times
//! the filters.

use faer::Accum;
use rayon::prelude::*;

use super::{Finish, Geometry, add, product, room, row_major, row_major_mut};

/// Elements of a piece's rows: half of a core's second-level cache.
const PIECE: usize = 1 << 17;

/// Output pixels of a piece.
fn piece(g: &Geometry) -> usize {
    (PIECE / g.depth().max(1)).clamp(16, 4096)
}

/// Filters as a matrix of a row for each element of the surroundings, in the order of [`unfold`].
fn as_rows(filters: &[f32], g: &Geometry) -> Vec<f32> {
    let square = g.kernel * g.kernel;
    let mut rows = vec![0.0; filters.len()];
    for (filter, elements) in filters.chunks(g.depth().max(1)).enumerate() {
        for (at, value) in elements.iter().enumerate() {
            let (channel, tap) = (at / square, at % square);
            rows[(tap * g.channels + channel) * g.filters + filter] = *value;
        }
    }
    rows
}

/// The transpose of [`as_rows`].
fn as_filters(rows: &[f32], g: &Geometry) -> Vec<f32> {
    let square = g.kernel * g.kernel;
    let mut filters = vec![0.0; rows.len()];
    for (filter, elements) in filters.chunks_mut(g.depth().max(1)).enumerate() {
        for (at, value) in elements.iter_mut().enumerate() {
            let (channel, tap) = (at / square, at % square);
            *value = rows[(tap * g.channels + channel) * g.filters + filter];
        }
    }
    filters
}

/// For each output pixel from `first` on (counted over all images) and each row of its kernel: where in the surroundings
/// that row begins, the taps of it that are inside, and where in `input` they begin.
fn runs(g: &Geometry, first: usize, count: usize, mut each: impl FnMut(usize, [usize; 2], usize)) {
    let [height, width] = g.output();
    let mut at = 0;
    for pixel in first..first + count {
        let (image, row, column) = (pixel / (height * width), pixel / width % height, pixel % width);
        let left = column * g.stride;
        let begin = g.padding.saturating_sub(left).min(g.kernel);
        let end = (g.width + g.padding).saturating_sub(left).min(g.kernel).max(begin);
        for tap in 0..g.kernel {
            let y = row * g.stride + tap;
            let inside = y >= g.padding && y < g.height + g.padding && begin < end;
            let from = if inside {
                ((image * g.height + y - g.padding) * g.width + left + begin - g.padding) * g.channels
            } else {
                0
            };
            each(at, if inside { [begin, end] } else { [0, 0] }, from);
            at += g.kernel * g.channels;
        }
    }
}

/// The surroundings of pixels.
fn unfold(input: &[f32], g: &Geometry, first: usize, count: usize, rows: &mut [f32]) {
    runs(g, first, count, |at, [begin, end], from| {
        let row = &mut rows[at..at + g.kernel * g.channels];
        row[..begin * g.channels].fill(0.0);
        row[end * g.channels..].fill(0.0);
        let length = (end - begin) * g.channels;
        row[begin * g.channels..end * g.channels].copy_from_slice(&input[from..from + length]);
    });
}

/// Adds surroundings back to where they came from: the transpose of [`unfold`]. `left` begins with image `begin`.
fn fold(rows: &[f32], g: &Geometry, first: usize, count: usize, begin: usize, left: &mut [f32]) {
    let before = begin * g.input_len();
    runs(g, first, count, |at, [begin, end], from| {
        if begin < end {
            let length = (end - begin) * g.channels;
            add(&mut left[from - before..][..length], &rows[at + begin * g.channels..][..length]);
        }
    });
}

pub(super) fn forward(input: &[f32], filters: &[f32], finish: Finish<'_>, g: &Geometry) -> Vec<f32> {
    let mut output = vec![0.0; g.batch * g.output_len()];
    if output.is_empty() {
        return output;
    }
    let filters = as_rows(filters, g);
    let weights = row_major(&filters, g.depth(), g.filters, g.filters);
    let pixels = piece(g);
    output.par_chunks_mut(pixels * g.filters).enumerate().for_each_init(Vec::new, |buffer, (at, outputs)| {
        let count = outputs.len() / g.filters;
        let rows = room(buffer, count * g.depth());
        unfold(input, g, at * pixels, count, rows);
        let rows = row_major(rows, count, g.depth(), g.depth());
        product(row_major_mut(outputs, count, g.filters, g.filters), Accum::Replace, rows, weights);
        finish.apply(outputs, g.filters);
    });
    output
}

/// The gradients of the input, if asked for, and of the filters.
pub(super) fn backward(
    input: &[f32],
    filters: &[f32],
    gradient: &[f32],
    wants_input: bool,
    g: &Geometry,
) -> (Option<Vec<f32>>, Vec<f32>) {
    let mut left = vec![0.0; if wants_input { g.batch * g.input_len() } else { 0 }];
    let images = g.images_a_part();
    // A part without an input gradient has an empty slice of it.
    let mut lefts: Vec<&mut [f32]> = left.chunks_mut((images * g.input_len()).max(1)).collect();
    lefts.resize_with(g.batch.div_ceil(images), Default::default);
    let filters = as_rows(filters, g);
    let transposed = row_major(&filters, g.depth(), g.filters, g.filters).transpose();
    let sums: Vec<Vec<f32>> = lefts
        .into_par_iter()
        .enumerate()
        .map_init(
            || (Vec::new(), Vec::new()),
            |(buffer, back), (part, left)| {
                let mut sum = vec![0.0; g.depth() * g.filters];
                let last = ((part + 1) * images).min(g.batch) * g.pixels();
                for first in (part * images * g.pixels()..last).step_by(piece(g)) {
                    let count = piece(g).min(last - first);
                    let flow = row_major(&gradient[first * g.filters..], count, g.filters, g.filters);
                    let rows = room(buffer, count * g.depth());
                    unfold(input, g, first, count, rows);
                    let rows = row_major(rows, count, g.depth(), g.depth()).transpose();
                    product(row_major_mut(&mut sum, g.depth(), g.filters, g.filters), Accum::Add, rows, flow);
                    if wants_input {
                        let back = room(back, count * g.depth());
                        product(row_major_mut(back, count, g.depth(), g.depth()), Accum::Replace, flow, transposed);
                        fold(back, g, first, count, part * images, left);
                    }
                }
                sum
            },
        )
        .collect();
    let mut total = vec![0.0; g.depth() * g.filters];
    sums.iter().for_each(|sum| add(&mut total, sum));
    (wants_input.then_some(left), as_filters(&total, g))
}
