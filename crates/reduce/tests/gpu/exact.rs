//! Exact sums and moments on the GPU: the bytes of the CPU's state, whatever the data, the size and the axis. Needs a
//! Vulkan adapter; Mesa's lavapipe will do.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fmt::Debug;
use std::sync::OnceLock;

use crate::common::{kinds, mixed};
use crate::nearest::{Oracle, hard_f32};
use strix_reduce::{
    Aggregator, Engine, EngineChoice, Error, Exact, Item, Max, Mean, Min, NanPolicy, Portable, Reducer, Sum, Variance,
    reduce_axis, state, wgpu,
};

/// One device for all tests of this binary.
fn on_gpu() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::select(EngineChoice::Gpu).expect("these tests need an adapter: install mesa-vulkan-drivers")
    })
}

const BOTH: (Exact<Sum>, Exact<Variance>) = (Exact(Sum), Exact(Variance));

fn reducer<T: Item, A: Portable<T>>(aggregator: A, engine: &Engine, nan: NanPolicy, items: &[T]) -> Reducer<T, A> {
    let mut reducer = Reducer::new(aggregator, engine).unwrap().nan_policy(nan);
    reducer.push(items).unwrap();
    reducer
}

/// Both engines' states in bytes.
fn same<T: Item, A: Portable<T> + Copy>(what: &str, aggregator: A, items: &[T], nan: NanPolicy) {
    let [cpu, gpu] = [&Engine::cpu(), on_gpu()].map(|engine| {
        let reducer = reducer(aggregator, engine, nan, items);
        let bytes = state::to_bytes::<T, A>(&aggregator, reducer.state(), reducer.pushed()).unwrap();
        (bytes, reducer.skipped(), reducer.report().engine)
    });
    assert_eq!((cpu.2, gpu.2), ("cpu", "gpu"));
    assert_eq!(gpu.1, cpu.1, "{what}: skipped");
    assert_eq!(gpu.0, cpu.0, "{what}: the states differ");
}

#[test]
fn ten_thousand_hard_cases() {
    for case in 0..10_000 {
        let items = hard_f32(case);
        same(&format!("case {case}"), BOTH, &items, NanPolicy::Propagate);
        if case % 50 == 0 {
            let (sum, moments) = reducer(BOTH, on_gpu(), NanPolicy::Propagate, &items).finish();
            let oracle = Oracle::of(&items.iter().map(|&x| x.into()).collect::<Vec<f64>>());
            oracle.sum("gpu", sum.unwrap());
            oracle.variance("gpu", 0, moments.population_variance().unwrap());
        }
    }
}

#[test]
fn every_edge_of_size_on_every_kind_of_data() {
    for n in [0, 1, 31, 32, 33, 63, 64, 65, 4095, 4096, 4097, 8191, 8192, 8193, 65_537, 300_001] {
        for (kind, items) in kinds(n) {
            same(&format!("{kind}, {n}"), BOTH, &items, NanPolicy::Propagate);
            same(&format!("{kind}, {n}, sum alone"), Exact(Mean), &items, NanPolicy::Propagate);
        }
    }
}

#[test]
fn more_items_than_an_f32_can_count() {
    let items: Vec<f32> =
        mixed(1).take((1 << 24) + 3).map(|bits| f32::from_bits((bits >> 20) as u32 & 0xbfff_ffff)).collect();
    same("any bits below 2", BOTH, &items, NanPolicy::Propagate);
    // Every digit as full as it gets.
    same("the largest", BOTH, &vec![f32::MAX; (1 << 24) + 3], NanPolicy::Propagate);
}

#[test]
fn what_is_not_finite_follows_the_policy() {
    let mut items: Vec<f32> = mixed(2).take(20_000).map(|bits| (bits % 1000) as f32 - 500.0).collect();
    for (place, special) in [(3, f32::NAN), (9000, f32::INFINITY), (9001, f32::NEG_INFINITY), (19_999, -f32::NAN)] {
        items[place] = special;
        same("propagate", BOTH, &items, NanPolicy::Propagate);
        same("skip", BOTH, &items, NanPolicy::Skip);
    }
    let mut reducer = Reducer::new(BOTH, on_gpu()).unwrap().nan_policy(NanPolicy::Error);
    assert!(matches!(reducer.push(&items), Err(Error::Nan { index: 3 })));
    for zeros in [vec![-0.0f32; 9000], vec![0.0; 3], vec![-0.0, 0.0]] {
        same("zeros", BOTH, &zeros, NanPolicy::Propagate);
    }
    let sum = self::reducer(Exact(Sum), on_gpu(), NanPolicy::Propagate, &[-0.0f32; 5]).finish();
    assert_eq!(sum.map(f64::to_bits), Some((-0.0f64).to_bits()));
}

#[test]
fn integers_and_neighbours_in_one_kernel() {
    let bytes: Vec<u8> = mixed(4).take(70_001).map(|bits| bits as u8).collect();
    same("u8", BOTH, &bytes, NanPolicy::Propagate);
    same("i16", BOTH, &bytes.iter().map(|&x| i16::from(x) * -100).collect::<Vec<_>>(), NanPolicy::Propagate);
    let items = hard_f32(1);
    same("with others", (Min, Exact(Variance), Max, Exact(Mean)), &items, NanPolicy::Propagate);
    let wide = Reducer::<f64, _>::new(Exact(Sum), on_gpu());
    assert!(matches!(wide, Err(Error::NotOnGpu { .. })));
}

#[test]
fn both_engines_within_one_reduction() {
    let items: Vec<f32> = (0..40).flat_map(hard_f32).collect();
    let whole = reducer(BOTH, &Engine::cpu(), NanPolicy::Propagate, &items);
    let mut mixed = Reducer::new(BOTH, on_gpu()).unwrap();
    for (turn, piece) in items.chunks(97).rev().enumerate() {
        let engine = if turn % 2 == 0 { on_gpu() } else { &Engine::cpu() };
        mixed.merge(reducer(BOTH, engine, NanPolicy::Propagate, piece)).unwrap();
    }
    assert_eq!(mixed.state(), whole.state());
}

#[test]
fn a_buffer_where_it_lies() {
    let items = hard_f32(9);
    let gpu = strix_reduce::gpu::Gpu::open().unwrap();
    let buffer = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 4 * items.len() as u64,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue().write_buffer(&buffer, 0, &items.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
    gpu.queue().submit([]);
    let mut reducer = Reducer::<f32, _>::new(BOTH, &Engine::from(gpu)).unwrap();
    reducer.push_buffer(&buffer, 4..buffer.size()).unwrap();
    let cpu = self::reducer(BOTH, &Engine::cpu(), NanPolicy::Propagate, &items[1..]);
    assert_eq!(reducer.state(), cpu.state());
}

/// Answers of both engines along an axis.
fn along<T: Item, A: Aggregator<T, Output: Debug>>(aggregator: A, items: &[T], shape: &[usize], axis: usize) {
    let on = |engine| reduce_axis(&aggregator, engine, items, shape, axis, NanPolicy::Propagate).unwrap();
    let (cpu, gpu) = (on(&Engine::cpu()), on(on_gpu()));
    assert_eq!((cpu.report.engine, gpu.report.engine), ("cpu", "gpu"));
    let text = |answers: &[_]| format!("{answers:?}");
    assert_eq!(text(&gpu.answers), text(&cpu.answers), "shape {shape:?}, axis {axis}");
    let lanes: usize = shape.iter().enumerate().filter(|(place, _)| *place != axis).map(|(_, size)| size).product();
    assert_eq!(cpu.answers.len(), lanes);
}

#[test]
fn along_every_axis() {
    let items: Vec<f32> = mixed(7).take(300_000).map(|bits| f32::from_bits((bits >> 20) as u32)).collect();
    for shape in
        [&[1][..], &[300], &[20_000], &[3, 5], &[2, 3, 4, 5], &[1, 9000], &[9000, 1], &[7, 8193, 3], &[100, 3, 1000]]
    {
        for axis in 0..shape.len() {
            let items = &items[..shape.iter().product()];
            along((Exact(Sum), Exact(Variance), Min, Max), items, shape, axis);
        }
    }
    let bytes: Vec<u8> = mixed(8).take(105).map(|bits| bits as u8).collect();
    for axis in 0..3 {
        along((BOTH, Max), &bytes, &[3, 7, 5], axis);
    }
    // More outputs than a dispatch has workgroups.
    along(Exact(Sum), &items[..140_000], &[70_000, 2], 1);
    along(Exact(Sum), &items[..140_000], &[2, 70_000], 0);
    // Of nothing there is an answer for each lane, and it is none.
    for (shape, axis, lanes) in [([0, 3], 0, 3), ([0, 3], 1, 0), ([4, 0], 1, 4)] {
        for engine in [&Engine::cpu(), on_gpu()] {
            let sums = reduce_axis(&Exact(Sum), engine, &[0.0f32; 0], &shape, axis, NanPolicy::Propagate).unwrap();
            assert_eq!(sums.answers, vec![None; lanes]);
        }
    }
}

#[test]
fn an_axis_longer_than_a_chunk_and_what_is_refused() {
    // More than the 64 MiB that are uploaded at once, along either axis.
    let items: Vec<f32> =
        mixed(9).take(9 << 21).map(|bits| f32::from_bits((bits >> 20) as u32 & 0x9fff_ffff)).collect();
    along(Exact(Mean), &items, &[9 << 20, 2], 0);
    along(Exact(Mean), &items, &[2, 9 << 20], 1);
    for shape in [[1 << 40, 0, 1 << 40], [1 << 31, 0, 1 << 31], [usize::MAX, 0, 2]] {
        let lanes = reduce_axis(&Exact(Sum), &Engine::cpu(), &[0.0f32; 0], &shape, 1, NanPolicy::Propagate);
        assert!(lanes.unwrap_err().to_string().contains("too many lanes"));
    }
    let refused = |shape: &[usize], axis| {
        reduce_axis(&Exact(Sum), on_gpu(), &items[..6], shape, axis, NanPolicy::Propagate).unwrap_err().to_string()
    };
    assert!(refused(&[2, 3], 2).contains("no axis 2"));
    assert!(refused(&[2, 4], 0).contains("does not hold 6 items"));
    let nan = [1.0, 2.0, f32::NAN, 4.0];
    for engine in [&Engine::cpu(), on_gpu()] {
        let error = reduce_axis(&Exact(Sum), engine, &nan, &[2, 2], 0, NanPolicy::Error).unwrap_err();
        assert!(matches!(error, Error::Nan { index: 1 }), "{error}");
    }
    let wide = reduce_axis(&Exact(Sum), on_gpu(), &[1.0f64], &[1], 0, NanPolicy::Propagate);
    assert!(matches!(wide, Err(Error::NotOnGpu { .. })));
}
