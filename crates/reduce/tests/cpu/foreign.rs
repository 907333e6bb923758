//! States of another aggregator, or of other parameters, are refused loudly, in release builds too, and never merged into a
//! wrong answer.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use strix_reduce::{
    Aggregator, Boxed, Combine, ConfusionMatrix, DecayedMean, Distinct, Engine, Histogram, Max, Mean, Min, Portable,
    Quantiles, Reducer, Subtract, Sum, TopK, state,
};

/// What `f` panics with.
fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("it went through") };
    payload.downcast_ref::<String>().cloned().or_else(|| payload.downcast_ref::<&str>().map(|s| (*s).into())).unwrap()
}

/// Both orders of merging, and finishing, are refused with all of these words.
fn refused<T, A: Aggregator<T>>(own: &A, other: &A, items: &[T], words: &[&str]) {
    let of = |aggregator: &A| aggregator.state_of(items);
    let check = |message: String| {
        assert!(words.iter().all(|word| message.contains(word)), "{message:?} does not say {words:?}");
    };
    let merged = |mut a: A::State, b: A::State| own.merge(&mut a, b);
    check(panic_of(|| merged(of(own), of(other))));
    check(panic_of(|| merged(of(other), of(own))));
    let mut twice = of(other);
    other.merge(&mut twice, of(other));
    check(panic_of(|| merged(own.identity(), twice)));
    check(panic_of(|| own.finish(of(other))));
}

/// The same; and what comes from bytes, whose signature vouches for it, is merged.
fn refused_but_for_bytes<T, A: Portable<T>>(own: &A, other: &A, items: &[T], words: &[&str]) {
    refused(own, other, items, words);
    let of = |aggregator: &A| aggregator.state_of(items);
    let bytes = state::to_bytes::<T, A>(own, &of(own), 1 << 20).unwrap();
    let (read, _) = state::from_bytes::<T, A>(own, &bytes).unwrap();
    let mut merged = read;
    own.merge(&mut merged, of(own));
    own.merge(&mut merged, own.identity());
    let message = panic_of(|| own.merge(&mut merged, of(other)));
    assert!(words.iter().all(|word| message.contains(word)), "{message:?} does not say {words:?}");
}

#[test]
fn states_of_other_parameters_are_refused() {
    let items: Vec<f64> = (0..3000).map(|i| f64::from(i) / 3000.0).collect();
    let bins = |high, bins| Histogram::uniform(0.0, high, bins).unwrap();
    refused_but_for_bytes(&bins(1.0, 4), &bins(1.0, 8), &items, &["8 bins", "4 bins"]);
    refused_but_for_bytes(&bins(1.0, 4), &bins(2.0, 4), &items, &["histogram", "other edges"]);
    let edges = |middle| Histogram::new(&[0.0, middle, 1.0]).unwrap();
    refused_but_for_bytes(&edges(0.5), &edges(0.25), &items, &["histogram", "other edges"]);
    refused_but_for_bytes(&Quantiles::with_k(8).unwrap(), &Quantiles::with_k(9).unwrap(), &items, &["k = 8", "k = 9"]);
    refused_but_for_bytes(&TopK::new(3).unwrap(), &TopK::new(4).unwrap(), &items, &["3", "4 counters"]);
    refused_but_for_bytes(
        &Distinct::with_precision(7).unwrap(),
        &Distinct::with_precision(8).unwrap(),
        &items,
        &["128", "256 registers"],
    );
    let timed: Vec<(f64, f64)> = items.iter().map(|&x| (x, x)).collect();
    refused_but_for_bytes(
        &DecayedMean::new(1.5).unwrap(),
        &DecayedMean::new(2.5).unwrap(),
        &timed,
        &["half-life 1.5", "2.5"],
    );
    let pairs = [(0u8, 1u8), (1, 1)];
    let classes = |classes| ConfusionMatrix { classes };
    refused_but_for_bytes(&classes(2), &classes(3), &pairs, &["2", "3 classes"]);
    let foreign = Aggregator::<(u8, u8)>::identity(&classes(3));
    assert!(panic_of(|| Subtract::<(u8, u8)>::subtract(&classes(2), foreign.clone(), foreign)).contains("3 classes"));
    let foreign = Aggregator::<f64>::identity(&bins(1.0, 8));
    assert!(panic_of(|| Subtract::<f64>::subtract(&bins(1.0, 4), foreign.clone(), foreign)).contains("8 bins"));
}

#[test]
fn hashes_while_they_are_few_are_those_of_any_precision() {
    let mut few = Distinct::with_precision(18).unwrap().state_of(&[1u8, 2, 3]);
    let small = Distinct::with_precision(7).unwrap();
    Aggregator::<u8>::merge(&small, &mut few, small.state_of(&[3u8]));
    assert_eq!(Aggregator::<u8>::finish(&small, few).round(), 3);
}

#[test]
fn states_of_other_sets_are_refused() {
    let items = [1.0, 2.0];
    refused(&vec![Max, Max], &vec![Max], &items, &["1 states", "2 aggregators"]);
    refused(&Some(Mean), &None, &items, &["absent"]);
    // Columns are told apart by their types, but for what is read from elsewhere.
    let wide = Max.per_column().state_of(&[[1i32, 2, 3]]);
    assert!(panic_of(|| Aggregator::<[i32; 2]>::finish(&Max.per_column(), wide)).contains("3 columns"));
}

#[test]
fn boxed_states_know_whose_they_are() {
    let items = [3.0, -1.0, 2.0];
    let boxed = |min: bool| -> Boxed<f64, Option<f64>> { if min { Boxed::new(Min) } else { Boxed::new(Max) } };
    // Of one type of state: only the signature tells them apart.
    refused(&boxed(true), &boxed(false), &items, &["min of f64", "max of f64"]);
    let other: Boxed<f64, Option<f64>> = Boxed::new(Mean);
    refused(&boxed(true), &other, &items, &["min of f64", "mean of f64"]);
    refused(&Boxed::<f64, Option<f64>>::new(Sum), &other, &items, &["sum of f64", "mean of f64"]);
    let found = boxed(true).to_bytes(&boxed(false).state_of(&[1.0]), 1).unwrap_err().to_string();
    assert!(found.contains("min of f64") && found.contains("max of f64"), "{found}");
    // In lists, as they are chosen at run time.
    refused(&vec![other.clone(), boxed(true)], &vec![other, boxed(false)], &items, &["min of f64", "max of f64"]);
    // Equal ones that were made apart merge.
    let mut merged = boxed(true).state_of(&[1.0]);
    boxed(true).merge(&mut merged, boxed(true).state_of(&[-1.0]));
    assert_eq!(boxed(true).finish(merged), Some(-1.0));
}

#[test]
fn a_reducer_does_not_merge_another_histogram() {
    let reducer = |bins| {
        let mut reducer = Reducer::new(Histogram::uniform(0.0, 1.0, bins).unwrap(), &Engine::cpu()).unwrap();
        reducer.push(&[0.1, 0.9]).unwrap();
        reducer
    };
    let (mut four, eight) = (reducer(4), reducer(8));
    assert!(panic_of(move || four.merge(eight)).contains("8 bins"));
}
