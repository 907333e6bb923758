//! NumPy's array files. The header is npyz's to parse, and ours to refuse.
//!
//! Format: NEP 1, <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::io::Read;
use std::path::Path;

use npyz::{DType, Endianness, NpyHeader, Order, TypeChar};

use crate::format::quoted;
use crate::guard::guard;
use crate::raw::RawReader;
use crate::seekable::read_full;
use crate::{Dtype, Error};

pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header read, as its parser takes memory by the length that the file gives. NumPy itself
/// refuses 10,000 bytes.
const HEADER_BYTES: usize = 1 << 16;
/// The deepest nesting read, as its parser is recursive and takes twice the time for each level. Plain
/// arrays have 2, and structured ones, which are refused, a few more.
const NESTING: i32 = 8;

pub(crate) fn open<R: Read + Send>(path: &Path, mut reader: R) -> Result<RawReader<R>, Error> {
    let header = header(path, &mut reader)?;
    let DType::Plain(ty) = header.dtype() else {
        let what = format!("has structured elements {}; save the field of interest alone", header.dtype().descr());
        return Err(Error::format(path, what));
    };
    let dtype = match (ty.type_char(), ty.size_field()) {
        (TypeChar::Bool, 1) => Dtype::Bool,
        (TypeChar::Float, 2) => Dtype::F16,
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
                 known are bool, float16, float32, float64 and the integers of 8 to 64 bits (convert with .astype)"
            );
            return Err(Error::format(path, what));
        }
    };
    let big_endian = ty.endianness() == Endianness::Big;
    let mut array = RawReader::new(path.into(), reader, dtype, big_endian, header.shape())?;
    array.c_order = header.order() == Order::C;
    Ok(array)
}

fn header(path: &Path, reader: &mut impl Read) -> Result<NpyHeader, Error> {
    let broken = |what: &dyn std::fmt::Display| Error::format(path, format!("the .npy header is broken: {what}"));
    let mut start = [0; 8];
    let read = read_full(reader, &mut start).map_err(|e| Error::read(path, e))?;
    if !start[..read].starts_with(MAGIC) {
        let what = format!("is no .npy file: begins with {}, expected {}", quoted(&start[..read]), quoted(MAGIC));
        return Err(Error::format(path, what));
    }
    // Version 1 has a length of two bytes, the later ones of four.
    let width = if start[6] == 1 { 2 } else { 4 };
    let mut len = [0; 4];
    reader.read_exact(&mut len[..width]).map_err(|e| broken(&e))?;
    let text_len = u32::from_le_bytes(len) as usize;
    if text_len > HEADER_BYTES {
        return Err(broken(&format!("it says that it has {text_len} bytes; {HEADER_BYTES} at most are read")));
    }
    let mut text = vec![0; text_len];
    reader.read_exact(&mut text).map_err(|e| broken(&format!("it ends within its {text_len} bytes: {e}")))?;
    let mut depth = 0;
    for byte in &text {
        depth += i32::from(b"([{".contains(byte)) - i32::from(b")]}".contains(byte));
        if depth > NESTING {
            return Err(broken(&format!("brackets nest more than {NESTING} deep")));
        }
    }
    let text = modern(&text);
    let Ok(text_len) = u32::try_from(text.len()) else { return Err(broken(&"it is too long")) };
    len = text_len.to_le_bytes();
    guard(path, || {
        let all = start.chain(&len[..width]).chain(&text[..]);
        NpyHeader::from_reader(all).map_err(|e| broken(&e))
    })
}

/// The header as its parser knows it: Python 2 wrote integers of a shape as `3L`, and `=` for the order of the
/// machine's own bytes.
fn modern(text: &[u8]) -> Vec<u8> {
    let native = if cfg!(target_endian = "big") { b'>' } else { b'<' };
    let mut modern = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or_default();
        match byte {
            b'L' if before.is_ascii_digit() => {}
            b'=' if matches!(before, b'\'' | b'"') => modern.push(native),
            byte => modern.push(byte),
        }
    }
    modern
}
