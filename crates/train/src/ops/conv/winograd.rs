//! 3x3 convolutions by Winograd's minimal filtering F(2x2, 3x3): Lavin and Gray, "Fast Algorithms for Convolutional Neural
//! Networks" (arXiv 1509.09308).
//!
//! Every tile of 2 x 2 outputs needs 4 x 4 inputs d. With U = G g G' of each filter and V = B' d B of each tile, the
//! outputs are A' (sum over channels of U * V) A: 16 products an output tile where the definition has 36. Over all tiles
//! those are 16 matrix products, `[tiles, channels]` times `[channels, filters]`. The transforms only add, halve and
//! subtract; they run along the channels, a vector at a time.

use faer::Accum;
use rayon::prelude::*;

use super::{Finish, Geometry, add, product, room, row_major, row_major_mut};

/// Elements of the longest vectors: channels come in as many.
const LANES: usize = 16;

/// Elements of a tile, inside of the transforms.
const TILE: usize = 16;

/// Whether the convolution is one of 3x3 filters, step 1 and padding 1, over channels and filters in blocks.
pub(super) fn takes(g: &Geometry) -> bool {
    let blocks = |count: usize| count > 0 && count.is_multiple_of(LANES);
    (g.kernel, g.stride, g.padding) == (3, 1, 1) && blocks(g.channels) && blocks(g.filters)
}

/// U of each filter: 16 matrices of `channels` rows and `filters` columns; or, for the gradient of the input, of the filters
/// turned round, of `filters` rows and `channels` columns.
pub(super) fn transformed(filters: &[f32], g: &Geometry, turned: bool) -> Vec<f32> {
    let size = g.channels * g.filters;
    let mut all = vec![0.0; TILE * size];
    for (at, taps) in filters.as_chunks::<9>().0.iter().enumerate() {
        let (filter, channel) = (at / g.channels, at % g.channels);
        let tap = |row: usize, column: usize| if turned { taps[8 - 3 * row - column] } else { taps[3 * row + column] };
        let spread = |a: f32, b: f32, c: f32| [a, 0.5 * (a + b + c), 0.5 * (a - b + c), c];
        // G g, then times G'.
        let columns: [[f32; 4]; 3] = [0, 1, 2].map(|column| spread(tap(0, column), tap(1, column), tap(2, column)));
        let place = if turned { filter * g.channels + channel } else { channel * g.filters + filter };
        for row in 0..4 {
            let line = spread(columns[0][row], columns[1][row], columns[2][row]);
            for (column, value) in line.into_iter().enumerate() {
                all[(4 * row + column) * size + place] = value;
            }
        }
    }
    all
}

/// Tiles down and across an image.
fn tiles(g: &Geometry) -> [usize; 2] {
    [g.height.div_ceil(2), g.width.div_ceil(2)]
}

/// Rows of tiles that are worked on at once: enough for good products, and few enough for the cache.
fn rows_at_once(g: &Geometry) -> usize {
    let [_, across] = tiles(g);
    (4096 / g.channels.max(g.filters)).max(64).div_ceil(across.max(1))
}

/// Elements from one matrix of a transform to the next. A cache line more than it needs: else all sixteen would fall on the
/// same lines of the cache.
fn pitch(count: usize, width: usize) -> usize {
    count * width + LANES
}

/// V of the rows of tiles `first..first + rows`, counted over all images, of `width` channels.
struct Input<'a> {
    input: &'a [f32],
    g: &'a Geometry,
    first: usize,
    rows: usize,
    into: &'a mut [f32],
}

impl pulp::WithSimd for Input<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let Self { input, g, first, rows, into } = self;
        let [down, across] = tiles(g);
        let vectors = g.channels / S::F32_LANES;
        let pitch = pitch(rows * across, g.channels) / S::F32_LANES;
        let (input, into) = (S::as_simd_f32s(input).0, S::as_mut_simd_f32s(into).0);
        let (minus, plus) = (|a, b| simd.sub_f32s(a, b), |a, b| simd.add_f32s(a, b));
        let nothing = simd.splat_f32s(0.0);
        for row in 0..rows {
            let (image, top) = ((first + row) / down, 2 * ((first + row) % down));
            let image = &input[image * g.height * g.width * vectors..][..g.height * g.width * vectors];
            for column in 0..across {
                // Where each of the 16 pixels begins; none outside.
                let mut places = [usize::MAX; TILE];
                for (at, place) in places.iter_mut().enumerate() {
                    let (y, x) = (top + at / 4, 2 * column + at % 4);
                    if (1..=g.height).contains(&y) && (1..=g.width).contains(&x) {
                        *place = ((y - 1) * g.width + x - 1) * vectors;
                    }
                }
                let to = (row * across + column) * vectors;
                for vector in 0..vectors {
                    let mut half = [nothing; TILE];
                    for x in 0..4 {
                        let [a, b, c, d] = [0, 4, 8, 12].map(|y| match places[y + x] {
                            usize::MAX => nothing,
                            place => image[place + vector],
                        });
                        half[x] = minus(a, c);
                        half[4 + x] = plus(b, c);
                        half[8 + x] = minus(c, b);
                        half[12 + x] = minus(b, d);
                    }
                    for y in 0..4 {
                        let [a, b, c, d] = [half[4 * y], half[4 * y + 1], half[4 * y + 2], half[4 * y + 3]];
                        let line = [minus(a, c), plus(b, c), minus(c, b), minus(b, d)];
                        for (x, block) in line.into_iter().enumerate() {
                            into[(4 * y + x) * pitch + to + vector] = block;
                        }
                    }
                }
            }
        }
    }
}

/// The outputs of rows of tiles, from their sums of products.
struct Output<'a> {
    products: &'a [f32],
    g: &'a Geometry,
    finish: Finish<'a>,
    first: usize,
    rows: usize,
    /// Begins with the first row of tiles.
    outputs: &'a mut [f32],
}

impl pulp::WithSimd for Output<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let Self { products, g, finish, first, rows, outputs } = self;
        let [down, across] = tiles(g);
        let vectors = g.filters / S::F32_LANES;
        let pitch = pitch(rows * across, g.filters) / S::F32_LANES;
        let (products, outputs) = (S::as_simd_f32s(products).0, S::as_mut_simd_f32s(outputs).0);
        let bias = finish.bias.map(|bias| S::as_simd_f32s(bias).0);
        let (minus, plus) = (|a, b| simd.sub_f32s(a, b), |a, b| simd.add_f32s(a, b));
        let nothing = simd.splat_f32s(0.0);
        let start = pixel_row(first, g);
        for row in 0..rows {
            let top = 2 * ((first + row) % down);
            let begin = (pixel_row(first + row, g) - start) * g.width;
            for column in 0..across {
                let from = (row * across + column) * vectors;
                for vector in 0..vectors {
                    let m = |at: usize| products[at * pitch + from + vector];
                    let bias = bias.map_or(nothing, |bias| bias[vector]);
                    let mut half = [nothing; 8];
                    for x in 0..4 {
                        let [a, b, c, d] = [m(x), m(4 + x), m(8 + x), m(12 + x)];
                        half[x] = plus(plus(a, b), c);
                        half[4 + x] = minus(minus(b, c), d);
                    }
                    for y in 0..2 {
                        let [a, b, c, d] = [half[4 * y], half[4 * y + 1], half[4 * y + 2], half[4 * y + 3]];
                        for (x, block) in [plus(plus(a, b), c), minus(minus(b, c), d)].into_iter().enumerate() {
                            if top + y < g.height && 2 * column + x < g.width {
                                let mut block = plus(block, bias);
                                if finish.relu {
                                    // A NaN is not below it, and stays.
                                    block = simd.select_f32s(simd.less_than_f32s(block, nothing), nothing, block);
                                }
                                outputs[(begin + y * g.width + 2 * column + x) * vectors + vector] = block;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A dY A' of rows of tiles: the transpose of what [`Output`] does.
struct Flow<'a> {
    gradient: &'a [f32],
    g: &'a Geometry,
    first: usize,
    rows: usize,
    into: &'a mut [f32],
}

impl pulp::WithSimd for Flow<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let Self { gradient, g, first, rows, into } = self;
        let [down, across] = tiles(g);
        let vectors = g.filters / S::F32_LANES;
        let pitch = pitch(rows * across, g.filters) / S::F32_LANES;
        let (gradient, into) = (S::as_simd_f32s(gradient).0, S::as_mut_simd_f32s(into).0);
        let nothing = simd.splat_f32s(0.0);
        let spread = |a, b| [a, simd.add_f32s(a, b), simd.sub_f32s(a, b), simd.sub_f32s(nothing, b)];
        for row in 0..rows {
            let top = 2 * ((first + row) % down);
            let begin = pixel_row(first + row, g) * g.width;
            for column in 0..across {
                let to = (row * across + column) * vectors;
                for vector in 0..vectors {
                    let at = |y: usize, x: usize| {
                        if top + y < g.height && 2 * column + x < g.width {
                            gradient[(begin + y * g.width + 2 * column + x) * vectors + vector]
                        } else {
                            nothing
                        }
                    };
                    let (left, right) = (spread(at(0, 0), at(1, 0)), spread(at(0, 1), at(1, 1)));
                    for y in 0..4 {
                        for (x, block) in spread(left[y], right[y]).into_iter().enumerate() {
                            into[(4 * y + x) * pitch + to + vector] = block;
                        }
                    }
                }
            }
        }
    }
}

/// The row of pixels, counted over all images, that a row of tiles begins with.
fn pixel_row(row: usize, g: &Geometry) -> usize {
    let [down, _] = tiles(g);
    row / down * g.height + 2 * (row % down)
}

/// The convolution of `input` with filters that [`transformed`] made.
pub(super) fn multiply(input: &[f32], filters: &[f32], finish: Finish<'_>, g: &Geometry) -> Vec<f32> {
    let mut output = vec![0.0; g.batch * g.output_len()];
    let [down, across] = tiles(g);
    let (all, step) = (g.batch * down, rows_at_once(g));
    let mut pieces = Vec::with_capacity(all.div_ceil(step));
    let mut rest = output.as_mut_slice();
    for first in (0..all).step_by(step) {
        let rows = step.min(all - first);
        let length = (pixel_row(first + rows, g) - pixel_row(first, g)) * g.width * g.filters;
        let (piece, after) = rest.split_at_mut(length);
        pieces.push((first, rows, piece));
        rest = after;
    }
    let arch = pulp::Arch::new();
    pieces.into_par_iter().for_each_init(
        || (Vec::new(), Vec::new()),
        |(inputs, products), (first, rows, outputs)| {
            let count = rows * across;
            let (by_channel, by_filter) = (pitch(count, g.channels), pitch(count, g.filters));
            let inputs = room(inputs, TILE * by_channel);
            let products = room(products, TILE * by_filter);
            arch.dispatch(Input { input, g, first, rows, into: &mut *inputs });
            for at in 0..TILE {
                let v = row_major(&inputs[at * by_channel..], count, g.channels, g.channels);
                let u = &filters[at * g.channels * g.filters..][..g.channels * g.filters];
                let to = row_major_mut(&mut products[at * by_filter..], count, g.filters, g.filters);
                product(to, Accum::Replace, v, row_major(u, g.channels, g.filters, g.filters));
            }
            arch.dispatch(Output { products, g, finish, first, rows, outputs });
        },
    );
    output
}

/// The gradient of the filters: G' (sum over tiles of V' (A dY A')) G.
pub(super) fn filters_gradient(input: &[f32], gradient: &[f32], g: &Geometry) -> Vec<f32> {
    let ([down, across], size, arch) = (tiles(g), g.channels * g.filters, pulp::Arch::new());
    let (images, step) = (g.images_a_part(), rows_at_once(g));
    let sums: Vec<Vec<f32>> = (0..g.batch.div_ceil(images))
        .into_par_iter()
        .map_init(
            || (Vec::new(), Vec::new()),
            |(inputs, flows), part| {
                let mut sum = vec![0.0; TILE * size];
                let last = ((part + 1) * images).min(g.batch) * down;
                for first in (part * images * down..last).step_by(step) {
                    let rows = step.min(last - first);
                    let count = rows * across;
                    let (by_channel, by_filter) = (pitch(count, g.channels), pitch(count, g.filters));
                    let inputs = room(inputs, TILE * by_channel);
                    let flows = room(flows, TILE * by_filter);
                    arch.dispatch(Input { input, g, first, rows, into: &mut *inputs });
                    arch.dispatch(Flow { gradient, g, first, rows, into: &mut *flows });
                    for (at, sum) in sum.chunks_mut(size).enumerate() {
                        let v = row_major(&inputs[at * by_channel..], count, g.channels, g.channels);
                        let flow = row_major(&flows[at * by_filter..], count, g.filters, g.filters);
                        let to = row_major_mut(sum, g.channels, g.filters, g.filters);
                        product(to, Accum::Add, v.transpose(), flow);
                    }
                }
                sum
            },
        )
        .collect();
    let mut total = vec![0.0; TILE * size];
    sums.iter().for_each(|sum| add(&mut total, sum));
    let mut filters = vec![0.0; 9 * size];
    for (at, taps) in filters.as_chunks_mut::<9>().0.iter_mut().enumerate() {
        let (filter, channel) = (at / g.channels, at % g.channels);
        let u = |row: usize, column: usize| total[(4 * row + column) * size + channel * g.filters + filter];
        let gather = |[a, b, c, d]: [f32; 4]| [a + 0.5 * (b + c), 0.5 * (b - c), 0.5 * (b + c) + d];
        let columns = [0, 1, 2, 3].map(|column| gather([u(0, column), u(1, column), u(2, column), u(3, column)]));
        for row in 0..3 {
            let line = gather([columns[0][row], columns[1][row], columns[2][row], columns[3][row]]);
            taps[3 * row..3 * row + 3].copy_from_slice(&line);
        }
    }
    filters
}
