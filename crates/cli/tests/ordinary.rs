//! Files as people have them: text that is nearly a number, headers of years, other separators, parts of other types.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use std::io::Write;
use std::process::Stdio;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, NullArray, StringArray};
use common::{Place, mentions, parquet};
use serde_json::{Value, json};

/// The answer as CSV without its header, and what was said beside it.
fn said(place: &Place, args: &[&str]) -> (String, String) {
    let output = place.run(&[&["reduce"], args, &["--csv"]].concat());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{args:?}: {error}");
    let out = String::from_utf8(output.stdout).unwrap();
    (out.split_once('\n').unwrap().1.to_owned(), error)
}

fn rows(place: &Place, args: &[&str]) -> String {
    said(place, args).0
}

fn piped(place: &Place, bytes: &[u8], args: &[&str]) -> (Option<i32>, String, String) {
    let mut command = place.command();
    let command = command.arg("reduce").arg("-").args(args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn keys_keep_what_tells_them_apart() {
    let place = Place::new();
    place.write("zips.csv", "zip,v\n01234,1\n1234,2\n00501,3\n");
    assert_eq!(rows(&place, &["zips.csv", "--by", "zip", "--stats", "sum(v)"]), "00501,3\n01234,1\n1234,2\n");
    place.write("versions.csv", "version,v\n1.1,1\n1.10,2\n1.100,3\n");
    let stats = "distinct(version), mode(version), sum(version), max(version)";
    assert_eq!(rows(&place, &["versions.csv", "--stats", stats]), "3,1.1,3.3000000000000003,1.1\n");
    assert_eq!(
        rows(&place, &["versions.csv", "--by", "version", "--stats", "mean(version)"]),
        "1.1,1.1\n1.10,1.1\n1.100,1.1\n"
    );
    // Numbers that are written as numbers are sorted as numbers.
    place.write("n.csv", "n,v\n10,1\n9,2\n9,3\n");
    assert_eq!(rows(&place, &["n.csv", "--by", "n", "--stats", "sum(v)"]), "9,5\n10,1\n");
    // A type that is given decides, and parts are alike if one of them has such text.
    assert_eq!(rows(&place, &["zips.csv", "--by", "zip", "--stats", "sum(v)", "--type", "zip=i64"]), "501,3\n1234,3\n");
    place.write("more.csv", "zip,v\n1234,5\n");
    assert_eq!(
        rows(&place, &["more.csv", "zips.csv", "--by", "zip", "--stats", "sum(v)"]),
        "00501,3\n01234,1\n1234,7\n"
    );
    place.ok(&["reduce", "zips.csv", "--by", "zip", "--stats", "sum(v), distinct(zip)", "--save", "z.state"]);
    assert_eq!(place.ok(&["state", "merge", "z.state", "--csv"]).lines().nth(2), Some("01234,1,1"));
    let (code, out, _) = piped(&place, b"zip,v\n01234,1\n1234,2\n", &["--by", "zip", "--stats", "sum(v)", "--csv"]);
    assert_eq!((code, out.as_str()), (Some(0), "zip,sum(v)\n01234,1\n1234,2\n"));
    // What comes after the rows that told the type.
    let many: String = (0..70_000).map(|row| format!("{},1\n", row % 7)).collect();
    place.write("late.csv", format!("k,v\n{many}007,1\n"));
    let message = place.fails(3, &["reduce", "late.csv", "--by", "k", "--stats", "sum(v)"]);
    mentions(&message, &["late.csv: line 70002", "\"007\"", "--type k=text"]);
    assert_eq!(
        rows(&place, &["late.csv", "--stats", "sum(k)"]),
        format!("{}\n", (0..70_000).map(|row| row % 7).sum::<i32>() + 7)
    );
}

#[test]
fn a_header_is_one_for_every_question() {
    let place = Place::new();
    place.write("years.csv", "region,2023,2024\nEMEA,10,20\nAPAC,5,6\n");
    for stats in ["count, sum(1)", "count, sum(2023)"] {
        let (out, note) = said(&place, &["years.csv", "--stats", stats]);
        assert_eq!(out, "2,15\n");
        mentions(&note, &["note: years.csv: line 1 (region, 2023, 2024)", "--header false"]);
    }
    assert_eq!(
        said(&place, &["years.csv", "--stats", "count, sum(1)", "--header", "false"]),
        ("3,2038\n".into(), String::new())
    );
    place.write("na.csv", "1,NA\n2,5\n3,6\n");
    let (out, note) = said(&place, &["na.csv", "--stats", "count, sum(0)"]);
    assert_eq!(out, "3,6\n");
    mentions(&note, &["line 1 (1, NA) is taken as data", "--header true"]);
    assert_eq!(said(&place, &["na.csv", "--stats", "sum(1)", "--null", "NA"]).0, "11\n");
    place.write("sure.csv", "a,b\n1,2\n");
    assert_eq!(said(&place, &["sure.csv", "--stats", "sum(b)"]), ("2\n".into(), String::new()));
}

#[test]
fn quotes_and_separators_are_those_of_the_file() {
    let place = Place::new();
    place.write("titles.tsv", "id\ttitle\tn\ntt1\t\"Swing it\" magistern\t1\ntt2\tSwing it magistern\t2\n");
    let by_title = "\"\"\"Swing it\"\" magistern\",1\nSwing it magistern,2\n";
    assert_eq!(rows(&place, &["titles.tsv", "--by", "title", "--stats", "sum(n)"]), by_title);
    place.write("open.tsv", "id\ttitle\tn\n1\t\"Hello\t1\n2\tWorld\t2\n3\tBye\"\t3\n");
    assert_eq!(rows(&place, &["open.tsv", "--stats", "count, sum(n)"]), "3,6\n");
    place.write("quoted.tsv", "t\tn\n\"a\tb\"\t1\n");
    assert_eq!(rows(&place, &["quoted.tsv", "--by", "t", "--stats", "sum(n)", "--quote", "true"]), "a\tb,1\n");
    for (name, bytes) in
        [("semi.csv", "k;v\na;1\nb;2\n"), ("bar.csv", "k|v\na|1\nb|2\n"), ("tab.csv", "k\tv\na\t1\nb\t2\n")]
    {
        place.write(name, bytes);
        assert_eq!(rows(&place, &[name, "--by", "k", "--stats", "sum(v)"]), "a,1\nb,2\n", "{name}");
    }
    place.write("hat.csv", "k^v\na^1\n");
    assert_eq!(rows(&place, &["hat.csv", "--by", "k", "--stats", "sum(v)", "--separator", "^"]), "a,1\n");
    mentions(&place.fails(2, &["reduce", "hat.csv", "--separator", "::"]), &["--separator", "one ASCII character"]);
    let utf16: Vec<u8> = "\u{feff}k,v\né,1\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    place.write("wide.csv", &utf16);
    assert_eq!(rows(&place, &["wide.csv", "--by", "k", "--stats", "sum(v)"]), "é,1\n");
    place.write("odd.csv", "\"a \"\"b\"\"\",\" x \",\"f(x), y\"\n1,2,3\n");
    let stats = r#"sum("a ""b"""), sum(" x "), sum("f(x), y")"#;
    assert_eq!(rows(&place, &["odd.csv", "--stats", stats]), "1,2,3\n");
    place.write("twice.csv", "x,x\n1,2\n");
    mentions(&place.fails(3, &["reduce", "twice.csv", "--stats", "sum(x)"]), &["2 columns called \"x\"", "x#2"]);
    assert_eq!(rows(&place, &["twice.csv", "--stats", "sum(x#1), sum(1)"]), "1,2\n");
}

#[test]
fn options_that_do_not_apply_are_refused() {
    let place = Place::new();
    parquet(&place, "t.parquet", vec![("x", Arc::new(Int64Array::from(vec![1, 2])))]);
    place.write("a.npy", common::npy("'<i8'", false, "(1,)", &[0; 8]));
    place.write("l.jsonl", "{\"x\":1}\n");
    place.write("c.csv", "x\n1\n");
    let options: [&[&str]; 5] =
        [&["--type", "x=f64"], &["--null", "1"], &["--header", "false"], &["--quote", "true"], &["--separator", ";"]];
    for option in options {
        for file in ["t.parquet", "a.npy"] {
            mentions(&place.fails(2, &[&["reduce", file], option].concat()), &[option[0], file, "leave it out"]);
        }
        let stats = ["reduce", "l.jsonl", "--stats", "sum(x)"];
        if option[0] == "--type" {
            place.ok(&[&stats[..], option].concat());
        } else {
            mentions(&place.fails(2, &[&stats[..], option].concat()), &[option[0], "l.jsonl is jsonl"]);
        }
    }
    for file in ["c.csv", "l.jsonl"] {
        let message = place.fails(3, &["reduce", file, "--stats", "sum(x)", "--type", "nosuch=f64"]);
        mentions(&message, &[file, "\"nosuch\"", "\"x\""]);
    }
    mentions(&place.fails(3, &["reduce", "t.parquet", "--format", "csv"]), &["t.parquet", "cannot be read as csv"]);
    // By what it is, whatever it is called.
    std::fs::copy(place.path("t.parquet"), place.path("t.csv")).unwrap();
    assert_eq!(rows(&place, &["t.csv", "--stats", "sum(x)"]), "3\n");
}

#[test]
fn parts_widen_to_a_type_that_holds_them_all() {
    let place = Place::new();
    let decimal = |digits, precision, scale| -> ArrayRef {
        Arc::new(Decimal128Array::from(vec![digits]).with_precision_and_scale(precision, scale).unwrap())
    };
    let parts: [(&str, ArrayRef); 7] = [
        ("i32", Arc::new(Int32Array::from(vec![7]))),
        ("i64", Arc::new(Int64Array::from(vec![9_007_199_254_740_993]))),
        ("null", Arc::new(NullArray::new(1))),
        ("d2", decimal(250, 10, 2)),
        ("d4", decimal(12_345, 12, 4)),
        ("f64", Arc::new(Float64Array::from(vec![0.5]))),
        ("text", Arc::new(StringArray::from(vec!["x"]))),
    ];
    for (name, x) in parts {
        parquet(&place, &format!("{name}.parquet"), vec![("x", x)]);
    }
    place.write("c.csv", "x\n5\n");
    let sum = |files: &[&str]| {
        let files: Vec<String> = files
            .iter()
            .map(|file| if file.contains('.') { (*file).into() } else { format!("{file}.parquet") })
            .collect();
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        rows(&place, &[&files[..], &["--stats", "count(x), sum(x)"]].concat())
    };
    assert_eq!(sum(&["i32", "i64", "null"]), "2,9007199254741000\n");
    assert_eq!(sum(&["null", "i32"]), "1,7\n");
    assert_eq!(sum(&["d2", "d4", "i64"]), "3,9007199254740996.7345\n");
    assert_eq!(sum(&["f64", "i32", "c.csv"]), "3,12.5\n");
    assert_eq!(sum(&["c.csv", "i64"]), "2,9007199254740998\n");
    let apart = place.fails(3, &["reduce", "i64.parquet", "f64.parquet", "--stats", "count(x)"]);
    mentions(&apart, &["i64.parquet", "9007199254740993", "f64"]);
    let apart = place.fails(3, &["reduce", "i32.parquet", "text.parquet", "--stats", "count(x)"]);
    mentions(&apart, &["text.parquet", "i32.parquet", "holds i32", "holds text"]);
}

#[test]
fn decimals_keep_their_digits() {
    let place = Place::new();
    let cents =
        Decimal128Array::from(vec![Some(110), Some(220), None, Some(-330)]).with_precision_and_scale(38, 2).unwrap();
    let far = vec![Some(9_007_199_254_740_993), Some(9_007_199_254_740_992), None, Some(9_007_199_254_740_993)];
    let far = Decimal128Array::from(far).with_precision_and_scale(38, 0).unwrap();
    parquet(&place, "d.parquet", vec![("c", Arc::new(cents)), ("n", Arc::new(far))]);
    let stats = "sum(c), mean(c), population_variance(c), range(c), min(n), max(n), range(n), first(n), last(n)";
    // (1.21 + 4.84 + 10.89) / 3.
    let expected =
        "0.00,0.0,5.6466666666666665,5.50,9007199254740992,9007199254740993,1,9007199254740993,9007199254740993\n";
    for exact in [&[][..], &["--exact"]] {
        assert_eq!(rows(&place, &[&["d.parquet", "--stats", stats], exact].concat()), expected);
    }
    place.ok(&["reduce", "d.parquet", "--stats", stats, "--save", "d.state"]);
    assert_eq!(place.ok(&["state", "merge", "d.state", "--csv"]).lines().nth(1), Some(expected.trim()));
    let json = place.json(&["reduce", "d.parquet", "--stats", "sum(c)", "--json"]);
    assert_eq!(json[0]["sum(c)"], 0.0);
}

#[test]
fn scale_does_not_matter_to_shape() {
    let place = Place::new();
    for exponent in [0, -80, -85, -300, 80, 100, 300] {
        let cells: String = (1..=100).map(|i| format!("{i}e{exponent}\n")).collect();
        place.write("k.csv", format!("x\n{cells}"));
        let answer = place.json(&["reduce", "k.csv", "--stats", "population_kurtosis(x), skewness(x)", "--json"]);
        let number = |name: &str| answer[0][name].as_f64().unwrap();
        // Of 1..n: -1.2 (n^2 + 1) / (n^2 - 1).
        assert!((number("population_kurtosis(x)") + 1.2 * 10_001.0 / 9_999.0).abs() < 1e-12, "{answer}");
        assert!(number("skewness(x)").abs() < 1e-12, "{answer}");
    }
    place.write("max.csv", "x\n1.7e308\n1.7e308\n");
    assert_eq!(place.json(&["reduce", "max.csv", "--stats", "mean(x)", "--json"])[0]["mean(x)"], 1.7e308);
}

#[test]
fn without_a_question_every_column_is_described() {
    let place = Place::new();
    place.write("t.csv", "city,n,day,ok,\"a \"\"b\"\"\"\nUlm,1,2024-01-01,true,\nBonn,4,2024-01-03,false,2.5\n,,,,\n");
    let described = place.json(&["reduce", "t.csv", "--json"]);
    let row = |column: &str, kind: &str, count: u64, mean: Value, min: Value, max: Value| json!({"column": column, "type": kind, "count": count, "missing": 3 - count, "mean": mean, "min": min, "max": max});
    assert_eq!(
        described,
        json!([
            row("city", "text", 2, Value::Null, json!("Bonn"), json!("Ulm")),
            row("n", "i64", 2, json!(2.5), json!(1), json!(4)),
            row("day", "text", 2, Value::Null, json!("2024-01-01"), json!("2024-01-03")),
            row("ok", "bool", 2, json!(0.5), json!(false), json!(true)),
            row("a \"b\"", "f64", 1, json!(2.5), json!(2.5), json!(2.5)),
        ])
    );
    let (code, out, _) = piped(&place, &std::fs::read(place.path("t.csv")).unwrap(), &["--json"]);
    assert_eq!((code, serde_json::from_str::<Value>(&out).unwrap()), (Some(0), described.clone()));
    // Twice the rows.
    let twice = place.json(&["reduce", "t.csv", "t.csv", "--json"]);
    assert_eq!((&twice[1]["count"], &twice[1]["missing"]), (&json!(4), &json!(2)));
    mentions(&place.ok(&["reduce", "t.csv"]), &["column", "missing", "Bonn", "3 rows"]);
    // Nested columns are there by name and type.
    place.write("n.jsonl", "{\"a\":[1],\"b\":2,\"c\":3}\n");
    assert_eq!(place.json(&["reduce", "n.jsonl", "--json"]).as_array().unwrap().len(), 2);
}

#[test]
fn messages_are_of_what_was_asked() {
    let place = Place::new();
    place.write("s.jsonl", "{\"a\":\"1\"}\n{\"a\":\"x\"}\n");
    let message = place.fails(3, &["reduce", "s.jsonl", "--stats", "sum(a)"]);
    mentions(&message, &["line 2, key \"a\"", "\"x\"", "not a number"]);
    assert!(!message.contains("--type"), "{message}");
    place.write("s.csv", "a\n1\nx\n");
    let message = place.fails(3, &["reduce", "s.csv", "--stats", "sum(a)"]);
    mentions(&message, &["line 3, column \"a\"", "\"x\"", "not a number"]);
    assert!(!message.contains("--null") && !message.contains("--type"), "{message}");
    let (code, _, piped_message) = piped(&place, b"a\n1\nx\n", &["--stats", "sum(a)"]);
    assert_eq!(code, Some(3));
    assert_eq!(piped_message, message.replace("s.csv", "standard input"));
    place.write("s.csv", "a\n1\nn/a\n");
    mentions(&place.fails(3, &["reduce", "s.csv", "--stats", "sum(a)"]), &["\"n/a\"", "--null n/a"]);
    // A key that is first seen late, in another part, or never.
    let many = "{\"a\":1}\n".repeat(70_000);
    place.write("late.jsonl", format!("{many}{{\"b\":5}}\n"));
    assert_eq!(rows(&place, &["late.jsonl", "--stats", "sum(b), count(b)"]), "5.0,1\n");
    place.write("a.jsonl", "{\"a\":1}\n");
    place.write("b.jsonl", "{\"b\":2}\n");
    assert_eq!(rows(&place, &["a.jsonl", "b.jsonl", "--stats", "sum(a), sum(b)"]), "1,2\n");
    for files in [&["a.jsonl"][..], &["a.jsonl", "late.jsonl"]] {
        let message = place.fails(3, &[&["reduce"], files, &["--stats", "sum(c)"]].concat());
        mentions(&message, &["a.jsonl", "\"c\"", "\"a\""]);
    }
    mentions(&place.fails(2, &["reduce", "s.csv", "--stats", "meen(a)"]), &["meen", "did you mean mean?"]);
    assert_eq!(
        rows(
            &place,
            &["zero.csv", "--stats", "AVG(a), StdDev(a), Var(a)"].map(|arg| if arg == "zero.csv" {
                place.write("zero.csv", "a\n1\n3\n");
                arg
            } else {
                arg
            })
        ),
        "2.0,1.4142135623730951,2.0\n"
    );
}
