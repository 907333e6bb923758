//! The GPU engine against the CPU engine, on the data that breaks reductions, inside the bounds of
//! the `gpu` module's documentation. Needs a Vulkan adapter; Mesa's lavapipe will do.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::sync::OnceLock;

use crate::common::{kinds, mixed};
use strix_reduce::gpu::Gpu;
use strix_reduce::{
    Aggregator, Count, Element, Engine, EngineChoice, Error, Max, Mean, Min, NanPolicy, Reducer, Sum, Variance, wgpu,
};

/// One device for all tests of this binary.
fn on_gpu() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::select(EngineChoice::Gpu).expect("these tests need an adapter: install mesa-vulkan-drivers")
    })
}

/// Sizes around every edge: lanes, workgroups, tiles, dispatches.
const SIZES: [usize; 19] =
    [0, 1, 2, 63, 64, 65, 255, 256, 257, 4095, 4096, 4097, 8191, 8192, 8193, 65535, 65536, 65537, (1 << 24) + 3];

type All = (Count, Sum, Mean, Variance, Min, Max);
const ALL: All = (Count, Sum, Mean, Variance, Min, Max);

fn run<T: Element>(engine: &Engine, nan: NanPolicy, items: &[T]) -> <All as Aggregator<T>>::Output {
    let mut reducer = Reducer::new(ALL, engine).unwrap().nan_policy(nan);
    reducer.push(items).unwrap();
    let gpu = format!("{engine:?}").contains("Gpu(");
    assert_eq!(reducer.report().engine, if gpu { "gpu" } else { "cpu" });
    reducer.finish()
}

/// The documented bounds on sum, mean and population variance, from the data's tiles.
fn bounds(items: &[f32]) -> (f64, f64, f64) {
    let n = items.len() as f64;
    let u = 2f64.powi(-24);
    let depth = 160.0 + n / 2f64.powi(19);
    let mean = items.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
    let (mut spread, mut squares, mut largest) = (0.0, 0.0, 0.0f64);
    for tile in items.chunks(8192) {
        let m = tile.iter().map(|&x| f64::from(x)).sum::<f64>() / tile.len() as f64;
        spread += tile.iter().map(|&x| (f64::from(x) - m).abs() + (m - mean).abs() + 8.0 * u * m.abs()).sum::<f64>();
        squares += tile.iter().map(|&x| (f64::from(x) - m).powi(2) + (m - mean).powi(2)).sum::<f64>();
        largest = largest.max(m.abs());
    }
    let sum = depth * u * spread;
    (sum, sum / n, 4.0 * depth * u * squares / n + 64.0 * (u * largest).powi(2))
}

#[test]
fn f32_agrees_with_the_cpu_within_the_documented_bounds() {
    for n in SIZES {
        for (kind, items) in kinds(n) {
            if n > 1 << 20 && !["constant", "huge offset", "cancelling", "subnormal", "uniform"].contains(&kind) {
                continue;
            }
            let cpu = run(&Engine::cpu(), NanPolicy::Propagate, &items);
            let gpu = run(on_gpu(), NanPolicy::Propagate, &items);
            let place = format!("{kind}, {n} elements: cpu {cpu:?}, gpu {gpu:?}");
            assert_eq!(gpu.0, n as u64, "{place}");
            let bits = |x: Option<f32>| x.map(f32::to_bits);
            assert_eq!((bits(gpu.4), bits(gpu.5)), (bits(cpu.4), bits(cpu.5)), "{place}");
            if n == 0 {
                assert_eq!((gpu.1, gpu.2, gpu.3.population_variance()), (None, None, None), "{place}");
                continue;
            }
            let (sum, mean, variance) = bounds(&items);
            let differ = |a: Option<f64>, b: Option<f64>| (a.unwrap() - b.unwrap()).abs();
            assert!(differ(gpu.1, cpu.1) <= sum, "sum of {place}, bound {sum:e}");
            assert!(differ(gpu.2, cpu.2) <= mean, "mean of {place}, bound {mean:e}");
            let off = differ(gpu.3.population_variance(), cpu.3.population_variance());
            assert!(off <= variance, "variance of {place}, off by {off:e}, bound {variance:e}");
            if kind == "constant" {
                assert_eq!(gpu.3.population_variance(), Some(0.0), "{place}");
                assert_eq!(gpu.2, Some(f64::from(0.1f32)), "{place}");
            }
        }
    }
}

#[test]
fn integers_agree_to_the_bit() {
    for n in [0, 1, 3, 255, 256, 257, 4097, 65537, 1_000_003] {
        let bits: Vec<u64> = mixed(n as u64).take(n).collect();
        macro_rules! same {
            ($($integer:ty)*) => {$(
                let items: Vec<$integer> = bits.iter().map(|&b| b as $integer).collect();
                let (cpu, gpu) = (run(&Engine::cpu(), NanPolicy::Error, &items), run(on_gpu(), NanPolicy::Error, &items));
                assert_eq!(gpu, cpu, "{n} elements of {}", stringify!($integer));
            )*};
        }
        same!(u8 i8 u16 i16);
    }
}

#[test]
fn extreme_integers_of_a_large_input_do_not_wrap() {
    let items = vec![i16::MAX; 40_000_000];
    assert_eq!(run(on_gpu(), NanPolicy::Error, &items), run(&Engine::cpu(), NanPolicy::Error, &items));
}

#[test]
fn nan_and_infinities_follow_the_policy_as_on_the_cpu() {
    let clean: Vec<f32> = (0..10_000).map(|i| i as f32).collect();
    let with = |values: &[(usize, f32)]| {
        let mut items = clean.clone();
        for &(i, x) in values {
            items[i] = x;
        }
        items
    };
    let inputs = [
        with(&[(5000, f32::NAN)]),
        with(&[(0, -f32::NAN), (9999, f32::from_bits(0x7f80_0001))]),
        with(&[(4096, f32::INFINITY)]),
        with(&[(4095, f32::NEG_INFINITY)]),
        with(&[(1, f32::INFINITY), (9000, f32::NEG_INFINITY)]),
        with(&[(1, f32::INFINITY), (2, f32::NAN)]),
        vec![f32::NAN; 5000],
        vec![f32::INFINITY; 300],
        vec![f32::NAN],
    ];
    for items in inputs {
        for policy in [NanPolicy::Propagate, NanPolicy::Skip] {
            let cpu = run(&Engine::cpu(), policy, &items);
            let gpu = run(on_gpu(), policy, &items);
            // What a value is; how near finite values are is another test's. Text has one NaN.
            let special = |(count, sum, mean, moments, min, max): <All as Aggregator<f32>>::Output| {
                let class = |x: Option<f64>| x.map(|x| if x.is_finite() { "finite".into() } else { x.to_string() });
                format!(
                    "{count} {:?} {:?} {:?} {min:?} {max:?}",
                    class(sum),
                    class(mean),
                    class(moments.population_variance())
                )
            };
            assert_eq!(special(gpu), special(cpu), "{policy:?}");
        }
    }
}

#[test]
fn skipped_nan_are_counted_and_left_out() {
    let mut items = vec![2.0f32; 100_000];
    for i in (0..items.len()).step_by(10) {
        items[i] = f32::NAN;
    }
    let mut reducer = Reducer::new(ALL, on_gpu()).unwrap().nan_policy(NanPolicy::Skip);
    reducer.push(&items).unwrap();
    assert_eq!(reducer.skipped(), 10_000);
    let (count, sum, mean, moments, min, max) = reducer.finish();
    assert_eq!((count, sum, mean), (90_000, Some(180_000.0), Some(2.0)));
    assert_eq!((moments.count, moments.population_variance(), min, max), (90_000, Some(0.0), Some(2.0), Some(2.0)));
}

#[test]
fn a_nan_under_the_error_policy_is_named_by_its_index_over_all_chunks() {
    let mut items = vec![1.0f32; 20_000_000];
    items[17_000_001] = f32::NAN;
    items[18_000_000] = f32::NAN;
    for engine in [on_gpu(), &Engine::cpu()] {
        let mut reducer = Reducer::new(ALL, engine).unwrap().nan_policy(NanPolicy::Error);
        reducer.push(&items[..1000]).unwrap();
        let error = reducer.push(&items[1000..]).unwrap_err();
        assert!(matches!(error, Error::Nan { index: 17_000_001 }), "{error}");
        // The chunk that failed left nothing behind.
        assert_eq!(reducer.state().0, 1000);
    }
}

#[test]
fn chunks_past_the_binding_limit_merge_on_the_host() {
    // A device whose largest binding is far below the input: every limit is asked for, none assumed.
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    let required_limits = wgpu::Limits {
        max_storage_buffer_binding_size: 1 << 20,
        max_compute_workgroups_per_dimension: 100,
        ..adapter.limits()
    };
    let descriptor = wgpu::DeviceDescriptor { required_limits, ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    let small = Engine::from(Gpu::from_device(adapter.get_info(), device, queue));
    let items: Vec<u16> = mixed(7).take(3_000_001).map(|bits| bits as u16).collect();
    assert_eq!(run(&small, NanPolicy::Propagate, &items), run(&Engine::cpu(), NanPolicy::Propagate, &items));
}

#[test]
fn a_callers_buffer_is_reduced_in_place_at_any_offset() {
    let device = Gpu::open().unwrap();
    let engine = Engine::from(device.clone());
    let items: Vec<f32> = (0..100_000).map(|i| (i % 1000) as f32).collect();
    let buffer = device.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 400_000,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    device.queue().write_buffer(&buffer, 0, bytemuck::cast_slice(&items));
    for range in [0..100_000, 1..99_999, 63..64, 70_001..70_001, 12_345..77_777] {
        let mut reducer = Reducer::<f32, _>::new(ALL, &engine).unwrap();
        reducer.push_buffer(&buffer, range.start as u64 * 4..range.end as u64 * 4).unwrap();
        let expected = run(&Engine::cpu(), NanPolicy::Propagate, &items[range]);
        let found: <All as Aggregator<f32>>::Output = reducer.finish();
        assert_eq!((found.0, found.4, found.5), (expected.0, expected.4, expected.5));
        assert!((found.1.unwrap_or(0.0) - expected.1.unwrap_or(0.0)).abs() <= 1.0);
    }
    let mut reducer = Reducer::<f32, _>::new(ALL, &engine).unwrap();
    for bad in [0..400_004, 2..8, 0..3] {
        assert!(matches!(reducer.push_buffer(&buffer, bad).unwrap_err(), Error::NotOnGpu { .. }));
    }
}

#[test]
fn what_has_no_gpu_half_is_an_error_by_name_and_a_reason_in_auto() {
    let error = Reducer::<f64, _>::new(Sum, on_gpu()).unwrap_err();
    assert!(error.to_string().contains("f64"), "{error}");
    let auto = Engine::select(EngineChoice::Auto).unwrap();
    let reducer = Reducer::<f64, _>::new(Sum, &auto).unwrap();
    let report = reducer.report();
    assert_eq!(report.engine, "cpu");
    assert!(report.fallback.is_some_and(|reason| !reason.is_empty()));
}

#[test]
fn states_of_both_engines_merge() {
    let items: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let mut mixed = Reducer::new(ALL, on_gpu()).unwrap();
    mixed.push(&items[..123_456]).unwrap();
    let mut rest = Reducer::new(ALL, &Engine::cpu()).unwrap();
    rest.push(&items[123_456..]).unwrap();
    mixed.merge(rest).unwrap();
    assert_eq!(mixed.finish(), run(&Engine::cpu(), NanPolicy::Propagate, &items));
}
