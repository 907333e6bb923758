//! The NaN policy applies to what the aggregators read, also through functions of items that are never NaN themselves.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use strix_reduce::{
    Aggregator, Boxed, Combine, Count, Engine, Error, First, Item, Max, Mean, NanPolicy, Reducer, Sum, reduce_by_key,
};

#[derive(Clone, Debug)]
struct Row {
    shop: u8,
    price: f64,
    weight: f32,
}
impl Item for Row {}

fn rows() -> Vec<Row> {
    let row = |shop, price, weight| Row { shop, price, weight };
    vec![row(1, f64::NAN, 1.0), row(1, 2.0, 2.0), row(2, f64::NAN, 4.0), row(1, 6.0, f32::NAN), row(2, 5.0, 8.0)]
}

fn price(row: &Row) -> f64 {
    row.price
}

/// The answer under Skip with how many were skipped, and the first that Error names.
fn policies<T: Item, A: Aggregator<T> + Clone>(aggregator: A, items: &[T]) -> (A::Output, u64, Option<u64>) {
    let reducer = |nan| Reducer::new(aggregator.clone(), &Engine::cpu()).unwrap().nan_policy(nan);
    let first = match reducer(NanPolicy::Error).push(items) {
        Err(Error::Nan { index }) => Some(index),
        other => other.map(|()| None).unwrap(),
    };
    // In two pushes, so that places go on.
    let mut skipping = reducer(NanPolicy::Skip);
    let (a, b) = items.split_at(items.len() / 2);
    skipping.push(a).unwrap();
    skipping.push(b).unwrap();
    let skipped = skipping.skipped();
    (skipping.finish(), skipped, first)
}

#[test]
fn mapped_items_are_skipped_or_refused() {
    assert_eq!(policies(Mean.map_input(price), &rows()), (Some(13.0 / 3.0), 2, Some(0)));
    let twice = Mean.map_input(|x: &f64| x + 1.0).map_input(price);
    assert_eq!(policies(twice, &rows()), (Some(16.0 / 3.0), 2, Some(0)));
    let weight = Sum.map_input(|row: &Row| row.weight);
    assert_eq!(policies(weight, &rows()), (Some(15.0), 1, Some(3)));
    // A place counts what was left out before it.
    let first = First.map_input(price);
    assert_eq!(policies(first, &rows()), (Some(2.0), 2, Some(0)));
    let mut through = Reducer::new(Mean.map_input(price), &Engine::cpu()).unwrap();
    through.push(&rows()).unwrap();
    assert!(through.finish().unwrap().is_nan());
}

#[test]
fn an_item_is_nan_to_all_that_read_it_in_one_pass() {
    let both = (Count, Mean.map_input(price), Max.map_input(|row: &Row| row.weight));
    assert_eq!(policies(both, &rows()), ((2, Some(3.5), Some(8.0)), 3, Some(0)));
    let boxed: Vec<Boxed<Row, Option<f64>>> = vec![Boxed::new(Mean.map_input(price).named("price"))];
    assert_eq!(policies(boxed, &rows()), (vec![Some(13.0 / 3.0)], 2, Some(0)));
    assert_eq!(policies(Some(Mean.map_input(price)), &rows()), (Some(Some(13.0 / 3.0)), 2, Some(0)));
}

#[test]
fn what_a_filter_drops_is_no_nan() {
    let of_shop_2 = Mean.map_input(price).filter(|row: &Row| row.shop == 2);
    assert_eq!(policies(of_shop_2, &rows()), (Some(5.0), 1, Some(2)));
    let numbers = (Count, Mean.map_input(price)).filter(|row: &Row| !row.price.is_nan());
    assert_eq!(policies(numbers, &rows()), ((3, Some(13.0 / 3.0)), 0, None));
}

#[test]
fn groups_columns_and_missing_items_follow() {
    let by_shop = (Count, Mean.map_input(price)).by_key(|row: &Row| row.shop);
    let (groups, skipped, first) = policies(by_shop, &rows());
    assert_eq!(groups.into_iter().collect::<Vec<_>>(), [(1, (2, Some(4.0))), (2, (1, Some(5.0)))]);
    assert_eq!((skipped, first), (2, Some(0)));
    let table: Vec<[Row; 2]> = rows().windows(2).map(|pair| [pair[0].clone(), pair[1].clone()]).collect();
    let columns = Sum.map_input(price).per_column();
    assert_eq!(policies(columns, &table), ([Some(6.0), Some(5.0)], 3, Some(0)));
    let present: Vec<Option<Row>> = rows().into_iter().map(|row| (row.shop == 1).then_some(row)).collect();
    assert_eq!(policies(Mean.map_input(price).present(), &present), (Some(4.0), 1, Some(0)));
    // Grouped by keys beside the items.
    let mean = Mean.map_input(price);
    let groups = reduce_by_key(&mean, &Engine::cpu(), &rows(), &[0, 0, 1, 0, 1], 2, NanPolicy::Skip).unwrap();
    assert_eq!(groups.answers, [Some(4.0), Some(5.0)]);
}

#[test]
fn a_nan_that_nobody_reads_is_an_item_like_others() {
    let numbers = [f64::NAN, 1.0, 3.0, f64::NAN];
    let mapped = Mean.map_input(|x: &f64| if x.is_nan() { 0.0 } else { *x });
    assert_eq!(policies(mapped, &numbers), (Some(1.0), 0, None));
    let kept = Mean.filter(|x: &f64| !x.is_nan());
    assert_eq!(policies(kept, &numbers), (Some(2.0), 0, None));
    // Beside one that reads it.
    let both = (Mean.filter(|x: &f64| *x > 1.0), Max);
    assert_eq!(policies(both, &numbers), ((Some(3.0), Some(3.0)), 2, Some(0)));
    let pairs = [(f64::NAN, 1.0), (2.0, f64::NAN), (3.0, 4.0)];
    let first = Sum.map_input(|pair: &(f64, f64)| pair.0);
    assert_eq!(policies(first, &pairs), (Some(5.0), 1, Some(0)));
    let places = First.filter(|x: &f64| *x > 1.0);
    assert_eq!(policies(places, &numbers), (Some(3.0), 0, None));
}
