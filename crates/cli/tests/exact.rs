//! `strix reduce --exact`: one answer on both engines, to the last bit, and states of it.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use common::{Place, mentions, npy, text};
use serde_json::json;

const STATS: &str = "count,sum,mean,sample_variance,population_sd,min,max";

/// Values that cancel but for the last: 3 2^-100 is what is left, on the way are 2^99 and more.
fn cancelling() -> Vec<f32> {
    let large = (0..30_000).map(|i| 2f32.powi(i % 100) * (1 + i % 7) as f32);
    large.clone().chain(large.map(|x| -x)).chain([3.0 * 2f32.powi(-100)]).collect()
}

fn written(place: &Place, name: &str, items: &[f32]) -> String {
    let data: Vec<u8> = items.iter().flat_map(|x| x.to_le_bytes()).collect();
    text(&place.write(name, npy("'<f4'", false, &format!("({},)", items.len()), &data))).to_owned()
}

#[test]
fn both_engines_say_the_same_to_the_last_bit() {
    let place = Place::new();
    let file = written(&place, "x.npy", &cancelling());
    let [cpu, gpu] = ["cpu", "gpu"].map(|engine| {
        let report = place.json(&["reduce", &file, "--stats", STATS, "--exact", "--engine", engine, "--json"]);
        assert_eq!(report["engine"], engine);
        report["stats"].clone()
    });
    assert_eq!(cpu, gpu);
    assert_eq!(cpu["count"], 60_001);
    assert_eq!(cpu["sum"], 3.0 * 2f64.powi(-100));
    assert_eq!(cpu["mean"], 3.0 * 2f64.powi(-100) / 60_001.0);
    // Alone, each has a state of its own, and the answer is the same.
    for stat in ["sum", "mean"] {
        let alone = place.json(&["reduce", &file, "--stats", stat, "--exact", "--engine", "gpu", "--json"]);
        assert_eq!(alone["stats"][stat], cpu[stat]);
    }
    // All the default statistics have an exact form.
    let all = place.json(&["reduce", &file, "--exact", "--engine", "cpu", "--json"]);
    assert_eq!(all["stats"]["sample_variance"], cpu["sample_variance"]);
}

#[test]
fn merged_states_are_those_of_one_pass() {
    let place = Place::new();
    let items = cancelling();
    let (a, b) = items.split_at(40_007);
    let (a, b) = (written(&place, "a.npy", a), written(&place, "b.npy", b));
    let save = |files: &[&str], state: &str| {
        let args = ["--stats", STATS, "--exact", "--engine", "cpu", "--save", state];
        place.ok(&[&["reduce"], files, &args].concat());
        std::fs::read(place.path(state)).unwrap()
    };
    let whole = save(&[&a, &b], "whole.state");
    assert_eq!(save(&[&b, &a], "turned.state"), whole);
    save(&[&a], "a.state");
    save(&[&b], "b.state");
    place.ok(&["state", "merge", "b.state", "a.state", "--save", "merged.state"]);
    assert_eq!(std::fs::read(place.path("merged.state")).unwrap(), whole);
    let shown = place.json(&["state", "show", "merged.state", "--json"]);
    assert_eq!(shown["answer"][0]["sum"], 3.0 * 2f64.powi(-100));
    place.ok(&["reduce", &a, "--stats", STATS, "--engine", "cpu", "--save", "fast.state"]);
    mentions(
        &place.fails(3, &["state", "merge", "a.state", "fast.state"]),
        &["exact variance of f32", "variance of f32"],
    );
}

#[test]
fn tables_by_group_and_pairs() {
    let place = Place::new();
    place.write("t.csv", "k,x,y\na,1e16,1\na,1,2\na,-1e16,4\nb,0.1,1\nb,0.1,3\nb,,5\n");
    let args = ["reduce", "t.csv", "--by", "k", "--exact", "--json", "--stats"];
    let stats = "count(x), sum(x), mean(x), var(x), cov(x, y), corr(x, y), distinct(k)";
    mentions(&place.fails(2, &[&args[..], &[stats]].concat()), &["--exact", "distinct(k)", "no exact form"]);
    let rows = place.json(&[&args[..], &["count(x), sum(x), mean(x), var(x), cov(x, y), corr(x, y), max(y)"]].concat());
    assert_eq!(rows[0]["sum(x)"], 1.0);
    assert_eq!(rows[0]["mean(x)"], 1.0 / 3.0);
    // (1e32 + 1e32 + 1 - 1/3) / 2, rounded.
    assert_eq!(rows[0]["var(x)"], 1e32);
    let b = json!({
        "k": "b", "count(x)": 2, "sum(x)": 0.2, "mean(x)": 0.1, "var(x)": 0.0, "cov(x, y)": 0.0, "corr(x, y)": null,
        "max(y)": 5
    });
    assert_eq!(rows[1], b);
    // What becomes f64 on the way could round there.
    place.write("w.csv", "a,b\n9007199254740993,1\n9007199254740992,0\n");
    let args = ["reduce", "w.csv", "--exact", "--stats"];
    mentions(
        &place.fails(3, &[&args[..], &["cov(a, b)"]].concat()),
        &["--exact", "\"a\"", "9007199254740993", "round"],
    );
    place.ok(&[&args[..], &["sum(a), var(b)"]].concat());
    let plotted =
        ["reduce", "t.csv", "--by", "k", "--exact", "--stats", "mean(y)", "--plot", "p.svg", "--save", "p.state"];
    place.ok(&plotted);
    assert_eq!(place.json(&["state", "show", "p.state", "--json"])["answer"][0]["mean(y)"], 7.0 / 3.0);
}
