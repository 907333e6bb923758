//! Standard input, which can be peeked into and read once. Each case is a process of its own.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]
#![allow(clippy::print_stdout, reason = "the child tells its parent what it read")]

mod corpus;

use std::io::Write;
use std::process::{Command, Stdio};

use strix_data::{Format, Source, TableOptions, format_of, open_table};

/// Set in a child.
const CHILD: &str = "STRIX_STDIN_TEST_CHILD";

/// What a child prints that reads `bytes`.
fn child(bytes: &[u8]) -> String {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // A writer that is slow at its begin must not be misunderstood.
    let mut stdin = child.stdin.take().unwrap();
    for part in [&bytes[..1], &bytes[1..]] {
        stdin.write_all(part).unwrap();
        stdin.flush().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(stdin);
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn the_child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let source = Source::parse("-");
    let format = format_of(&source, None).unwrap();
    let mut rows = 0;
    let mut reader = open_table(&source, &TableOptions::default()).unwrap();
    let outcome = loop {
        match reader.next_batch() {
            Ok(Some(batch)) => rows += batch.num_rows(),
            end => break end.map(|_| ()),
        }
    };
    let again = open_table(&source, &TableOptions::default()).err().unwrap();
    println!("{format}, {rows} rows, {outcome:?}, {again}");
}

#[test]
fn every_format_comes_through_a_pipe() {
    let rows = [(Format::Csv, 3), (Format::Tsv, 2), (Format::JsonLines, 3), (Format::Parquet, 45)];
    for (format, rows) in rows.into_iter().chain([(Format::ArrowIpc, 80), (Format::Npz, 3)]) {
        let bytes = corpus::of(format).remove(0);
        for bytes in [corpus::gzip(&bytes), zstd::encode_all(&bytes[..], 0).unwrap(), bytes] {
            let said = child(&bytes);
            assert!(said.contains(&format!("{format}, {rows} rows, Ok(())")), "{said}");
            assert!(said.contains("standard input: was read already"), "{said}");
        }
    }
    let mut long = "a,b\n".to_string();
    (0..100_000).for_each(|i| long += &format!("{i},x\n"));
    let said = child((long.clone() + "?,x\n").as_bytes());
    // The rows before it come first, as many as were read together.
    assert!(!said.contains("csv, 0 rows") && said.contains("line 100002, column \\\"a\\\""), "{said}");
    assert!(child(long.as_bytes()).contains("csv, 100000 rows, Ok(())"));
}
