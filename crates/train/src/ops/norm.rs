//! Batch normalisation on slices, channels last, with what follows it in the same pass: a sum with a second input, and a
//! rectifier.
//!
//! Ioffe and Szegedy 2015 (arXiv 1502.03167). Every pass over a batch goes through memory, and costs more than the arithmetic
//! in it: two passes forward (statistics, then everything else), two backward.

use super::rows::{self, passed};

/// Mean and population variance of each channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statistics {
    pub(super) mean: Vec<f32>,
    pub(super) variance: Vec<f32>,
}

/// Sums offsets from the first value of each channel, so that a common offset costs no digits.
pub(super) fn statistics(x: &[f32], channels: usize) -> Statistics {
    let count = (x.len() / channels.max(1)) as f64;
    let first = &x[..channels.min(x.len())];
    let shift = rows::repeated(first);
    let arch = pulp::Arch::new();
    let [sums, squares] = rows::sum(x.len(), channels, |at, [sums, squares]| {
        let x = &x[at];
        arch.dispatch(
            #[inline(always)]
            || {
                for ((sum, square), (x, shift)) in sums.iter_mut().zip(squares).zip(x.iter().zip(&shift)) {
                    let off = x - shift;
                    *sum += off;
                    *square += off * off;
                }
            },
        );
    });
    let one = |((sum, square), first): ((&f64, &f64), &f32)| {
        let mean = sum / count;
        ((f64::from(*first) + mean) as f32, (square / count - mean * mean).max(0.0) as f32)
    };
    let (mean, variance) = sums.iter().zip(&squares).zip(first).map(one).unzip();
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
) -> Vec<f32> {
    let scale: Vec<f32> =
        gamma.iter().zip(&statistics.variance).map(|(gamma, variance)| gamma * inverse(*variance, epsilon)).collect();
    let shift = beta.iter().zip(&statistics.mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale);
    let (scale, shift) = (rows::repeated(&scale), rows::repeated(&shift.collect::<Vec<_>>()));
    // A NaN is not below it, and stays, so that a diverged network is seen.
    let least = if relu { 0.0 } else { f32::NEG_INFINITY };
    let mut out = vec![0.0; x.len()];
    rows::fill(
        &mut out,
        gamma.len(),
        #[inline(always)]
        |at, out| {
            let lines = x[at.clone()].iter().zip(scale.iter().zip(&shift));
            match more {
                None => {
                    for (y, (x, (scale, shift))) in out.iter_mut().zip(lines) {
                        let value = x * scale + shift;
                        *y = if value < least { least } else { value };
                    }
                }
                Some(more) => {
                    for ((y, more), (x, (scale, shift))) in out.iter_mut().zip(&more[at]).zip(lines) {
                        let value = x * scale + shift + more;
                        *y = if value < least { least } else { value };
                    }
                }
            }
        },
    );
    out
}

/// The gradients by those of the output.
#[derive(Debug)]
pub(super) struct Gradients {
    pub(super) input: Vec<f32>,
    /// Of what was added; empty where it was not asked for.
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
) -> Gradients {
    let channels = gamma.len();
    let means = rows::repeated(&statistics.mean);
    let arch = pulp::Arch::new();
    let [sums, products] = rows::sum(x.len(), channels, |at, [sums, products]| {
        let (x, dy, y) = (&x[at.clone()], &gradient[at.clone()], output.map(|output| &output[at]));
        arch.dispatch(
            #[inline(always)]
            || {
                let lanes = sums.iter_mut().zip(products).zip(means.iter().zip(x).zip(dy));
                match y {
                    None => {
                        for ((sum, product), ((mean, x), dy)) in lanes {
                            *sum += dy;
                            *product += dy * (x - mean);
                        }
                    }
                    Some(y) => {
                        for (((sum, product), ((mean, x), dy)), y) in lanes.zip(y) {
                            let dy = passed(*y, *dy);
                            *sum += dy;
                            *product += dy * (x - mean);
                        }
                    }
                }
            },
        );
    });
    let scales: Vec<f32> = statistics.variance.iter().map(|variance| inverse(*variance, epsilon)).collect();
    let by_gamma: Vec<f32> =
        products.iter().zip(&scales).map(|(product, scale)| (product * f64::from(*scale)) as f32).collect();
    let by_beta: Vec<f32> = sums.iter().map(|sum| *sum as f32).collect();
    // dx = gamma / sd (dy - mean dy - x' mean(dy x')), x' the normalised x: a line in dy and x.
    let count = (x.len() / channels.max(1)) as f32;
    let [mut by_dy, mut by_x, mut shift] = [const { Vec::new() }; 3].map(|_: Vec<f32>| Vec::with_capacity(channels));
    for channel in 0..channels {
        let dy = gamma[channel] * scales[channel];
        let own = if wanted.own_statistics { -dy * scales[channel] * by_gamma[channel] / count } else { 0.0 };
        let flat = if wanted.own_statistics { -dy * by_beta[channel] / count } else { 0.0 };
        by_dy.push(dy);
        by_x.push(own);
        shift.push(flat - own * statistics.mean[channel]);
    }
    let [by_dy, by_x, shift] = [by_dy, by_x, shift].map(|values| rows::repeated(&values));
    let mut input = vec![0.0; x.len()];
    rows::fill(
        &mut input,
        channels,
        #[inline(always)]
        |at, out| {
            let line = by_dy.iter().zip(&by_x).zip(&shift);
            let pairs = x[at.clone()].iter().zip(&gradient[at.clone()]).zip(line);
            match output {
                None => {
                    for (dx, ((x, dy), ((by_dy, by_x), shift))) in out.iter_mut().zip(pairs) {
                        *dx = by_dy * dy + by_x * x + shift;
                    }
                }
                Some(output) => {
                    for ((dx, y), ((x, dy), ((by_dy, by_x), shift))) in out.iter_mut().zip(&output[at]).zip(pairs) {
                        *dx = by_dy * passed(*y, *dy) + by_x * x + shift;
                    }
                }
            }
        },
    );
    let more = match (wanted.more, output) {
        (false, _) => vec![],
        (true, None) => gradient.to_vec(),
        (true, Some(output)) => rows::all_passed(output, gradient, channels),
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
    fn defined(x: &[f32], more: &[f32], s: &Statistics, gamma: &[f32], beta: &[f32], relu: bool) -> Vec<f64> {
        (0..x.len())
            .map(|i| {
                let c = i % gamma.len();
                let unit = (f64::from(x[i]) - f64::from(s.mean[c])) / (f64::from(s.variance[c]) + 1e-5).sqrt();
                let y = f64::from(gamma[c]) * unit + f64::from(beta[c]) + more.get(i).map_or(0.0, |m| f64::from(*m));
                if relu { y.max(0.0) } else { y }
            })
            .collect()
    }

    #[test]
    fn statistics_keep_a_common_offset() {
        let x: Vec<f32> = numbers(370, 0.7).iter().map(|x| x + 4096.0).collect();
        let found = statistics(&x, 2);
        for c in 0..2 {
            let own: Vec<f64> = x.iter().skip(c).step_by(2).map(|x| f64::from(*x)).collect();
            let mean = own.iter().sum::<f64>() / 185.0;
            let variance = own.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 185.0;
            assert!((f64::from(found.mean[c]) - mean).abs() < 1e-3);
            assert!((f64::from(found.variance[c]) - variance).abs() < 1e-5 * variance);
        }
    }

    /// Against differences of the forward pass, which is held to its definition.
    #[test]
    fn outputs_and_gradients() {
        let (x, more, flow) = (numbers(114, 0.9), numbers(114, 1.3), numbers(114, 2.1));
        let (gamma, beta) = ([1.5f32, -0.7], [0.2f32, 0.4]);
        for (relu, with_more, own) in
            [(false, false, true), (true, false, true), (true, true, true), (true, true, false), (false, true, false)]
        {
            let fixed = Statistics { mean: vec![0.3, -0.2], variance: vec![1.3, 0.8] };
            let of = |x: &[f32]| if own { statistics(x, 2) } else { fixed.clone() };
            let more = if with_more { &more[..] } else { &[] };
            let total = |x: &[f32], more: &[f32], gamma: &[f32], beta: &[f32]| -> f64 {
                let y = defined(x, more, &of(x), gamma, beta, relu);
                y.iter().zip(&flow).map(|(y, dy)| y * f64::from(*dy)).sum()
            };
            let s = of(&x);
            let y = forward(&x, with_more.then_some(more), &s, [&gamma, &beta], 1e-5, relu);
            for (found, expected) in y.iter().zip(defined(&x, more, &s, &gamma, &beta, relu)) {
                assert!((f64::from(*found) - expected).abs() < 1e-5);
            }
            let wanted = Wanted { more: with_more, own_statistics: own };
            let found = backward(&x, &flow, relu.then_some(&y[..]), wanted, &s, (&gamma, 1e-5));
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
