//! `strix find-rate` on the drawn dataset.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use common::{Place, mentions};

const SMALL: [&str; 12] = [
    "find-rate",
    "--dataset",
    "garments",
    "--limit",
    "1000",
    "--model",
    "fcnn",
    "--dense-width",
    "64",
    "--batch-size",
    "32",
    "--json",
];

#[test]
fn the_suggested_rate_trains_and_one_far_above_does_not() {
    let place = Place::new();
    let found = place.json(&SMALL);
    let points = found["points"].as_array().unwrap();
    // 25 batches an epoch: the test went on into further ones.
    assert!(points.len() > 60 && points.len() <= 200, "{}", points.len());
    let rates: Vec<f64> = points.iter().map(|point| point["rate"].as_f64().unwrap()).collect();
    assert_eq!(rates[0], 1e-6);
    assert!(rates.windows(2).all(|pair| pair[0] < pair[1]));
    let [steepest, lowest, suggestion] = ["steepest", "lowest", "suggestion"].map(|name| found[name].as_f64().unwrap());
    assert!(steepest <= lowest && (suggestion - lowest / 10.0).abs() < 1e-12);

    // The same curve again, and no run left behind.
    assert_eq!(place.json(&SMALL), found);
    assert!(!place.path("runs").exists());

    let loss = |rate: f64, out: &str| {
        let rate = rate.to_string();
        let recipe = ["--epochs", "8", "--schedule", "constant", "--learning-rate", &rate, "--out", out];
        let trained = place.run(&[&["train"], &SMALL[1..11], &recipe].concat());
        let log = std::fs::read_to_string(place.path(out).join("metrics.jsonl")).unwrap_or_default();
        assert!(trained.status.success() || trained.status.code() == Some(6), "{trained:?}");
        let last: Option<serde_json::Value> = log.lines().last().map(|line| serde_json::from_str(line).unwrap());
        last.map_or(f64::INFINITY, |last| last["validation"]["loss_mean"].as_f64().unwrap())
    };
    let (good, bad) = (loss(suggestion, "good"), loss(300.0 * suggestion, "bad"));
    assert!(good < 1.7 && bad > 1.3 * good, "{good} at {suggestion}, {bad} at 300 times that");
}

#[test]
fn the_table_and_the_picture_tell_the_suggestion() {
    let place = Place::new();
    let table = place.ok(&[&SMALL[..11], &["--steps", "40", "--plot", "rate.svg"]].concat());
    mentions(&table, &["rate", "1.0e-6", "the loss fell fastest at", "try --learning-rate"]);
    let picture = std::fs::read_to_string(place.path("rate.svg")).unwrap();
    mentions(&picture, &["<svg", "FCNN: loss by learning rate", "suggested"]);
}

#[test]
fn ranges_that_are_none_are_refused() {
    let place = Place::new();
    let refused = |more: &[&str], words: &[&str]| mentions(&place.fails(2, &[&SMALL, more].concat()), words);
    refused(&["--least", "1", "--most", "0.1"], &["--least 1", "--most 0.1"]);
    refused(&["--least", "0"], &["--least 0"]);
    refused(&["--steps", "3"], &["--steps is 3", "from 10"]);
    refused(&["--width", "8"], &["--width is not for FCNN"]);
}
