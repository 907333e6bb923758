//! PNG and JPEG files to a plane of grey, a byte a pixel.
//!
//! A PNG is read row by row: a small file of many pixels costs their shades, and never their colours. A JPEG's colours are
//! turned grey where they are.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegDecoder;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat};
use png::{BitDepth, ColorType, InterlaceInfo};

use crate::guard::guard;
use crate::{Error, memory};

/// Pixels that a picture may have.
const PIXELS: u64 = 1 << 29;
/// Pixels from which on it is asked whether there is memory for them.
const MANY: u64 = 1 << 24;

/// Decodes a picture, told by its content, and turns it as its Exif orientation says. Colours become their luminance
/// (BT.601), on white where they are transparent.
pub(crate) fn decode(path: &Path, bytes: &[u8]) -> Result<GrayImage, Error> {
    guard(path, || {
        let (grey, orientation) = match image::guess_format(bytes) {
            Ok(ImageFormat::Png) => of_png(path, bytes)?,
            Ok(ImageFormat::Jpeg) => of_jpeg(path, bytes)?,
            _ => return Err(Error::format(path, "is neither PNG nor JPEG")),
        };
        let mut picture = DynamicImage::ImageLuma8(grey);
        picture.apply_orientation(orientation);
        Ok(picture.into_luma8())
    })
}

/// Refuses a size that has too many pixels, or for which memory is missing at `bytes` bytes a pixel.
fn room(path: &Path, (width, height): (u32, u32), bytes: u64) -> Result<(), Error> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(Error::format(path, "has no pixels"));
    }
    if pixels > PIXELS {
        let what = format!("has {width} x {height} pixels, but pictures may have {PIXELS}; make it smaller");
        return Err(Error::format(path, what));
    }
    if pixels < MANY {
        return Ok(());
    }
    let what = format!("{}: {width} x {height} pixels", path.display());
    memory::check(&what, pixels * bytes, "make the picture smaller")
}

fn broken(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::format(path, format!("cannot be decoded: {error}"))
}

fn of_png(path: &Path, bytes: &[u8]) -> Result<(GrayImage, Orientation), Error> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: 512 << 20 });
    decoder.set_ignore_text_chunk(true);
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(|e| broken(path, &e))?;
    let size @ (width, height) = reader.info().size();
    room(path, size, 1)?;
    let (colours, depth) = reader.output_color_type();
    let mut grey = GrayImage::new(width, height);
    let (stride, mut at) = (width as usize, 0);
    let mut shades = Vec::with_capacity(stride);
    while let Some(row) = reader.next_interlaced_row().map_err(|e| broken(path, &e))? {
        shades.clear();
        shades_of(row.data(), colours, depth, &mut shades);
        match row.interlace() {
            InterlaceInfo::Null(_) => {
                let line = grey.chunks_exact_mut(stride).nth(at).unwrap_or_default();
                line.iter_mut().zip(&shades).for_each(|(to, shade)| *to = *shade);
                at += 1;
            }
            InterlaceInfo::Adam7(place) => png::expand_interlaced_row(&mut grey, stride, &shades, place, 8),
        }
    }
    // Exif may come after the pixels; what is wrong behind them does not matter to these.
    let _ = reader.finish();
    let exif = reader.info().exif_metadata.as_deref();
    let orientation = exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    Ok((grey, orientation))
}

/// The shades of a row's pixels, of 1 to 4 samples of 8 or 16 bits (big-endian).
fn shades_of(row: &[u8], colours: ColorType, depth: BitDepth, shades: &mut Vec<u8>) {
    match (colours, depth) {
        (ColorType::Grayscale, BitDepth::Eight) => shades.extend_from_slice(row),
        (_, BitDepth::Sixteen) => {
            let nearest = |sample: &[u8]| (u32::from(u16::from_be_bytes([sample[0], sample[1]])) + 128) / 257;
            let pixels = row.chunks_exact(2 * colours.samples());
            shades.extend(pixels.map(|pixel| {
                let mut samples = [0; 4];
                samples.iter_mut().zip(pixel.chunks_exact(2)).for_each(|(to, sample)| *to = nearest(sample) as u8);
                shade(&samples[..colours.samples()])
            }));
        }
        _ => shades.extend(row.chunks_exact(colours.samples()).map(shade)),
    }
}

/// The shade of a pixel: grey, grey and opacity, colours, or colours and opacity.
fn shade(pixel: &[u8]) -> u8 {
    let (colours, opaque) = match *pixel {
        [grey] => return grey,
        [grey, opaque] => ([grey; 3], opaque),
        [red, green, blue] => ([red, green, blue], 255),
        [red, green, blue, opaque] => ([red, green, blue], opaque),
        _ => return 0,
    };
    let ([red, green, blue], opaque) = (colours.map(f64::from), f64::from(opaque));
    let shade = 0.299 * red + 0.587 * green + 0.114 * blue;
    (shade * opaque / 255.0 + (255.0 - opaque)).round() as u8
}

fn of_jpeg(path: &Path, bytes: &[u8]) -> Result<(GrayImage, Orientation), Error> {
    let mut decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(|e| broken(path, &e))?;
    let size @ (width, height) = decoder.dimensions();
    let samples = usize::from(decoder.color_type().bytes_per_pixel());
    room(path, size, samples as u64)?;
    let orientation = decoder.orientation().map_err(|e| broken(path, &e))?;
    let pixels = width as usize * height as usize;
    let mut plane = vec![0_u8; pixels * samples];
    decoder.read_image(&mut plane).map_err(|e| broken(path, &e))?;
    // Each shade takes the place of colours that were read.
    (0..pixels).for_each(|at| plane[at] = shade(&plane[at * samples..][..samples]));
    plane.truncate(pixels);
    plane.shrink_to_fit();
    let grey = GrayImage::from_raw(width, height, plane);
    Ok((grey.ok_or_else(|| broken(path, &"its pixels do not fit its size"))?, orientation))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use std::io::Write;

    use image::{ExtendedColorType, ImageEncoder};

    use super::*;

    fn grey(bytes: &[u8]) -> Result<GrayImage, Error> {
        decode(Path::new("picture"), bytes)
    }

    fn samples(count: usize) -> Vec<u8> {
        (0..count).map(|at| (at * 37 % 251) as u8).collect()
    }

    /// A PNG file of these rows, each with its filter's number.
    fn written(width: u32, height: u32, [depth, colours, interlaced]: [u8; 3], palette: &[u8], rows: &[u8]) -> Vec<u8> {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(rows).unwrap();
        let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[depth, colours, 0, 0, interlaced]].concat();
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        let packed = packed.finish().unwrap();
        let chunks: [(&[u8], &[u8]); 4] = [(b"IHDR", &head), (b"PLTE", palette), (b"IDAT", &packed), (b"IEND", &[])];
        for (kind, data) in chunks.into_iter().filter(|(kind, data)| *kind != b"PLTE" || !data.is_empty()) {
            let mut crc = flate2::Crc::new();
            crc.update(kind);
            crc.update(data);
            file.extend([&(data.len() as u32).to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()].concat());
        }
        file
    }

    #[test]
    fn every_kind_of_pixel_has_the_shade_of_its_colours() {
        let kinds = [
            (ExtendedColorType::L8, 1),
            (ExtendedColorType::La8, 2),
            (ExtendedColorType::Rgb8, 3),
            (ExtendedColorType::Rgba8, 4),
            (ExtendedColorType::L16, 2),
            (ExtendedColorType::La16, 4),
            (ExtendedColorType::Rgb16, 6),
            (ExtendedColorType::Rgba16, 8),
        ];
        let mut files = vec![written(5, 2, [4, 3, 0], &samples(48), &[0, 0x01, 0x23, 0x40, 0, 0x56, 0x78, 0x90])];
        for (kind, bytes) in kinds {
            let mut file = Vec::new();
            let encoder = image::codecs::png::PngEncoder::new(&mut file);
            encoder.write_image(&samples(20 * 15 * bytes), 20, 15, kind).unwrap();
            files.push(file);
        }
        for kind in [ExtendedColorType::L8, ExtendedColorType::Rgb8] {
            let mut file = Vec::new();
            let bytes = if kind == ExtendedColorType::L8 { 1 } else { 3 };
            image::codecs::jpeg::JpegEncoder::new(&mut file).encode(&samples(20 * 15 * bytes), 20, 15, kind).unwrap();
            files.push(file);
        }
        for file in files {
            // The whole picture in colours, as the image crate decodes it.
            let colours = image::load_from_memory(&file).unwrap().into_rgba8();
            let grey = grey(&file).unwrap();
            assert_eq!(grey.dimensions(), colours.dimensions());
            for (found, of) in grey.pixels().zip(colours.pixels()) {
                let [red, green, blue, opaque] = of.0.map(f64::from);
                let shade = (0.299 * red + 0.587 * green + 0.114 * blue) * opaque / 255.0 + (255.0 - opaque);
                assert_eq!(f64::from(found.0[0]), shade.round(), "{of:?}");
            }
        }
    }

    #[test]
    fn interlaced_rows_come_to_their_places() {
        let (width, height) = (11, 9);
        let pixels = samples(width * height);
        // The seven passes: first column and row, and the steps between them.
        let passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)];
        let mut rows = Vec::new();
        for (left, top, across, down) in passes {
            for row in (top..height).step_by(down) {
                rows.push(0);
                rows.extend((left..width).step_by(across).map(|column| pixels[row * width + column]));
            }
        }
        let file = written(width as u32, height as u32, [8, 0, 1], &[], &rows);
        assert_eq!(grey(&file).unwrap().into_raw(), pixels);
    }

    #[test]
    fn pictures_are_turned_as_exif_says() {
        let upright = samples(16 * 8);
        let mut plain = Vec::new();
        let encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut plain, 100);
        encoder.write_image(&upright, 16, 8, ExtendedColorType::L8).unwrap();
        let plain_grey = grey(&plain).unwrap();
        // Behind the marker of the file's begin: tag 0x112 is 6, to be turned by 90 degrees clockwise.
        let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        let marker = [0xff, 0xe1, 0, exif.len() as u8 + 2];
        let turned = grey(&[&plain[..2], &marker, exif, &plain[2..]].concat()).unwrap();
        assert_eq!(turned.dimensions(), (8, 16));
        for (x, y, shade) in turned.enumerate_pixels() {
            assert_eq!(shade, plain_grey.get_pixel(y, 7 - x));
        }
    }

    #[test]
    fn a_picture_of_too_many_pixels_is_refused() {
        let file = written(60_000, 60_000, [8, 0, 0], &[], &[]);
        let told = grey(&file).unwrap_err().to_string();
        assert!(told.contains("60000 x 60000 pixels"), "{told}");
    }
}
