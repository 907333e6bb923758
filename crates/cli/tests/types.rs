//! `strix reduce` on columns of Parquet that are neither numbers of Rust nor text: dates, times, decimals, bytes.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use std::sync::Arc;

use arrow::array::{
    BinaryArray, Date32Array, Decimal128Array, Float64Array, TimestampMicrosecondArray, TimestampSecondArray,
};
use common::{Place, mentions, parquet};
use serde_json::{Value, json};

/// The column of every row.
fn column(rows: &Value, name: &str) -> Vec<Value> {
    rows.as_array().unwrap().iter().map(|row| row[name].clone()).collect()
}

#[test]
fn times_with_a_zone_are_utc_and_order_as_they_do() {
    let place = Place::new();
    let second = 1_000_000;
    // 2024-01-01T00:00:00, half a second later, and the year 10000.
    let start = 1_704_067_200 * second;
    let ticks = vec![Some(start + second / 2), None, Some(253_402_300_800 * second), Some(start), Some(start)];
    let zoned = TimestampMicrosecondArray::from(ticks.clone()).with_timezone("UTC");
    let berlin = TimestampMicrosecondArray::from(ticks).with_timezone("Europe/Berlin");
    let local = TimestampSecondArray::from(vec![0, 1, 2, 3, -1]);
    let days = Date32Array::from(vec![0, 19_723, -1, 2_932_897, 5]);
    parquet(
        &place,
        "t.parquet",
        vec![
            ("utc", Arc::new(zoned)),
            ("berlin", Arc::new(berlin)),
            ("local", Arc::new(local)),
            ("day", Arc::new(days)),
        ],
    );
    let stats = "min(utc), max(utc), mode(berlin), distinct(utc), count(utc), missing(utc), last(utc), min(local), \
                 max(day), min(day)";
    let rows = place.json(&["reduce", "t.parquet", "--stats", stats, "--json"]);
    assert_eq!(
        rows[0],
        json!({
            "min(utc)": "2024-01-01T00:00:00Z", "max(utc)": "+10000-01-01T00:00:00Z",
            "mode(berlin)": "2024-01-01T00:00:00Z", "distinct(utc)": 3, "count(utc)": 4, "missing(utc)": 1,
            "last(utc)": "2024-01-01T00:00:00Z", "min(local)": "1969-12-31T23:59:59",
            "max(day)": "+10000-01-01", "min(day)": "1969-12-31",
        })
    );
    for by in ["utc", "berlin"] {
        let rows = place.json(&["reduce", "t.parquet", "--by", by, "--json", "--save", "t.state"]);
        assert_eq!(
            column(&rows, by),
            [Value::Null]
                .into_iter()
                .chain(["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.500Z", "+10000-01-01T00:00:00Z"].map(Value::from))
                .collect::<Vec<_>>()
        );
        assert_eq!(place.json(&["state", "merge", "t.state", "--json"]), rows);
    }
    let spread = "sample_sd(utc)";
    mentions(&place.fails(3, &["reduce", "t.parquet", "--stats", spread]), &[spread, "timestamp[us, UTC]"]);
    // Of 0, 19,723, -1, 2,932,897 and 5 days.
    assert_eq!(place.ok(&["reduce", "t.parquet", "--stats", "mean(day)", "--csv"]), "mean(day)\n3586-10-20T19:12:00\n");
    mentions(&place.fails(3, &["reduce", "t.parquet", "--stats", "corr(day, utc)"]), &["corr(day, utc)", "date"]);
    // States of times do not merge with those of integers of the same value.
    place.ok(&["reduce", "t.parquet", "--stats", "min(utc)", "--save", "utc.state"]);
    parquet(&place, "i.parquet", vec![("utc", Arc::new(arrow::array::Int64Array::from(vec![start])))]);
    place.ok(&["reduce", "i.parquet", "--stats", "min(utc)", "--save", "i.state"]);
    mentions(&place.fails(3, &["state", "merge", "utc.state", "i.state"]), &["timestamp[us, UTC]"]);
}

#[test]
fn decimals_are_keys_by_value_and_told_apart_exactly() {
    let place = Place::new();
    let cents = vec![1000, 10_000, 900, -5, 900];
    let price = Decimal128Array::from(cents).with_precision_and_scale(10, 2).unwrap();
    // Decimals that one f64 stands for.
    let fine = vec![10i128.pow(20), 10i128.pow(20) + 1, 10i128.pow(20) + 2, 7, 7];
    let fine = Decimal128Array::from(fine).with_precision_and_scale(38, 0).unwrap();
    parquet(&place, "d.parquet", vec![("price", Arc::new(price)), ("fine", Arc::new(fine))]);
    let out = place.ok(&["reduce", "d.parquet", "--by", "price", "--csv", "--save", "d.state"]);
    assert_eq!(out, "price,count\n-0.05,1\n9.00,2\n10.00,1\n100.00,1\n");
    assert_eq!(place.ok(&["state", "merge", "d.state", "--csv"]), out);
    let stats = "distinct(fine), mode(price), sum(price), min(price)";
    let rows = place.json(&["reduce", "d.parquet", "--stats", stats, "--json"]);
    assert_eq!(rows[0], json!({"distinct(fine)": 4, "mode(price)": 9.0, "sum(price)": 127.95, "min(price)": -0.05}));
}

#[test]
fn bytes_are_keys_as_they_are() {
    let place = Place::new();
    let bytes = BinaryArray::from(vec![&[0xff][..], &[0xfe], b"east", &[0xfe]]);
    let x = Float64Array::from(vec![1.0, 2.0, 3.0, 4.0]);
    parquet(&place, "b.parquet", vec![("b", Arc::new(bytes)), ("x", Arc::new(x))]);
    let out = place.ok(&["reduce", "b.parquet", "--by", "b", "--stats", "sum(x)", "--csv", "--save", "b.state"]);
    assert_eq!(out, "b,sum(x)\neast,3.0\n0xfe,6.0\n0xff,1.0\n");
    assert_eq!(place.ok(&["state", "merge", "b.state", "--csv"]), out);
}

#[test]
fn nested_columns_are_refused_where_they_are_asked_for() {
    let place = Place::new();
    let lists =
        arrow::array::ListArray::from_iter_primitive::<arrow::datatypes::Int64Type, _, _>([Some([Some(1)]), None]);
    parquet(&place, "n.parquet", vec![("l", Arc::new(lists)), ("x", Arc::new(Float64Array::from(vec![1.0, 2.0])))]);
    assert_eq!(
        place.ok(&["reduce", "n.parquet", "--stats", "sum(x), missing(l)", "--csv"]),
        "sum(x),missing(l)\n3.0,1\n"
    );
    for question in [&["--stats", "sum(l)"][..], &["--by", "l"]] {
        mentions(&place.fails(3, &[&["reduce", "n.parquet"], question].concat()), &["n.parquet", "\"l\"", "List"]);
    }
    let described = place.json(&["reduce", "n.parquet", "--json"]);
    assert_eq!(
        (&described[0]["column"], &described[0]["count"], &described[0]["mean"]),
        (&json!("l"), &json!(1), &Value::Null)
    );
}
