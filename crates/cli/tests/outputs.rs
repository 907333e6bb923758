//! The files that `strix reduce` and `strix state merge` write: all of them, or none.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use common::{Place, mentions};

#[cfg(unix)]
#[test]
fn ctrl_c_prints_what_was_read_and_leaves_the_files() {
    use std::io::{Read, Write};
    use std::process::Stdio;

    let place = Place::new();
    place.write("o.csv", "count\n7\n");
    let args = ["reduce", "-", "--format", "csv", "--stats", "count(x), mean(x)", "--csv", "--save", "s.state"];
    let mut child = place
        .command()
        .args([&args[..], &["--out", "o.csv"]].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        input.write_all(b"x\n").unwrap();
        // Without end, until nobody reads any more.
        while input.write_all(&b"2\n".repeat(1000)).is_ok() {}
    });
    // Two seconds are enough to read a batch, and the reader never finishes by itself.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let interrupt = format!("kill -INT {}", child.id());
    assert!(std::process::Command::new("bash").args(["-c", &interrupt]).status().unwrap().success());
    let mut answer = String::new();
    child.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let (header, values) = answer.split_once('\n').unwrap();
    assert_eq!(header, "count(x),mean(x)");
    let (count, mean) = values.trim_end().split_once(',').unwrap();
    assert!(count.parse::<u64>().unwrap() > 0, "{answer}");
    assert_eq!(mean, "2.0");
    mentions(&String::from_utf8(output.stderr).unwrap(), &["what was read", "not written: s.state, o.csv"]);
    assert!(!place.path("s.state").exists());
    assert_eq!(std::fs::read_to_string(place.path("o.csv")).unwrap(), "count\n7\n");
}

#[test]
fn a_file_that_fails_takes_the_others_along_but_not_the_answer() {
    let place = Place::new();
    place.write("x.csv", "x\n1\n3\n");
    place.write("o.csv", "earlier\n");
    place.ok(&["reduce", "x.csv", "--stats", "mean(x)", "--save", "x.state"]);
    ["d.csv", "d.state"].iter().for_each(|folder| std::fs::create_dir(place.path(folder)).unwrap());
    for from in [&["reduce", "x.csv", "--stats", "mean(x)"][..], &["state", "merge", "x.state"]] {
        for (out, save) in [("o.csv", "no/s.state"), ("no/o.csv", "s.state")] {
            // A folder that is not there is missed before anything is read.
            let args = [from, &["--out", out, "--save", save, "--csv"]].concat();
            let output = place.run(&args);
            assert_eq!((output.status.code(), &output.stdout[..]), (Some(5), &b""[..]));
            mentions(&String::from_utf8(output.stderr).unwrap(), &["no/", "there is no folder no"]);
            assert_eq!(std::fs::read_to_string(place.path("o.csv")).unwrap(), "earlier\n");
            assert!(!place.path("s.state").exists());
        }
        for (out, save) in [("o.csv", "d.state"), ("d.csv", "s.state")] {
            let output = place.run(&[from, &["--out", out, "--save", save, "--csv"]].concat());
            assert_eq!(output.status.code(), Some(5));
            mentions(&String::from_utf8(output.stderr).unwrap(), &["d."]);
            assert_eq!(String::from_utf8(output.stdout).unwrap(), "mean(x)\n2.0\n");
            assert_eq!(std::fs::read_to_string(place.path("o.csv")).unwrap(), "earlier\n");
            assert!(!place.path("s.state").exists());
        }
    }
}
