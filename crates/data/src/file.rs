//! Opens a file of numbers by what it is, as a stream of typed chunks.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::{Chunk, Dtype, Error, csv, idx, npy};

/// A stream of chunks of one type.
pub trait ChunkReader: Send {
    /// The type of all elements.
    fn dtype(&self) -> Dtype;

    /// How many elements the header promises, where there is a header.
    fn elements(&self) -> Option<u64>;

    /// The next chunk, `None` at the end. After an error the reader is of no more use.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Format`], naming the place.
    fn next_chunk(&mut self) -> Result<Option<&Chunk>, Error>;
}

/// The formats there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Npy,
    Idx,
    Csv,
}

/// Opens `path`: `.npy` (version 1 to 3, C or Fortran order, either endianness), IDX (`.idx`, or
/// named as the official files are, such as `t10k-images-idx3-ubyte`) or `.csv`; each may be
/// gzip-compressed. A file of another name is known by its first bytes.
///
/// `column` picks a CSV column by its name in the header or its index from 0; a file of one column
/// needs none. Elements come in file order; of Fortran-ordered data that is the transposed order,
/// in which any reduction over all elements is the same.
///
/// # Errors
/// [`Error::Io`] when it cannot be read; [`Error::Format`] when it is none of these formats, its
/// elements are no numbers, or a column is asked of a file without columns.
pub fn open(path: &Path, column: Option<&str>) -> Result<Box<dyn ChunkReader>, Error> {
    let mut reader = bytes_of(path)?;
    let start = reader.fill_buf().map_err(|e| Error::format(path, format!("the gzip stream is corrupt: {e}")))?;
    let format = format_of(path, start)?;
    if let (Some(column), Format::Npy | Format::Idx) = (column, format) {
        return Err(Error::format(path, format!("has no columns, so no column {column:?}; --column is for CSV")));
    }
    Ok(match format {
        Format::Npy => Box::new(npy::open(path, reader)?),
        Format::Idx => Box::new(idx::open(path, reader)?),
        Format::Csv => Box::new(csv::open(path, reader, column)?),
    })
}

/// The file's bytes, unpacked if they are gzip-compressed.
pub(crate) fn bytes_of(path: &Path) -> Result<BufReader<Box<dyn Read + Send>>, Error> {
    let file = File::open(path).map_err(Error::io(path, "open it"))?;
    let metadata = file.metadata().map_err(Error::io(path, "open it"))?;
    if metadata.is_dir() {
        return Err(Error::format(path, "is a directory; name the files in it"));
    }
    let mut file = BufReader::with_capacity(1 << 20, file);
    let start = file.fill_buf().map_err(Error::io(path, "read it"))?;
    if start.is_empty() {
        return Err(Error::format(path, "is empty: 0 bytes"));
    }
    let gzipped = start.starts_with(&[0x1f, 0x8b]);
    Ok(if gzipped {
        BufReader::with_capacity(1 << 20, Box::new(MultiGzDecoder::new(file)))
    } else {
        BufReader::with_capacity(1 << 16, Box::new(file))
    })
}

fn format_of(path: &Path, start: &[u8]) -> Result<Format, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&[".npy"]) || start.starts_with(npy::MAGIC) {
        return Ok(Format::Npy);
    }
    if ends(&[".idx", "-ubyte"]) || (start.starts_with(&[0, 0]) && !ends(&[".csv"])) {
        return Ok(Format::Idx);
    }
    if ends(&[".csv"]) {
        return Ok(Format::Csv);
    }
    Err(Error::format(
        path,
        format!("unknown format: begins with {}; known are .npy, .idx and .csv, each also as .gz", quoted(start)),
    ))
}

/// The first bytes, as a message can show them.
pub(crate) fn quoted(start: &[u8]) -> String {
    format!("\"{}\"", start[..start.len().min(6)].escape_ascii())
}
