//! `strix reduce` on tables of every format, whole and by group, against pandas and SciPy.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;

use common::{Place, mentions, text};
use serde_json::{Value, json};

const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tables");
const FILES: [&str; 6] = ["sales.csv", "sales.csv.gz", "sales.tsv.zst", "sales.jsonl", "sales.parquet", "sales.arrow"];

fn fixture(name: &str) -> String {
    format!("{TABLES}/{name}")
}

/// What pandas and SciPy say, by `--by`.
fn expected(by: &str) -> Vec<serde_json::Map<String, Value>> {
    let all: Value = serde_json::from_str(&std::fs::read_to_string(fixture("expected.json")).unwrap()).unwrap();
    all[by].as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect()
}

/// Equal, or a float within 1e-11: pandas sums moments in one pass of f64.
fn close(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-11 * b.abs().max(1e-3)
        }
        // A histogram, of which NumPy gives the counts.
        (Value::Object(histogram), Value::Array(_)) => histogram["counts"] == *expected,
        _ => found == expected,
    }
}

fn check(rows: &Value, by: &str) {
    let expected = expected(by);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), expected.len());
    for (row, expected) in rows.iter().zip(&expected) {
        assert_eq!(row.as_object().unwrap().keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (name, value) in expected {
            assert!(close(&row[name], value), "{by}, {name}: {} for {value}", row[name]);
        }
    }
}

/// All the statistics that the oracle has.
fn stats(by: &str) -> String {
    let first = expected(by).swap_remove(0);
    let names: Vec<&str> =
        first.keys().map(String::as_str).filter(|name| !by.split(',').any(|key| key == *name)).collect();
    names.join(", ")
}

#[test]
fn every_format_whole_and_by_group_as_pandas_has_it() {
    let place = Place::new();
    for file in FILES {
        for by in ["", "region", "region,day"] {
            let (file, stats) = (fixture(file), stats(by));
            let mut args = vec!["reduce", &file, "--stats", &stats, "--json"];
            if !by.is_empty() {
                args.extend(["--by", by]);
            }
            check(&place.json(&args), by);
        }
    }
}

#[test]
fn arrays_of_an_npz_are_columns() {
    let place = Place::new();
    let stats = "count(price), mean(price), p99(price), corr(units, price)";
    let rows = place.json(&["reduce", &fixture("sales.npz"), "--stats", stats, "--nan", "skip", "--json"]);
    let expected = &expected("")[0];
    for (name, value) in rows[0].as_object().unwrap() {
        assert!(close(value, &expected[name]), "{name}: {value} for {}", expected[name]);
    }
    let mean = place.json(&["reduce", &fixture("sales.npz"), "--column", "units", "--stats", "sum", "--json"]);
    assert_eq!((&mean["stats"]["sum"], &mean["dtype"]), (&expected["sum(units)"], &json!("i64")));
    let named =
        |column: &str| place.json(&["reduce", &fixture("sales.npz"), "--column", column, "--json"])["stats"].clone();
    assert_eq!(named("2"), named("units"));
}

#[test]
fn files_that_are_cut_anywhere_give_the_whole_answer() {
    let place = Place::new();
    let csv = std::fs::read_to_string(fixture("sales.csv")).unwrap();
    let (header, lines) = csv.split_once('\n').unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    let mut files = Vec::new();
    for (part, rows) in [&lines[..1], &lines[1..1], &lines[1..1702], &lines[1702..]].iter().enumerate() {
        files.push(place.write(&format!("{part}.csv"), format!("{header}\n{}", rows.join("\n"))));
    }
    let stats = stats("region");
    let mut args = vec!["reduce", "--by", "region", "--stats", &stats, "--json"];
    args.extend(files.iter().map(|file| text(file)));
    check(&place.json(&args), "region");
}

#[test]
fn saved_states_merge_to_one_pass_over_all() {
    let place = Place::new();
    let csv = std::fs::read_to_string(fixture("sales.csv")).unwrap();
    let (header, lines) = csv.split_once('\n').unwrap();
    let lines: Vec<&str> = lines.lines().collect();
    let stats = stats("region,day");
    for (name, rows) in [("a", &lines[..1203]), ("b", &lines[1203..])] {
        let file = place.write(&format!("{name}.csv"), format!("{header}\n{}", rows.join("\n")));
        let state = place.path(&format!("{name}.state"));
        place.ok(&["reduce", text(&file), "--by", "region,day", "--stats", &stats, "--save", text(&state)]);
    }
    check(&place.json(&["state", "merge", "a.state", "b.state", "--json", "--save", "all.state"]), "region,day");
    let shown = place.json(&["state", "show", "all.state", "--json"]);
    check(&shown["answer"], "region,day");
    assert_eq!(shown["rows"], 3000);
    assert_eq!(place.ok(&["state", "verify", "a.state", "all.state"]).lines().count(), 2);
    // The same state in the same bytes, whether saved or merged from one.
    place.ok(&["state", "merge", "all.state", "--save", "again.state"]);
    assert_eq!(std::fs::read(place.path("all.state")).unwrap(), std::fs::read(place.path("again.state")).unwrap());
}

#[test]
fn states_of_arrays_merge_too() {
    let place = Place::new();
    let data: Vec<u8> = (0..100u32).flat_map(|i| (i as f32 * 0.1).to_le_bytes()).collect();
    for (name, bytes) in [("day1", &data[..4 * 30]), ("day2", &data[4 * 30..])] {
        let shape = format!("({},)", bytes.len() / 4);
        place.write(&format!("{name}.npy"), common::npy("'<f4'", false, &shape, bytes));
        place.ok(&[
            "reduce",
            &format!("{name}.npy"),
            "--save",
            &format!("{name}.state"),
            "--stats",
            "mean,arg_max,last",
        ]);
    }
    let merged = place.json(&["state", "merge", "day1.state", "day2.state", "--json"]);
    let both = place.json(&["reduce", "day1.npy", "day2.npy", "--stats", "mean,arg_max,last", "--json"]);
    assert_eq!(merged[0], both["stats"]);
    assert_eq!(both["stats"]["arg_max"], 99);
}

#[test]
fn states_that_do_not_belong_together_are_refused() {
    let place = Place::new();
    place.write("x.csv", "a,b\n1,2.5\n");
    let save = |name: &str, stats: &str| {
        place.ok(&["reduce", "x.csv", "--stats", stats, "--save", name]);
    };
    save("mean.state", "mean(a)");
    save("sd.state", "sd(a)");
    save("other.state", "mean(b)");
    let message = place.fails(3, &["state", "merge", "mean.state", "sd.state"]);
    mentions(&message, &["sd.state", "variance of i64", "mean of i64"]);
    let message = place.fails(3, &["state", "merge", "mean.state", "other.state"]);
    mentions(&message, &["mean of f64", "\"b\"", "mean of i64", "\"a\""]);
    let mut bytes = std::fs::read(place.path("mean.state")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    place.write("damaged.state", &bytes);
    place.write("cut.state", &bytes[..middle]);
    bytes[6] = 9;
    place.write("future.state", &bytes);
    for (file, words) in
        [("damaged.state", "CRC"), ("cut.state", "cut short"), ("future.state", "version 9"), ("x.csv", "STRIX")]
    {
        mentions(&place.fails(3, &["state", "show", file]), &[file, words]);
    }
    let output = place.run(&["state", "verify", "mean.state", "damaged.state"]);
    assert_eq!(output.status.code(), Some(3));
    mentions(&String::from_utf8(output.stdout).unwrap(), &["mean.state: whole, 1 row", "damaged.state", "CRC"]);
}

#[test]
fn standard_input_is_a_file() {
    let place = Place::new();
    for (bytes, by) in [("sales.csv", "region"), ("sales.parquet", "region"), ("sales.jsonl", "region")] {
        let stats = stats(by);
        let mut child = place
            .command()
            .args(["reduce", "-", "--by", by, "--stats", &stats, "--json"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&std::fs::read(fixture(bytes)).unwrap()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        check(&serde_json::from_slice(&output.stdout).unwrap(), by);
    }
}

#[test]
fn the_answer_comes_as_text_csv_json_and_parquet() {
    let place = Place::new();
    place.write("x.csv", "k,v\nb,1\na,2\na,4\n,7\n");
    let table = place.ok(&["reduce", "x.csv", "--by", "k", "--stats", "count, mean(v), top(v, 1)"]);
    assert!(
        table.starts_with(
            "k         count  mean(v)  top(v, 1)\nno value      1      7.0  7 (1)\na             2      3.0  2 (1)\nb"
        ),
        "{table}"
    );
    let args = ["reduce", "x.csv", "--by", "k", "--stats", "count,mean(v),min(v)"];
    let csv = place.ok(&[&args[..], &["--csv", "--out", "out.parquet"]].concat());
    assert_eq!(csv, "k,count,mean(v),min(v)\n,1,7.0,7\na,2,3.0,2\nb,1,1.0,1\n");
    let json = place.json(&[&args[..], &["--json", "--out", "out.csv"]].concat());
    assert_eq!(json[1], json!({"k": "a", "count": 2, "mean(v)": 3.0, "min(v)": 2}));
    assert_eq!(std::fs::read_to_string(place.path("out.csv")).unwrap(), csv);
    // The Parquet reads back as a table of the same types.
    let back = place.json(&["reduce", "out.parquet", "--stats", "sum(count), max(mean(v)), last(k)", "--json"]);
    assert_eq!(back[0], json!({"sum(count)": 4, "max(mean(v))": 7.0, "last(k)": "b"}));
}

#[test]
fn pictures_of_histograms_and_grouped_means() {
    let place = Place::new();
    let sales = fixture("sales.csv");
    let args = ["reduce", &sales, "--by", "region", "--stats", "mean(price)", "--plot", "means.svg"];
    place.ok(&[&args[..], &["--save", "means.state"]].concat());
    // The state holds what was asked for, not what the picture needs beside it.
    let shown = place.json(&["state", "show", "means.state", "--json"]);
    assert_eq!(shown["answer"], place.json(&["reduce", &sales, "--by", "region", "--stats", "mean(price)", "--json"]));
    let svg = std::fs::read_to_string(place.path("means.svg")).unwrap();
    mentions(&svg, &["<svg", "mean(price)", "north", "west, far", "95 %"]);
    place.ok(&["reduce", &sales, "--stats", "histogram(price, 0, 100, 7)", "--plot", "bars.svg"]);
    let svg = std::fs::read_to_string(place.path("bars.svg")).unwrap();
    assert_eq!(svg.matches("fill=\"#2E699E\"").count(), 7);
    let message = place.fails(2, &["reduce", &sales, "--stats", "sum(units)", "--plot", "none.svg"]);
    mentions(&message, &["histogram", "--by"]);
    assert!(!place.path("none.svg").exists());
}

#[test]
fn bad_questions_about_tables() {
    let place = Place::new();
    place.write("x.csv", "k,v,t\na,1,x\nb,2,y\n");
    place.write("y.csv", "k,v,t\na,1.5,x\n");
    let cases: [(i32, &[&str], &[&str]); 10] = [
        (3, &["--stats", "mean(w)"], &["x.csv", "\"w\"", "\"k\", \"v\", \"t\""]),
        (3, &["--stats", "mean(t)"], &["x.csv", "line 2", "\"t\"", "\"x\"", "not a number"]),
        (3, &["--stats", "any(v)"], &["any(v)", "true and false"]),
        (3, &["--stats", "corr(v, t)"], &["line 2", "\"t\"", "not a number"]),
        (3, &["--by", "w", "--stats", "count"], &["x.csv", "\"w\""]),
        (3, &["--stats", "mean"], &["x.csv", "3 columns", "--column"]),
        (2, &["--stats", "mean(v"], &["--stats", "parenthesis"]),
        (2, &["--stats", "mean(v)", "--out", "x.xlsx"], &["x.xlsx", ".parquet"]),
        (2, &["--stats", "mean(v)", "--type", "v"], &["COLUMN=TYPE"]),
        (4, &["--stats", "mean(v)", "--engine", "gpu"], &["arrays", "--engine cpu"]),
    ];
    for (code, args, words) in cases {
        mentions(&place.fails(code, &[&["reduce", "x.csv"], args].concat()), words);
    }
    // Integers here and floats there are floats; text for numbers stays an error.
    let rows = place.json(&["reduce", "x.csv", "y.csv", "--stats", "sum(v)", "--json"]);
    assert_eq!(rows[0]["sum(v)"], 4.5);
    place.write("z.csv", "k,v,t\na,none,x\n");
    mentions(&place.fails(3, &["reduce", "x.csv", "z.csv", "--stats", "sum(v)"]), &["z.csv", "line 2", "none"]);
    // Of a Parquet, the types are as they are.
    let parquet = fixture("sales.parquet");
    mentions(&place.fails(3, &["reduce", &parquet, "--stats", "mean(user)"]), &["mean(user)", "text", "distinct"]);
    let rows = place.json(&["reduce", "x.csv", "z.csv", "--stats", "sum(v)", "--null", "none", "--json"]);
    assert_eq!(rows[0]["sum(v)"], 3.0);
    mentions(
        &place.fails(3, &["reduce", &fixture("sales.npz"), "--by", "day", "--stats", "mean(price)", "--nan", "error"]),
        &["sales.npz", "price", "row", "NaN", "--nan skip"],
    );
}

#[test]
fn integers_beyond_what_f64_tells_apart_stay_apart() {
    let place = Place::new();
    let csv = |args: &[&str]| {
        let told = place.ok(&[&["reduce"], args, &["--csv"]].concat());
        told.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let groups = |files: &[&str]| {
        let rows = csv(&[files, &["--by", "id", "--stats", "count"]].concat());
        rows.iter().map(|row| row.split(',').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    place.write("wide.csv", "id,v\n12345678901234567890123,1\n12345678901234567890124,2\n5,3\n");
    place.write("wide.jsonl", "{\"id\":12345678901234567890123}\n{\"id\":12345678901234567890124}\n{\"id\":5}\n");
    for file in ["wide.csv", "wide.jsonl"] {
        assert_eq!(groups(&[file]), ["5", "12345678901234567890123", "12345678901234567890124"]);
        let stats = "count(id), min(id), max(id), sum(id), distinct(id)";
        assert_eq!(csv(&[file, "--stats", stats]), ["3,5,12345678901234567890124,24691357802469135780252,3"]);
        assert_eq!(csv(&[file, "--by", "id", "--stats", "sum(id)"])[0], "5,5");
    }
    mentions(&place.ok(&["reduce", "wide.csv"]), &["decimal(0)", "12345678901234567890124"]);
    // In later rows as well, where it is asked for.
    let narrow = "1\n".repeat(70_000);
    place.write("late.csv", format!("id\n{narrow}12345678901234567890123\n"));
    let message = place.fails(3, &["reduce", "late.csv", "--stats", "max(id)"]);
    mentions(&message, &["line 70002", "--type id=integer"]);
    assert_eq!(csv(&["late.csv", "--stats", "max(id)", "--type", "id=integer"]), ["12345678901234567890123"]);
    // Beyond what any type holds, they are text.
    let long = "9".repeat(80);
    place.write("long.csv", format!("id\n{long}\n5\n"));
    assert_eq!(csv(&["long.csv", "--stats", "distinct(id), max(id)"]), [format!("2,{long}")]);

    // A file without values says nothing of the type; signed and unsigned do not meet in f64.
    place.write("near.csv", "id,v\n9007199254740993,1\n9007199254740992,2\n");
    place.write("none.csv", "id,v\n,1\n");
    place.write("large.csv", "id,v\n18446744073709551615,1\n18446744073709551614,1\n");
    let near = ["", "9007199254740992", "9007199254740993"];
    assert_eq!(groups(&["near.csv", "none.csv"]), near);
    assert_eq!(groups(&["none.csv", "near.csv"]), near);
    assert_eq!(groups(&["none.csv", "large.csv"])[2], u64::MAX.to_string());
    let both = groups(&["near.csv", "large.csv"]);
    assert_eq!((both.len(), &*both[3]), (4, "18446744073709551615"));
    assert_eq!(csv(&["near.csv", "large.csv", "--stats", "max(id)"]), [u64::MAX.to_string()]);
}

#[test]
fn rows_are_counted_without_their_cells() {
    let place = Place::new();
    place.write("nested.jsonl", "{\"a\":[1],\"b\":2}\n{\"c\":{}}\n");
    place.write("latin.csv", b"a,b\n1,\xff\n2,x\n");
    for file in ["nested.jsonl", "latin.csv"] {
        assert_eq!(place.json(&["reduce", file, "--stats", "count", "--json"])["stats"]["count"], 2, "{file}");
    }
    for file in FILES {
        assert_eq!(place.json(&["reduce", &fixture(file), "--stats", "count", "--json"])["stats"]["count"], 3000);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn long_cells_take_bounded_memory() {
    let place = Place::new();
    let file = std::fs::File::create(place.path("long.csv")).unwrap();
    let mut file = std::io::BufWriter::new(file);
    writeln!(file, "k,t").unwrap();
    (0..600_000).for_each(|row| writeln!(file, "{},{row:01000}", row % 3).unwrap());
    file.into_inner().unwrap();
    let args = ["reduce", "long.csv", "--by", "k", "--stats", "distinct(t)", "--csv"];
    let mut child = place.command().args(args).stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(peak);
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(child.wait().unwrap().success());
    assert!((1..250_000).contains(&peak), "{peak} kB");
}

#[test]
fn a_column_goes_by_name_and_index_at_once() {
    let place = Place::new();
    place.write("x.csv", "k,price\na,1\nb,2\n");
    let rows = place.json(&["reduce", "x.csv", "--stats", "count(price),mean(1)", "--json"]);
    assert_eq!(rows[0], json!({"count(price)": 2, "mean(1)": 1.5}));
    let rows = place.json(&["reduce", &fixture("sales.parquet"), "--by", "region", "--stats", "distinct(0)", "--json"]);
    assert!(rows.as_array().is_some_and(|rows| rows.len() > 1));
}

#[test]
fn a_mode_is_said_only_where_it_is_certain() {
    let place = Place::new();
    // 5000 different values 20 times over, each of which crowds others out, then one of them more often.
    let values = |often: usize| {
        let different = (0..5000).map(|i| format!("v{i}\n")).collect::<String>();
        format!("x\n{}{}", different.repeat(20), "most\n".repeat(often))
    };
    place.write("open.csv", values(1));
    assert_eq!(place.json(&["reduce", "open.csv", "--stats", "mode(x)", "--json"])[0]["mode(x)"], Value::Null);
    place.write("certain.csv", values(500));
    assert_eq!(place.json(&["reduce", "certain.csv", "--stats", "mode(x)", "--json"])[0]["mode(x)"], "most");
    place.write("few.csv", "x\nb\na\nb\na\nc\n");
    assert_eq!(place.json(&["reduce", "few.csv", "--stats", "mode(x)", "--json"])[0]["mode(x)"], "a");
    mentions(&place.ok(&["reduce", "--help"]), &["leave it open", "Decimals are exact in", "64 bits round"]);
}

#[test]
fn a_picture_that_cannot_be_drawn_costs_the_files_but_not_the_answer() {
    let place = Place::new();
    let plot = |csv: &str, stats: &str| {
        place.write("x.csv", csv);
        let args = ["reduce", "x.csv", "--by", "k", "--stats", stats, "--plot", "p.svg", "--out", "o.csv"];
        place.run(&[&args[..], &["--type", "x=f64", "--csv"]].concat())
    };
    for (csv, stats, words) in [
        ("k,x\na,\nb,\n", "mean(x)", "no group has a mean"),
        ("k,x\na,NaN\nb,NaN\n", "mean(x)", "no group has a mean"),
        ("k,x\na,1e308\nb,-1e308\n", "mean(x)", "cannot be drawn"),
        ("k,x\na,1\nb,2\n", "histogram(x, -1e308, 1e308, 3)", "cannot be drawn"),
        ("k,x\na,1\nb,2\n", "histogram(x, 0, 1e-310, 3)", "cannot be drawn"),
    ] {
        let output = plot(csv, stats);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(5), "{error}");
        mentions(&error, &[words]);
        assert!(String::from_utf8(output.stdout).unwrap().starts_with("k,"));
        assert!(!place.path("o.csv").exists() && !place.path("p.svg").exists());
    }
    // Means that differ in their last bit, or not at all.
    assert!(plot("k,x\na,1\nb,1.0000000000000002\n", "mean(x)").status.success());
    assert!(plot("k,x\na,0\nb,0\n", "mean(x)").status.success());
}

#[test]
fn names_in_by_are_read_as_in_stats_and_are_different() {
    let place = Place::new();
    place.write("x.csv", "count,\"net, total\",v\nx,1,-999\ny,2,3\n");
    let args = ["reduce", "x.csv", "--by", "count, \"net, total\"", "--stats", "count(v)", "--null", "-999", "--csv"];
    assert_eq!(place.ok(&args), "count,\"net, total\",count(v)\nx,1,0\ny,2,1\n");
    for by in ["count", "v,v", "v, v"] {
        mentions(
            &place.fails(2, &["reduce", "none.csv", "--by", by]),
            &["two of them", &format!("{:?}", &by[..1])[..2]],
        );
    }
    mentions(&place.fails(2, &["reduce", "none.csv", "--by", "a,,b"]), &["--by", "between two commas"]);
}

#[test]
fn counts_are_of_what_is_said() {
    let place = Place::new();
    // By default everything is of the only column, its count too; saved and read again likewise.
    place.write("x.csv", "x\n1\n\"\"\n3\n");
    let stats = place.json(&["reduce", "x.csv", "--json", "--save", "x.state"])["stats"].clone();
    assert_eq!((&stats["count"], &stats["mean"], &stats["sum"]), (&json!(2), &json!(2.0), &json!(4)));
    assert_eq!(place.json(&["state", "merge", "x.state", "--json"])[0], stats);
    // A NaN is one however many statistics left it out.
    place.write("n.csv", "k,x,y\na,NaN,1\na,2,3\nb,4,NaN\n");
    for by in [&[][..], &["--by", "k"]] {
        let stats = "mean(x), max(x), distinct(x), corr(x, y), count";
        let args = ["reduce", "n.csv", "--stats", stats, "--nan", "skip", "--save", "n.state"];
        mentions(&place.ok(&[&args[..], by].concat()), &["2 NaN skipped"]);
        assert_eq!(place.json(&["state", "show", "n.state", "--json"])["nan_skipped"], 2);
    }
}

/// Text that a file has as codes is grouped by them: each form of it gives the groups of the same rows as CSV.
#[test]
fn text_in_dictionaries_groups_as_plain_text_does() {
    use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
    use arrow::datatypes::Int32Type;
    use parquet::file::properties::WriterProperties;

    let place = Place::new();
    let rows = 40_000i64;
    // Few cities with a missing one, and more streets than codes are made of.
    let city = |row: i64| (row % 11 != 3).then(|| format!("city {}", row * 7 % 13));
    let street = |row: i64| Some(format!("street {}", row * 31 % 9001));
    let cities: Vec<Option<String>> = (0..rows).map(city).collect();
    let streets: Vec<Option<String>> = (0..rows).map(street).collect();
    let n: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let batch = |columns: [ArrayRef; 2]| {
        let [city, street] = columns;
        RecordBatch::try_from_iter_with_nullable([
            ("city", city, true),
            ("street", street, true),
            ("n", n.clone(), true),
        ])
        .unwrap()
    };
    let plain = batch([&cities, &streets].map(|cells| Arc::new(StringArray::from(cells.clone())) as ArrayRef));
    let coded =
        batch([&cities, &streets].map(|cells| {
            Arc::new(cells.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>()) as ArrayRef
        }));
    let parquet = |name: &str, batch: &RecordBatch, properties: WriterProperties| {
        let mut bytes = Vec::new();
        let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(batch).unwrap();
        writer.close().unwrap();
        place.write(name, bytes);
    };
    let properties = || WriterProperties::builder().set_max_row_group_row_count(Some(7000));
    parquet("coded.parquet", &plain, properties().build());
    parquet("plain.parquet", &plain, properties().set_dictionary_enabled(false).build());
    // Row groups that begin with codes and go on in plain text.
    let mixed = properties().set_dictionary_page_size_limit(400).set_data_page_row_count_limit(500);
    parquet("mixed.parquet", &plain, mixed.set_write_batch_size(100).build());
    parquet("categories.parquet", &coded, properties().build());
    let mut bytes = Vec::new();
    let mut writer = arrow::ipc::writer::FileWriter::try_new(&mut bytes, &coded.schema()).unwrap();
    writer.write(&coded).unwrap();
    writer.finish().unwrap();
    drop(writer);
    place.write("coded.arrow", bytes);
    let line = |(row, (city, street)): (i64, (&Option<String>, &Option<String>))| {
        format!("{},{},{row}\n", city.as_deref().unwrap_or_default(), street.as_deref().unwrap_or_default())
    };
    let lines: String = (0..rows).zip(cities.iter().zip(&streets)).map(line).collect();
    place.write("plain.csv", format!("city,street,n\n{lines}"));

    for by in ["city", "street", "city,street", "street,n"] {
        let ask = |files: &[&str]| {
            let stats = "count, sum(n), first(n), distinct(street)";
            place.json(&[&["reduce"], files, &["--by", by, "--stats", stats, "--json"]].concat())
        };
        let expected = ask(&["plain.csv"]);
        for file in ["coded.parquet", "plain.parquet", "mixed.parquet", "categories.parquet", "coded.arrow"] {
            assert!(ask(&[file]) == expected, "{file} by {by}");
        }
        let twice = ask(&["plain.csv", "plain.csv"]);
        assert!(ask(&["coded.parquet", "plain.csv"]) == twice, "Parquet and CSV by {by}");
        assert!(ask(&["coded.arrow", "mixed.parquet"]) == twice, "IPC and Parquet by {by}");
    }
}
