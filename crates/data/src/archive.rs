//! The ZIP archive that an npz is: its members, each a stream of its own.
//!
//! The zip crate reads the directory. The members are unpacked here, as its readers borrow the archive,
//! and a table reads many members at once.

use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::columns::place;
use crate::guard::guard;
use crate::input::{Input, Stream};
use crate::raw::RawReader;
use crate::seekable::Seekable;
use crate::{Error, npy};

/// An npz file.
pub(crate) struct Archive {
    pub(crate) label: PathBuf,
    bytes: Seekable,
    pub(crate) members: Vec<Member>,
}

/// One array of it.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// The array's name, without `.npy`.
    pub(crate) name: String,
    start: u64,
    packed_len: u64,
    len: u64,
    crc: u32,
    method: CompressionMethod,
}

impl Archive {
    pub(crate) fn open(input: Input) -> Result<Self, Error> {
        let label = input.label.clone();
        let bytes = input.into_seekable()?;
        let broken = |what: &dyn std::fmt::Display| Error::format(&label, format!("is no readable .npz (ZIP): {what}"));
        let members = guard(&label, || {
            let mut archive = ZipArchive::new(BufReader::new(bytes.at(0))).map_err(|e| broken(&e))?;
            let mut members = Vec::new();
            for index in 0..archive.len() {
                let file = archive.by_index_raw(index).map_err(|e| broken(&e))?;
                let name = file.name().map_err(|e| broken(&e))?.to_string();
                let Some(name) = name.strip_suffix(".npy") else { continue };
                if file.encrypted() {
                    return Err(broken(&format!("array {name:?} is encrypted")));
                }
                let (packed_len, len) = (file.compressed_size(), file.size());
                let start = file.data_start().unwrap_or(u64::MAX);
                if start.checked_add(packed_len).is_none_or(|end| end > bytes.len()) {
                    return Err(broken(&format!("array {name:?} ends behind the end of the file; is it cut?")));
                }
                let (crc, method) = (file.crc32(), file.compression());
                members.push(Member { name: name.into(), start, packed_len, len, crc, method });
            }
            Ok(members)
        })?;
        if members.is_empty() {
            return Err(Error::format(&label, "has no arrays: no member of the archive ends in .npy"));
        }
        Ok(Self { label, bytes, members })
    }

    /// The content of a member, as a stream that checks it.
    fn stream(&self, member: &Member) -> Result<Stream, Error> {
        let packed = BufReader::with_capacity(1 << 16, self.bytes.at(member.start).take(member.packed_len));
        let inner: Stream = match member.method {
            CompressionMethod::Stored => Box::new(packed),
            CompressionMethod::Deflated => Box::new(DeflateDecoder::new(packed)),
            other => {
                let what = format!("array {:?} is packed by {other:?}; known are stored and deflate", member.name);
                return Err(Error::format(&self.label, what));
            }
        };
        Ok(Box::new(Checked { inner, crc: Crc::new(), read: 0, len: member.len, expected: member.crc }))
    }

    pub(crate) fn array(&self, member: &Member) -> Result<RawReader<Stream>, Error> {
        let stream = self.stream(member)?;
        npy::open(&self.label, stream).map_err(|e| in_array(&self.label, &member.name, e))
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.members.iter().map(|member| member.name.as_str()).collect()
    }
}

/// Says which array an error is in.
pub(crate) fn in_array(label: &Path, name: &str, error: Error) -> Error {
    match error {
        Error::Format { what, .. } => Error::format(label, format!("array {name:?}: {what}")),
        other => other,
    }
}

/// One array of the archive: that of the name or index, or the only one.
pub(crate) fn open_array(input: Input, name: Option<&str>) -> Result<RawReader<Stream>, Error> {
    let archive = Archive::open(input)?;
    let listed = || {
        let shown: Vec<_> = archive.names().iter().take(20).map(|name| format!("{name:?}")).collect();
        format!("{}{}", shown.join(", "), if archive.members.len() > 20 { ", ..." } else { "" })
    };
    let member = match name {
        None if archive.members.len() == 1 => archive.members.first(),
        None => {
            let what = format!("has {} arrays; name one of {}", archive.members.len(), listed());
            return Err(Error::format(&archive.label, what));
        }
        Some(name) => {
            let place = place(&archive.label, &archive.names(), name.strip_suffix(".npy").unwrap_or(name));
            place.ok().map(|place| &archive.members[place])
        }
    };
    let Some(member) = member else {
        let what = format!("has no array {:?}; its arrays are {}", name.unwrap_or_default(), listed());
        return Err(Error::format(&archive.label, what));
    };
    archive.array(member)
}

/// Insists on the length and the checksum that the directory gives.
struct Checked<R> {
    inner: R,
    crc: Crc,
    read: u64,
    len: u64,
    expected: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        let read = self.inner.read(buffer).map_err(|e| match e.raw_os_error() {
            Some(_) => e,
            None => invalid(format!("the packed data is corrupt: {e}")),
        })?;
        self.crc.update(&buffer[..read]);
        self.read += read as u64;
        let len = self.read;
        if len > self.len || (read == 0 && !buffer.is_empty() && len < self.len) {
            return Err(invalid(format!("unpacks to {len} bytes so far, the archive says {}", self.len)));
        }
        if read == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            let (sum, expected) = (self.crc.sum(), self.expected);
            return Err(invalid(format!("its CRC-32 is {sum:08x}, the archive says {expected:08x}: it is damaged")));
        }
        Ok(read)
    }
}
