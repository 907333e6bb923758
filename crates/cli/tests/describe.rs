//! `strix describe`: a table as it is.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use common::{Place, mentions};
use serde_json::{Value, json};

/// 101 rows: a number from 0 to 100, a text, a truth value, a date's text, and a column of which two cells are there.
fn table() -> String {
    let row = |n: u32| {
        let (text, truth) = (["a", "b", "b", "<c>"][n as usize % 4], n.is_multiple_of(2));
        let rare = if n < 2 { n.to_string() } else { String::new() };
        format!("{n},{text},{truth},{rare},{}\n", f64::from(n) / 4.0)
    };
    "n,text,truth,rare,x\n".chars().chain((0..=100).flat_map(|n| row(n).chars().collect::<Vec<_>>())).collect()
}

#[test]
fn every_column_is_described() {
    let place = Place::new();
    place.write("t.csv", table());
    let told = place.json(&["describe", "t.csv", "--json"]);
    assert_eq!((&told["rows"], &told["nan"]), (&json!(101), &json!(0)));
    let columns = told["columns"].as_array().unwrap();
    let field = |name: &str| columns.iter().map(|column| column[name].clone()).collect::<Vec<Value>>();
    assert_eq!(field("name"), ["n", "text", "truth", "rare", "x"]);
    assert_eq!(field("type"), ["i64", "text", "bool", "i64", "f64"]);
    assert_eq!(field("count"), [101, 101, 101, 2, 101]);
    assert_eq!(field("missing"), [0, 0, 0, 99, 0]);
    assert_eq!(field("distinct"), [101, 3, 2, 2, 101]);
    // Of 0 to 100: the mean is 50, the variance over n - 1 is n (n + 1) / 12 = 858.5, and quantiles are whole.
    let n = &columns[0];
    assert_eq!((n["mean"].as_f64(), n["sd"].as_f64()), (Some(50.0), Some(858.5f64.sqrt())));
    assert_eq!(
        [&n["min"], &n["p25"], &n["median"], &n["p75"], &n["max"]].map(Value::as_f64),
        [0, 25, 50, 75, 100].map(|q| Some(f64::from(q)))
    );
    // 24 bins of 100 / 24: each has the numbers from its edge on that are below the next.
    let counts: Vec<u64> =
        n["histogram"]["counts"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).collect();
    let edges: Vec<f64> =
        n["histogram"]["edges"].as_array().unwrap().iter().map(|edge| edge.as_f64().unwrap()).collect();
    assert_eq!((counts.len(), counts.iter().sum::<u64>()), (24, 101));
    for (bin, count) in counts.iter().enumerate() {
        let inside = |x: f64| edges[bin] <= x && (x < edges[bin + 1] || bin == 23);
        assert_eq!(*count, (0..=100).filter(|&x| inside(f64::from(x))).count() as u64, "bin {bin}");
    }
    let text = &columns[1];
    assert_eq!((&text["mean"], &text["min"], &text["max"]), (&Value::Null, &json!("<c>"), &json!("b")));
    assert_eq!(text["top"]["values"][0], json!({"value": "b", "count": 50}));
    assert_eq!(columns[3]["mean"], json!(0.5));
}

#[test]
fn it_is_a_table_for_people_and_a_page() {
    let place = Place::new();
    place.write("t.csv", table());
    let told = place.ok(&["describe", "t.csv", "--html", "t.html"]);
    mentions(&told, &["column", "distribution", "most frequent", "truth", "1 file, 101 rows"]);
    assert!(told.lines().all(|line| line.chars().count() <= 160), "{told}");
    let page = std::fs::read_to_string(place.path("t.html")).unwrap();
    mentions(&page, &["<!doctype html>", "101 rows", "&lt;c&gt;", "<svg", "</html>"]);
    assert!(!page.contains("<c>") && !page.contains("<script") && !page.contains("http"), "{page}");
    for tag in ["section", "table", "div", "svg", "td", "tr"] {
        let count = |what: &str| page.matches(what).count();
        assert_eq!(count(&format!("<{tag}>")) + count(&format!("<{tag} ")), count(&format!("</{tag}>")), "{tag}");
    }
    let csv = place.ok(&["describe", "t.csv", "--csv"]);
    assert_eq!(csv.lines().nth(1).map(|line| line.starts_with("n,i64,101,0,101,50.0,")), Some(true), "{csv}");
}

#[test]
fn nan_missing_and_nothing_are_told_apart() {
    let place = Place::new();
    place.write("nan.csv", "x,e\n1,\nNaN,\n3,\n,\n");
    let told = place.json(&["describe", "nan.csv", "--json"]);
    let x = &told["columns"][0];
    assert_eq!((&x["count"], &x["missing"], &x["mean"], &told["nan"]), (&json!(3), &json!(1), &json!(2.0), &json!(1)));
    assert_eq!((&told["columns"][1]["count"], &told["columns"][1]["max"]), (&json!(0), &Value::Null));
    let message = place.fails(3, &["describe", "nan.csv", "--nan", "error"]);
    mentions(&message, &["nan.csv", "row 1", "NaN"]);
    place.write("none.csv", "a,b\n");
    assert_eq!(place.json(&["describe", "none.csv", "--json"])["rows"], json!(0));
}

#[test]
fn several_files_are_one_table_and_bad_ones_are_named() {
    let place = Place::new();
    place.write("a.csv", "k,x\na,1\n");
    place.write("b.csv", "k,x\nb,2.5\n");
    let told = place.json(&["describe", "a.csv", "b.csv", "--json"]);
    assert_eq!((&told["rows"], &told["columns"][1]["max"]), (&json!(2), &json!(2.5)));
    mentions(&place.fails(3, &["describe", "a.csv", "gone.csv"]), &["gone.csv"]);
    mentions(&place.fails(5, &["describe", "a.csv", "--html", "gone/page.html"]), &["gone"]);
    mentions(&place.fails(2, &["describe", "a.csv", "--memory", "lots"]), &["8GB"]);
    assert!(!place.path("gone").exists());
}

#[test]
fn groups_beyond_the_memory_end_with_an_error() {
    let place = Place::new();
    let rows: String = (0..5000).map(|row| format!("{row},{row}\n")).collect();
    place.write("many.csv", format!("k,x\n{rows}"));
    let message =
        place.fails(3, &["reduce", "many.csv", "--by", "k", "--stats", "sum(x)", "--memory", "1MB", "--out", "o.csv"]);
    mentions(&message, &["5000 groups", "limit is 0.00 GB", "--memory"]);
    assert!(!place.path("o.csv").exists());
    let all = place.ok(&["reduce", "many.csv", "--by", "k", "--stats", "sum(x)", "--memory", "0", "--csv"]);
    assert_eq!(all.lines().count(), 5001);
}
