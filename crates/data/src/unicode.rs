//! Text with a byte order mark: UTF-16 and UTF-32 become UTF-8, and the mark of UTF-8 is taken away.
//!
//! Standard: The Unicode Standard, section 23.8, "Byte Order Mark (BOM)".

use std::io::{self, Cursor, Read};

use crate::input::Stream;
use crate::seekable::read_full;

/// Bytes decoded at once.
const CHUNK: usize = 1 << 16;

/// The content as UTF-8, and whether it is another than that of `stream`.
pub(crate) fn decode(mut stream: Stream) -> io::Result<(Stream, bool)> {
    let mut head = vec![0; 4];
    let len = read_full(&mut stream, &mut head)?;
    head.truncate(len);
    // Arrow's stream format begins with ff ff ff ff, which is no mark.
    let (mark, width, big_endian) = match head[..] {
        [0xef, 0xbb, 0xbf, ..] => (3, 1, false),
        [0xff, 0xfe, 0, 0] => (4, 4, false),
        [0, 0, 0xfe, 0xff] => (4, 4, true),
        [0xff, 0xfe, ..] => (2, 2, false),
        [0xfe, 0xff, ..] => (2, 2, true),
        _ => (0, 1, false),
    };
    let inner = Cursor::new(head.split_off(mark)).chain(stream);
    if width == 1 {
        return Ok((Box::new(inner), mark > 0));
    }
    let units = Units {
        inner,
        width,
        big_endian,
        raw: Vec::new(),
        text: String::new(),
        given: 0,
        at: mark as u64,
        ended: false,
    };
    Ok((Box::new(units), true))
}

/// Text in code units of two or four bytes, read as UTF-8.
struct Units<R> {
    inner: R,
    width: usize,
    big_endian: bool,
    /// Bytes that are not decoded yet: less than a character between two reads.
    raw: Vec<u8>,
    text: String,
    /// Bytes of `text` that were handed out.
    given: usize,
    /// Where `raw` begins in the file.
    at: u64,
    ended: bool,
}

impl<R: Read> Units<R> {
    fn fill(&mut self) -> io::Result<()> {
        let kept = self.raw.len();
        self.raw.resize(kept + CHUNK, 0);
        let read = read_full(&mut self.inner, &mut self.raw[kept..])?;
        self.raw.truncate(kept + read);
        self.ended = read < CHUNK;
        self.text.clear();
        self.given = 0;
        let mut units = self.raw.chunks_exact(self.width).map(|unit| {
            let bytes = |mut unit: [u8; 4]| {
                if self.big_endian {
                    unit[..self.width].reverse();
                }
                u32::from_le_bytes(unit)
            };
            let mut unit4 = [0; 4];
            unit4[..self.width].copy_from_slice(unit);
            bytes(unit4)
        });
        let mut used = 0;
        while let Some(unit) = units.next() {
            let (code, width) = match (self.width, unit) {
                (2, high @ 0xd800..=0xdbff) => match units.next() {
                    Some(low @ 0xdc00..=0xdfff) => (0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 4),
                    Some(_) => (high, 2),
                    // The rest of the pair comes with the next bytes.
                    None if !self.ended => break,
                    None => (high, 2),
                },
                _ => (unit, self.width),
            };
            let Some(character) = char::from_u32(code) else {
                let (bits, place) = (8 * self.width, self.at + used as u64);
                return Err(invalid(format!("is not valid UTF-{bits}: byte {place} begins the lone unit {code:#06x}")));
            };
            self.text.push(character);
            used += width;
        }
        self.raw.drain(..used);
        self.at += used as u64;
        if self.ended && !self.raw.is_empty() {
            let (bits, left) = (8 * self.width, self.raw.len());
            return Err(invalid(format!(
                "is not valid UTF-{bits}: it ends with {left} bytes of a character; is it cut?"
            )));
        }
        Ok(())
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl<R: Read> Read for Units<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.text.len() && !self.ended {
            self.fill()?;
        }
        let read = (&self.text.as_bytes()[self.given..]).read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: Vec<u8>) -> io::Result<String> {
        let mut text = String::new();
        decode(Box::new(Cursor::new(bytes)))?.0.read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn every_mark_gives_the_same_text() {
        // Long enough that characters of two units lie across the chunks.
        let text = format!("a,{}\n", "\u{1f989}é".repeat(CHUNK));
        let marked = format!("\u{feff}{text}");
        let words = |big: bool| move |unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() };
        let codes =
            |big: bool| move |c: char| if big { u32::from(c).to_be_bytes() } else { u32::from(c).to_le_bytes() };
        let mut files = vec![text.clone().into_bytes(), marked.clone().into_bytes()];
        for big in [false, true] {
            files.push(marked.encode_utf16().flat_map(words(big)).collect());
            files.push(marked.chars().flat_map(codes(big)).collect());
        }
        for bytes in files {
            assert_eq!(decoded(bytes).ok().as_deref(), Some(&text[..]));
        }
    }

    #[test]
    fn broken_units_are_placed() {
        for (bytes, words) in [
            (&[0xff, 0xfe, b'a', 0, 0, 0xd8, b'b', 0][..], "byte 4 begins the lone unit 0xd800"),
            (&[0xfe, 0xff, 0, b'a', 0xdc, 0], "byte 4 begins the lone unit 0xdc00"),
            (&[0xff, 0xfe, 0, 0, 0, 0, 0x11, 0], "not valid UTF-32"),
            (&[0xff, 0xfe, b'a', 0, b'b'], "ends with 1 bytes"),
        ] {
            let message = decoded(bytes.to_vec()).err().map(|e| e.to_string()).unwrap_or_default();
            assert!(message.contains(words), "{message}");
        }
    }
}
