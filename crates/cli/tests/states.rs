//! Saved states: golden files, and what does not merge.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use std::path::PathBuf;

use common::{Place, mentions, text};
use serde_json::json;

const TABLE: &str = "k,d,i,x,t\na,1,1,0.5,u\nb,2,-2,NaN,v\n,1,3,,u\na,1,300,-2,w\n";

/// Each golden file, and the arguments that make it of [`TABLE`].
const GOLDEN: [(&str, &[&str]); 4] = [
    ("whole", &["--stats", "count, missing(x), mean(i), sd(i), p99(i), histogram(i, 0, 10, 5), corr(d, i)"]),
    ("by_text", &["--by", "k", "--stats", "sum(x), max(t), top(t, 2), distinct(i)", "--nan", "skip"]),
    ("exact", &["--by", "k", "--stats", "count, sum(i), mean(i), sd(i), corr(d, i), range(x)", "--exact"]),
    ("by_two", &["--by", "k,d", "--stats", "count, last(t), arg_max(i)"]),
];

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name).with_extension("state")
}

fn made(place: &Place, args: &[&str]) -> Vec<u8> {
    place.write("t.csv", TABLE);
    place.ok(&[&["reduce", "t.csv", "--save", "made.state"], args].concat());
    std::fs::read(place.path("made.state")).unwrap()
}

/// Writes the golden files anew, for a new version of the form: `cargo test --test states -- --ignored bless`.
#[test]
#[ignore = "writes the golden files"]
fn bless() {
    std::fs::create_dir_all(golden("any").parent().unwrap()).unwrap();
    for (name, args) in GOLDEN {
        std::fs::write(golden(name), made(&Place::new(), args)).unwrap();
    }
}

#[test]
fn golden_files_are_written_and_read_as_ever() {
    let place = Place::new();
    for (name, args) in GOLDEN {
        assert_eq!(made(&place, args), std::fs::read(golden(name)).unwrap(), "{name}");
        let answer = place.json(&[&["reduce", "t.csv", "--json"], args].concat());
        let path = golden(name);
        let shown = place.json(&["state", "show", text(&path), "--json"]);
        assert_eq!((&shown["answer"], &shown["rows"]), (&answer, &json!(4)), "{name}");
        place.ok(&["state", "merge", text(&path), "--save", "again.state"]);
        assert_eq!(std::fs::read(place.path("again.state")).unwrap(), std::fs::read(&path).unwrap(), "{name}");
    }
}

/// A state of a CSV file with that content.
fn state(place: &Place, name: &str, csv: &str, args: &[&str]) -> String {
    place.write("x.csv", csv);
    let file = format!("{name}.state");
    place.ok(&[&["reduce", "x.csv", "--save", &file], args].concat());
    file
}

#[test]
fn keys_of_different_types_do_not_merge() {
    let place = Place::new();
    let by = ["--by", "id", "--stats", "count"];
    let numbers = state(&place, "numbers", "id,x\n1,1\n2,1\n", &by);
    let texts = state(&place, "texts", "id,x\n1,1\nb,1\n", &by);
    let missing = state(&place, "missing", "id,x\n,1\n,1\n", &by);
    let message = place.fails(3, &["state", "merge", &numbers, &texts]);
    mentions(&message, &["texts.state", "\"id\" of text", "keys of integers", "numbers.state", "--type id="]);
    // What is missing goes with either, and does not hide that the others differ.
    let rows = place.json(&["state", "merge", &missing, &texts, "--json"]);
    assert_eq!(rows, json!([{"id": null, "count": 2}, {"id": "1", "count": 1}, {"id": "b", "count": 1}]));
    mentions(&place.fails(3, &["state", "merge", &missing, &numbers, &texts]), &["texts.state", "integers"]);
    let typed = state(&place, "typed", "id,x\n1,1\n2,1\n", &[&by[..], &["--type", "id=text"]].concat());
    assert_eq!(place.json(&["state", "merge", &typed, &texts, "--json"])[0], json!({"id": "1", "count": 2}));
}

#[test]
fn states_of_other_policies_or_statistics_do_not_merge() {
    let place = Place::new();
    let csv = "x\n1\nNaN\n";
    let [skip, through] =
        ["skip", "propagate"].map(|nan| state(&place, nan, csv, &["--stats", "mean(x)", "--nan", nan]));
    let message = place.fails(3, &["state", "merge", &skip, &through]);
    mentions(&message, &["nan propagate", "nan skip", "propagate.state"]);
    let [sd, population] = ["sd(x)", "population_sd(x)"].map(|stat| state(&place, &stat[..2], csv, &["--stats", stat]));
    let message = place.fails(3, &["state", "merge", &sd, &population]);
    mentions(&message, &["population_sd(x), which does not merge with sd(x)"]);
}

#[test]
fn more_bins_than_a_state_holds_are_refused_before_anything_is_read() {
    let place = Place::new();
    let bins: Vec<String> = (1..=5).map(|high| format!("histogram(x, 0, {high}, 1048576)")).collect();
    let message = place.fails(2, &["reduce", "none.csv", "--stats", &bins.join(","), "--save", "s.state"]);
    mentions(&message, &["--save", "bins of histograms"]);
}
