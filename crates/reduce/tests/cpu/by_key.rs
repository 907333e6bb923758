//! Groups by key, few and many, in one push and in several.

use std::collections::BTreeMap;

use strix_reduce::{
    Aggregator, ArgMax, ByKey, Combine, Count, Engine, Error, First, Item, Last, Max, NanPolicy, Reducer, Sum,
    reduce_by_key,
};

#[derive(Debug, Clone, Copy)]
struct Row {
    key: u32,
    value: f64,
}

impl Item for Row {
    fn is_nan(&self) -> bool {
        self.value.is_nan()
    }
}

/// Rows of so many keys in disorder, every 1000th without a value. Values are integers, so that sums are exact.
fn rows(count: u32, keys: u32) -> Vec<Row> {
    let row = |i: u32| {
        let mixed = (i ^ 0x5bd1_e995).wrapping_mul(0x9e37_79b1);
        let value = if i % 1000 == 999 { f64::NAN } else { f64::from(mixed >> 12) };
        Row { key: (mixed >> 7) % keys, value }
    };
    (0..count).map(row).collect()
}

fn key(row: &Row) -> u32 {
    row.key
}

fn value(row: &Row) -> f64 {
    row.value
}

/// Rows, sum and greatest of each key, by a map and a loop.
fn expected(rows: &[Row]) -> BTreeMap<u32, (u64, f64, f64)> {
    let mut groups = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.value.is_nan()) {
        let group = groups.entry(row.key).or_insert((0, 0.0, f64::NEG_INFINITY));
        *group = (group.0 + 1, group.1 + row.value, group.2.max(row.value));
    }
    groups
}

/// The answer over pieces of the rows that end there.
fn answer<A: Aggregator<Row>>(aggregator: A, nan: NanPolicy, rows: &[Row], ends: &[usize]) -> Result<A::Output, Error> {
    let mut reducer = Reducer::new(aggregator, &Engine::cpu())?.nan_policy(nan);
    let mut start = 0;
    for &end in ends.iter().chain([&rows.len()]) {
        reducer.push(&rows[start..end])?;
        start = end;
    }
    Ok(reducer.finish())
}

#[test]
fn few_and_many_groups_in_any_pieces() {
    for keys in [1, 7, 1000, 5000, 90_000] {
        let rows = rows(300_000, keys);
        let expected = expected(&rows);
        let by_key = (Count, Sum, Max).map_input(value).by_key(key);
        for ends in [&[][..], &[1], &[150_000], &[10, 200_000, 200_010], &[299_999]] {
            let found = answer(by_key, NanPolicy::Skip, &rows, ends).unwrap();
            let found: BTreeMap<_, _> = found
                .into_iter()
                .map(|(key, (count, sum, max))| (key, (count, sum.unwrap_or_default(), max.unwrap_or_default())))
                .collect();
            assert_eq!(found, expected, "{keys} keys, cut at {ends:?}");
        }
    }
}

#[test]
fn places_and_nan_are_those_of_all_rows() {
    let rows = rows(300_000, 90_000);
    let first = rows.iter().position(|row| row.value.is_nan()).unwrap() as u64;
    let by_key = (First, Last, ArgMax).map_input(value).by_key(key);
    let error = answer(by_key, NanPolicy::Error, &rows, &[]).unwrap_err();
    assert!(matches!(error, Error::Nan { index } if index == first), "{error}");

    let mut groups: BTreeMap<u32, Vec<(u64, f64)>> = BTreeMap::new();
    for (place, row) in (0..).zip(&rows).filter(|(_, row)| !row.value.is_nan()) {
        groups.entry(row.key).or_default().push((place, row.value));
    }
    for ends in [&[][..], &[150_000], &[20, 299_000]] {
        let found = answer(by_key, NanPolicy::Skip, &rows, ends).unwrap();
        assert_eq!(found.len(), groups.len());
        for (key, items) in &groups {
            let most = items.iter().fold(items[0], |most, item| if item.1 > most.1 { *item } else { most });
            let (first, last, arg_max) = found[key];
            assert_eq!(
                (first, last, arg_max.map(|most| most.place)),
                (Some(items[0].1), Some(items[items.len() - 1].1), Some(most.0)),
                "{key}, cut at {ends:?}"
            );
        }
    }
}

#[test]
fn groups_that_are_numbered_already() {
    for keys in [1, 7, 1000, 5000] {
        let rows = rows(300_000, keys);
        let expected = expected(&rows);
        let numbers: Vec<u32> = rows.iter().map(|row| row.key).collect();
        let statistics = (Count, Sum, Max).map_input(value);
        let reduced = |nan| reduce_by_key(&statistics, &Engine::cpu(), &rows, &numbers, keys, nan);
        let found: BTreeMap<_, _> = (0..)
            .zip(reduced(NanPolicy::Skip).unwrap().answers)
            .map(|(key, (count, sum, max))| (key, (count, sum.unwrap_or_default(), max.unwrap_or_default())))
            .filter(|(_, (count, ..))| *count > 0)
            .collect();
        assert_eq!(found, expected, "{keys} keys");
        let error = reduced(NanPolicy::Error).unwrap_err();
        assert!(matches!(error, Error::Nan { index: 999 }), "{keys} keys: {error}");
    }
}

#[test]
fn states_of_few_and_of_many_groups_merge() {
    let rows = rows(300_000, 90_000);
    let by_key: ByKey<_, _> = (Count, Sum, Max).map_input(value).by_key(key);
    let whole = answer(by_key, NanPolicy::Skip, &rows, &[]).unwrap();
    let state = |rows: &[Row]| {
        let mut reducer = Reducer::new(by_key, &Engine::cpu()).unwrap().nan_policy(NanPolicy::Skip);
        reducer.push(rows).unwrap();
        reducer.state().clone()
    };
    for cut in [0, 10, 60_000, 150_000, 299_990] {
        let (mut a, b) = (state(&rows[..cut]), state(&rows[cut..]));
        by_key.merge(&mut a, b.clone());
        assert_eq!(by_key.finish(a), whole, "cut at {cut}");
        let (a, mut b) = (state(&rows[..cut]), b);
        by_key.merge(&mut b, a);
        assert_eq!(by_key.finish(b), whole, "cut at {cut}, turned round");
    }
}
