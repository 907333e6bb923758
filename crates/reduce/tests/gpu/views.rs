//! A caller's buffers, commands and device: views of every shape, results that stay, and what goes wrong.
#![cfg(feature = "gpu")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::future::Future;
use std::sync::OnceLock;
use std::task::{Context, Waker};

use crate::common::mixed;
use strix_reduce::gpu::{Gpu, GpuHalf, Load, Reduction, Snippet, View, adapters};
use strix_reduce::wgpu::util::DeviceExt;
use strix_reduce::{
    Aggregator, ArgMax, ConfusionMatrix, Count, Covariance, Engine, EngineChoice, Error, Histogram, Max, Mean, Min,
    NanPolicy, Reducer, Sum, Variance, reduce_by_key, wgpu,
};

fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| Gpu::open().expect("these tests need an adapter: install mesa-vulkan-drivers"))
}

fn buffer<T: bytemuck::Pod>(gpu: &Gpu, items: &[T]) -> wgpu::Buffer {
    let mut contents = bytemuck::cast_slice(items).to_vec();
    contents.resize(contents.len().next_multiple_of(4), 0xff);
    gpu.device().create_buffer_init(&wgpu::util::BufferInitDescriptor {
        label: None,
        contents: &contents,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
    })
}

fn answers<T: strix_reduce::Item, A: Aggregator<T>>(gpu: &Gpu, a: A, view: &View<'_>) -> Result<Vec<A::Output>, Error> {
    let reduction = Reduction::<T, A>::new(gpu, a)?;
    let bound = reduction.bind(view)?;
    bound.submit()?;
    bound.answers()
}

fn on_cpu<T: strix_reduce::Item, A: Aggregator<T>>(a: A, items: &[T]) -> A::Output {
    let mut reducer = Reducer::new(a, &Engine::cpu()).unwrap();
    reducer.push(items).unwrap();
    reducer.finish()
}

/// A device with other limits than its adapter has.
fn limited(limits: impl Fn(wgpu::Limits) -> wgpu::Limits) -> Gpu {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapter = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())).unwrap();
    let descriptor = wgpu::DeviceDescriptor { required_limits: limits(adapter.limits()), ..Default::default() };
    let (device, queue) = pollster::block_on(adapter.request_device(&descriptor)).unwrap();
    Gpu::from_device(adapter.get_info(), device, queue)
}

/// A device whose every limit is far below what is asked of it.
fn small() -> Gpu {
    limited(|limits| wgpu::Limits {
        max_storage_buffer_binding_size: 1 << 18,
        max_compute_workgroups_per_dimension: 30,
        ..limits
    })
}

type Form = (Count, Sum, Min, ArgMax);
const FORM: Form = (Count, Sum, Min, ArgMax);

#[test]
fn strided_views_of_every_kind_on_a_large_and_a_small_device() {
    let items: Vec<i32> = mixed(1).take(700_000).map(|bits| bits as i32).collect();
    for gpu in [gpu().clone(), small()] {
        let buffer = buffer(&gpu, &items);
        // Shape, strides, axis, first element: rows, columns, transposed, with gaps, broadcast, and of no length.
        let cases: [(&[u64], &[u64], usize, u64); 10] = [
            (&[700, 1000], &[1000, 1], 1, 0),
            (&[700, 1000], &[1000, 1], 0, 0),
            (&[1000, 700], &[1, 1000], 0, 0),
            (&[50, 20, 600], &[13_000, 650, 1], 1, 7),
            (&[3, 200_000], &[200_000, 1], 1, 99_999),
            (&[200_000, 3], &[3, 1], 0, 1),
            (&[4, 10, 5], &[0, 5, 1], 1, 3),
            (&[2, 2, 2, 2, 2, 2, 2, 2, 2], &[256, 128, 64, 32, 16, 8, 4, 2, 1], 4, 11),
            (&[5, 0], &[1, 1], 1, 0),
            (&[699_990], &[1], 0, 5),
        ];
        for (shape, strides, axis, first) in cases {
            let view = View::of(&buffer, first..700_000).strided(shape, strides, axis).unwrap();
            let found = answers::<i32, _>(&gpu, FORM, &view).unwrap();
            let others: Vec<usize> = (0..shape.len()).filter(|other| *other != axis).collect();
            let outputs: u64 = others.iter().map(|other| shape[*other]).product();
            assert_eq!(found.len() as u64, outputs);
            for (output, found) in found.iter().enumerate() {
                let (mut rest, mut at) = (output as u64, first);
                for other in others.iter().rev() {
                    at += rest % shape[*other] * strides[*other];
                    rest /= shape[*other];
                }
                let own: Vec<i32> = (0..shape[axis]).map(|i| items[(at + i * strides[axis]) as usize]).collect();
                assert_eq!(*found, on_cpu(FORM, &own), "{shape:?} {strides:?} {axis} {output}");
            }
        }
    }
}

#[test]
fn segments_groups_masks_and_pairs_where_they_lie_in_many_chunks() {
    let n = 300_000;
    let items: Vec<i16> = mixed(1).take(n).map(|bits| bits as i16).collect();
    let seconds: Vec<u8> = mixed(2).take(n + 3).map(|bits| bits as u8).collect();
    let keys: Vec<u16> = mixed(3).take(n).map(|bits| (bits % 700) as u16).collect();
    let offsets = [5u32, 5, 9, 4000, 270_000, 270_001, 290_000];
    let bits: Vec<u32> = mixed(4).take(n / 32 + 2).map(|bits| bits as u32).collect();
    for gpu in [gpu().clone(), small()] {
        let (data, second, key) = (buffer(&gpu, &items), buffer(&gpu, &seconds), buffer(&gpu, &keys));
        let (offset, mask) = (buffer(&gpu, &offsets), buffer(&gpu, &bits));
        let all = View::of(&data, 0..n as u64);

        let found = answers::<i16, _>(&gpu, FORM, &all.clone().segments(&offset, 6)).unwrap();
        for (bounds, found) in offsets.windows(2).zip(found) {
            assert_eq!(found, on_cpu(FORM, &items[bounds[0] as usize..bounds[1] as usize]), "{bounds:?}");
        }

        let found = answers::<i16, _>(&gpu, FORM, &all.clone().by_key(&key, Load::U16, 0, 700)).unwrap();
        let wide: Vec<u32> = keys.iter().map(|key| u32::from(*key)).collect();
        let expected = reduce_by_key(&FORM, &Engine::cpu(), &items, &wide, 700, NanPolicy::Propagate).unwrap();
        assert_eq!(found, expected.answers);

        // From an odd element and an odd bit on, and past the last whole tile.
        let part = View::of(&data, 7..n as u64 - 1).masked(&mask, 21);
        let valid = |i: usize| bits[(21 + i) / 32] >> ((21 + i) % 32) & 1 == 1;
        let kept: Vec<i16> = (7..n - 1).filter(|i| valid(i - 7)).map(|i| items[i]).collect();
        let found = answers::<i16, _>(&gpu, (Count, Sum, Max), &part).unwrap();
        assert_eq!(found, [on_cpu((Count, Sum, Max), &kept)]);

        let matrix = ConfusionMatrix { classes: 200 };
        let (labels, predictions) = (&seconds[..n], &seconds[3..]);
        let pairs: Vec<(u8, u8)> = labels.iter().copied().zip(predictions.iter().copied()).collect();
        let view = View::of(&second, 0..n as u64).paired(&second, 3);
        assert_eq!(answers::<(u8, u8), _>(&gpu, matrix, &view).unwrap(), [on_cpu(matrix, &pairs)]);
        let mixed_types = View::of(&data, 1..n as u64).paired(&second, 2);
        let pairs: Vec<(i16, u8)> = items[1..].iter().copied().zip(seconds[2..].iter().copied()).collect();
        let found = answers::<(i16, u8), _>(&gpu, Covariance, &mixed_types).unwrap()[0];
        let expected = on_cpu(Covariance, &pairs);
        let difference = found.correlation().unwrap() - expected.correlation().unwrap();
        assert!(found.count == expected.count && difference.abs() < 1e-4, "{found:?} {expected:?}");
    }
}

#[test]
fn wrong_views_are_refused_with_their_reason() {
    let (gpu, data) = (gpu(), buffer(gpu(), &[1u8; 64]));
    let other = buffer(gpu, &[1u32, 3, 2, 60]);
    let refused = |view: View<'_>| answers::<u8, _>(gpu, Count, &view).unwrap_err().to_string();
    let all = || View::of(&data, 0..64);
    assert!(refused(View::of(&data, 0..65)).contains("0..65"));
    assert!(refused(all().masked(&other, 65)).contains("mask"));
    assert!(refused(all().paired(&other, 0)).contains("columns"));
    assert!(refused(all().by_key(&other, Load::U32, 0, 5)).contains("keys"));
    assert!(refused(all().by_key(&data, Load::F32, 0, 5)).contains("F32"));
    assert!(refused(all().segments(&other, 4)).contains("offsets"));
    // What only the device sees: offsets that fall, an end past the last element, a key that is no group.
    assert!(refused(all().segments(&other, 3)).contains("segment 1"));
    assert!(refused(View::of(&data, 0..50).segments(&other, 3)).contains("segment 1"));
    let rising = buffer(gpu, &[1u32, 3, 60]);
    assert!(refused(View::of(&data, 0..50).segments(&rising, 2)).contains("segment 1"));
    let keys = buffer(gpu, &[0u8, 1, 2, 1, 9, 1, 7, 0]);
    assert!(refused(View::of(&data, 0..8).by_key(&keys, Load::U8, 0, 3)).contains("element 4"));
    let bad = View::of(&data, 0..64).strided(&[8, 9], &[8, 1], 1).unwrap_err().to_string();
    assert!(bad.contains("[8, 9]") && bad.contains("64"), "{bad}");
    assert!(View::of(&data, 0..64).strided(&[8, 8], &[8, 1], 2).is_err());
    assert!(View::of(&data, 0..64).strided(&[u64::MAX, 2], &[8, 1], 1).is_err());
    // More answers than the device, or the host, has room for, of few elements or none.
    let vast: [([u64; 2], [u64; 2]); 2] = [([1 << 40, 4], [0, 1]), ([1 << 40, 0], [1, 1])];
    for (shape, strides) in vast {
        let reduction = Reduction::<u8, _>::new(gpu, Count).unwrap();
        let error = reduction.bind(&all().strided(&shape, &strides, 1).unwrap()).unwrap_err();
        assert!(matches!(error, Error::NotOnGpu { .. }) && error.to_string().contains("1099511627776"), "{error}");
    }
}

#[test]
fn recorded_among_a_callers_commands_any_number_of_times() {
    let gpu = gpu();
    let (data, source) = (buffer(gpu, &[0f32; 1000]), buffer(gpu, &[2.5f32; 1000]));
    let reduction = Reduction::<f32, _>::new(gpu, (Sum, Variance)).unwrap();
    let bound = reduction.bind(&View::of(&data, 0..1000)).unwrap();
    // Nothing was submitted yet: no answer, and no wrong one.
    assert!(bound.answers().unwrap_err().to_string().contains("not submitted"));
    for turn in 1..=9u64 {
        let mut encoder = gpu.device().create_command_encoder(&Default::default());
        encoder.copy_buffer_to_buffer(&source, 0, &data, 0, 400 * turn);
        bound.record(&mut encoder);
        if turn == 5 {
            assert!(bound.answers().unwrap_err().to_string().contains("not submitted"));
        }
        gpu.queue().submit([encoder.finish()]);
        let (sum, moments) = pollster::block_on(bound.answers_async()).unwrap()[0];
        assert_eq!(sum, Some(250.0 * turn as f64));
        let share = turn as f64 / 10.0;
        assert!((moments.population_variance().unwrap() - 6.25 * share * (1.0 - share)).abs() < 1e-6);
    }
}

#[test]
fn a_future_of_answers_that_is_dropped_half_way_leaves_nothing_mapped() {
    let gpu = gpu();
    let data = buffer(gpu, &[1.5f32; 3000]);
    let reduction = Reduction::<f32, _>::new(gpu, Sum).unwrap();
    let bound = reduction.bind(&View::of(&data, 0..3000)).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    for turn in 0..20 {
        bound.submit().unwrap();
        let mut left = Box::pin(bound.answers_async());
        // Where the device was faster than this thread, it is done with the first poll.
        let pending = left.as_mut().poll(&mut context).is_pending();
        if pending {
            for error in [
                bound.answers().unwrap_err(),
                pollster::block_on(bound.answers_async()).unwrap_err(),
                bound.submit().unwrap_err(),
            ] {
                assert!(error.to_string().contains("await or drop that one first"), "{error}");
            }
        }
        // Dropped half way, or finished in spite of the two that were refused.
        if pending && turn % 2 == 1 {
            assert_eq!(pollster::block_on(left).unwrap(), [Some(4500.0)]);
        } else {
            drop(left);
        }
        assert_eq!(bound.answers().unwrap(), [Some(4500.0)]);
        assert_eq!(pollster::block_on(bound.answers_async()).unwrap(), [Some(4500.0)]);
    }
}

#[test]
fn results_stay_on_the_device_where_another_kernel_reads_them() {
    let gpu = gpu();
    let data = buffer(gpu, &(0..60_000).map(|i| (i % 7) as u8).collect::<Vec<_>>());
    let reduction = Reduction::<u8, _>::new(gpu, (Sum, Max)).unwrap();
    let bound = reduction.bind(&View::of(&data, 0..60_000).strided(&[6, 10_000], &[10_000, 1], 1).unwrap()).unwrap();
    bound.submit().unwrap();
    let results = bound.results().unwrap();
    assert_eq!(results.rows, [0]);
    // Read as plain bytes here: what lies where, the layout says.
    let size = 6 * u64::from(results.layout.partial_bytes);
    let copy = gpu.device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    let mut encoder = gpu.device().create_command_encoder(&Default::default());
    encoder.copy_buffer_to_buffer(results.buffer, 0, &copy, 0, size);
    gpu.queue().submit([encoder.finish()]);
    copy.map_async(wgpu::MapMode::Read, .., |mapped| mapped.unwrap());
    gpu.device().poll(wgpu::PollType::wait_indefinitely()).unwrap();
    let bytes = copy.get_mapped_range(..).unwrap().to_vec();
    for row in 0..6 {
        let at = row * results.layout.partial_bytes as usize;
        let word = |name: &str| {
            let part = results.layout.part(name).unwrap();
            u32::from_le_bytes(bytes[at + part.offset as usize..][..4].try_into().unwrap())
        };
        let expected: u32 = (row as u32 * 10_000..(row as u32 + 1) * 10_000).map(|i| i % 7).sum();
        assert_eq!((word("integer_sum"), word("max")), (expected, 6));
    }
}

/// The largest gap of an element to 0.
#[derive(Clone, Copy)]
struct Largest;

#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct LargestState {
    count: u32,
    bits: u32,
}

const LARGEST: Snippet = Snippet::of_keys(
    "largest",
    "struct LargestState { count: u32, bits: u32 }
     fn largest_identity() -> LargestState { return LargestState(0u, 0u); }
     fn largest_lift(item: Item) -> LargestState { return LargestState(1u, bits_of_key(item.key) & 0x7fffffffu); }
     fn largest_merge(a: LargestState, b: LargestState) -> LargestState {
         return LargestState(a.count + b.count, max(a.bits, b.bits));
     }",
);

impl Aggregator<f32> for Largest {
    type State = (u64, f32);
    type Output = (u64, f32);
    fn identity(&self) -> (u64, f32) {
        (0, 0.0)
    }
    fn lift(&self, state: &mut (u64, f32), item: &f32) {
        self.merge(state, (1, item.abs()));
    }
    fn merge(&self, state: &mut (u64, f32), other: (u64, f32)) {
        *state = (state.0 + other.0, state.1.max(other.1));
    }
    fn finish(&self, state: (u64, f32)) -> (u64, f32) {
        state
    }
    fn gpu(&self) -> Option<GpuHalf<(u64, f32)>> {
        use std::mem::offset_of;
        let members = [("count", offset_of!(LargestState, count)), ("bits", offset_of!(LargestState, bits))];
        Some(GpuHalf::mirrored(LARGEST, &members, |state: LargestState, _| {
            (u64::from(state.count), f32::from_bits(state.bits))
        }))
    }
}

/// The same with a member that is not where it is said to be.
#[derive(Debug)]
struct Mismatched;

impl Aggregator<f32> for Mismatched {
    type State = u32;
    type Output = u32;
    fn identity(&self) -> u32 {
        0
    }
    fn lift(&self, state: &mut u32, _: &f32) {
        *state += 1;
    }
    fn merge(&self, state: &mut u32, other: u32) {
        *state += other;
    }
    fn finish(&self, state: u32) -> u32 {
        state
    }
    fn gpu(&self) -> Option<GpuHalf<u32>> {
        Some(GpuHalf::mirrored(LARGEST, &[("count", 4)], |state: [u32; 2], _| state[0]))
    }
}

#[test]
fn a_users_own_aggregator_takes_the_path_of_the_built_in_ones() {
    let engine = Engine::from(gpu().clone());
    let items: Vec<f32> = mixed(5).take(20_000).map(|bits| (bits as i32 >> 8) as f32).collect();
    strix_reduce::testkit::check_laws(&Largest, &items, |a, b| a == b);
    strix_reduce::testkit::check_engine(&Largest, &engine, &items, |a, b| a == b);
    strix_reduce::testkit::check_engine(&(Largest, Mean), &engine, &items, |a, b| {
        a.0 == b.0 && (a.1.unwrap_or(0.0) - b.1.unwrap_or(0.0)).abs() < 10.0
    });
    let error = Reducer::<f32, _>::new(Mismatched, &engine).unwrap_err().to_string();
    assert!(error.contains("bits at 4") && error.contains("count at 4") && error.contains("largest"), "{error}");
}

#[test]
fn histograms_with_other_edges_share_a_kernel() {
    let items: Vec<f32> = mixed(6).take(50_000).map(|bits| (bits >> 40) as f32 / 1e6).collect();
    let bins = |low: f64| Histogram::uniform(low, 10.0, 20).unwrap();
    let large = Histogram::uniform(0.0, 17.0, 5000).unwrap();
    for form in [(bins(0.0), bins(1.0), large.clone()), (bins(5.0), bins(5.0), large)] {
        let data = buffer(gpu(), &items);
        let found = answers::<f32, _>(gpu(), form.clone(), &View::of(&data, 0..50_000)).unwrap();
        assert_eq!(found, [on_cpu(form, &items)]);
    }
}

#[test]
fn a_lost_device_is_an_error_by_name_and_auto_goes_on_with_the_cpu() {
    let lost = small();
    let items: Vec<f32> = (0..100_000).map(|i| i as f32).collect();
    let mut by_name = Reducer::new((Sum, Max), &Engine::from(lost.clone())).unwrap();
    let mut auto = Reducer::new((Sum, Max), &Engine::from(lost.clone()).or_cpu()).unwrap();
    by_name.push(&items).unwrap();
    auto.push(&items).unwrap();
    assert_eq!((auto.report().engine, auto.report().fallback), ("gpu", None));
    let data = buffer(&lost, &items);
    let reduction = Reduction::<f32, _>::new(&lost, Sum).unwrap();
    let bound = reduction.bind(&View::of(&data, 0..1000)).unwrap();
    lost.device().destroy();
    let error = by_name.push(&items).unwrap_err();
    assert!(matches!(error, Error::Device { .. }), "{error}");
    assert!(bound.submit().and_then(|()| bound.answers()).is_err());
    assert!(reduction.bind(&View::of(&data, 0..1000)).is_err());
    auto.push(&items).unwrap();
    let report = auto.report();
    assert_eq!(report.engine, "cpu");
    assert!(report.fallback.is_some_and(|reason| reason.contains("GPU failed")));
    assert_eq!(auto.finish(), (Some(2.0 * 4_999_950_000.0), Some(99_999.0)));
    let choice = Engine::from(lost).or_cpu();
    let segments = strix_reduce::reduce_segments(&Sum, &choice, &items, &[0, 4], NanPolicy::Propagate).unwrap();
    assert_eq!((segments.answers, segments.report.engine), (vec![Some(6.0)], "cpu"));
    assert_eq!(EngineChoice::default(), EngineChoice::Auto);
}

#[test]
fn auto_goes_on_with_the_cpu_whatever_the_device_refuses() {
    // Three buffers: a mask, a second column or offsets are one too many, and so is what a sort binds.
    let narrow = limited(|limits| wgpu::Limits { max_storage_buffers_per_shader_stage: 3, ..limits });
    let (by_name, auto) = (Engine::from(narrow.clone()), Engine::from(narrow).or_cpu());
    let items: Vec<i32> = (0..100_000).collect();
    let form = (Count, Sum, Max);
    let mut named = Reducer::new(form, &by_name).unwrap();
    named.push(&items).unwrap();
    let error = named.push_masked(&items, |i| i % 2 == 0).unwrap_err();
    assert!(matches!(error, Error::NotOnGpu { .. }) && error.to_string().contains("buffers"), "{error}");
    assert_eq!((named.pushed(), named.finish()), (100_000, (100_000, Some(4_999_950_000), Some(99_999))));

    let mut reducer = Reducer::new(form, &auto).unwrap();
    reducer.push(&items).unwrap();
    assert_eq!((reducer.report().engine, reducer.report().fallback), ("gpu", None));
    reducer.push_masked(&items, |i| i % 2 == 0).unwrap();
    let report = reducer.report();
    assert!(report.engine == "cpu" && report.fallback.is_some_and(|reason| reason.contains("binds 4 buffers")));
    reducer.push(&items[..2]).unwrap();
    assert_eq!((reducer.pushed(), reducer.missing()), (200_002, 50_000));
    assert_eq!(reducer.finish(), (150_002, Some(4_999_950_000 + 2_499_950_000 + 1), Some(99_999)));

    let pairs: Vec<(i32, i32)> = items.iter().map(|x| (*x, 2 * x)).collect();
    let mut reducer = Reducer::new(Covariance, &auto).unwrap();
    reducer.push(&pairs).unwrap();
    assert!(reducer.report().engine == "cpu" && reducer.report().fallback.is_some());
    assert!((reducer.finish().correlation().unwrap() - 1.0).abs() < 1e-12);
    let nan = NanPolicy::Propagate;
    let segments = strix_reduce::reduce_segments(&Sum, &auto, &items, &[0, 3, 5], nan).unwrap();
    assert_eq!((segments.answers, segments.report.engine), (vec![Some(3), Some(7)], "cpu"));
    let keys: Vec<u32> = (0..100_000).map(|i| i % 2).collect();
    let groups = reduce_by_key(&Max, &auto, &items, &keys, 2, nan).unwrap();
    assert_eq!((groups.answers, groups.report.engine), (vec![Some(99_998), Some(99_999)], "cpu"));
    assert!(groups.report.fallback.is_some());

    // No room for the states of a workgroup, and none for a tile of the data.
    let tight = limited(|limits| wgpu::Limits { max_compute_workgroup_storage_size: 1024, ..limits });
    let mut reducer = Reducer::new(form, &Engine::from(tight).or_cpu()).unwrap();
    reducer.push(&items).unwrap();
    assert!(reducer.report().fallback.is_some_and(|reason| reason.contains("workgroup")));
    let short = limited(|limits| wgpu::Limits { max_storage_buffer_binding_size: 1 << 14, ..limits });
    let mut reducer = Reducer::new(form, &Engine::from(short).or_cpu()).unwrap();
    reducer.push(&items).unwrap();
    assert!(reducer.report().engine == "cpu" && reducer.report().fallback.is_some());
    assert_eq!(reducer.finish(), (100_000, Some(4_999_950_000), Some(99_999)));
}

#[test]
fn a_buffer_of_another_use_is_an_error() {
    let uniform = gpu().device().create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 400,
        usage: wgpu::BufferUsages::UNIFORM,
        mapped_at_creation: false,
    });
    let error = answers::<f32, _>(gpu(), Sum, &View::of(&uniform, 0..100)).unwrap_err();
    assert!(matches!(error, Error::Device { .. }) && error.to_string().contains("usage"), "{error}");
}

/// In a process of its own, whose memory is held to what it has once the device is open.
#[cfg(target_os = "linux")]
#[test]
#[allow(clippy::print_stderr, reason = "a test that was not run says so")]
fn memory_that_is_not_there_is_an_error_by_name_and_auto_goes_on_with_the_cpu() {
    const CHILD: &str = "STRIX_OUT_OF_MEMORY";
    let name = "views::memory_that_is_not_there_is_an_error_by_name_and_auto_goes_on_with_the_cpu";
    if std::env::var_os(CHILD).is_none() {
        let test = std::env::current_exe().unwrap();
        let child = std::process::Command::new(test).args(["--exact", name]).env(CHILD, "1").output().unwrap();
        let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
        // llvmpipe of Mesa 25 and 26 asserts that there is memory, and ends the process where there is none.
        let drivers: Vec<String> = adapters().into_iter().map(|adapter| adapter.info.driver_info).collect();
        let asserts = |driver: &String| driver.starts_with("Mesa 25.") || driver.starts_with("Mesa 26.");
        if drivers.iter().any(asserts) && std::os::unix::process::ExitStatusExt::signal(&child.status).is_some() {
            return eprintln!("NOT TESTED: {drivers:?} ends the process where memory is not there: {err}");
        }
        assert!(child.status.success() && out.contains("1 passed"), "{out}{err}");
        return;
    }
    let (items, small) = (vec![1.0f32; 16 << 20], vec![1.0f32; 1000]);
    let engine = Engine::from(gpu().clone());
    let mut by_name = Reducer::new(Sum, &engine).unwrap();
    let mut auto = Reducer::new(Sum, &engine.or_cpu()).unwrap();
    by_name.push(&small).unwrap();
    auto.push(&small).unwrap();
    // The threads of the CPU engine are there before there is no room for them.
    assert_eq!(on_cpu(Sum, &items), Some(f64::from(16 << 20)));
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let kilobytes: u64 = kilobytes.trim().trim_end_matches(" kB").parse().unwrap();
    let limit = format!("--as={}", (kilobytes + 8 * 1024) * 1024);
    let limited =
        std::process::Command::new("prlimit").args(["--pid", &std::process::id().to_string(), &limit]).status();
    assert!(limited.unwrap().success());
    let error = by_name.push(&items).unwrap_err();
    assert!(matches!(error, Error::Device { .. }), "{error}");
    auto.push(&items).unwrap();
    assert_eq!(auto.report().engine, "cpu");
    assert!(auto.report().fallback.is_some_and(|reason| reason.contains("GPU failed")));
    assert_eq!(auto.finish(), Some(f64::from((16 << 20) + 1000)));
}

#[test]
fn the_self_test_passes_where_these_tests_do() {
    let test = gpu().self_test().unwrap();
    assert!(test.integers && test.rounding, "{test:?}");
}
