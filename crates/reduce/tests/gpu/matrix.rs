//! The same matrix on both engines: shape x type x operation x size x data. Every output of the GPU is held against the CPU
//! engine over the items that belong to it, gathered by the test: integers, extremes, places and counts to the bit, sums of
//! floats within the bounds of docs/gpu.md. Needs a Vulkan adapter; Mesa's lavapipe will do.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fmt::Debug;
use std::sync::OnceLock;

use crate::common::{kinds, mixed};
use strix_reduce::aggregators::Placed;
use strix_reduce::{
    Aggregator, ArgMax, ArgMin, Count, Element, Engine, EngineChoice, Histogram, Max, Mean, Min, NanPolicy, Reducer,
    Shape, Sum, Variance, reduce_axis, reduce_by_key, reduce_segments,
};

fn on_gpu() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::select(EngineChoice::Gpu).expect("these tests need an adapter: install mesa-vulkan-drivers")
    })
}

/// Around every edge: words, lanes, workgroups, short pieces, tiles.
const SIZES: [usize; 20] =
    [0, 1, 2, 3, 31, 32, 63, 64, 65, 255, 256, 257, 1023, 1024, 1025, 8191, 8192, 8193, 16_385, 70_001];

type All = (Count, Sum, Mean, Variance, Min, Max, ArgMin, ArgMax);
const ALL: All = (Count, Sum, Mean, Variance, Min, Max, ArgMin, ArgMax);

fn more() -> (Shape, Histogram, Histogram) {
    (Shape, Histogram::uniform(-1.0, 100.0, 7).unwrap(), Histogram::new(&[-1e30, 0.0, 0.5, 3.0, 1e9]).unwrap())
}

/// One way to lay items out: its name, and for each output the places of its items; then what each engine answers.
struct Layout {
    name: String,
    outputs: Vec<Vec<usize>>,
    /// Whether places are told within the output, or among all items.
    within: bool,
    form: Form,
}

enum Form {
    Whole,
    Masked,
    Axis(Vec<usize>, usize),
    Segments(Vec<usize>),
    Keys(Vec<u32>, u32),
}

fn layouts(n: usize) -> Vec<Layout> {
    let mut all =
        vec![Layout { name: "whole".into(), outputs: vec![(0..n).collect()], within: true, form: Form::Whole }];
    let kept = (0..n).filter(|&place| valid(place)).collect();
    all.push(Layout { name: "masked".into(), outputs: vec![kept], within: false, form: Form::Masked });
    for (shape, axis) in [
        (vec![n / 3, 3], 0),
        (vec![n / 3, 3], 1),
        (vec![4, n / 40, 10], 1),
        (vec![n / 100, 2, 50], 1),
        (vec![2, n / 2], 1),
        (vec![5, n / 5], 0),
    ] {
        let (outer, inner): (usize, usize) = (shape[..axis].iter().product(), shape[axis + 1..].iter().product());
        let length = shape[axis];
        let places = |lane: usize| {
            let first = lane / inner * length * inner + lane % inner;
            (0..length).map(|step| first + step * inner).collect()
        };
        let outputs = (0..outer * inner).map(places).collect();
        all.push(Layout {
            name: format!("axis {axis} of {shape:?}"),
            outputs,
            within: true,
            form: Form::Axis(shape, axis),
        });
    }
    // Lengths of every kind: none, one, short, and past a tile.
    let mut offsets = vec![n.min(1)];
    let mut random = mixed(n as u64 + 3);
    while offsets.last().unwrap() < &n {
        let most = [1, 4, 40, 1100, 30_000][(random.next().unwrap() % 5) as usize];
        let length = random.next().unwrap() as usize % most;
        offsets.push((offsets.last().unwrap() + length).min(n));
        if length == 0 && offsets.len() > 4 * n {
            break;
        }
    }
    let outputs = offsets.windows(2).map(|bounds| (bounds[0]..bounds[1]).collect()).collect();
    all.push(Layout { name: "segments".into(), outputs, within: true, form: Form::Segments(offsets) });
    for groups in [1u32, 2, 15, 16, 300, n.max(1) as u32] {
        let keys: Vec<u32> =
            mixed(u64::from(groups)).take(n).map(|bits| ((bits >> 20) % u64::from(groups)) as u32).collect();
        let mut outputs = vec![Vec::new(); groups as usize];
        for (place, key) in keys.iter().enumerate() {
            outputs[*key as usize].push(place);
        }
        all.push(Layout { name: format!("{groups} groups"), outputs, within: false, form: Form::Keys(keys, groups) });
    }
    all
}

fn valid(place: usize) -> bool {
    place % 3 != 1 && place % 64 != 60
}

impl Layout {
    fn answers<T: Element, A: Aggregator<T> + Clone>(&self, a: &A, engine: &Engine, items: &[T]) -> Vec<A::Output> {
        let nan = NanPolicy::Propagate;
        let along = match &self.form {
            Form::Whole | Form::Masked => {
                let mut reducer = Reducer::new(a.clone(), engine).unwrap();
                match self.form {
                    Form::Masked => reducer.push_masked(items, valid).unwrap(),
                    _ => reducer.push(items).unwrap(),
                }
                let kept = self.outputs[0].len();
                assert_eq!(reducer.missing(), (items.len() - kept) as u64, "{}", self.name);
                return vec![reducer.finish()];
            }
            Form::Axis(shape, axis) => {
                let size: usize = shape.iter().product();
                reduce_axis(a, engine, &items[..size], shape, *axis, nan).unwrap()
            }
            Form::Segments(offsets) => reduce_segments(a, engine, items, offsets, nan).unwrap(),
            Form::Keys(keys, groups) => reduce_by_key(a, engine, items, keys, *groups, nan).unwrap(),
        };
        assert_eq!(along.answers.len(), self.outputs.len(), "{}", self.name);
        along.answers
    }
}

fn on_cpu<T: Element, A: Aggregator<T>>(aggregator: A, items: &[T]) -> A::Output {
    let mut reducer = Reducer::new(aggregator, &Engine::cpu()).unwrap();
    reducer.push(items).unwrap();
    reducer.finish()
}

/// What a finite number may be off by.
struct Bounds {
    sum: f64,
    variance: f64,
    skewness: f64,
}

fn bounds<T: Element>(items: &[T]) -> Bounds {
    let n = items.len() as f64;
    let u = 2f64.powi(-24);
    let depth = 1200.0;
    let mean = items.iter().map(|x| x.to_f64()).sum::<f64>() / n;
    let moment = |power: i32| items.iter().map(|x| (x.to_f64() - mean).abs().powi(power)).sum::<f64>();
    let largest = items.iter().map(|x| x.to_f64().abs()).fold(0.0, f64::max);
    let (spread, squares, cubes) = (moment(1), moment(2), moment(3));
    let sd = (squares / n).sqrt();
    let skewness = if sd > 1e-3 * largest && sd < 1e30 {
        20.0 * depth * u * (1.0 + cubes / n / sd.powi(3))
    } else {
        f64::INFINITY
    };
    Bounds {
        sum: 4.0 * depth * u * (spread + 8.0 * u * n * largest),
        variance: 16.0 * depth * u * squares / n + 64.0 * (u * largest).powi(2),
        skewness,
    }
}

fn near(a: Option<f64>, b: Option<f64>, bound: f64) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= bound,
        _ => false,
    }
}

fn check<T: Total + Debug>(kind: &str, items: &[T], layouts: &[Layout])
where
    All: Aggregator<T, Output = AllOf<T>>,
    <All as Aggregator<T>>::Output: Debug,
{
    let float = items.first().is_none_or(|_| <T as Element>::nan().is_some());
    for layout in layouts {
        let gpu = layout.answers(&ALL, on_gpu(), items);
        let cpu = layout.answers(&ALL, &Engine::cpu(), items);
        let shapes = layout.answers(&more(), on_gpu(), items);
        for (output, places) in layout.outputs.iter().enumerate() {
            let own: Vec<T> = places.iter().map(|&place| items[place]).collect();
            let expected = on_cpu(ALL, &own);
            let named = |placed: Option<Placed<T>>| {
                placed.map(|placed| {
                    let place = placed.place as usize;
                    (if layout.within { place } else { places[place] }, format!("{:?}", placed.item))
                })
            };
            let told = |placed: &Option<Placed<T>>| placed.map(|p| (p.place as usize, format!("{:?}", p.item)));
            let (bound, n) = (bounds(&own), own.len());
            for (engine, found) in [("gpu", &gpu[output]), ("cpu", &cpu[output])] {
                let at = || {
                    format!(
                        "{kind} {}, {}, output {output} of {n}, {engine}: {found:?}, not {expected:?}",
                        T::NAME,
                        layout.name
                    )
                };
                assert_eq!(found.0, expected.0, "{}", at());
                assert_eq!(
                    format!("{:?} {:?}", found.4, found.5),
                    format!("{:?} {:?}", expected.4, expected.5),
                    "{}",
                    at()
                );
                assert_eq!((told(&found.6), told(&found.7)), (named(expected.6), named(expected.7)), "{}", at());
                let moments = |m: &strix_reduce::SecondMoments| (m.mean(), m.population_variance());
                let ((mean, variance), (own_mean, own_variance)) = (moments(&found.3), moments(&expected.3));
                if !float {
                    assert_eq!((found.1.map(T::total), found.2), (expected.1.map(T::total), expected.2), "{}", at());
                    assert_eq!((mean, variance), (own_mean, own_variance), "{}", at());
                    continue;
                }
                assert!(
                    near(found.1.map(T::total), expected.1.map(T::total), bound.sum),
                    "sum, {:e}: {}",
                    bound.sum,
                    at()
                );
                assert!(near(found.2, expected.2, bound.sum / n as f64), "mean: {}", at());
                assert!(near(mean, own_mean, bound.sum / n as f64), "mean of moments: {}", at());
                assert!(near(variance, own_variance, bound.variance), "variance, {:e}: {}", bound.variance, at());
            }
            let (shape, uniform, edges) = &shapes[output];
            let (own_shape, own_uniform, own_edges) = on_cpu(more(), &own);
            let at =
                || format!("{kind} {}, {}, output {output} of {n}: {shape:?}, not {own_shape:?}", T::NAME, layout.name);
            assert_eq!((uniform, edges), (&own_uniform, &own_edges), "{}", at());
            assert_eq!(shape.count, own_shape.count, "{}", at());
            // The elements of 32 bits round where they are more than 24 apart from the shift.
            assert!(near(shape.mean(), own_shape.mean(), bound.sum / n as f64), "mean: {}", at());
            assert!(near(shape.variance(0), own_shape.variance(0), bound.variance), "variance: {}", at());
            if bound.skewness.is_finite() && own_shape.variance(0).is_some_and(f64::is_finite) {
                let (skewness, own) = (shape.population_skewness(), own_shape.population_skewness());
                assert!(near(skewness, own, bound.skewness), "skewness, {:e}: {}", bound.skewness, at());
                let (tail, own) = (shape.population_excess_kurtosis(), own_shape.population_excess_kurtosis());
                let kurtosis = bound.skewness * (4.0 + own.unwrap_or(0.0).abs());
                assert!(near(tail, own, kurtosis), "kurtosis, {kurtosis:e}: {}", at());
            }
        }
    }
}

type AllOf<T> = (
    u64,
    Option<<T as Total>::Of>,
    Option<f64>,
    strix_reduce::SecondMoments,
    Option<T>,
    Option<T>,
    Option<Placed<T>>,
    Option<Placed<T>>,
);

/// The type's sums as f64.
trait Total: Element {
    type Of: Copy + Debug + PartialEq;
    fn total(total: <Self as Total>::Of) -> f64;
}

macro_rules! total {
    ($($item:ty as $of:ty),*) => {$(
        impl Total for $item {
            type Of = $of;
            fn total(total: $of) -> f64 {
                total as f64
            }
        }
    )*};
}
total!(f32 as f64, u8 as i128, i8 as i128, u16 as i128, i16 as i128, u32 as i128, i32 as i128, bool as i128);

#[test]
fn floats_of_every_kind() {
    for n in SIZES {
        let layouts = layouts(n);
        for (kind, items) in kinds(n) {
            // The smaller sizes on every kind of data, the larger ones on those that differ most.
            if n > 300 && ["sorted ramp", "largest", "one outlier", "zeros of both signs"].contains(&kind) {
                continue;
            }
            check(kind, &items, &layouts);
        }
    }
}

#[test]
fn special_values_among_floats() {
    for n in [1, 2, 65, 300, 1500, 9000] {
        let layouts = layouts(n);
        for specials in [vec![f32::NAN], vec![f32::INFINITY], vec![f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -0.0]] {
            let mut items: Vec<f32> = (0..n).map(|i| (i % 17) as f32 - 3.0).collect();
            for (turn, place) in mixed(9).take(1 + n / 40).enumerate() {
                items[place as usize % n] = specials[turn % specials.len()];
            }
            check("specials", &items, &layouts);
        }
    }
}

#[test]
fn integers_of_every_width() {
    for n in SIZES {
        let layouts = layouts(n);
        let bits: Vec<u64> = mixed(n as u64).take(n).collect();
        macro_rules! each {
            ($($integer:ty)*) => {$(
                let items: Vec<$integer> = bits.iter().map(|&b| b as $integer).collect();
                check("mixed", &items, &layouts);
                // Around an offset, with the extremes of the type.
                let around: Vec<$integer> = bits
                    .iter()
                    .map(|&b| if b.is_multiple_of(97) { <$integer>::MAX } else { <$integer>::MAX / 2 + (b % 5) as $integer })
                    .collect();
                check("offset", &around, &layouts);
            )*};
        }
        each!(u8 i8 u16 i16 u32 i32);
        let truths: Vec<bool> = bits.iter().map(|&b| b.is_multiple_of(3)).collect();
        let counts: (Count, Sum, Mean, Min, Max) = (Count, Sum, Mean, Min, Max);
        let [gpu, cpu] = [on_gpu(), &Engine::cpu()].map(|engine| {
            let mut reducer = Reducer::new(counts, engine).unwrap();
            reducer.push(&truths).unwrap();
            reducer.finish()
        });
        assert_eq!(gpu, cpu);
    }
}

#[test]
fn past_what_an_f32_counts_and_past_one_binding() {
    let n = (1 << 24) + 3;
    let items: Vec<f32> = mixed(1).take(n).map(|bits| (bits >> 40) as f32 / (1 << 24) as f32 + 1e3).collect();
    let whole = Layout { name: "whole".into(), outputs: vec![(0..n).collect()], within: true, form: Form::Whole };
    check("large", &items, &[whole]);
    let keys: Vec<u32> = mixed(2).take(n).map(|bits| (bits % 1000) as u32).collect();
    let groups = reduce_by_key(&(Count, Max, ArgMin), on_gpu(), &items, &keys, 1000, NanPolicy::Propagate).unwrap();
    let expected = reduce_by_key(&(Count, Max, ArgMin), &Engine::cpu(), &items, &keys, 1000, NanPolicy::Propagate);
    assert_eq!(groups.answers, expected.unwrap().answers);
    // 160 MiB of bytes in one push; and one segment of most of them, which spans several loads.
    let bytes: Vec<u8> = mixed(3).take(20 << 20).flat_map(u64::to_le_bytes).collect();
    let [gpu, cpu] = [on_gpu(), &Engine::cpu()].map(|engine| {
        let offsets = [3, 5, bytes.len() - 1000, bytes.len()];
        let segments = reduce_segments(&ALL, engine, &bytes, &offsets, NanPolicy::Propagate).unwrap();
        let mut reducer = Reducer::new(ALL, engine).unwrap();
        reducer.push(&bytes).unwrap();
        (segments.answers, reducer.finish())
    });
    assert_eq!(gpu, cpu);
}
