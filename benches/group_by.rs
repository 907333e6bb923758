//! Grouping ten million rows by a thousand keys and by 100,000: count, mean, least and greatest in one pass.
//! `peers/group_by.py` is the same in Polars. And means of groups that are numbered already.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use strix_reduce::{Combine, Count, Engine, Item, Max, Mean, Min, NanPolicy, Reducer, reduce_by_key};

const ROWS: usize = 10_000_000;
const KEYS: [u64; 2] = [1000, 100_000];

#[derive(Clone, Copy)]
struct Row {
    key: u32,
    value: f64,
}

impl Item for Row {}

/// Keys in a fixed disorder, values in [0, 1).
fn rows(keys: u64) -> Vec<Row> {
    let mixed = |i: u64| {
        let bits = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (bits ^ (bits >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
    };
    let row = |i| Row { key: ((mixed(i) >> 33) % keys) as u32, value: (mixed(i) >> 11) as f64 / (1u64 << 53) as f64 };
    (0..ROWS as u64).map(row).collect()
}

fn main() {
    let mut criterion = Criterion::default()
        .configure_from_args()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(4));
    let mut group = criterion.benchmark_group("group by");
    group.sampling_mode(SamplingMode::Flat).throughput(Throughput::Elements(ROWS as u64));
    for keys in KEYS {
        let rows = rows(keys);
        group.bench_function(format!("count+mean+min+max of f64 by {keys} of u32"), |b| {
            let statistics = (Count, Mean, Min, Max).map_input(|row: &Row| row.value);
            let by_key = statistics.by_key(|row: &Row| row.key);
            b.iter(|| {
                let mut reducer = Reducer::new(by_key, &Engine::cpu()).expect("the CPU takes all");
                reducer.push(black_box(&rows)).expect("the CPU takes all");
                let groups = reducer.finish();
                assert_eq!(groups.len() as u64, keys);
                groups
            });
        });
        group.bench_function(format!("mean of f64 by {keys} of u32"), |b| {
            let by_key = Mean.map_input(|row: &Row| row.value).by_key(|row: &Row| row.key);
            b.iter(|| {
                let mut reducer = Reducer::new(by_key, &Engine::cpu()).expect("the CPU takes all");
                reducer.push(black_box(&rows)).expect("the CPU takes all");
                reducer.finish()
            });
        });
    }
    for keys in [8, 1000, 100_000] {
        let rows = rows(keys);
        let numbers: Vec<u32> = rows.iter().map(|row| row.key).collect();
        let values: Vec<f64> = rows.iter().map(|row| row.value).collect();
        group.bench_function(format!("mean of f64 by {keys} numbers"), |b| {
            let groups = u32::try_from(keys).expect("there are few");
            let reduce = || reduce_by_key(&Mean, &Engine::cpu(), &values, &numbers, groups, NanPolicy::Propagate);
            b.iter(|| black_box(reduce().expect("the CPU takes all")));
        });
    }
    group.finish();
    criterion.final_summary();
}
