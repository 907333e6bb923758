//! Breaks the shaders on purpose, one line at a time, and expects the answers to show it. `cargo test --release
//! -p strix-reduce --features half --test mutations -- --ignored --nocapture` lists every line, how it was broken and what noticed.
//! Some minutes on a software renderer.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that talks, and should say where it fails")]

mod common;

use std::path::Path;

use common::mixed;
use strix_reduce::gpu::{Gpu, Load, Reduction, View};
use strix_reduce::wgpu::util::{BufferInitDescriptor, DeviceExt};
use strix_reduce::{
    Aggregator, ArgMax, ArgMin, ConfusionMatrix, Count, Covariance, Engine, Error, Exact, Histogram, Item, Max, Mean,
    Min, NanPolicy, Reducer, Shape, Sum, Variance, Weighted, reduce_axis, reduce_by_key, reduce_segments, wgpu,
};

/// How a line can be broken; the first that fits is taken. Loops keep their steps: a kernel that never ends shows nothing.
const BREAKS: [(&str, &str); 20] = [
    ("workgroupBarrier();", ""),
    ("i < span.end", "i + 1u < span.end"),
    ("i < parts.end", "i + 1u < parts.end"),
    ("if lane < stride", "if lane + 1u < stride"),
    ("if !piece.exists", "if false"),
    ("if !parts.exists", "if false"),
    (" += ", " -= "),
    (" + ", " - "),
    (" - ", " + "),
    (" * ", " + "),
    (" | ", " & "),
    (" >= ", " < "),
    (" < ", " >= "),
    (" > ", " <= "),
    (" == ", " != "),
    ("max(", "min("),
    ("min(", "max("),
    ("0xffffffffu", "0u"),
    ("0u", "1u"),
    ("0.0", "1.0"),
];

/// Lines that may be broken without any wrong answer, by file and beginning, and why.
const EQUIVALENT: &[(&str, &str, &str)] = &[
    ("kernel/merge", "if lane == 0u", "every invocation holds the merged state; any may write it"),
    ("kernel/reduce", "if lane == 0u", "every invocation holds the merged state; any may write it"),
    ("kernel/column", "for (var i = span.begin", "a frame may come from all but one element"),
    ("kernel/column", "own.weight += weight", "the shift is held between the extremes, and any there will do"),
    ("kernel/column", "return Found(", "a frame of another shift"),
    ("kernel/merged_frame", "for (var i = parts.begin", "a frame may come from all but one partial"),
    ("kernel/merged_frame", "return Frame(", "a frame of another shift"),
    ("kernel/spread", "return Spread(0u, 0.0", "a piece of zeros is then scaled, to the same zeros"),
    ("kernel/spread", "return Spread(0u, value", "a frame of another shift"),
    ("kernel/spread", "a.weight + b.weight", "a frame of another shift"),
    ("kernel/one_column", "return Tile(Frames(Frame(0, 0.0))", "no aggregator reads this frame"),
    ("kernel/one_column", "var offset = 0.0", "of an infinity nothing is read but that it was there"),
    ("kernel/strided", "let end = min(", "the first piece then takes everything"),
    ("kernel/two_columns", "return Tile(Frames(Frame(0, 0.0)", "no aggregator reads this frame"),
    ("kernel/two_columns", "var item = Item(", "of a special element nothing is read but that it was there"),
    ("kernel/two_columns", "return f32(census.finite", "a frame of another shift"),
    ("kernel/column", "own.least", "where not all are equal, a frame of another shift; clamp gives the greatest here"),
    ("aggregators/exact_sum", "held.exact_sum.others", "only whether there are any counts"),
    ("aggregators/exact_sum", "merged.others", "only whether there are any counts"),
    ("aggregators/variance", "total + count", "the moves of all pieces cancel but for the rounding of their mean"),
    ("aggregators/covariance", "moved.y =", "the moves of all pieces cancel but for the rounding of their mean"),
    ("aggregators/covariance", "moved.xy", "a piece's total is 0 but for rounding, around its own mean"),
    ("loads/i32", "return clamp(", "2147483521 is the same f32"),
    ("loads/u32", "return clamp(", "any whole number will do as the center"),
    ("loads/wide", "let whole", "any whole number will do as the center"),
    ("order/plan", "tiles[segment] = 0u;", "the last sum is not of it; a wrong segment is an error"),
    ("order/scan", "let block", "a second row of workgroups comes with 67 million values"),
    ("order/scan", "if block * WORKGROUP_SIZE", "only too many workgroups would be stopped"),
    ("order/scan", "workgroupBarrier();", "llvmpipe runs lower invocations first, and only lower ones are read"),
    ("kernel/segments", "return Segment(0u, 0u, 0u)", "the plan reports such a segment as an error"),
    (
        "kernel/segments",
        "let segment = segment_of(min(",
        "what is read for an output that there is none of is not used",
    ),
];

/// Lines of loops, whose end they decide, and declarations.
const LEFT_ALONE: [&str; 12] = [
    "//",
    "struct",
    "const",
    "@",
    "var<",
    "while ",
    "for (var stride",
    "for (var reach",
    "low =",
    "high =",
    "for (var axis",
    "for (var i = 0u",
];

/// Whether the answers on this device are right.
/// On a device, and on the same with limits that cut everything into chunks.
type Check = fn(&[Gpu; 2]) -> Result<(), String>;

const CHECKS: [(&str, Check); 10] = [
    ("integers", integers),
    ("floats", floats),
    ("special values", specials),
    ("exact", exact),
    ("axes and masks", axes),
    ("segments", segments),
    ("groups", groups),
    ("pairs", pairs),
    ("views", views),
    ("halves", halves),
];

fn failed(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().into()
}

fn answer<T: Item, A: Aggregator<T>>(a: A, engine: &Engine, items: &[T], nan: NanPolicy) -> Result<A::Output, String> {
    let mut reducer = Reducer::new(a, engine).map_err(|error| failed(&error))?.nan_policy(nan);
    reducer.push(items).map_err(|error| failed(&error))?;
    Ok(reducer.finish())
}

fn equal<O: PartialEq + std::fmt::Debug>(gpu: &O, cpu: &O) -> Result<(), String> {
    if gpu == cpu { Ok(()) } else { Err("differ".into()) }
}

fn near(gpu: Option<f64>, cpu: Option<f64>, bound: f64) -> Result<(), String> {
    match (gpu, cpu) {
        (Some(a), Some(b)) if a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= bound => Ok(()),
        (None, None) => Ok(()),
        (a, b) => Err(format!("{a:?} not {b:?}")),
    }
}

const N: usize = 41_003;

fn integers([gpu, ..]: &[Gpu; 2]) -> Result<(), String> {
    let engine = &Engine::from(gpu.clone());
    let form = (Count, Sum, Variance, Min, Max, ArgMin, ArgMax);
    macro_rules! each {
        ($($integer:ty)*) => {$(
            let items: Vec<$integer> = mixed(1).take(N).map(|bits| (bits >> 7) as $integer).collect();
            for part in [&items[..], &items[5..70]] {
                equal(
                    &answer(form, engine, part, NanPolicy::Propagate)?,
                    &answer(form, &Engine::cpu(), part, NanPolicy::Propagate)?,
                )?;
            }
        )*};
    }
    each!(u8 i8 u16 i16 u32 i32);
    macro_rules! shapes {
        ($($integer:ty)*) => {$(
            let items: Vec<$integer> = mixed(1).take(N).map(|bits| ((bits >> 7) % 102 / 3) as $integer).collect();
            let [gpu, cpu] = [engine, &Engine::cpu()].map(|engine| answer(Shape, engine, &items, NanPolicy::Propagate));
            let (gpu, cpu) = (gpu?, cpu?);
            near(gpu.mean(), cpu.mean(), 1e-3)?;
            near(gpu.variance(0), cpu.variance(0), 0.1)?;
        )*};
    }
    shapes!(u8 i8 u16 i16 u32 i32);
    let items: Vec<i32> = mixed(1).take(N).map(|bits| (bits as i32 >> 20) + 2_000_000_000).collect();
    let [gpu, cpu] = [engine, &Engine::cpu()].map(|engine| answer(Shape, engine, &items, NanPolicy::Propagate));
    let (gpu, cpu) = (gpu?, cpu?);
    near(gpu.mean(), cpu.mean(), 0.02)?;
    near(gpu.population_excess_kurtosis(), cpu.population_excess_kurtosis(), 1e-2)
}

fn moments(engine: &Engine, items: &[f32], scale: f64) -> Result<(), String> {
    let form = (Count, Sum, Variance, Min, Max, ArgMin, Shape);
    let [gpu, cpu] = [engine, &Engine::cpu()].map(|engine| answer(form, engine, items, NanPolicy::Propagate));
    let (gpu, cpu) = (gpu?, cpu?);
    equal(&(gpu.0, gpu.3, gpu.4, gpu.5), &(cpu.0, cpu.3, cpu.4, cpu.5))?;
    near(gpu.1, cpu.1, 1e-4 * scale * items.len() as f64)?;
    let sd = cpu.2.population_sd().unwrap();
    near(gpu.2.population_variance(), cpu.2.population_variance(), 1e-4 * sd * sd)?;
    near(gpu.6.population_skewness(), cpu.6.population_skewness(), 2e-3)?;
    near(gpu.6.population_excess_kurtosis(), cpu.6.population_excess_kurtosis(), 1e-2)
}

fn floats([gpu, ..]: &[Gpu; 2]) -> Result<(), String> {
    let engine = &Engine::from(gpu.clone());
    let unit = |bits: u64| (bits >> 40) as f32 / (1 << 24) as f32;
    // Tiles apart from one another, skewed, so that no moment is 0 and every tile moves.
    let items: Vec<f32> =
        mixed(2).take(N).enumerate().map(|(i, bits)| 1e4 + (i / 8192) as f32 + unit(bits).powi(4)).collect();
    moments(engine, &items, 1.0)?;
    for scale in [1e30f32, 1e-30, 1e-42] {
        let items: Vec<f32> = mixed(3).take(N).map(|bits| scale * (unit(bits).powi(3) - 0.2)).collect();
        moments(engine, &items, f64::from(scale))?;
    }
    // One that is far from all others: the mean is not among the extremes.
    let items: Vec<f32> = mixed(2)
        .take(N)
        .enumerate()
        .map(|(i, bits)| if i % 8192 == 77 { 0.0 } else { 1e4 + unit(bits).powi(4) })
        .collect();
    let form = (Sum, Variance, Shape);
    let without: Vec<f32> = items.iter().copied().filter(|x| *x > 0.0).collect();
    let high: Vec<f32> = items.iter().map(|x| if *x > 0.0 { *x } else { 1e7 }).collect();
    for (items, bound) in [(&items, 3e-8), (&without, 3e-8), (&high, 1e-6)] {
        let [gpu, cpu] = [engine, &Engine::cpu()].map(|engine| answer(form, engine, items, NanPolicy::Propagate));
        let (gpu, cpu) = (gpu?, cpu?);
        near(gpu.0, cpu.0, bound * cpu.0.unwrap())?;
        near(gpu.2.mean(), cpu.2.mean(), bound * cpu.2.mean().unwrap())?;
        let variance = cpu.1.population_variance().unwrap();
        near(gpu.1.population_variance(), Some(variance), 1e3 * bound * variance)?;
    }
    // Equal values give that value, and no variance.
    let (sum, constant) = answer((Sum, Variance), engine, &[0.1f32; N], NanPolicy::Propagate)?;
    near(constant.population_variance(), Some(0.0), 0.0)?;
    near(constant.mean(), Some(f64::from(0.1f32)), 0.0)?;
    near(sum, Some(f64::from(0.1f32) * N as f64), 1e-6)?;
    // A huge last one, among tiny ones.
    let mut items = vec![1e-30f32; 8192 + 64];
    *items.last_mut().unwrap() = 3e30;
    let [gpu, cpu] = [engine, &Engine::cpu()].map(|engine| answer(form, engine, &items, NanPolicy::Propagate));
    near(
        gpu?.1.population_variance(),
        cpu.clone()?.1.population_variance(),
        1e-4 * cpu?.1.population_variance().unwrap(),
    )?;
    // Tiles of other magnitudes, and of zeros.
    let items: Vec<f32> = mixed(4)
        .take(N)
        .enumerate()
        .map(|(i, bits)| [1e-25, 0.0, 3.0, 1e20, 1e22, 1e25][(i / 8192) % 6] * (0.5 + unit(bits).powi(2)))
        .collect();
    moments(engine, &items, 1e25)?;
    let bins = (Histogram::uniform(0.0, 2.0, 9).unwrap(), Histogram::uniform(0.1, 1.5, 5000).unwrap());
    let items: Vec<f32> = mixed(5).take(N).map(|bits| 2.5 * unit(bits) - 0.25).collect();
    equal(
        &answer(bins.clone(), engine, &items, NanPolicy::Propagate)?,
        &answer(bins, &Engine::cpu(), &items, NanPolicy::Propagate)?,
    )
}

fn specials([gpu, ..]: &[Gpu; 2]) -> Result<(), String> {
    let engine = &Engine::from(gpu.clone());
    for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut items: Vec<f32> = (0..N).map(|i| (i % 17) as f32).collect();
        for place in [20_001, 20_002, N - 1] {
            items[place] = special;
        }
        for nan in [NanPolicy::Propagate, NanPolicy::Skip] {
            let told = |engine: &Engine| {
                let mut reducer =
                    Reducer::new((Count, Sum, Min, Max, ArgMax), engine).map_err(|e| failed(&e))?.nan_policy(nan);
                reducer.push(&items).map_err(|e| failed(&e))?;
                let skipped = reducer.skipped();
                let (count, sum, least, greatest, place) = reducer.finish();
                let sum = sum.map(|sum| if sum.is_finite() { "finite".into() } else { sum.to_string() });
                Ok::<_, String>(format!("{count} {sum:?} {least:?} {greatest:?} {place:?} {skipped}"))
            };
            equal(&told(engine)?, &told(&Engine::cpu())?)?;
        }
        let error = |engine: &Engine| answer(Sum, engine, &items, NanPolicy::Error).map_err(|e| e.to_string()).err();
        equal(&error(engine), &error(&Engine::cpu()))?;
    }
    Ok(())
}

fn exact([gpu, ..]: &[Gpu; 2]) -> Result<(), String> {
    let engine = &Engine::from(gpu.clone());
    let items: Vec<f32> = mixed(6).map(|bits| f32::from_bits(bits as u32)).filter(|x| x.is_finite()).take(N).collect();
    let near_one: Vec<f32> = mixed(7).take(N).map(|bits| -1.0 - (bits >> 40) as f32 / (1 << 24) as f32).collect();
    for items in [&items[..], &near_one, &[-0.0; 70]] {
        let told = |engine: &Engine| {
            let (sum, moments) = answer((Exact(Sum), Exact(Variance)), engine, items, NanPolicy::Propagate)?;
            let bits = |x: Option<f64>| x.map(f64::to_bits);
            Ok::<_, String>((bits(sum), bits(moments.mean()), bits(moments.sample_variance())))
        };
        equal(&told(engine)?, &told(&Engine::cpu())?)?;
    }
    Ok(())
}

fn axes([gpu, ..]: &[Gpu; 2]) -> Result<(), String> {
    let engine = &Engine::from(gpu.clone());
    let items: Vec<i16> = mixed(8).take(N).map(|bits| bits as i16).collect();
    let form = (Count, Sum, ArgMin);
    for (shape, axis) in [([1000, 41], 0), ([41, 1000], 1), ([2, 20_000], 1), ([2500, 16], 0)] {
        let size: usize = shape.iter().product();
        let along = |engine: &Engine| {
            let along = reduce_axis(&form, engine, &items[..size], &shape, axis, NanPolicy::Propagate);
            along.map(|along| along.answers).map_err(|error| failed(&error))
        };
        equal(&along(engine)?, &along(&Engine::cpu())?)?;
    }
    // Columns of more pieces than one workgroup merges.
    let tall: Vec<u8> = mixed(15).take(80_000 * 8).map(|bits| bits as u8).collect();
    let along = |engine: &Engine| {
        let along = reduce_axis(&form, engine, &tall, &[80_000, 8], 0, NanPolicy::Propagate);
        along.map(|along| along.answers).map_err(|error| failed(&error))
    };
    equal(&along(engine)?, &along(&Engine::cpu())?)?;
    let masked = |engine: &Engine| {
        let mut reducer = Reducer::new(form, engine).map_err(|error| failed(&error))?;
        reducer.push_masked(&items, |i| i % 3 != 1 && i % 64 != 33).map_err(|error| failed(&error))?;
        Ok::<_, String>((reducer.missing(), reducer.finish()))
    };
    equal(&masked(engine)?, &masked(&Engine::cpu())?)?;
    let zeros = |engine: &Engine| {
        let mut reducer = Reducer::new((Max, ArgMax, Min, ArgMin), engine).map_err(|error| failed(&error))?;
        reducer.push_masked(&[0u8; 700], |i| i >= 10).map_err(|error| failed(&error))?;
        Ok::<_, String>(reducer.finish())
    };
    equal(&zeros(engine)?, &zeros(&Engine::cpu())?)?;
    let floats: Vec<f32> = items.iter().map(|x| f32::from(*x) * 1e32).collect();
    let masked = |engine: &Engine| {
        let mut reducer = Reducer::new((Count, Variance), engine).map_err(|error| failed(&error))?;
        reducer.push_masked(&floats, |i| i % 5 != 1).map_err(|error| failed(&error))?;
        Ok::<_, String>(reducer.finish())
    };
    let (gpu, cpu) = (masked(engine)?, masked(&Engine::cpu())?);
    equal(&gpu.0, &cpu.0)?;
    let spread = cpu.1.population_variance().unwrap();
    near(gpu.1.population_variance(), Some(spread), 1e-4 * spread)
}

fn segments([gpu, small]: &[Gpu; 2]) -> Result<(), String> {
    let engine = &Engine::from(gpu.clone());
    let items: Vec<i16> = mixed(9).take(N).map(|bits| bits as i16).collect();
    // More than two blocks of a scan, with long ones in the first and in the last.
    let mut offsets = vec![3, 3, 4, 100, 1124, 2149, 2150, 12_000];
    offsets.extend((12_000..24_500).step_by(5));
    offsets.extend([30_000, 30_007, N]);
    let form = (Count, Sum, ArgMax, Max);
    let of = |engine: &Engine| {
        let segments = reduce_segments(&form, engine, &items, &offsets, NanPolicy::Propagate);
        segments.map(|segments| segments.answers).map_err(|error| failed(&error))
    };
    equal(&of(engine)?, &of(&Engine::cpu())?)?;
    // In windows of the elements.
    let bytes: Vec<u8> = items.iter().flat_map(|x| x.to_le_bytes()).collect();
    let offsets: Vec<u32> = [0u32, 10, 20_000, 20_001, 70_000, 75_000].into();
    let buffer = |contents: &[u8]| {
        let usage = wgpu::BufferUsages::STORAGE;
        small.device().create_buffer_init(&BufferInitDescriptor { label: None, contents, usage })
    };
    let (data, offset) = (buffer(&bytes[..80_000]), buffer(bytemuck::cast_slice(&offsets)));
    let told = |error: Error| failed(&error);
    let reduction = Reduction::<u8, _>::new(small, (Count, Sum, ArgMax)).map_err(told)?;
    let bound = reduction.bind(&View::of(&data, 0..80_000).segments(&offset, 5)).map_err(told)?;
    bound.submit().map_err(told)?;
    let expected: Result<Vec<_>, String> = offsets
        .windows(2)
        .map(|bounds| {
            let own = &bytes[bounds[0] as usize..bounds[1] as usize];
            answer((Count, Sum, ArgMax), &Engine::cpu(), own, NanPolicy::Propagate)
        })
        .collect();
    equal(&bound.answers().map_err(told)?, &expected?)
}

fn groups([gpu, small]: &[Gpu; 2]) -> Result<(), String> {
    let [engine, cut] = &[gpu, small].map(|gpu| Engine::from(gpu.clone()));
    let items: Vec<i16> = mixed(10).take(N).map(|bits| bits as i16).collect();
    for (groups, engine) in [(3u32, engine), (5000, engine), (1900, cut)] {
        let keys: Vec<u32> = mixed(11).take(N).map(|bits| (bits >> 9) as u32 % groups).collect();
        let form = (Count, Sum, ArgMin);
        let of = |engine: &Engine| {
            let groups = reduce_by_key(&form, engine, &items, &keys, groups, NanPolicy::Propagate);
            groups.map(|groups| groups.answers).map_err(|error| failed(&error))
        };
        equal(&of(engine)?, &of(&Engine::cpu())?)?;
    }
    // More than one block of a scan in the sort.
    let bytes: Vec<u8> = mixed(12).take(140_003).map(|bits| bits as u8).collect();
    let keys: Vec<u32> = mixed(13).take(bytes.len()).map(|bits| (bits >> 9) as u32 % 16).collect();
    let of = |engine: &Engine| {
        let groups = reduce_by_key(&(Count, Sum, ArgMin), engine, &bytes, &keys, 16, NanPolicy::Propagate);
        groups.map(|groups| groups.answers).map_err(|error| failed(&error))
    };
    equal(&of(engine)?, &of(&Engine::cpu())?)
}

fn pairs([gpu, ..]: &[Gpu; 2]) -> Result<(), String> {
    let engine = &Engine::from(gpu.clone());
    let unit = |bits: u64| (bits >> 40) as f32 / (1 << 24) as f32;
    let items: Vec<(f32, f32)> = mixed(12)
        .zip(mixed(13))
        .take(N)
        .enumerate()
        .map(|(i, (a, b))| {
            ((i / 8192) as f32 + unit(a), if i % 9 == 4 { 0.0 } else { 2.0 * unit(a) + unit(b) + (i / 8192) as f32 })
        })
        .collect();
    let large: Vec<(f32, f32)> = items.iter().map(|(x, y)| (x * 1e28, y * 1e-30)).collect();
    let form = (Count, Covariance, Weighted(Sum), Weighted(Variance));
    for (items, x, y) in [(&items, 1.0, 1.0), (&large, 1e28, 1e-30)] {
        let (gpu, cpu) = (
            answer(form, engine, items, NanPolicy::Propagate)?,
            answer(form, &Engine::cpu(), items, NanPolicy::Propagate)?,
        );
        equal(&gpu.0, &cpu.0)?;
        near(gpu.1.mean_x(), cpu.1.mean_x(), 1e-4 * x)?;
        near(gpu.1.mean_y(), cpu.1.mean_y(), 1e-4 * y)?;
        near(gpu.1.population_covariance(), cpu.1.population_covariance(), 1e-4 * x * y)?;
        near(gpu.1.correlation(), cpu.1.correlation(), 1e-4)?;
        near(gpu.2, cpu.2, 1e-4 * x * y * N as f64)?;
        near(Some(gpu.3.weight()), Some(cpu.3.weight()), 1e-4 * y * N as f64)?;
        near(gpu.3.mean(), cpu.3.mean(), 1e-4 * x)?;
        near(gpu.3.population_variance(), cpu.3.population_variance(), 1e-4 * x * x)?;
        near(gpu.3.reliability_variance(), cpu.3.reliability_variance(), 1e-4 * x * x)?;
    }
    // Few, of which one weighs nothing, or only one weighs; and means that tiles do not share.
    for n in [1, 2, 100] {
        let form = (Weighted(Mean), Weighted(Variance));
        for lone in [false, true] {
            let few: Vec<(f32, f32)> = items[..n]
                .iter()
                .enumerate()
                .map(|(i, (x, y))| (*x, if lone && i != n / 2 { 0.0 } else { *y }))
                .collect();
            let [gpu, cpu] = [engine, &Engine::cpu()].map(|engine| answer(form, engine, &few, NanPolicy::Propagate));
            let (gpu, cpu) = (gpu?, cpu?);
            near(gpu.0, cpu.0, 1e-5)?;
            near(gpu.1.reliability_variance(), cpu.1.reliability_variance(), 1e-5)?;
        }
    }
    let nothing = answer(Weighted(Mean), engine, &[(1.0f32, 0.0f32); 70], NanPolicy::Propagate)?;
    near(nothing, None, 0.0)?;
    let apart: Vec<(f32, f32)> = items
        .iter()
        .enumerate()
        .map(|(i, (x, y))| if i % 8192 == 77 { (0.0, 0.0) } else { (1e4 + x, 2e4 + y) })
        .collect();
    let [gpu, cpu] = [engine, &Engine::cpu()].map(|engine| answer(Covariance, engine, &apart, NanPolicy::Propagate));
    let (gpu, cpu) = (gpu?, cpu?);
    near(gpu.mean_x(), cpu.mean_x(), 3e-8 * cpu.mean_x().unwrap())?;
    near(gpu.mean_y(), cpu.mean_y(), 3e-8 * cpu.mean_y().unwrap())?;
    // Far from all that counts: beside a NaN that is skipped, or weighing nothing; one here and there, and a whole tile.
    let (nan, far) = (f32::NAN, 1e9);
    for (out, form) in [((nan, far), true), ((far, nan), true), ((far, 0.0), false)] {
        let items: Vec<(f32, f32)> = items
            .iter()
            .enumerate()
            .map(|(i, (x, y))| if i % 1000 == 7 || i / 8192 == 2 { out } else { (1e4 + x, 0.5 + y) })
            .collect();
        if form {
            let [gpu, cpu] = [engine, &Engine::cpu()].map(|engine| answer(Covariance, engine, &items, NanPolicy::Skip));
            let (gpu, cpu) = (gpu?, cpu?);
            near(gpu.mean_x(), cpu.mean_x(), 1e-5)?;
            near(gpu.mean_y(), cpu.mean_y(), 1e-5)?;
            near(gpu.population_covariance(), cpu.population_covariance(), 1e-4)?;
        } else {
            let form = (Weighted(Mean), Weighted(Variance));
            let [gpu, cpu] = [engine, &Engine::cpu()].map(|engine| answer(form, engine, &items, NanPolicy::Skip));
            let (gpu, cpu) = (gpu?, cpu?);
            near(gpu.0, cpu.0, 1e-5)?;
            near(gpu.1.population_variance(), cpu.1.population_variance(), 1e-3)?;
        }
    }
    let special = |x: f32, y: f32| {
        let mut items = items[..300].to_vec();
        items[200] = (x, y);
        items
    };
    let class = |x: Option<f64>| x.map(|x| if x.is_finite() { "finite".into() } else { x.to_string() });
    let infinity = f32::INFINITY;
    for (x, y) in [
        (nan, 1.0),
        (1.0, nan),
        (infinity, 2.0),
        (-infinity, 2.0),
        (1.0, infinity),
        (-1.0, infinity),
        (0.0, infinity),
        (1.0, -2.0),
        (infinity, 0.0),
    ] {
        for policy in [NanPolicy::Propagate, NanPolicy::Skip] {
            let told = |engine: &Engine| {
                let (count, pair, sum, moments) = answer(form, engine, &special(x, y), policy)?;
                let pair = [pair.mean_x(), pair.mean_y(), pair.sample_covariance()].map(class);
                let weighted = [sum, Some(moments.weight()), moments.mean(), moments.population_variance()].map(class);
                Ok::<_, String>(format!("{count} {pair:?} {weighted:?}"))
            };
            equal(&told(engine)?, &told(&Engine::cpu())?)?;
        }
    }
    let few = |modulus: u8| {
        items.iter().map(move |(x, y)| ((x * 3e4) as u32 as u8 % modulus, (y * 2e4) as u32 as u8 % modulus))
    };
    for (classes, modulus) in [(10, 11), (90, 97)] {
        let items: Vec<(u8, u8)> = few(modulus).collect();
        let matrix = ConfusionMatrix { classes };
        equal(
            &answer(matrix, engine, &items, NanPolicy::Propagate)?,
            &answer(matrix, &Engine::cpu(), &items, NanPolicy::Propagate)?,
        )?;
    }
    Ok(())
}

/// A caller's buffers: bits and second columns that begin elsewhere than elements do.
fn views([gpu, ..]: &[Gpu; 2]) -> Result<(), String> {
    let buffer = |items: &[u8]| {
        gpu.device().create_buffer_init(&BufferInitDescriptor {
            label: None,
            contents: items,
            usage: wgpu::BufferUsages::STORAGE,
        })
    };
    let bytes: Vec<u8> = mixed(20).take(5000).flat_map(u64::to_le_bytes).collect();
    let (data, mask) = (buffer(&bytes), buffer(&bytes));
    let told = |error: Error| failed(&error);
    let of = |view: &View<'_>| {
        let reduction = Reduction::<u8, _>::new(gpu, (Count, Sum, Max)).map_err(told)?;
        let bound = reduction.bind(view).map_err(told)?;
        bound.submit().map_err(told)?;
        bound.answers().map_err(told)
    };
    let found = of(&View::of(&data, 1005..30_000).masked(&mask, 3333))?;
    let valid = |i: usize| bytes[(3333 + i) / 8] >> ((3333 + i) % 8) & 1 == 1;
    let kept: Vec<u8> = (1005..30_000).filter(|i| valid(i - 1005)).map(|i| bytes[i]).collect();
    equal(&found, &vec![answer((Count, Sum, Max), &Engine::cpu(), &kept, NanPolicy::Propagate)?])?;
    let view = View::of(&data, 7..40_000).strided(&[3, 5, 11], &[1000, 3, 100], 1).map_err(told)?;
    let places = |output: usize| (0..5).map(move |i| 7 + output / 11 * 1000 + output % 11 * 100 + i * 3);
    let expected: Result<Vec<_>, String> = (0..33)
        .map(|output| {
            let own: Vec<u8> = places(output).map(|place| bytes[place]).collect();
            answer((Count, Sum, Max), &Engine::cpu(), &own, NanPolicy::Propagate)
        })
        .collect();
    equal(&of(&view)?, &expected?)?;
    let wrong = buffer(bytemuck::cast_slice(&[0u32, 1, 2, 1, 9, 1, 7, 0, 3]));
    let named = |view: &View<'_>, name: &str| match of(view) {
        Err(error) if error.contains(name) => Ok(()),
        other => Err(format!("{other:?}, and not {name}")),
    };
    named(&View::of(&data, 0..8).by_key(&wrong, Load::U32, 0, 3), "element 4 ")?;
    named(&View::of(&data, 0..50).segments(&wrong, 8), "segment 2 ")?;
    let matrix = ConfusionMatrix { classes: 200 };
    let reduction = Reduction::<(u8, u8), _>::new(gpu, matrix).map_err(told)?;
    let bound = reduction.bind(&View::of(&data, 700..30_000).paired(&mask, 33)).map_err(told)?;
    bound.submit().map_err(told)?;
    let pairs: Vec<(u8, u8)> = bytes[700..30_000].iter().copied().zip(bytes[33..].iter().copied()).collect();
    equal(&bound.answers().map_err(told)?, &vec![answer(matrix, &Engine::cpu(), &pairs, NanPolicy::Propagate)?])
}

#[cfg(feature = "half")]
fn halves([gpu, ..]: &[Gpu; 2]) -> Result<(), String> {
    use half::{bf16, f16};
    let engine = &Engine::from(gpu.clone());
    macro_rules! each {
        ($($half:ident)*) => {$(
            let all: Vec<$half> = (0..=u16::MAX).map($half::from_bits).collect();
            let told = |engine: &Engine, items: &[$half]| {
                let (count, least, greatest, place) = answer((Count, Min, Max, ArgMax), engine, items, NanPolicy::Skip)?;
                Ok::<_, String>(format!("{count} {least:?} {greatest:?} {place:?}"))
            };
            for items in [&all[..], &all[..0x300], &all[0x8000..0x8300], &all[0x3c00..0x5000]] {
                equal(&told(engine, items)?, &told(&Engine::cpu(), items)?)?;
                let sum = |engine: &Engine| {
                    let finite: Vec<$half> = items.iter().copied().filter(|x| x.is_finite()).collect();
                    answer(Sum, engine, &finite, NanPolicy::Propagate)
                };
                let size: f64 = items.iter().map(|x| x.to_f64().abs()).filter(|x| x.is_finite()).sum();
                near(sum(engine)?, sum(&Engine::cpu())?, 1e-5 * size)?;
            }
        )*};
    }
    each!(f16 bf16);
    Ok(())
}

#[cfg(not(feature = "half"))]
fn halves(_: &[Gpu; 2]) -> Result<(), String> {
    Ok(())
}

/// Which checks meet a file, the likeliest first.
fn checks_of(file: &str) -> Vec<(&'static str, Check)> {
    let wanted: &[&str] = match file {
        "aggregators/exact_sum" | "aggregators/exact_squares" => &["exact"],
        "aggregators/covariance" | "aggregators/weighted" | "aggregators/confusion" => &["pairs"],
        "kernel/two_columns" => &["pairs", "views"],
        "aggregators/shape" | "aggregators/sum" | "aggregators/variance" | "aggregators/histogram" => &["floats"],
        "aggregators/integer_sum" | "aggregators/integer_variance" => &["integers"],
        "aggregators/wide_integer_variance" => &["integers"],
        "aggregators/min" | "aggregators/max" | "aggregators/arg_min" => &["integers", "segments", "axes and masks"],
        "aggregators/arg_max" => &["integers", "segments", "axes and masks"],
        "loads/f16" | "loads/bf16" => &["halves"],
        "kernel/segments" | "kernel/in_place" | "order/plan" => &["segments", "groups", "views"],
        "kernel/in_order" | "order/sort" | "order/scan" | "order/bounds" => &["groups", "segments", "views"],
        "kernel/masked" | "kernel/strided" | "kernel/alone" => &["axes and masks", "views"],
        "kernel/tallies_shared" | "kernel/tallies_global" | "kernel/tallies_none" => &["floats", "pairs"],
        _ => return CHECKS.into(),
    };
    wanted.iter().map(|name| *CHECKS.iter().find(|(known, _)| known == name).unwrap()).collect()
}

fn devices() -> [Gpu; 2] {
    let gpu = Gpu::open().expect("these tests need an adapter: install mesa-vulkan-drivers");
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    let required_limits = wgpu::Limits {
        max_storage_buffer_binding_size: 1 << 17,
        max_compute_workgroups_per_dimension: 10,
        ..adapter.limits()
    };
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    [gpu, Gpu::from_device(adapter.get_info(), device, queue)]
}

#[test]
fn the_checks_pass_on_the_shaders_as_they_are() {
    let devices = devices();
    for (name, check) in CHECKS {
        check(&devices).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
#[ignore = "some minutes; the gate runs it by name"]
fn every_broken_line_is_noticed() {
    let devices = devices();
    let shaders = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shaders");
    let only = std::env::var("STRIX_MUTATE").unwrap_or_default();
    let (mut broken, mut unnoticed) = (0, Vec::new());
    for folder in ["aggregators", "kernel", "loads", "order"] {
        let mut files: Vec<_> =
            std::fs::read_dir(shaders.join(folder)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for path in files {
            let file = format!("{folder}/{}", path.file_stem().unwrap().to_str().unwrap());
            if !file.contains(&only) {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for (number, line) in text.lines().enumerate() {
                let code = line.trim();
                if code.is_empty() || LEFT_ALONE.iter().any(|start| code.starts_with(start)) || code.ends_with(": u32,")
                {
                    continue;
                }
                let Some((from, to)) = BREAKS.iter().find(|(from, _)| code.contains(from)) else { continue };
                let mutated: String = text
                    .lines()
                    .enumerate()
                    .map(|(at, line)| if at == number { line.replacen(from, to, 1) } else { line.into() } + "\n")
                    .collect();
                broken += 1;
                let texts: Vec<(String, String)> = ["COLUMN", "first", "second", "weighed"]
                    .map(|column| (text.replace("COLUMN", column), mutated.replace("COLUMN", column)))
                    .into();
                let edit = move |source: String| {
                    texts.iter().fold(source, |source, (whole, broken)| source.replace(whole.as_str(), broken))
                };
                let edited = devices.each_ref().map(|gpu| gpu.with_edit(edit.clone()));
                let notice = checks_of(&file)
                    .into_iter()
                    .find_map(|(name, check)| check(&edited).err().map(|error| (name, error)));
                let what = format!("{file}:{}: {code}  ->  {}", number + 1, code.replacen(from, to, 1));
                match notice {
                    Some((name, error)) => println!("noticed by {name} ({error}): {what}"),
                    None if let Some((.., why)) =
                        EQUIVALENT.iter().find(|(of, line, _)| *of == file && code.starts_with(line)) =>
                    {
                        println!("equivalent ({why}): {what}");
                    }
                    None => {
                        println!("UNNOTICED: {what}");
                        unnoticed.push(what);
                    }
                }
            }
        }
    }
    println!("{broken} lines broken, {} unnoticed", unnoticed.len());
    assert!(unnoticed.is_empty(), "nothing noticed that these lines were broken:\n{}", unnoticed.join("\n"));
    assert!(broken > 0, "no file is named {only:?}");
}
