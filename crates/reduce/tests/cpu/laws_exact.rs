//! The laws of every aggregator and combinator that is exact: equal answers and equal state bytes, however split.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fmt::Debug;

use crate::common::{hostile, in_pieces};
use proptest::collection::vec;
use proptest::prelude::*;
use strix_reduce::{
    Aggregator, All, Any, ArgMax, ArgMin, Boxed, Combine, ConfusionMatrix, Count, Distinct, Element, First, Histogram,
    Label, Last, Max, Mean, Min, Portable, Quantiles, Range, Sum, TopK, Variance, state, testkit,
};

/// As text, in which -0 differs from 0 and a NaN is a NaN.
fn alike<O: Debug>(a: &O, b: &O) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

fn laws<T, A: Aggregator<T, Output: Debug>>(aggregator: &A, items: &[T]) {
    testkit::check_laws(aggregator, items, alike);
}

/// The laws, and the same bytes of the state in whatever pieces and order.
fn exactly<T, A: Portable<T, Output: Debug>>(aggregator: &A, items: &[T]) {
    laws(aggregator, items);
    let bytes = |state: &A::State| state::to_bytes::<T, A>(aggregator, state, items.len() as u64).unwrap();
    let whole = bytes(&aggregator.state_of(items));
    for (pieces, seed) in [(1, 1), (2, 2), (7, 3), (7, 4), (1000, 5)] {
        let split = bytes(&in_pieces(aggregator, items, pieces, seed));
        assert_eq!(split, whole, "{} in {pieces} pieces", aggregator.signature());
    }
}

fn order<T: Label + Element>(items: &[T]) {
    exactly(&Count, items);
    exactly(&(Min, Max), items);
    exactly(&Range, items);
    exactly(&(ArgMin, ArgMax), items);
    exactly(&(First, Last), items);
    exactly(&Histogram::uniform(-3.0, 3.0, 6).unwrap(), items);
    exactly(&Histogram::new(&[-1e9, -2.5, 0.0, 1.0, 1e15 + 3.0]).unwrap(), items);
    exactly(&Distinct::default(), items);
    exactly(&Distinct::with_precision(7).unwrap(), items);
    exactly(&TopK::new(2000).unwrap(), items);
    exactly(&Quantiles::default(), items);
    laws(&(Count, First, ArgMin).filter(|x: &T| x.to_f64() < 1.0), items);
    laws(&(Count, Last, ArgMax).map_input(|x: &T| x.to_f64() as f32), items);
    exactly(&Max.and_then::<T, _, _>(|max: Option<T>| max.map(Element::to_f64)), items);
    exactly(&(Count, Max, First, ArgMax).by_key(|x: &T| (x.hash64() % 3) as u8).named("remainder"), items);
    exactly(&(Some(Min), None::<Max>, Some(Last)), items);
    laws(&vec![Boxed::<T, Option<T>>::new(First), Boxed::new(Max), Boxed::new(Last)], items);
    exactly(&vec![Histogram::uniform(-2.0, 2.0, 3).unwrap(), Histogram::new(&[0.0, 1.0]).unwrap()], items);
    let rows: Vec<[T; 3]> = items.windows(3).map(|row| [row[0], row[1], row[2]]).collect();
    exactly(&(Count, Max, ArgMin).per_column(), &rows);
    let options: Vec<Option<T>> = items.iter().map(|&x| (x.hash64() % 4 > 0).then_some(x)).collect();
    exactly(&(Count, Min, First, ArgMax, Last).present(), &options);
}

fn integers<T: Element>(items: &[T])
where
    (Sum, Mean, Variance): Portable<T, Output: Debug>,
{
    exactly(&(Sum, Mean, Variance), items);
    exactly(&(Count, Sum).by_key(|x: &T| x.hash64() % 5).named("remainder"), items);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn floats(items in vec(hostile(), 0..1500)) {
        order(&items);
        order(&items.iter().map(|&x| x as f32).collect::<Vec<_>>());
    }

    #[test]
    fn whole_numbers(items in vec(any::<i64>(), 0..1200), small in any::<bool>()) {
        let items: Vec<i64> = items.into_iter().map(|x| if small { x % 7 } else { x }).collect();
        order(&items);
        integers(&items);
        order(&items.iter().map(|&x| x as u8).collect::<Vec<_>>());
        integers(&items.iter().map(|&x| x as u64).collect::<Vec<_>>());
        integers(&items.iter().map(|&x| x as i16).collect::<Vec<_>>());
        integers(&items.iter().map(|&x| x % 2 == 0).collect::<Vec<_>>());
    }

    #[test]
    fn truth_and_text(items in vec(any::<u8>(), 0..1500)) {
        let truth: Vec<bool> = items.iter().map(|x| x % 16 == 3).collect();
        exactly(&(Any, All, Min, Max, First), &truth);
        let text: Vec<String> = items.iter().map(|x| format!("{}", x % 40)).collect();
        exactly(&(First, Last, Min, Max), &text);
        exactly(&(Distinct::default(), TopK::new(40).unwrap(), Count), &text);
        let pairs: Vec<(u8, u8)> = items.iter().map(|x| (x % 5, x / 16 % 5)).collect();
        exactly(&ConfusionMatrix { classes: 4 }, &pairs);
    }
}

#[test]
fn nothing_finishes_to_no_value() {
    let none: &[f64] = &[];
    let debug = |answer: &dyn Debug| format!("{answer:?}");
    let of = (Min, Max, ArgMin, ArgMax, First, Last, Range);
    let answers = of.finish(of.state_of(none));
    assert_eq!(debug(&answers), "(None, None, None, None, None, None, None)");
    let truth = (Any, All);
    assert_eq!(truth.finish(truth.state_of(&[])), (None, None));
    let quantiles = Quantiles::default();
    let distribution = Aggregator::<f64>::finish(&quantiles, quantiles.state_of(none));
    assert_eq!((distribution.count(), distribution.median(), distribution.rank(0.0)), (0, None, None));
    let sketches = (Distinct::default(), TopK::new(4).unwrap(), Histogram::uniform(0.0, 1.0, 2).unwrap());
    let (distinct, top, bins) = sketches.finish(sketches.state_of(none));
    assert_eq!((distinct.estimate, top.mode(), bins.counts), (0.0, None, vec![0, 0]));
    let groups = Max.by_key(|x: &f64| x.to_bits());
    assert!(groups.finish(groups.state_of(none)).is_empty());
    let confusion = ConfusionMatrix { classes: 2 };
    let confusion = Aggregator::<(u8, u8)>::finish(&confusion, Aggregator::<(u8, u8)>::identity(&confusion));
    let figures = (confusion.accuracy(), confusion.macro_f1(), confusion.macro_recall(), confusion.precision(1));
    assert_eq!(figures, (None, None, None, None));
}
