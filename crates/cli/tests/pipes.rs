//! `strix reduce` on named pipes and standard input: nothing is lost, and Ctrl-C is heard.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use common::{Place, mentions, npy};
use serde_json::json;

/// Makes a pipe that is fed with `bytes`.
fn pipe(place: &Place, name: &str, bytes: Vec<u8>) -> JoinHandle<std::io::Result<()>> {
    let path = place.path(name);
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    std::thread::spawn(move || std::fs::write(path, bytes))
}

#[test]
fn all_of_a_named_pipe_is_read() {
    let place = Place::new();
    let rows: String = (0..200_000).map(|i| format!("{i}\n")).collect();
    for (name, more) in [("bare", &[][..]), ("named.csv", &[]), ("column", &["--column", "v"])] {
        let writer = pipe(&place, name, format!("v\n{rows}").into_bytes());
        let args = [&["reduce", name, "--stats", "count,sum", "--json"], more].concat();
        assert_eq!(place.json(&args)["stats"], json!({"count": 200_000, "sum": 19_999_900_000u64}), "{name}");
        writer.join().unwrap().unwrap();
    }
    // Beside a file, and twice, which cannot be.
    place.write("x.csv", "v\n7\n");
    let writer = pipe(&place, "beside", format!("v\n{rows}").into_bytes());
    let answer = place.json(&["reduce", "x.csv", "beside", "--stats", "count(v)", "--json"]);
    assert_eq!(answer[0]["count(v)"], 200_001);
    writer.join().unwrap().unwrap();
    let writer = pipe(&place, "twice", b"v\n1\n".to_vec());
    mentions(&place.fails(3, &["reduce", "twice", "twice", "--stats", "count(v)"]), &["twice", "was read already"]);
    writer.join().unwrap().unwrap();

    let elements: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    let writer = pipe(&place, "array", npy("'<u4'", false, "(100000,)", &elements));
    let answer = place.json(&["reduce", "array", "--stats", "count,sum", "--json"]);
    assert_eq!(answer["stats"], json!({"count": 100_000, "sum": 4_999_950_000u64}));
    writer.join().unwrap().unwrap();
}

#[test]
fn ctrl_c_is_heard_while_a_pipe_is_silent() {
    let place = Place::new();
    // More rows than a batch has, and fewer, of which no batch comes.
    for (rows, read) in [(100_000, Some(65_536)), (10, None)] {
        let mut command = place.command();
        command.args(["reduce", "-", "--stats", "count,sum", "--json"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let csv: String = (0..rows).map(|row| format!("{row}\n")).collect();
        stdin.write_all(csv.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(500));
        assert!(child.try_wait().unwrap().is_none());
        let kill = format!("kill -INT {}", child.id());
        assert!(Command::new("bash").args(["-c", &kill]).status().unwrap().success());
        let asked = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(asked.elapsed() < Duration::from_secs(5), "Ctrl-C goes unheard");
            std::thread::sleep(Duration::from_millis(10));
        }
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(output.status.code(), Some(130));
        mentions(&String::from_utf8(output.stderr).unwrap(), &["stopped", "standard input"]);
        let answer = serde_json::from_slice::<serde_json::Value>(&output.stdout).ok();
        assert_eq!(answer.map(|answer| answer["stats"]["count"].clone()), read.map(|read: u64| json!(read)));
    }
}
