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
    assert_eq!(run("own_aggregator"), "mean growth 1.049103\n");
}

#[test]
fn own_buffer() {
    let output = run("own_buffer");
    assert!(output.contains("mean Some(499.5"), "{output}");
    assert!(output.contains("max Some(999.0)"), "{output}");
}
