//! IDX, the format of MNIST and its descendants: a magic number, sizes, then elements, big-endian.
//!
//! Format: <http://yann.lecun.com/exdb/mnist/>, "the IDX file format".

use std::io::Read;
use std::path::Path;

use crate::file::ChunkReader;
use crate::format::quoted;
use crate::packing::unpack_gzip;
use crate::raw::RawReader;
use crate::{Chunk, Dtype, Error};

/// A whole IDX file of bytes, in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// The size of each dimension, the slowest first.
    pub shape: Vec<usize>,
    /// All elements, the last dimension fastest.
    pub data: Vec<u8>,
}

pub(crate) fn open<R: Read + Send>(path: &Path, mut reader: R) -> Result<RawReader<R>, Error> {
    let (dtype, shape) = header(path, &mut reader)?;
    RawReader::new(path.into(), reader, dtype, true, &shape)
}

fn header(path: &Path, reader: &mut impl Read) -> Result<(Dtype, Vec<u64>), Error> {
    let mut short = |bytes: &mut [u8], part: &str| {
        reader.read_exact(bytes).map_err(|e| Error::format(path, format!("the IDX header ends within its {part}: {e}")))
    };
    let mut magic = [0; 4];
    short(&mut magic, "magic number")?;
    let dtype = match magic {
        [0, 0, 0x08, _] => Dtype::U8,
        [0, 0, 0x09, _] => Dtype::I8,
        [0, 0, 0x0b, _] => Dtype::I16,
        [0, 0, 0x0c, _] => Dtype::I32,
        [0, 0, 0x0d, _] => Dtype::F32,
        [0, 0, 0x0e, _] => Dtype::F64,
        _ => {
            let what = format!(
                "is no IDX file: begins with {}, expected two zero bytes, a type (8, 9, 11 to 14) and the dimensions",
                quoted(&magic)
            );
            return Err(Error::format(path, what));
        }
    };
    let mut shape = Vec::with_capacity(magic[3].into());
    for dimension in 0..magic[3] {
        let mut size = [0; 4];
        short(&mut size, &format!("size of dimension {dimension}"))?;
        shape.push(u64::from(u32::from_be_bytes(size)));
    }
    if shape.is_empty() {
        return Err(Error::format(path, "the IDX header gives no dimension"));
    }
    Ok((dtype, shape))
}

/// Reads a whole IDX file of unsigned bytes, gzip-compressed or not.
///
/// # Errors
/// As [`crate::open`]; [`Error::Format`] also when the elements are not unsigned bytes.
pub fn read_idx(path: &Path) -> Result<Idx, Error> {
    let bytes = std::fs::read(path).map_err(Error::io(path, "read it"))?;
    parse_idx(path, &bytes)
}

/// Parses the bytes of an IDX file; `path` is for messages.
pub(crate) fn parse_idx(path: &Path, bytes: &[u8]) -> Result<Idx, Error> {
    let reader: Box<dyn Read + Send + '_> =
        if bytes.starts_with(&[0x1f, 0x8b]) { Box::new(unpack_gzip(bytes)) } else { Box::new(bytes) };
    let mut reader = std::io::BufReader::new(reader);
    let (dtype, shape) = header(path, &mut reader)?;
    let mut body = RawReader::new(path.into(), reader, dtype, true, &shape)?;
    let mut data = Vec::new();
    while let Some(chunk) = body.next_chunk()? {
        let Chunk::U8(items) = chunk else {
            return Err(Error::format(path, format!("has elements of type {dtype}, expected u8")));
        };
        data.extend_from_slice(items);
    }
    // The elements are in memory, so each size fits.
    Ok(Idx { shape: shape.iter().map(|&n| n as usize).collect(), data })
}
