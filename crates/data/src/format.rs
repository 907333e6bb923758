//! The formats there are, and which one a source has.

use std::fmt;
use std::str::FromStr;

use crate::input::peek;
use crate::{Error, Source, npy};

/// The formats there are. Each may be packed with gzip, zstd, bzip2 or xz.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// One JSON object a line.
    JsonLines,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow IPC: the file format (also known as Feather 2) and the stream format.
    ArrowIpc,
    /// One NumPy array.
    Npy,
    /// NumPy arrays in a ZIP archive: as a table, each 1-D array is a column.
    Npz,
    /// The array format of MNIST.
    Idx,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Csv, Self::Tsv, Self::JsonLines, Self::Parquet, Self::ArrowIpc, Self::Npy, Self::Npz, Self::Idx];

    /// Its name, which [`FromStr`] reads again.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::JsonLines => "jsonl",
            Self::Parquet => "parquet",
            Self::ArrowIpc => "arrow",
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::Idx => "idx",
        }
    }

    /// Whether [`crate::open_table`] reads it.
    pub fn is_table(self) -> bool {
        !matches!(self, Self::Npy | Self::Idx)
    }

    /// Whether [`crate::open`] reads it. An npz is both a table and arrays.
    pub fn is_array(self) -> bool {
        matches!(self, Self::Npy | Self::Npz | Self::Idx)
    }

    /// Whether it is text whose rows are lines of cells.
    pub fn has_cells(self) -> bool {
        matches!(self, Self::Csv | Self::Tsv)
    }

    /// Whether it is text, whose columns have the types that their values look like.
    pub fn is_text(self) -> bool {
        self.has_cells() || self == Self::JsonLines
    }

    /// The endings of its files' names, without that of the packing.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Csv => &[".csv"],
            Self::Tsv => &[".tsv", ".tab"],
            Self::JsonLines => &[".jsonl", ".ndjson", ".json"],
            Self::Parquet => &[".parquet", ".pq"],
            Self::ArrowIpc => &[".arrow", ".arrows", ".feather", ".ipc"],
            Self::Npy => &[".npy"],
            Self::Npz => &[".npz"],
            Self::Idx => &[".idx", "-ubyte"],
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let lower = name.to_lowercase();
        let ending = format!(".{lower}");
        Self::ALL
            .into_iter()
            .find(|format| format.name() == lower || format.endings().contains(&ending.as_str()))
            .ok_or_else(|| format!("unknown format {name:?}; known are {}", names()))
    }
}

fn names() -> String {
    Format::ALL.map(Format::name).join(", ")
}

/// Endings that tell how a file is packed, not what is in it.
const PACKED: [&str; 4] = [".gz", ".zst", ".bz2", ".xz"];

/// The format of `source`: that of its first bytes if they are the mark of one, else as `given`, else as its name
/// ends (under `.gz`, `.zst`, `.bz2` or `.xz`), else as its text looks. Standard input and named pipes keep their
/// first bytes for their reader.
///
/// # Errors
/// [`Error::Io`] when it cannot be read; [`Error::Format`] when it looks like none of the formats, or its first
/// bytes are the mark of another format than the one `given`.
pub fn format_of(source: &Source, given: Option<Format>) -> Result<Format, Error> {
    format_with_head(source, given, &peek(source)?)
}

/// As [`format_of`], of a source whose head was read already.
pub(crate) fn format_with_head(source: &Source, given: Option<Format>, head: &[u8]) -> Result<Format, Error> {
    if let Some((found, unpack)) = container(head) {
        let what = format!("cannot be read: it is {found}; unpack it first ({unpack})");
        return Err(Error::format(&source.label(), what));
    }
    let expected = given.or_else(|| by_name(source));
    match (marked(head), expected) {
        // An npz is a ZIP archive, but not every archive is one.
        (Some(Format::Npz), Some(other)) if other != Format::Npz => {
            let what = format!(
                "cannot be read as {other}: it is a ZIP archive (an .xlsx is one too); unpack it, or export the sheet as CSV"
            );
            Err(Error::format(&source.label(), what))
        }
        (Some(found), _) if given.is_some_and(|given| given != found) => {
            let what = format!("cannot be read as {}: its first bytes are those of {found}", given.unwrap_or(found));
            Err(Error::format(&source.label(), what))
        }
        (Some(found), _) => Ok(found),
        (None, Some(expected)) => Ok(expected),
        (None, None) => by_text(source, head),
    }
}

fn by_name(source: &Source) -> Option<Format> {
    if let Source::Stdin = source {
        return None;
    }
    let label = source.label();
    let name = label.file_name()?.to_string_lossy().to_lowercase();
    let name = PACKED.iter().find_map(|packed| name.strip_suffix(packed)).unwrap_or(&name);
    Format::ALL.into_iter().find(|format| format.endings().iter().any(|ending| name.ends_with(ending)))
}

/// The format whose mark these first bytes are.
fn marked(head: &[u8]) -> Option<Format> {
    let begins = |magic: &[u8]| head.starts_with(magic);
    match head {
        _ if begins(npy::MAGIC) => Some(Format::Npy),
        _ if begins(b"PAR1") => Some(Format::Parquet),
        _ if begins(b"ARROW1") || begins(&[0xff; 4]) => Some(Format::ArrowIpc),
        _ if begins(b"PK\x03\x04") || begins(b"PK\x05\x06") => Some(Format::Npz),
        [0, 0, 8 | 9 | 11..=14, dimensions, ..] if *dimensions > 0 => Some(Format::Idx),
        _ => None,
    }
}

/// What a file is that others are packed in, if it is not unpacked here, and what unpacks it.
fn container(head: &[u8]) -> Option<(&'static str, &'static str)> {
    match head {
        [0x04, 0x22, 0x4d, 0x18, ..] => Some(("an LZ4 file", "lz4 -d FILE")),
        // Of properties 5d, and a dictionary of a power of two that is 64 KiB at least.
        [0x5d, 0, 0, _, _, 0xff, 0xff, 0xff, 0xff, ..] => Some(("an LZMA file", "xz -d --format=lzma FILE")),
        [b'7', b'z', 0xbc, 0xaf, ..] => Some(("a 7z archive", "7z x FILE")),
        _ if head.get(257..262) == Some(b"ustar") => Some(("a tar archive", "tar -xf FILE")),
        _ => None,
    }
}

/// The format of a text, by its looks.
fn by_text(source: &Source, text: &[u8]) -> Result<Format, Error> {
    let first = text.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    match first {
        // Whose reader knows what to do with a list of objects.
        Some(b'{' | b'[') => Ok(Format::JsonLines),
        // A word alone is no table.
        _ if !text.contains(&0) && is_text(text) && text.iter().any(|byte| b",;|\t\n".contains(byte)) => {
            let line = text.split(|&byte| byte == b'\n').next().unwrap_or_default();
            let tabs = line.contains(&b'\t') && !line.iter().any(|byte| b",;|".contains(byte));
            Ok(if tabs { Format::Tsv } else { Format::Csv })
        }
        _ => {
            let what = format!("unknown format: begins with {}; name it with --format: {}", quoted(text), names());
            Err(Error::format(&source.label(), what))
        }
    }
}

/// Whether it is UTF-8, but for a character that is cut at the end.
fn is_text(head: &[u8]) -> bool {
    std::str::from_utf8(head).map_or_else(|e| e.error_len().is_none(), |_| true)
}

/// The first bytes, as a message can show them.
pub(crate) fn quoted(start: &[u8]) -> String {
    format!("\"{}\"", start[..start.len().min(6)].escape_ascii())
}
