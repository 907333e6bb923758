//! Batch normalisation on slices, with what follows it in the same pass: a sum with a second input, and a rectifier.
//!
//! Ioffe and Szegedy 2015 (arXiv 1502.03167). Every pass over a batch goes through memory, and costs more than the arithmetic
//! in it: two passes forward (statistics, then everything else), two backward.

use rayon::prelude::*;

/// Shapes: `[batch, channels, pixels]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planes {
    pub(super) batch: usize,
    pub(super) channels: usize,
    pub(super) pixels: usize,
}

/// Mean and population variance of each channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statistics {
    pub(super) mean: Vec<f32>,
    pub(super) variance: Vec<f32>,
}

impl Planes {
    fn channel<'a>(&self, data: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> + use<'a> {
        let (pixels, step) = (self.pixels, self.channels * self.pixels);
        (0..self.batch).map(move |image| &data[image * step + channel * pixels..][..pixels])
    }

    fn count(&self) -> f64 {
        (self.batch * self.pixels) as f64
    }

    /// Maps each plane of each image, on all threads: `f` is called with the channel and the plane's range.
    fn map(&self, f: impl Fn(usize, std::ops::Range<usize>, &mut [f32]) + Sync) -> Vec<f32> {
        let mut out = vec![0.0; self.batch * self.channels * self.pixels];
        let image = self.channels * self.pixels;
        out.par_chunks_mut(image.max(1)).enumerate().for_each(|(index, planes)| {
            for (channel, plane) in planes.chunks_mut(self.pixels.max(1)).enumerate() {
                let at = index * image + channel * self.pixels;
                f(channel, at..at + plane.len(), plane);
            }
        });
        out
    }
}

const LANES: usize = 16;

/// Sums of two functions of the elements, in lanes, which become vectors.
fn sums<const N: usize>(slices: [&[f32]; N], f: impl Fn([f32; N]) -> [f32; 2]) -> [f64; 2] {
    let length = slices[0].len();
    let mut lanes = [[0.0f32; LANES]; 2];
    let whole = length / LANES * LANES;
    for begin in (0..whole).step_by(LANES) {
        let blocks: [&[f32; LANES]; N] = slices.map(|slice| slice[begin..].first_chunk().unwrap_or(&[0.0; LANES]));
        for lane in 0..LANES {
            let [a, b] = f(blocks.map(|block| block[lane]));
            lanes[0][lane] += a;
            lanes[1][lane] += b;
        }
    }
    let mut total = lanes.map(|lanes| lanes.iter().map(|x| f64::from(*x)).sum::<f64>());
    for at in whole..length {
        let [a, b] = f(slices.map(|slice| slice[at]));
        total[0] += f64::from(a);
        total[1] += f64::from(b);
    }
    total
}

/// Sums offsets from a value of the channel, so that a common offset costs no digits.
pub(super) fn statistics(x: &[f32], p: &Planes) -> Statistics {
    let (mean, variance) = (0..p.channels)
        .into_par_iter()
        .map(|channel| {
            let shift = p.channel(x, channel).next().and_then(|plane| plane.first()).copied().unwrap_or_default();
            let [mut sum, mut squares] = [0.0; 2];
            for plane in p.channel(x, channel) {
                let [s, q] = sums([plane], |[x]| [x - shift, (x - shift) * (x - shift)]);
                sum += s;
                squares += q;
            }
            let mean = sum / p.count();
            ((f64::from(shift) + mean) as f32, (squares / p.count() - mean * mean).max(0.0) as f32)
        })
        .unzip();
    Statistics { mean, variance }
}

/// 1 / standard deviation.
fn inverse(variance: f32, epsilon: f64) -> f32 {
    (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32
}

/// gamma (x - mean) / sd + beta, plus `more` if there is any, rectified if `relu`.
pub(super) fn forward(
    x: &[f32],
    more: Option<&[f32]>,
    statistics: &Statistics,
    [gamma, beta]: [&[f32]; 2],
    epsilon: f64,
    relu: bool,
    p: &Planes,
) -> Vec<f32> {
    p.map(|channel, at, out| {
        let scale = gamma[channel] * inverse(statistics.variance[channel], epsilon);
        let shift = beta[channel] - statistics.mean[channel] * scale;
        let least = if relu { 0.0 } else { f32::NEG_INFINITY };
        let x = &x[at.clone()];
        match more {
            None => out.iter_mut().zip(x).for_each(|(y, x)| *y = above(x * scale + shift, least)),
            Some(more) => {
                let pairs = x.iter().zip(&more[at]);
                out.iter_mut().zip(pairs).for_each(|(y, (x, more))| *y = above(x * scale + shift + more, least));
            }
        }
    })
}

/// The larger one; a NaN stays, so that a diverged network is seen.
fn above(x: f32, least: f32) -> f32 {
    if x < least { least } else { x }
}

/// The gradients by those of the output.
#[derive(Debug)]
pub(super) struct Gradients {
    pub(super) input: Vec<f32>,
    /// Of what was added; empty where nothing was.
    pub(super) more: Vec<f32>,
    pub(super) gamma: Vec<f32>,
    pub(super) beta: Vec<f32>,
}

/// What a backward pass asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// The gradient of what was added.
    pub(super) more: bool,
    /// Whether the statistics are the batch's own, through which the gradient flows too.
    pub(super) own_statistics: bool,
}

/// `output` tells what the rectifier let pass, where there was one.
pub(super) fn backward(
    x: &[f32],
    gradient: &[f32],
    output: Option<&[f32]>,
    wanted: Wanted,
    statistics: &Statistics,
    (gamma, epsilon): (&[f32], f64),
    p: &Planes,
) -> Gradients {
    let passed = |y: f32, dy: f32| if y > 0.0 { dy } else { 0.0 };
    let (by_gamma, by_beta): (Vec<f32>, Vec<f32>) = (0..p.channels)
        .into_par_iter()
        .map(|channel| {
            let mean = statistics.mean[channel];
            let scale = f64::from(inverse(statistics.variance[channel], epsilon));
            let [mut sum, mut product] = [0.0; 2];
            let planes = p.channel(x, channel).zip(p.channel(gradient, channel));
            match output {
                None => {
                    for (x, dy) in planes {
                        let [s, q] = sums([x, dy], |[x, dy]| [dy, dy * (x - mean)]);
                        sum += s;
                        product += q;
                    }
                }
                Some(output) => {
                    for ((x, dy), y) in planes.zip(p.channel(output, channel)) {
                        let [s, q] = sums([x, dy, y], |[x, dy, y]| {
                            let dy = passed(y, dy);
                            [dy, dy * (x - mean)]
                        });
                        sum += s;
                        product += q;
                    }
                }
            }
            ((product * scale) as f32, sum as f32)
        })
        .unzip();
    let input = p.map(|channel, at, out| {
        let scale = inverse(statistics.variance[channel], epsilon);
        let mean = statistics.mean[channel];
        let count = p.count() as f32;
        // dx = gamma / sd (dy - mean dy - x' mean(dy x')), x' the normalised x: a line in dy and x.
        let by_dy = gamma[channel] * scale;
        let (by_x, shift) = if wanted.own_statistics {
            let by_x = -by_dy * scale * by_gamma[channel] / count;
            (by_x, -by_dy * by_beta[channel] / count - by_x * mean)
        } else {
            (0.0, 0.0)
        };
        let pairs = x[at.clone()].iter().zip(&gradient[at.clone()]);
        match output {
            None => out.iter_mut().zip(pairs).for_each(|(dx, (x, dy))| *dx = by_dy * dy + by_x * x + shift),
            Some(output) => {
                let triples = pairs.zip(&output[at]);
                out.iter_mut()
                    .zip(triples)
                    .for_each(|(dx, ((x, dy), y))| *dx = by_dy * passed(*y, *dy) + by_x * x + shift);
            }
        }
    });
    let more = match (wanted.more, output) {
        (false, _) => vec![],
        (true, None) => gradient.to_vec(),
        (true, Some(output)) => p.map(|_, at, out| {
            let pairs = output[at.clone()].iter().zip(&gradient[at]);
            out.iter_mut().zip(pairs).for_each(|(to, (y, dy))| *to = passed(*y, *dy));
        }),
    };
    Gradients { input, more, gamma: by_gamma, beta: by_beta }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, step: f64) -> Vec<f32> {
        (0..n).map(|i| ((i as f64 * step).sin() * 2.0 + 0.5) as f32).collect()
    }

    /// The definition in f64.
    fn defined(
        x: &[f32],
        more: &[f32],
        s: &Statistics,
        gamma: &[f32],
        beta: &[f32],
        relu: bool,
        p: &Planes,
    ) -> Vec<f64> {
        (0..x.len())
            .map(|i| {
                let c = i / p.pixels % p.channels;
                let unit = (f64::from(x[i]) - f64::from(s.mean[c])) / (f64::from(s.variance[c]) + 1e-5).sqrt();
                let y = f64::from(gamma[c]) * unit + f64::from(beta[c]) + more.get(i).map_or(0.0, |m| f64::from(*m));
                if relu { y.max(0.0) } else { y }
            })
            .collect()
    }

    #[test]
    fn statistics_keep_a_common_offset() {
        let p = Planes { batch: 5, channels: 2, pixels: 37 };
        let x: Vec<f32> = numbers(370, 0.7).iter().map(|x| x + 4096.0).collect();
        let found = statistics(&x, &p);
        for c in 0..2 {
            let own: Vec<f64> = p.channel(&x, c).flatten().map(|x| f64::from(*x)).collect();
            let mean = own.iter().sum::<f64>() / 185.0;
            let variance = own.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 185.0;
            assert!((f64::from(found.mean[c]) - mean).abs() < 1e-3);
            assert!((f64::from(found.variance[c]) - variance).abs() < 1e-5 * variance);
        }
    }

    /// Against differences of the forward pass, which is held to its definition.
    #[test]
    fn outputs_and_gradients() {
        let p = Planes { batch: 3, channels: 2, pixels: 19 };
        let (x, more, flow) = (numbers(114, 0.9), numbers(114, 1.3), numbers(114, 2.1));
        let (gamma, beta) = ([1.5f32, -0.7], [0.2f32, 0.4]);
        for (relu, with_more, own) in
            [(false, false, true), (true, false, true), (true, true, true), (true, true, false), (false, true, false)]
        {
            let fixed = Statistics { mean: vec![0.3, -0.2], variance: vec![1.3, 0.8] };
            let of = |x: &[f32]| if own { statistics(x, &p) } else { fixed.clone() };
            let more = if with_more { &more[..] } else { &[] };
            let total = |x: &[f32], more: &[f32], gamma: &[f32], beta: &[f32]| -> f64 {
                let y = defined(x, more, &of(x), gamma, beta, relu, &p);
                y.iter().zip(&flow).map(|(y, dy)| y * f64::from(*dy)).sum()
            };
            let s = of(&x);
            let y = forward(&x, with_more.then_some(more), &s, [&gamma, &beta], 1e-5, relu, &p);
            for (found, expected) in y.iter().zip(defined(&x, more, &s, &gamma, &beta, relu, &p)) {
                assert!((f64::from(*found) - expected).abs() < 1e-5);
            }
            let wanted = Wanted { more: with_more, own_statistics: own };
            let found = backward(&x, &flow, relu.then_some(&y[..]), wanted, &s, (&gamma, 1e-5), &p);
            let check = |found: f32, at: &dyn Fn(f32) -> f64, what: &str| {
                let step = 1.0 / 1024.0;
                let slope = (at(step) - at(-step)) / (2.0 * f64::from(step));
                // An element that the step takes across the rectifier's edge has no slope to compare.
                let apart = ((at(step) + at(-step) - 2.0 * at(0.0)) / f64::from(step)).abs();
                assert!((f64::from(found) - slope).abs() < 2e-2 + apart, "{what}: {found} for {slope}");
            };
            for i in (0..114).step_by(5) {
                let moved = |v: &[f32], by: f32| -> Vec<f32> {
                    let mut v = v.to_vec();
                    v[i] += by;
                    v
                };
                check(found.input[i], &|by| total(&moved(&x, by), more, &gamma, &beta), "input");
                if with_more {
                    check(found.more[i], &|by| total(&x, &moved(more, by), &gamma, &beta), "more");
                }
            }
            for c in 0..2 {
                let moved = |v: &[f32], by: f32| -> Vec<f32> {
                    let mut v = v.to_vec();
                    v[c] += by;
                    v
                };
                check(found.gamma[c], &|by| total(&x, more, &moved(&gamma, by), &beta), "gamma");
                check(found.beta[c], &|by| total(&x, more, &gamma, &moved(&beta, by)), "beta");
            }
        }
    }
}
