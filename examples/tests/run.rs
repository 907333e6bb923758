//! Every example runs and prints what it should.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::process::Command;

/// Runs an example, which `cargo test` has built beside this test; its standard output.
fn run(name: &str) -> String {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().and_then(|deps| deps.parent()).unwrap();
    let output = Command::new(profile.join("examples").join(name)).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn one_pass() {
    let output = run("one_pass");
    assert!(output.starts_with("count 1000000, 1 NaN skipped\nmean Some(24.99"), "{output}");
    assert!(output.contains("min Some(20.0), max Some(29.99)"), "{output}");
}

#[test]
fn own_aggregator() {
    // By math.fsum in Python.
    assert_eq!(run("own_aggregator"), "log-sum-exp 806.857339\nparity 0: 805.544077\nparity 1: 806.544077\n");
}

#[test]
fn own_buffer() {
    let output = run("own_buffer");
    assert!(output.contains("mean Some(499.5"), "{output}");
    assert!(output.contains("max Some(999.0)"), "{output}");
}

#[test]
fn own_device() {
    let output = run("own_device");
    assert_eq!(output, "row 63 had mean 630.4995; all rows together are now within 1e0 of 0\n");
}

#[test]
fn own_kernel() {
    // (i % 301) / 100 - 1 is above 1 for 201 to 300: 100 of each 301, of which there are 332 and 68 more elements.
    assert_eq!(run("own_kernel"), "33200 above 1, the greatest of the others Some(1.0), of all Some(2.0)\n");
}

#[test]
fn saved_state() {
    let output = run("saved_state");
    let (mean, median) = output.split_once('\n').unwrap();
    assert_eq!(mean, "mean 49999.5 of 100000");
    // The documented error in rank is 0.13 % of 100,000 items.
    let median: f64 = median.split(' ').nth(1).unwrap().parse().unwrap();
    assert!((median - 49_999.5).abs() <= 130.0, "{output}");
}

#[test]
fn tables() {
    // Of 0 to 999 twice a day: north has the even ones. A quarter of 2000 values ends at rank 499.75, between 248 and 250.
    let output = run("tables");
    assert_eq!(output, "4000 rows\nnorth  2000  499.0  249.5\nsouth  2000  500.0  250.5\n");
}
