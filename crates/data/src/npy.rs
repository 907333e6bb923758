//! NumPy's array files. The header is npyz's to parse, and ours to refuse.
//!
//! Format: NEP 1, <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::io::BufRead;
use std::path::Path;

use npyz::{DType, Endianness, NpyHeader, TypeChar};

use crate::file::quoted;
use crate::raw::RawReader;
use crate::{Dtype, Error};

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

pub(crate) fn open<R: BufRead + Send>(path: &Path, mut reader: R) -> Result<RawReader<R>, Error> {
    let start = reader.fill_buf().map_err(Error::io(path, "read it"))?;
    if !start.starts_with(MAGIC) {
        let what = format!("is no .npy file: begins with {}, expected {}", quoted(start), quoted(MAGIC));
        return Err(Error::format(path, what));
    }
    let header = NpyHeader::from_reader(reader.by_ref())
        .map_err(|e| Error::format(path, format!("the .npy header is broken: {e}")))?;
    let DType::Plain(ty) = header.dtype() else {
        let what = format!("has structured elements {}; save the field of interest alone", header.dtype().descr());
        return Err(Error::format(path, what));
    };
    let dtype = match (ty.type_char(), ty.size_field()) {
        (TypeChar::Float, 4) => Dtype::F32,
        (TypeChar::Float, 8) => Dtype::F64,
        (TypeChar::Int, 1) => Dtype::I8,
        (TypeChar::Int, 2) => Dtype::I16,
        (TypeChar::Int, 4) => Dtype::I32,
        (TypeChar::Int, 8) => Dtype::I64,
        (TypeChar::Uint, 1) => Dtype::U8,
        (TypeChar::Uint, 2) => Dtype::U16,
        (TypeChar::Uint, 4) => Dtype::U32,
        (TypeChar::Uint, 8) => Dtype::U64,
        _ => {
            let what = format!(
                "has elements of dtype '{ty}', which is no supported number; \
                 known are float32, float64 and the integers of 8 to 64 bits (convert with .astype)"
            );
            return Err(Error::format(path, what));
        }
    };
    let big_endian = ty.endianness() == Endianness::Big;
    RawReader::new(path.into(), reader, dtype, big_endian, header.shape())
}
