//! Named pipes, which have a path and can still be read once only.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod corpus;

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use strix_data::{Error, Format, Source, TableOptions, format_of, open, open_table};

/// A pipe in `folder` that is fed with `bytes`.
fn pipe(folder: &Path, name: &str, bytes: Vec<u8>) -> (Source, JoinHandle<std::io::Result<()>>) {
    let path: PathBuf = folder.join(name);
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let source = Source::from(path.as_path());
    (source, std::thread::spawn(move || std::fs::write(path, bytes)))
}

fn rows(source: &Source) -> Result<usize, Error> {
    let mut reader = open_table(source, &TableOptions::default())?;
    let mut rows = 0;
    while let Some(batch) = reader.next_batch()? {
        rows += batch.num_rows();
    }
    Ok(rows)
}

#[test]
fn nothing_of_a_pipe_is_lost_to_a_peek() {
    let folder = tempfile::tempdir().unwrap();
    let csv: String = (0..200_000).map(|i| format!("{i},x\n")).collect();
    for (name, bytes) in [("plain", csv.clone().into_bytes()), ("packed", corpus::gzip(csv.as_bytes()))] {
        let (source, writer) = pipe(folder.path(), name, bytes);
        assert!(!source.opens_again());
        assert_eq!(format_of(&source, None).unwrap(), Format::Csv);
        assert_eq!(format_of(&source, None).unwrap(), Format::Csv);
        assert_eq!(rows(&source).unwrap(), 200_000);
        writer.join().unwrap().unwrap();
        assert!(rows(&source).unwrap_err().to_string().contains("was read already"), "{name}");
    }

    let elements: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    let (source, writer) = pipe(folder.path(), "array", corpus::npy("<u4", "(100000,)", &elements));
    assert_eq!(format_of(&source, None).unwrap(), Format::Npy);
    let mut reader = open(&source, None, None).unwrap();
    let mut read = 0;
    while let Some(chunk) = reader.next_chunk().unwrap() {
        read += chunk.len();
    }
    assert_eq!(read, 100_000);
    writer.join().unwrap().unwrap();
}
