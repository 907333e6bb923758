//! Sums over pixels, channels last: a slice is rows of one element a channel.

use rayon::prelude::*;

/// Parts that are summed apart: a number of its own, so that the bits do not depend on the threads.
const PARTS: usize = 32;

/// Elements that loops run over at once: whole rows, as many as make loops long.
pub(super) fn stretch(channels: usize) -> usize {
    channels * 256usize.div_ceil(channels.max(1))
}

/// A value a channel, repeated over a [`stretch`].
pub(super) fn repeated(values: &[f32]) -> Vec<f32> {
    values.repeat(256usize.div_ceil(values.len().max(1)))
}

/// Sums N functions of the elements for each channel. `add` takes the place of a stretch of whole rows, and adds what it
/// finds there to the lanes of each function, of which there is one an element of a stretch.
pub(super) fn sum<const N: usize>(
    length: usize,
    channels: usize,
    add: impl Fn(std::ops::Range<usize>, &mut [Vec<f32>; N]) + Sync,
) -> [Vec<f64>; N] {
    let stretch = stretch(channels);
    let part = length.div_ceil(PARTS).div_ceil(stretch.max(1)).max(1) * stretch.max(1);
    let sums: Vec<[Vec<f64>; N]> = (0..length.div_ceil(part))
        .into_par_iter()
        .map(|at| {
            let mut total = [const { Vec::new() }; N].map(|_: Vec<f64>| vec![0.0f64; channels]);
            let mut lanes = [const { Vec::new() }; N].map(|_: Vec<f32>| vec![0.0f32; stretch]);
            let end = ((at + 1) * part).min(length);
            // Lanes of f32 take few enough terms to lose little.
            for begin in (at * part..end).step_by(64 * stretch) {
                for begin in (begin..(begin + 64 * stretch).min(end)).step_by(stretch) {
                    add(begin..(begin + stretch).min(end), &mut lanes);
                }
                for (total, lanes) in total.iter_mut().zip(&mut lanes) {
                    for (lane, value) in lanes.iter_mut().enumerate() {
                        total[lane % channels] += f64::from(std::mem::take(value));
                    }
                }
            }
            total
        })
        .collect();
    let mut total = [const { Vec::new() }; N].map(|_: Vec<f64>| vec![0.0f64; channels]);
    for sums in sums {
        for (total, sum) in total.iter_mut().zip(sums) {
            total.iter_mut().zip(sum).for_each(|(total, sum)| *total += sum);
        }
    }
    total
}

/// The sum of each channel.
pub(super) fn sums(values: &[f32], channels: usize) -> Vec<f32> {
    let arch = pulp::Arch::new();
    let [sums] = sum(values.len(), channels, |at, [lanes]| {
        arch.dispatch(
            #[inline(always)]
            || lanes.iter_mut().zip(&values[at.clone()]).for_each(|(lane, x)| *lane += x),
        );
    });
    sums.into_iter().map(|sum| sum as f32).collect()
}

/// A gradient behind a rectifier: nothing where the output is not above 0.
#[inline(always)]
pub(super) fn passed(output: f32, gradient: f32) -> f32 {
    if output > 0.0 { gradient } else { 0.0 }
}

/// The gradients behind a rectifier.
pub(super) fn all_passed(output: &[f32], gradient: &[f32], channels: usize) -> Vec<f32> {
    let mut out = vec![0.0; gradient.len()];
    fill(
        &mut out,
        channels,
        #[inline(always)]
        |at, out| {
            let pairs = output[at.clone()].iter().zip(&gradient[at]);
            out.iter_mut().zip(pairs).for_each(|(to, (y, dy))| *to = passed(*y, *dy));
        },
    );
    out
}

/// Fills a slice of whole rows, a stretch at a time on all threads; `f` gets the stretch's place.
pub(super) fn fill(out: &mut [f32], channels: usize, f: impl Fn(std::ops::Range<usize>, &mut [f32]) + Sync) {
    let (stretch, arch) = (stretch(channels).max(1), pulp::Arch::new());
    // Some stretches a task: handing out tasks costs too.
    out.par_chunks_mut(32 * stretch).enumerate().for_each(|(task, out)| {
        arch.dispatch(
            #[inline(always)]
            || {
                for (at, out) in out.chunks_mut(stretch).enumerate() {
                    let begin = (32 * task + at) * stretch;
                    f(begin..begin + out.len(), out);
                }
            },
        );
    });
}
