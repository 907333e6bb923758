//! Runs the binary, far from the user's own cache and from any network.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arrow::array::{ArrayRef, RecordBatch};

pub struct Place {
    pub folder: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The command, in this folder, with an empty cache and no way to download.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_strix"));
        command
            .current_dir(self.folder.path())
            .env("HOME", self.folder.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("XDG_RUNTIME_DIR", self.folder.path())
            .env("STRIX_FASHION_MNIST_URL", "http://127.0.0.1:9")
            .env_remove("STRIX_DATA");
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command().args(args).output().unwrap()
    }

    /// Standard output of a run that must succeed.
    pub fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "strix {args:?} failed: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub fn json(&self, args: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ok(args)).unwrap()
    }

    /// Standard error of a run that must end with `code`.
    #[track_caller]
    pub fn fails(&self, code: i32, args: &[&str]) -> String {
        fails(self.command().args(args), code)
    }
}

#[track_caller]
pub fn fails(command: &mut Command, code: i32) -> String {
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{command:?}: {error}");
    assert!(!error.contains("panicked"), "{error}");
    assert!(output.stdout.is_empty() || code != 3, "a failed run printed an answer");
    error
}

#[track_caller]
pub fn mentions(message: &str, words: &[&str]) {
    for word in words {
        assert!(message.contains(word), "{message:?} does not mention {word:?}");
    }
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A .npy file of version 1.
pub fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

/// A gzip stream of `bytes`.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Pictures a class.
pub const PICTURES: usize = 40;

/// A folder of two classes: white on the left or on the right. Each picture has pixels of its own, which `salt` changes.
pub fn pictures(place: &Place, folder: &str, classes: [&str; 2], salt: usize) {
    for (side, class) in classes.into_iter().enumerate() {
        let class = format!("{folder}/{class}");
        std::fs::create_dir_all(place.path(&class)).unwrap();
        for picture in 0..PICTURES {
            let shade = |at: usize| {
                let noise = at * (31 + (picture + salt) * 7) % 97;
                if (at % 28 >= 14) == (side == 1) { 255 - noise as u8 } else { noise as u8 }
            };
            let pixels: Vec<u8> = (0..28 * 28).map(shade).collect();
            place.write(&format!("{class}/{picture:02}.png"), strix_data::to_png(28, 28, &pixels).unwrap());
        }
    }
}

/// A Parquet file of these columns, each of which may have missing cells.
pub fn parquet(place: &Place, name: &str, columns: Vec<(&str, ArrayRef)>) {
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    place.write(name, bytes);
}
