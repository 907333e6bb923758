//! What can be pushed: half floats, truth values, options, masked items, ndarray views and Arrow arrays.
#![cfg(all(feature = "half", feature = "ndarray", feature = "arrow"))]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fmt::Debug;
use std::sync::Arc;

use crate::common::{mixed, unit};
use arrow_array::types::ArrowPrimitiveType;
use arrow_array::{Array, BooleanArray, LargeStringArray, PrimitiveArray, RecordBatch, StringArray, types};
use half::{bf16, f16};
use ndarray::{Array2, Array3, ArrayD, ArrayView, Axis, Dimension, IxDyn, Slice};
use strix_reduce::aggregators::Placed;
use strix_reduce::arrow::ArrowItem;
use strix_reduce::ndarray::{reduce, reduce_axis};
use strix_reduce::{
    Aggregator, ArgMax, ArgMin, Combine, Count, Element, Engine, Error, First, Item, Last, Max, Mean, Min, NanPolicy,
    Reducer, Shape, Sum, Variance,
};

fn answer<T: Item, A: Aggregator<T>>(aggregator: A, items: &[T], nan: NanPolicy) -> Result<A::Output, Error> {
    let mut reducer = Reducer::new(aggregator, &Engine::cpu()).unwrap().nan_policy(nan);
    reducer.push(items)?;
    Ok(reducer.finish())
}

fn text(x: &impl Debug) -> String {
    format!("{x:?}")
}

/// The statistics of half floats are those of the same numbers as f32.
fn check_half<T: Element + Into<f32>>(items: &[T])
where
    (Sum, Mean): Aggregator<T, Output = (Option<f64>, Option<f64>)>,
{
    let wide: Vec<f32> = items.iter().map(|&x| x.into()).collect();
    let n = items.len() as f64;
    let magnitude: f64 = wide.iter().map(|&x| f64::from(x.abs())).sum();
    for nan in [NanPolicy::Propagate, NanPolicy::Skip] {
        let ((sum, mean), moments, extremes) = answer(((Sum, Mean), Variance, (Min, Max)), items, nan).unwrap();
        let ((wide_sum, wide_mean), wide_moments, wide_extremes) =
            answer::<f32, _>(((Sum, Mean), Variance, (Min, Max)), &wide, nan).unwrap();
        let near = |a: Option<f64>, b: Option<f64>, slack: f64| {
            let near = a.zip(b).is_none_or(|(a, b)| (a - b).abs() <= slack || text(&a) == text(&b));
            assert!(near && a.is_some() == b.is_some(), "{a:?}, but as f32 {b:?}");
        };
        near(sum, wide_sum, magnitude * 2f64.powi(-44));
        near(mean, wide_mean, magnitude / n * 2f64.powi(-44));
        let variance = wide_moments.population_variance();
        near(moments.population_variance(), variance, variance.unwrap_or_default() * 3200.0 * 2f64.powi(-53));
        let narrow = (extremes.0.map(Into::into), extremes.1.map(Into::into));
        assert_eq!(text(&narrow), text(&wide_extremes));
    }
}

#[test]
fn half_floats_are_as_f32() {
    for n in [0, 1, 2, 1023, 1024, 1025, 4096, 10_000] {
        let ordinary = unit(n, 1);
        check_half(&ordinary.iter().map(|&u| f16::from_f64(u * 100.0 - 20.0)).collect::<Vec<_>>());
        check_half(&ordinary.iter().map(|&u| bf16::from_f64(u * 1e30 - 1e29)).collect::<Vec<_>>());
        // Any bits, NaN and infinities among them, and the same without.
        let any: Vec<f16> = mixed(2).take(n).map(|bits| f16::from_bits(bits as u16)).collect();
        check_half(&any);
        check_half(&any.iter().copied().map(|x| if x.is_finite() { x } else { f16::NEG_ZERO }).collect::<Vec<_>>());
        check_half(&mixed(3).take(n).map(|bits| bf16::from_bits(bits as u16 & 0x80ff)).collect::<Vec<_>>());
    }
}

#[test]
fn truth_values_are_0_and_1() {
    let items: Vec<bool> = mixed(1).take(9001).map(|bits| bits % 3 == 0).collect();
    let numbers: Vec<u8> = items.iter().map(|&x| x.into()).collect();
    let of = (Sum, Mean, Variance);
    let found = answer(of, &items, NanPolicy::Propagate).unwrap();
    assert_eq!(found, answer(of, &numbers, NanPolicy::Propagate).unwrap());
    assert_eq!(answer((Min, Max), &items, NanPolicy::Propagate).unwrap(), (Some(false), Some(true)));
}

#[test]
fn options_leave_out_what_is_missing() {
    let items: Vec<Option<f64>> = mixed(4).zip(unit(20_000, 5)).map(|(bits, x)| (bits % 5 > 0).then_some(x)).collect();
    let present: Vec<f64> = items.iter().flatten().copied().collect();
    let of = (Count, Min, Max);
    let found = answer(of.present(), &items, NanPolicy::Propagate).unwrap();
    assert_eq!(found, answer(of, &present, NanPolicy::Propagate).unwrap());
    // At its place among all, with those that are missing.
    let least = answer(ArgMin.present(), &items, NanPolicy::Propagate).unwrap().unwrap();
    assert_eq!(items[least.place as usize], Some(least.item));
    let mean = answer(Mean.present(), &items, NanPolicy::Propagate).unwrap().unwrap();
    let wanted = present.iter().sum::<f64>() / present.len() as f64;
    assert!((mean - wanted).abs() < 1e-13, "{mean}, not {wanted}");
    let none = [None::<f64>; 3];
    assert_eq!(answer((Count, Count.present(), Max.present()), &none, NanPolicy::Error).unwrap(), (3, 0, None));
}

/// Values, which of them count, and a NaN here and there.
fn masked(n: usize) -> (Vec<f64>, Vec<bool>) {
    let items = unit(n, 8).into_iter().zip(mixed(9)).map(|(u, bits)| if bits % 97 == 0 { f64::NAN } else { u });
    (items.collect(), mixed(10).map(|bits| bits % 4 > 0).take(n).collect())
}

#[test]
fn masks_leave_out_what_they_say_under_every_policy() {
    for n in [0, 1, 50, 4097, 70_000, 140_001] {
        let (items, mask) = masked(n);
        let counted = || (0..n).filter(|&i| mask[i]);
        let numbers = || counted().filter(|&i| !items[i].is_nan());
        let push = |nan| {
            let of = (Count, Max, First, Last, ArgMin);
            let mut reducer = Reducer::new(of, &Engine::cpu()).unwrap().nan_policy(nan);
            reducer.push_masked(&items, |index| mask[index]).map(|()| reducer)
        };
        let reducer = push(NanPolicy::Skip).unwrap();
        assert_eq!((reducer.pushed(), reducer.missing()), (n as u64, (n - counted().count()) as u64));
        assert_eq!(reducer.skipped(), (counted().count() - numbers().count()) as u64);
        let (count, max, first, last, least) = reducer.finish();
        assert_eq!(count, numbers().count() as u64);
        assert_eq!(max, numbers().map(|i| items[i]).reduce(f64::max));
        assert_eq!((first, last), (numbers().next().map(|i| items[i]), numbers().next_back().map(|i| items[i])));
        let wanted = numbers().reduce(|a, b| if items[b] < items[a] { b } else { a });
        assert_eq!(least, wanted.map(|i| Placed { place: i as u64, item: items[i] }));

        let (count, max, ..) = push(NanPolicy::Propagate).unwrap().finish();
        assert_eq!(count, counted().count() as u64);
        assert_eq!(max.is_some_and(f64::is_nan), numbers().count() < counted().count());

        // The index of the first NaN that counts, for what has places and for what has none.
        let wanted = counted().find(|&i| items[i].is_nan()).map(|i| i as u64);
        let index = |found: Result<(), Error>| match found {
            Err(Error::Nan { index }) => Some(index),
            Err(other) => panic!("{other}"),
            Ok(()) => None,
        };
        assert_eq!(index(push(NanPolicy::Error).map(|_| ())), wanted, "{n}");
        let mut reducer = Reducer::new(Sum, &Engine::cpu()).unwrap().nan_policy(NanPolicy::Error);
        reducer.push(&[1.0; 5]).unwrap();
        assert_eq!(index(reducer.push_masked(&items, |index| mask[index])), wanted.map(|index| index + 5));
    }
}

/// Every view of a table, against the same items gathered one by one.
fn check_view<D: Dimension>(view: ArrayView<'_, f32, D>) {
    let items: Vec<f32> = view.iter().copied().collect();
    for nan in [NanPolicy::Propagate, NanPolicy::Skip, NanPolicy::Error] {
        let of = (Count, (ArgMin, Last), Max);
        let found = reduce(&of, view.view(), nan).map_err(|e| e.to_string());
        assert_eq!(text(&found), text(&answer(of, &items, nan).map_err(|e| e.to_string())));
    }
    let found = reduce(&(Sum, Shape), view.view(), NanPolicy::Propagate).unwrap();
    let wanted = answer((Sum, Shape), &items, NanPolicy::Propagate).unwrap();
    let near = |a: Option<f64>, b: Option<f64>| {
        a.zip(b).is_none_or(|(a, b)| (a - b).abs() <= 1e-9 * b.abs().max(1.0) || a.is_nan() == b.is_nan())
    };
    assert!(near(found.0, wanted.0) && near(found.1.variance(0), wanted.1.variance(0)), "{found:?}, not {wanted:?}");
}

fn check_axes(view: ArrayView<'_, f32, IxDyn>) {
    check_view(view.view());
    for axis in 0..view.ndim() {
        for nan in [NanPolicy::Propagate, NanPolicy::Skip] {
            let of = (Count, (Min, ArgMax), First);
            let found = reduce_axis(&of, view.view(), Axis(axis), nan).unwrap();
            let wanted = view.map_axis(Axis(axis), |lane| answer(of, &lane.to_vec(), nan).unwrap());
            assert_eq!(found.shape(), wanted.shape());
            let all = |array: &ArrayD<_>| text(&array.iter().collect::<Vec<_>>());
            assert_eq!(all(&found), all(&wanted), "axis {axis} of {:?}", view.shape());
        }
    }
    let error = reduce_axis(&Count, view.view(), Axis(view.ndim()), NanPolicy::Skip).unwrap_err();
    assert!(matches!(error, Error::Parameter(_)), "{error}");
}

#[test]
fn views_of_every_stride_are_as_their_items() {
    let n = 33 * 5 * 40;
    let values = mixed(12).map(|bits| if bits % 301 == 0 { f32::NAN } else { (bits % 1000) as f32 - 400.0 });
    let cube = Array3::from_shape_vec((33, 5, 40), values.take(n).collect()).unwrap();
    check_axes(cube.view().into_dyn());
    check_axes(cube.t().into_dyn());
    let sliced = |slices: [(isize, Option<isize>, isize); 3]| {
        let mut view = cube.view();
        for (axis, (start, end, step)) in slices.into_iter().enumerate() {
            view.slice_axis_inplace(Axis(axis), Slice::new(start, end, step));
        }
        check_axes(view.into_dyn());
    };
    let all = (0, None, 1);
    sliced([(0, None, 2), (1, None, 1), (0, None, -3)]);
    sliced([(0, None, -1); 3]);
    sliced([all, all, (3, Some(4), 1)]);
    sliced([(0, Some(0), 1), all, all]);
    sliced([all, (2, Some(2), 1), (0, None, 2)]);
    check_axes(cube.index_axis(Axis(2), 7).index_axis(Axis(1), 0).into_dyn());
    check_axes(ArrayD::from_elem(IxDyn(&[]), 2.5).view());
    check_axes(cube.index_axis(Axis(1), 2).broadcast((3, 33, 40)).unwrap().into_dyn());
    // Longer than a block, and than the piece that is gathered at once.
    let long = Array2::from_shape_fn((20_001, 7), |(i, j)| (i * 31 + j * 17) as f32 % 1013.0);
    check_axes(long.view().into_dyn());
    check_axes(long.t().into_dyn());
}

#[test]
fn an_error_along_an_axis_is_that_of_the_first_lane() {
    let mut table = Array2::from_elem((10, 500), 1.0f64);
    for lane in 3..500 {
        table[[lane % 10, lane]] = f64::NAN;
    }
    for _ in 0..20 {
        let error = reduce_axis(&Max, table.view(), Axis(0), NanPolicy::Error).unwrap_err();
        // Lanes are read side by side in groups of 16, each from its own first place on.
        assert!(matches!(error, Error::Nan { index: 3 }), "{error}");
    }
}

/// The items of an array that are there, and a slice of it, whose offset counts.
fn check_array<T>(array: &dyn Array, items: &[Option<T>])
where
    T: ArrowItem,
    First: Aggregator<T, Output = Option<T>>,
{
    for (start, end) in [(0, items.len()), (3, items.len()), (13, 29), (64, 64), (65, 90)] {
        let (array, items) = (array.slice(start, end - start), &items[start..end]);
        let mut reducer = Reducer::<T, _>::new((Count, First, Last), &Engine::cpu()).unwrap();
        reducer.push_array(&array).unwrap();
        assert_eq!(
            (reducer.pushed(), reducer.missing()),
            (items.len() as u64, items.iter().filter(|item| item.is_none()).count() as u64)
        );
        let (count, first, last) = reducer.finish();
        let there = || items.iter().flatten();
        assert_eq!(
            (count as usize, &first, &last),
            (there().count(), &there().next().cloned(), &there().last().cloned())
        );
    }
}

fn check_primitive<P: ArrowPrimitiveType>(of: impl Fn(u64) -> P::Native)
where
    P::Native: ArrowItem + Element,
    (Sum, Max): Aggregator<P::Native, Output: Debug>,
{
    let bits: Vec<u64> = mixed(20).take(100).collect();
    let with_nulls: Vec<Option<P::Native>> = bits.iter().map(|&b| (b % 3 > 0).then(|| of(b))).collect();
    let full: Vec<Option<P::Native>> = bits.iter().map(|&b| Some(of(b))).collect();
    for items in [with_nulls, full] {
        let array: PrimitiveArray<P> = items.iter().copied().collect();
        check_array(&array, &items);
        let mut reducer = Reducer::<P::Native, _>::new((Sum, Max), &Engine::cpu()).unwrap();
        reducer.push_array(&array).unwrap();
        let there: Vec<P::Native> = items.iter().flatten().copied().collect();
        assert_eq!(text(&reducer.finish()), text(&answer((Sum, Max), &there, NanPolicy::Propagate).unwrap()));
    }
    let wrong: &dyn Array = &StringArray::from(vec!["1"]);
    let error = Reducer::<P::Native, _>::new(Count, &Engine::cpu()).unwrap().push_array(wrong).unwrap_err();
    let (type_there, type_wanted) = ("Utf8", <P::Native as strix_reduce::Label>::NAME);
    assert!(error.to_string().contains(type_there) && error.to_string().contains(type_wanted), "{error}");
}

#[test]
fn arrow_arrays_of_every_type() {
    check_primitive::<types::Int8Type>(|b| b as i8);
    check_primitive::<types::Int16Type>(|b| b as i16);
    check_primitive::<types::Int32Type>(|b| b as i32);
    check_primitive::<types::Int64Type>(|b| b as i64);
    check_primitive::<types::UInt8Type>(|b| b as u8);
    check_primitive::<types::UInt16Type>(|b| b as u16);
    check_primitive::<types::UInt32Type>(|b| b as u32);
    check_primitive::<types::UInt64Type>(|b| b);
    check_primitive::<types::Float16Type>(|b| f16::from_f32((b % 64) as f32));
    check_primitive::<types::Float32Type>(|b| b as f32);
    check_primitive::<types::Float64Type>(|b| b as f64);

    let bits: Vec<u64> = mixed(21).take(100).collect();
    let truth: Vec<Option<bool>> = bits.iter().map(|b| (b % 3 > 0).then_some(b % 2 == 0)).collect();
    check_array(&BooleanArray::from(truth.clone()), &truth);
    let words: Vec<Option<String>> = bits.iter().map(|b| (b % 3 > 0).then(|| format!("{}", b % 50))).collect();
    check_array(&StringArray::from(words.clone()), &words);
    check_array(&LargeStringArray::from(words.clone()), &words);
}

#[test]
fn columns_are_found_by_name() {
    let (x, y) = (arrow_array::Int32Array::from(vec![1, 2, 4]), StringArray::from(vec!["a", "b", "c"]));
    let columns: [(&str, Arc<dyn Array>); 2] = [("x", Arc::new(x)), ("y", Arc::new(y))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut reducer = Reducer::<i32, _>::new(Sum, &Engine::cpu()).unwrap();
    reducer.push_column(&batch, "x").unwrap();
    let missing = reducer.push_column(&batch, "z").unwrap_err().to_string();
    assert!(missing.contains("\"z\"") && missing.contains("x, y"), "{missing}");
    let wrong = reducer.push_column(&batch, "y").unwrap_err().to_string();
    assert!(wrong.contains("Utf8") && wrong.contains("i32"), "{wrong}");
    assert_eq!(reducer.finish(), Some(7));
}
