//! Windows over a stream, against a pass over the items that are in them.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::fmt::Debug;

use crate::common::{mixed, unit};
use strix_reduce::{
    Aggregator, Combine, ConfusionMatrix, Count, First, Histogram, Last, Max, Mean, Min, Subtract, Sum, TopK, Variance,
    Window,
};

const LENGTHS: [usize; 6] = [0, 1, 2, 7, 64, 1000];

/// The answer of one pass over the items in the window that ends at `end`.
fn again<T, A: Aggregator<T>>(aggregator: &A, items: &[T], end: usize, length: usize) -> A::Output {
    let start = (end + 1).saturating_sub(length.max(1));
    aggregator.finish(aggregator.state_of(&items[start..=end]))
}

fn check<T, A>(aggregator: A, items: &[T], same: impl Fn(&A::Output, &A::Output) -> bool)
where
    A: Aggregator<T, Output: Debug> + Clone,
{
    for length in LENGTHS {
        let mut window = Window::new(aggregator.clone(), length);
        for (end, item) in items.iter().enumerate() {
            let (found, wanted) = (window.push(item), again(&aggregator, items, end, length));
            assert!(same(&found, &wanted), "length {length}, item {end}: {found:?}, not {wanted:?}");
        }
    }
}

fn check_both<T, A: Subtract<T> + Clone>(aggregator: A, items: &[T])
where
    A::Output: Debug + PartialEq,
{
    check(aggregator.clone(), items, |a, b| a == b);
    for length in LENGTHS {
        let mut window = Window::subtracting(aggregator.clone(), length);
        for (end, item) in items.iter().enumerate() {
            assert_eq!(window.push(item), again(&aggregator, items, end, length), "length {length}, item {end}");
        }
    }
}

#[test]
fn windows_of_integers_are_exact_in_both_forms() {
    let items: Vec<i64> = mixed(1).take(700).map(|bits| bits as i64).collect();
    check_both((Count, Sum, Mean, Variance), &items);
    check_both(Histogram::uniform(-9e18, 9e18, 5).unwrap(), &items);
    check_both(
        ConfusionMatrix { classes: 3 },
        &items.iter().map(|&x| (x as u8 % 4, (x >> 8) as u8 % 3)).collect::<Vec<_>>(),
    );
    let odd = (Count, Sum).filter(|x: &i32| x % 2 != 0).map_input(|x: &i64| *x as i32);
    check_both(odd, &items);
    check_both(Variance, &items.iter().map(|&x| x as u8).collect::<Vec<_>>());
}

#[test]
fn windows_of_what_cannot_be_subtracted() {
    let items: Vec<u8> = mixed(2).take(700).map(|bits| bits as u8 % 20).collect();
    check((Min, Max, First, Last), &items, |a, b| a == b);
    check(TopK::new(32).unwrap(), &items, |a, b| a == b);
    let floats = unit(700, 3);
    // As many merges as items, each of which loses a rounding of the pair of f64 at most.
    check(Mean, &floats, |a, b| (a.unwrap() - b.unwrap()).abs() <= f64::EPSILON * b.unwrap());
}

#[test]
fn a_large_item_leaves_no_trace_when_it_has_left() {
    let mut window = Window::new(Mean, 2);
    let means: Vec<_> = [1e300, 1.0, 2.0, 3.0].iter().map(|x| window.push(x)).collect();
    assert_eq!(means[2..], [Some(1.5), Some(2.5)]);
}
