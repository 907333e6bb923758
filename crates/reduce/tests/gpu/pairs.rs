//! Aggregators of pairs on the GPU against the CPU engine: covariance, weighted forms, confusion matrices.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::sync::OnceLock;

use crate::common::mixed;
use strix_reduce::{
    Aggregator, ConfusionMatrix, Count, Covariance, Element, Engine, EngineChoice, LinearRegression, Mean, NanPolicy,
    Reducer, Sum, Variance, Weighted, reduce_axis, reduce_by_key, reduce_segments,
};

fn on_gpu() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::select(EngineChoice::Gpu).expect("these tests need an adapter: install mesa-vulkan-drivers")
    })
}

const SIZES: [usize; 8] = [0, 1, 2, 65, 257, 8193, 20_000, 100_003];

fn both<T: strix_reduce::Item, A: Aggregator<T> + Clone>(a: A, items: &[T], nan: NanPolicy) -> [(A::Output, u64); 2] {
    [on_gpu(), &Engine::cpu()].map(|engine| {
        let mut reducer = Reducer::new(a.clone(), engine).unwrap().nan_policy(nan);
        reducer.push(items).unwrap();
        assert_eq!(reducer.report().engine == "gpu", engine.is_gpu());
        let skipped = reducer.skipped();
        (reducer.finish(), skipped)
    })
}

trait IsGpu {
    fn is_gpu(&self) -> bool;
}

impl IsGpu for Engine {
    fn is_gpu(&self) -> bool {
        format!("{self:?}").contains("Gpu(")
    }
}

#[track_caller]
fn near(what: &str, gpu: Option<f64>, cpu: Option<f64>, bound: f64) {
    let same = match (gpu, cpu) {
        (Some(a), Some(b)) => a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= bound,
        (a, b) => a == b,
    };
    assert!(same, "{what}: {gpu:?}, not {cpu:?}, bound {bound:e}");
}

fn pairs(kind: &str, n: usize) -> Vec<(f32, f32)> {
    let unit = |bits: u64| (bits >> 40) as f32 / (1 << 24) as f32;
    mixed(n as u64)
        .zip(mixed(77))
        .take(n)
        .map(|(a, b)| match kind {
            "plain" => (unit(a), 3.0 * unit(a) + unit(b)),
            "offset" => (1e6 + unit(a), -1e4 + unit(b)),
            "scales" => (1e20 * unit(a), 1e-25 * unit(b)),
            "constant" => (0.1, unit(b)),
            _ => (f32::from_bits(a as u32 & 0x807f_ffff), unit(b)),
        })
        .collect()
}

/// Mean and sum of powers of what is around it.
fn spread(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let n = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / n;
    (mean, (values.map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt())
}

const BOUND: f64 = 20_000.0 / (1u64 << 24) as f64;

#[test]
fn covariance_within_its_bound() {
    for kind in ["plain", "offset", "scales", "constant", "subnormal"] {
        for n in SIZES {
            let items = pairs(kind, n);
            let [(gpu, _), (cpu, _)] = both((Count, Covariance, LinearRegression), &items, NanPolicy::Propagate);
            assert_eq!((gpu.0, gpu.1.count), (n as u64, cpu.1.count));
            let (x, dx) = spread(items.iter().map(|pair| f64::from(pair.0)));
            let (y, dy) = spread(items.iter().map(|pair| f64::from(pair.1)));
            let u = 2f64.powi(-24);
            let at = format!("{kind}, {n} pairs");
            near(&at, gpu.1.mean_x(), cpu.1.mean_x(), BOUND * (dx + u * x.abs()));
            near(&at, gpu.1.mean_y(), cpu.1.mean_y(), BOUND * (dy + u * y.abs()));
            near(&at, gpu.1.population_covariance(), cpu.1.population_covariance(), BOUND * dx * dy);
            if kind == "plain" {
                near(&at, gpu.1.correlation(), cpu.1.correlation(), BOUND);
            }
        }
    }
}

#[test]
fn weighted_forms_within_their_bound() {
    type Forms = (Weighted<Sum>, Weighted<Mean>, Weighted<Variance>);
    const FORMS: Forms = (Weighted(Sum), Weighted(Mean), Weighted(Variance));
    for kind in ["plain", "offset", "scales", "constant"] {
        for n in SIZES {
            let items: Vec<(f32, f32)> = pairs(kind, n)
                .into_iter()
                .enumerate()
                // Some weigh nothing.
                .map(|(i, (x, w))| (x, if i % 7 == 3 { 0.0 } else { w.abs() }))
                .collect();
            let [(gpu, _), (cpu, _)] = both(FORMS, &items, NanPolicy::Propagate);
            let (x, dx) = spread(items.iter().map(|pair| f64::from(pair.0)));
            let weight = cpu.2.weight();
            let at = format!("{kind}, {n} pairs");
            near(&at, Some(gpu.2.weight()), Some(weight), BOUND * weight);
            near(&at, gpu.0, cpu.0, BOUND * weight * (dx + x.abs()));
            near(&at, gpu.1, cpu.1, BOUND * (dx + 1e-7 * x.abs()));
            let bound = BOUND * (dx * dx + 1e-14 * x * x);
            near(&at, gpu.2.population_variance(), cpu.2.population_variance(), bound);
            near(&at, gpu.2.reliability_variance(), cpu.2.reliability_variance(), bound);
        }
    }
    // Integers as values and as weights.
    let items: Vec<(i32, u8)> = mixed(5).take(50_000).map(|bits| (bits as i32 >> 8, (bits >> 56) as u8)).collect();
    let [(gpu, _), (cpu, _)] = both(FORMS, &items, NanPolicy::Propagate);
    near("integers", gpu.1, cpu.1, 1.0);
    near("integers", Some(gpu.2.weight()), Some(cpu.2.weight()), 0.0);
}

/// Pairs near one another, and what does not count among them: beside a NaN, or weighing nothing, and far away.
fn with_outsiders(n: usize, out: (f32, f32), is_out: impl Fn(usize) -> bool) -> Vec<(f32, f32)> {
    let near = pairs("plain", n).into_iter().map(|(x, y)| (100.0 + x, 1.0 + y));
    near.enumerate().map(|(i, pair)| if is_out(i) { out } else { pair }).collect()
}

/// Which places do not count: the first, the middle and the last one, every other one, all but three, whole tiles.
const OUT: [fn(usize, usize) -> bool; 6] = [
    |i, _| i == 0,
    |i, n| i == n / 2,
    |i, n| i + 1 == n,
    |i, _| i % 2 == 0,
    |i, n| i != 0 && i != n / 2 && i + 1 != n,
    |i, _| (i / 8192).is_multiple_of(2),
];

const ODD_SIZES: [usize; 9] = [4, 5, 63, 65, 129, 1025, 4999, 8193, 20_001];

/// What is left, the means and the mean product of deviations, in two passes of f64 over what counts.
fn covariance_of(items: &[(f32, f32)]) -> (f64, f64, f64, f64, f64) {
    let n = items.len() as f64;
    let mean = |of: fn(&(f32, f32)) -> f32| items.iter().map(|pair| f64::from(of(pair))).sum::<f64>() / n;
    let (x, y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let by = |product: fn(f64, f64) -> f64| {
        items.iter().map(|pair| product(f64::from(pair.0) - x, f64::from(pair.1) - y)).sum::<f64>() / n
    };
    (x, y, by(|dx, dy| dx * dy), by(|dx, _| dx * dx), by(|_, dy| dy * dy))
}

#[test]
fn what_does_not_count_moves_no_frame() {
    let nan = NanPolicy::Skip;
    let four = [(f32::NAN, 1e9), (1.0, 1.0), (2.0, 2.0), (3.0, 4.0f32)];
    let [(gpu, skipped), _] = both(Covariance, &four, nan);
    near("four pairs", gpu.sample_covariance(), Some(1.5), 1e-6);
    assert_eq!((gpu.count, skipped), (3, 1));
    let [(gpu, _), _] = both(LinearRegression, &four, nan);
    near("the slope of four pairs", gpu.map(|line| line.slope), Some(1.5), 1e-6);
    let weighed = [(1e9f32, 0.0f32), (1.0, 1.0), (2.0, 1.0), (4.0, 1.0)];
    let [(gpu, _), _] = both((Weighted(Mean), Weighted(Sum), Weighted(Variance)), &weighed, nan);
    near("the mean of four", gpu.0, Some(7.0 / 3.0), 1e-6);
    near("the sum of four", gpu.1, Some(7.0), 1e-5);
    near("the variance of four", gpu.2.population_variance(), Some(14.0 / 9.0), 1e-5);
    // Also where it weighs next to nothing.
    let [(gpu, _), _] = both(Weighted(Mean), &[(1e9f32, 1e-20f32), (1.0, 1.0), (2.0, 1.0), (4.0, 1.0)], nan);
    near("next to nothing", gpu, Some(7.0 / 3.0), 1e-6);
}

#[test]
fn pairs_beside_a_nan_leave_the_others_their_digits() {
    let u = 4.0 * 1184.0 / f64::from(1 << 24);
    let (nan, far) = (f32::NAN, [1e9f32, -1e30, 1e-30, f32::INFINITY, f32::NAN]);
    for out in far.into_iter().flat_map(|far| [(nan, far), (far, nan)]) {
        for n in ODD_SIZES {
            for (place, is_out) in OUT.iter().enumerate() {
                let items = with_outsiders(n, out, |i| is_out(i, n));
                let kept: Vec<(f32, f32)> =
                    items.iter().copied().filter(|pair| !pair.0.is_nan() && !pair.1.is_nan()).collect();
                let at = format!("{out:?} at {place} of {n}");
                let [(gpu, skipped), _] = both((Count, Covariance, LinearRegression), &items, NanPolicy::Skip);
                assert_eq!(
                    (gpu.0, gpu.1.count, skipped),
                    (kept.len() as u64, kept.len() as u64, (n - kept.len()) as u64),
                    "{at}"
                );
                if kept.is_empty() {
                    assert_eq!((gpu.1.mean_x(), gpu.2), (None, None), "{at}");
                    continue;
                }
                let (x, y, xy, xx, yy) = covariance_of(&kept);
                let (dx, dy) = (xx.sqrt(), yy.sqrt());
                near(&at, gpu.1.mean_x(), Some(x), u * dx + 1e-6 * x);
                near(&at, gpu.1.mean_y(), Some(y), u * dy + 1e-6 * y);
                near(&at, gpu.1.population_covariance(), Some(xy), u * dx * dy + 1e-9);
                if kept.len() > 2 {
                    let off = gpu.2.map(|line| (line.slope - xy / xx).abs());
                    assert!(off.is_some_and(|off| off <= 1e-2), "{at}: the slope is off by {off:?}");
                }
            }
        }
    }
}

#[test]
fn values_that_weigh_nothing_leave_the_others_their_digits() {
    type Forms = (Weighted<Sum>, Weighted<Mean>, Weighted<Variance>, Covariance);
    const FORMS: Forms = (Weighted(Sum), Weighted(Mean), Weighted(Variance), Covariance);
    let u = 4.0 * 1184.0 / f64::from(1 << 24);
    // Zero of both signs, and under the policy that skips, a NaN as the value or as the weight.
    for out in [(1e9, 0.0f32), (-1e30, -0.0), (1e-30, 0.0), (f32::NAN, 1e9), (1e9, f32::NAN), (f32::NAN, 0.0)] {
        for n in ODD_SIZES {
            for (place, is_out) in OUT.iter().enumerate() {
                let items = with_outsiders(n, out, |i| is_out(i, n));
                let kept: Vec<(f64, f64)> = items
                    .iter()
                    .map(|pair| (f64::from(pair.0), f64::from(pair.1)))
                    .filter(|pair| !pair.0.is_nan() && pair.1 > 0.0)
                    .collect();
                let at = format!("{out:?} at {place} of {n}");
                // Alone, and in one pass with what takes in all pairs.
                let [(alone, _), _] = both(Weighted(Mean), &items, NanPolicy::Skip);
                let [(gpu, _), (cpu, _)] = both(FORMS, &items, NanPolicy::Skip);
                let weight: f64 = kept.iter().map(|pair| pair.1).sum();
                near(&at, Some(gpu.2.weight()), Some(weight), u * weight);
                if kept.is_empty() {
                    assert_eq!((gpu.1, alone), (None, None), "{at}");
                    continue;
                }
                let sum: f64 = kept.iter().map(|pair| pair.0 * pair.1).sum();
                let mean = sum / weight;
                let variance = kept.iter().map(|pair| (pair.0 - mean).powi(2) * pair.1).sum::<f64>() / weight;
                let sd = variance.sqrt();
                near(&at, gpu.0, Some(sum), u * weight * sd + 1e-6 * sum);
                for found in [gpu.1, alone] {
                    near(&at, found, Some(mean), u * sd + 1e-6 * mean);
                }
                near(&at, gpu.2.population_variance(), Some(variance), u * variance + 1e-9);
                // Those pairs that weigh nothing are pairs all the same.
                let (x, y, _, xx, yy) = covariance_of(
                    &items.iter().copied().filter(|pair| !pair.0.is_nan() && !pair.1.is_nan()).collect::<Vec<_>>(),
                );
                near(&at, gpu.3.mean_x(), Some(x), u * xx.sqrt() + 1e-6 * x.abs());
                near(&at, gpu.3.mean_y(), Some(y), u * yy.sqrt() + 1e-6 * y.abs());
                near(&at, gpu.3.population_covariance(), cpu.3.population_covariance(), u * (xx * yy).sqrt() + 1e-9);
            }
        }
    }
}

#[test]
fn what_does_not_count_moves_no_frame_along_axes_in_segments_and_by_key() {
    let n = 24_000;
    let keys: Vec<u32> = (0..n as u32).map(|i| i * 7 % 30).collect();
    let offsets: Vec<usize> = [0, 10, 10, 2000, 15_000, 23_999].into();
    for (out, weights) in [((f32::NAN, 1e9), false), ((1e9, f32::NAN), false), ((1e9, 0.0), true)] {
        let items = with_outsiders(n, out, |i| i % 5 == 2 || i / 1500 == 3);
        let along = |engine: &Engine| {
            fn all<A: Aggregator<(f32, f32)>>(
                form: A,
                engine: &Engine,
                (items, offsets, keys): (&[(f32, f32)], &[usize], &[u32]),
            ) -> Vec<A::Output> {
                let nan = NanPolicy::Skip;
                let mut answers = reduce_axis(&form, engine, items, &[1500, 16], 0, nan).unwrap().answers;
                answers.extend(reduce_axis(&form, engine, items, &[3, 8000], 1, nan).unwrap().answers);
                answers.extend(reduce_axis(&form, engine, items, &[240, 100], 1, nan).unwrap().answers);
                answers.extend(reduce_segments(&form, engine, items, offsets, nan).unwrap().answers);
                answers.extend(reduce_by_key(&form, engine, items, keys, 30, nan).unwrap().answers);
                answers
            }
            let data = (&items[..], &offsets[..], &keys[..]);
            if weights {
                let moments = all(Weighted(Variance), engine, data);
                moments.iter().map(|found| (found.mean(), found.population_variance())).collect::<Vec<_>>()
            } else {
                let moments = all(Covariance, engine, data);
                moments.iter().map(|found| (found.mean_x(), found.population_covariance())).collect()
            }
        };
        for (at, (gpu, cpu)) in along(on_gpu()).into_iter().zip(along(&Engine::cpu())).enumerate() {
            near(&format!("{out:?}, the mean of {at}"), gpu.0, cpu.0, 1e-4);
            near(&format!("{out:?}, the spread of {at}"), gpu.1, cpu.1, 1e-3);
        }
    }
}

#[test]
fn special_values_and_weights_as_on_the_cpu() {
    let plain = [(1.0f32, 2.0f32), (3.0, 1.0), (-2.0, 0.5), (5.0, 0.0)];
    let inputs: [&[(f32, f32)]; 9] = [
        &[(f32::NAN, 1.0)],
        &[(1.0, f32::NAN)],
        &[(f32::INFINITY, 1.0)],
        &[(f32::NEG_INFINITY, 2.0), (f32::INFINITY, 2.0)],
        &[(1.0, f32::INFINITY)],
        &[(1.0, -1.0)],
        &[(f32::INFINITY, 0.0)],
        &[(f32::NAN, 0.0)],
        &[(f32::INFINITY, 1.0), (1.0, f32::NAN)],
    ];
    let class = |x: Option<f64>| x.map(|x| if x.is_finite() { "finite".into() } else { x.to_string() });
    for special in inputs {
        let items = [&plain[..], special, &plain[..]].concat();
        for nan in [NanPolicy::Propagate, NanPolicy::Skip] {
            let forms = (Covariance, Weighted(Sum), Weighted(Mean), Weighted(Variance));
            let told = both(forms, &items, nan).map(|((pairs, sum, mean, moments), skipped)| {
                let covariance = [pairs.mean_x(), pairs.mean_y(), pairs.sample_covariance()].map(class);
                let weighted = [sum, mean, moments.population_variance(), moments.reliability_variance()].map(class);
                format!("{} {covariance:?} {weighted:?} {:?} {skipped}", pairs.count, class(Some(moments.weight())))
            });
            assert_eq!(told[0], told[1], "{special:?} under {nan}");
        }
    }
}

#[test]
fn confusion_matrices_to_the_unit() {
    // A few classes share their counters in a workgroup; 100 do not fit there.
    for classes in [1u8, 2, 10, 100] {
        for n in SIZES {
            let class = |bits: u64| (bits % u64::from(classes) + u64::from(bits.is_multiple_of(1000))) as u8;
            let items: Vec<(u8, u8)> =
                mixed(n as u64).take(n).map(|bits| (class(bits >> 32), class(bits >> 8))).collect();
            let [gpu, cpu] = both(ConfusionMatrix { classes }, &items, NanPolicy::Propagate);
            assert_eq!(gpu, cpu, "{classes} classes, {n} pairs");
            // As indices lie on devices.
            let wide: Vec<(u32, u32)> =
                items.iter().map(|&(label, predicted)| (label.into(), predicted.into())).collect();
            let again = both(ConfusionMatrix { classes }, &wide, NanPolicy::Propagate);
            assert_eq!(again, [gpu, cpu], "{classes} classes, {n} pairs of u32");
        }
    }
}

#[test]
fn pairs_along_axes_in_segments_and_by_key() {
    let items: Vec<(u8, u8)> = mixed(4).take(30_000).map(|bits| ((bits % 4) as u8, (bits >> 9) as u8 % 4)).collect();
    let form = (Count, ConfusionMatrix { classes: 4 });
    let offsets = [0, 10, 10, 5000, 25_000, 29_999];
    let keys: Vec<u32> = (0..30_000).map(|i| i * 7 % 300).collect();
    let nan = NanPolicy::Propagate;
    let [gpu, cpu] = [on_gpu(), &Engine::cpu()].map(|engine| {
        [
            reduce_axis(&form, engine, &items, &[300, 100], 0, nan).unwrap().answers,
            reduce_axis(&form, engine, &items, &[3, 10_000], 1, nan).unwrap().answers,
            reduce_segments(&form, engine, &items, &offsets, nan).unwrap().answers,
            reduce_by_key(&form, engine, &items, &keys, 300, nan).unwrap().answers,
        ]
    });
    assert_eq!(gpu, cpu);
}

#[test]
fn half_floats_widen_as_on_the_cpu() {
    fn each<T: Element>(items: &[T])
    where
        (Count, Mean, strix_reduce::Min, strix_reduce::Max): Aggregator<T>,
    {
        let [gpu, cpu] = [on_gpu(), &Engine::cpu()].map(|engine| {
            let mut reducer =
                Reducer::new((strix_reduce::Min, strix_reduce::Max, strix_reduce::ArgMin), engine).unwrap();
            reducer.push(items).unwrap();
            let extremes = format!("{:?}", reducer.finish());
            let mut reducer = Reducer::new(Mean, engine).unwrap().nan_policy(NanPolicy::Skip);
            reducer.push(items).unwrap();
            (extremes, reducer.finish())
        });
        assert_eq!(gpu.0, cpu.0);
        let size = items.iter().map(|x| x.to_f64().abs()).filter(|x| x.is_finite()).sum::<f64>() / items.len() as f64;
        near("mean", gpu.1, cpu.1, 2e-6 * size);
    }
    #[cfg(feature = "half")]
    {
        use half::{bf16, f16};
        // Every bit pattern but the infinities, whose mean is none; then all of them, for the extremes.
        let finite: Vec<f16> = (0..=u16::MAX).map(f16::from_bits).filter(|x| x.is_finite()).collect();
        each(&finite);
        each(&(0..=u16::MAX).map(f16::from_bits).collect::<Vec<_>>());
        let small: Vec<bf16> = (0..=u16::MAX).map(bf16::from_bits).filter(|x| x.to_f32().abs() < 1e3).collect();
        each(&small);
    }
    each(&[1.0f32, 2.0]);
}
