//! `strix reduce` and `strix devices` on good input, against NumPy and exact values.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use common::{Place, gzip, npy, text};
use serde_json::{Value, json};

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

/// Equal, or within 1e-13 of NumPy's extended-precision answer.
fn close(found: &Value, expected: &Value) -> bool {
    match (found.as_f64(), expected.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-13 * b.abs(),
        _ => found == expected,
    }
}

#[test]
fn npy_of_every_type_order_and_endianness_as_numpy_has_it() {
    let place = Place::new();
    let expected = std::fs::read_to_string(format!("{FIXTURES}/expected.json")).unwrap();
    let expected: serde_json::Map<String, Value> = serde_json::from_str(&expected).unwrap();
    assert_eq!(expected.len(), 13);
    for (name, stats) in &expected {
        let report = place.json(&["reduce", &format!("{FIXTURES}/{name}"), "--engine", "cpu", "--json"]);
        assert_eq!(report["engine"], "cpu");
        assert_eq!(report["adapter"], Value::Null);
        for (stat, value) in stats.as_object().unwrap() {
            assert!(close(&report["stats"][stat], value), "{name}, {stat}: {} for {value}", report["stats"][stat]);
        }
    }
}

#[test]
fn integers_are_exact_to_the_last_digit() {
    let place = Place::new();
    let data: Vec<u8> = [i64::MAX, i64::MAX, i64::MIN + 3].iter().flat_map(|x| x.to_le_bytes()).collect();
    let file = place.write("x.npy", npy("'<i8'", false, "(3,)", &data));
    let line = place.ok(&["reduce", text(&file), "--stats", "sum,min,max", "--json"]);
    assert!(
        line.contains(r#""stats":{"sum":9223372036854775809,"min":-9223372036854775805,"max":9223372036854775807}"#),
        "{line}"
    );
}

#[test]
fn only_the_stats_asked_for_and_in_that_order() {
    let place = Place::new();
    let file = place.write("x.csv", "1\n2\n4\n");
    let report = place.json(&["reduce", text(&file), "--stats", "max,sample_variance,count", "--json"]);
    let stats: Vec<(&String, &Value)> = report["stats"].as_object().unwrap().iter().collect();
    assert_eq!(
        format!("{stats:?}"),
        r#"[("max", Number(4)), ("sample_variance", Number(2.3333333333333335)), ("count", Number(3))]"#
    );
    assert_eq!(report["bytes"], 24);
    assert!(report["seconds"].as_f64().unwrap() > 0.0);
}

#[test]
fn no_elements_have_no_value() {
    let place = Place::new();
    let report = place.json(&["reduce", &format!("{FIXTURES}/empty.npy"), "--json"]);
    assert_eq!(report["stats"]["count"], 0);
    for stat in ["sum", "mean", "min", "max", "population_variance", "sample_variance", "population_sd", "sample_sd"] {
        assert_eq!(report["stats"][stat], Value::Null, "{stat}");
    }
    let table = place.ok(&["reduce", &format!("{FIXTURES}/empty.npy"), "--stats", "mean"]);
    assert!(table.starts_with("mean                  no value"), "{table}");
}

#[test]
fn files_merge_into_one_answer() {
    let place = Place::new();
    let whole: Vec<u8> = (0..100u32).flat_map(|i| (i as f32 * 0.1).to_le_bytes()).collect();
    let one = place.write("one.npy", npy("'<f4'", false, "(100,)", &whole));
    let a = place.write("a.npy", npy("'<f4'", false, "(37,)", &whole[..37 * 4]));
    let b = place.write("b.npy", npy("'<f4'", false, "(3, 21)", &whole[37 * 4..]));
    let stats =
        |files: &[&str]| place.json(&[&["reduce", "--json", "--engine", "cpu"], files].concat())["stats"].clone();
    let (whole, parts) = (stats(&[text(&one)]), stats(&[text(&a), text(&b)]));
    for (stat, value) in whole.as_object().unwrap() {
        assert!(close(&parts[stat], value), "{stat}: {} for {value}", parts[stat]);
    }
}

#[test]
fn idx_of_every_type_plain_and_compressed() {
    let place = Place::new();
    let idx = |kind: u8, data: &[u8], n: u8| [&[0, 0, kind, 2, 0, 0, 0, 1, 0, 0, 0, n], data].concat();
    let files = [
        (place.write("a.idx", idx(0x08, &[1, 2, 255], 3)), "u8", json!([3, 258, 255])),
        (place.write("b.idx.gz", gzip(&idx(0x09, &[1, 2, 255], 3))), "i8", json!([3, 2, 2])),
        (place.write("t10k-labels-idx1-ubyte", idx(0x0b, &[1, 0, 255, 255], 2)), "i16", json!([2, 255, 256])),
        (place.write("c.idx", idx(0x0c, &[255, 255, 255, 254], 1)), "i32", json!([1, -2, -2])),
        (place.write("known by its magic", idx(0x0d, &[0x3f, 0xc0, 0, 0], 1)), "f32", json!([1, 1.5, 1.5])),
        (place.write("d.idx", idx(0x0e, &2.5f64.to_be_bytes(), 1)), "f64", json!([1, 2.5, 2.5])),
    ];
    for (file, dtype, expected) in files {
        let report = place.json(&["reduce", text(&file), "--stats", "count,sum,max", "--json"]);
        let stats = &report["stats"];
        assert_eq!(
            (report["dtype"].as_str(), json!([stats["count"], stats["sum"], stats["max"]])),
            (Some(dtype), expected)
        );
    }
}

#[test]
fn csv_columns_by_name_and_index() {
    let place = Place::new();
    let table = place.write("t.csv", "city,1,\"high, low\"\nUlm,10,0.5\n\"Bad Urach\",20,-1.5\n");
    let mean =
        |column: &str| place.json(&["reduce", text(&table), "--column", column, "--json"])["stats"]["mean"].clone();
    // A name in the header wins over an index.
    assert_eq!((mean("1"), mean("high, low"), mean("2")), (json!(15.0), json!(-0.5), json!(-0.5)));
    // A row of numbers is data, also where one of them looks like the index.
    let numbers = place.write("numbers.csv", "3,0\n4,5\n6,7\n");
    let stats = place.json(&["reduce", text(&numbers), "--column", "0", "--json"])["stats"].clone();
    assert_eq!((&stats["count"], &stats["sum"]), (&json!(3), &json!(13)));
    let bare = place.write("bare.csv", "1.5\r\n-2e3\r\n.5\r\n");
    assert_eq!(place.json(&["reduce", text(&bare), "--json"])["stats"]["count"], 3);
    let zipped = place.write("z.csv.gz", gzip(b"value\n1\n2\n"));
    assert_eq!(place.json(&["reduce", text(&zipped), "--json"])["stats"]["sum"], 3);
}

#[test]
fn nan_follows_the_policy_and_json_says_what_it_is() {
    let place = Place::new();
    let file = place.write("n.csv", "1\nNaN\n3\ninf\n");
    let through = place.json(&["reduce", text(&file), "--json"]);
    assert_eq!((&through["stats"]["mean"], &through["stats"]["count"]), (&json!("NaN"), &json!(4)));
    let skipped = place.json(&["reduce", text(&file), "--json", "--nan", "skip"]);
    assert_eq!(skipped["nan_skipped"], 1);
    assert_eq!((&skipped["stats"]["max"], &skipped["stats"]["min"]), (&json!("Infinity"), &json!(1.0)));
}

#[test]
fn the_gpu_engine_gives_the_same_answer_and_names_its_adapter() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..100_003u32).map(|i| (i * 7 % 251) as u8).collect();
    let file = place.write("u.npy", npy("'|u1'", false, "(100003,)", &bytes));
    let cpu = place.json(&["reduce", text(&file), "--engine", "cpu", "--json"]);
    let gpu = place.json(&["reduce", text(&file), "--engine", "gpu", "--json"]);
    assert_eq!(gpu["engine"], "gpu");
    assert!(!gpu["adapter"].as_str().unwrap().is_empty());
    assert_eq!(gpu["stats"], cpu["stats"]);
}

#[test]
fn auto_works_without_any_adapter_and_says_why_it_is_on_the_cpu() {
    let place = Place::new();
    let file = place.write("x.npy", npy("'<f4'", false, "(1,)", &[0; 4]));
    let output = place
        .command()
        .args(["reduce", text(&file), "--json"])
        .env("VK_DRIVER_FILES", "/nonexistent")
        .env("VK_ICD_FILENAMES", "/nonexistent")
        .output()
        .unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["engine"], "cpu");
    assert!(report["fallback"].as_str().unwrap().contains("no GPU"), "{report}");
}

#[test]
fn devices_lists_limits_and_features() {
    let place = Place::new();
    let list = place.json(&["devices", "--json"]);
    let first = &list[0];
    assert!(first["limits"]["max_storage_buffer_binding_size"].as_u64().unwrap() >= 128 << 20, "{first}");
    assert!(!first["features"].as_array().unwrap().is_empty());
    assert_eq!((&first["self_test"]["integers"], &first["self_test"]["rounding"]), (&json!(true), &json!(true)));
    let told = place.ok(&["devices"]);
    assert!(told.contains(first["name"].as_str().unwrap()), "{told}");
    assert!(told.contains("self-test: integers         as expected"), "{told}");
}

#[test]
fn explain_says_which_engine_and_why() {
    let place = Place::new();
    let file = place.write("x.npy", npy("'<f4'", false, "(1,)", &[0; 4]));
    for (engine, told) in
        [("cpu", "engine: cpu: it was asked for by name\n"), ("gpu", "engine: gpu, "), ("auto", "engine: cpu: ")]
    {
        let output = place.command().args(["reduce", text(&file), "--engine", engine, "--explain"]).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && error.contains(told), "{error}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let place = Place::new();
    let file = place.write("x.csv", "1\n2\n");
    let mut child = place
        .command()
        .args(["reduce", text(&file)])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
