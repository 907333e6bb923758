//! Compressed files: gzip, zstd, bzip2 and xz, told by their first bytes and unpacked as they are read.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::GzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Stream as XzStream};

use crate::format::quoted;
use crate::input::Stream;
use crate::seekable::read_full;

/// Bytes read from the system at once.
const BUFFER: usize = 1 << 20;
/// The most memory that an xz stream may ask for: `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;
/// Bytes of the longest magic number.
const MAGIC: usize = 6;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Gzip,
    Zstd,
    Bzip2,
    Xz,
}

impl Packing {
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            // A skippable frame, with which pzstd begins each of its frames (RFC 8878, section 3.1.2).
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            _ => None,
        }
    }
}

/// The content of `raw`, and whether it was packed.
pub(crate) fn unpack(mut raw: impl Read + Send + 'static) -> io::Result<(Stream, bool)> {
    let mut magic = vec![0; MAGIC];
    let len = read_full(&mut raw, &mut magic)?;
    magic.truncate(len);
    let packing = Packing::of(&magic);
    let raw = BufReader::with_capacity(BUFFER, Cursor::new(magic).chain(raw));
    let content: Stream = match packing {
        None => Box::new(raw),
        Some(Packing::Gzip) => Box::new(unpack_gzip(raw)),
        Some(Packing::Zstd) => Box::new(Unpacked { inner: zstd::Decoder::with_buffer(raw)?, what: "zstd" }),
        Some(Packing::Bzip2) => Box::new(Unpacked { inner: MultiBzDecoder::new(raw), what: "bzip2" }),
        Some(Packing::Xz) => {
            let stream = XzStream::new_stream_decoder(XZ_MEMORY, CONCATENATED).map_err(io::Error::from)?;
            Box::new(Unpacked { inner: XzDecoder::new_stream(raw, stream), what: "xz" })
        }
    };
    Ok((content, packing.is_some()))
}

/// The content of a gzip stream, of all its members.
pub(crate) fn unpack_gzip<R: BufRead>(packed: R) -> impl Read + use<R> {
    Unpacked { inner: Members { member: Some(GzDecoder::new(packed)) }, what: "gzip" }
}

/// The members of a gzip stream, one after the other. Zeros behind them are padding, as of tapes.
struct Members<R> {
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let Some(mut packed) = self.member.take().map(GzDecoder::into_inner) else { break };
            loop {
                let ahead = packed.fill_buf()?;
                let zeros = ahead.iter().take_while(|&&byte| byte == 0).count();
                if zeros < ahead.len() {
                    // A member begins with 1f; the rest of its header is checked by its decoder.
                    if ahead[zeros] != 0x1f {
                        return Err(garbage(&ahead[zeros..]));
                    }
                    packed.consume(zeros);
                    self.member = Some(GzDecoder::new(packed));
                    break;
                }
                if zeros == 0 {
                    break;
                }
                packed.consume(zeros);
            }
        }
        Ok(0)
    }
}

fn garbage(bytes: &[u8]) -> io::Error {
    let what = format!(
        "its data is whole, but bytes that are not gzip follow it, which begin with {}; if they do not belong to it, \
         gzip -dc FILE gives the data without them",
        quoted(bytes)
    );
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Says of a decoder's errors that the stream is at fault, where it is no error of the system.
struct Unpacked<R> {
    inner: R,
    what: &'static str,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|e| {
            if e.raw_os_error().is_some() || e.kind() == io::ErrorKind::Interrupted {
                return e;
            }
            io::Error::new(io::ErrorKind::InvalidData, format!("the {} stream is corrupt: {e}", self.what))
        })
    }
}
