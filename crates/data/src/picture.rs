//! Pictures from PNG and JPEG files, as grey images of a dataset's size.

use std::path::Path;

use image::imageops::{FilterType, overlay, resize};
use image::{GrayImage, Luma};

use crate::{Error, grey};

/// By how many of 255 shades the pixels of a plain background may differ from their mean.
const PLAIN: f64 = 24.0;

/// A decoded picture, grey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture(GrayImage);

impl Picture {
    /// Reads a PNG or JPEG file, told by its content, and turns it as its Exif orientation says. Colours become their
    /// luminance (BT.601), on white where they are transparent.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read; [`Error::Format`] when it is no such picture, or broken, or of more than 2^29
    /// pixels; [`Error::Memory`] when it is too large for what memory is left.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let bytes = std::fs::read(path).map_err(Error::io(path, "read it"))?;
        grey::decode(path, &bytes).map(Self)
    }

    /// Of grey pixels, row by row.
    ///
    /// # Panics
    /// Unless there are `width * height` of them.
    pub fn from_pixels(width: usize, height: usize, pixels: &[u8]) -> Self {
        assert_eq!(pixels.len(), width * height, "pixels for {width} x {height}");
        Self(GrayImage::from_fn(width as u32, height as u32, |x, y| Luma([pixels[y as usize * width + x as usize]])))
    }

    /// Columns and rows.
    pub fn dimensions(&self) -> (usize, usize) {
        (self.0.width() as usize, self.0.height() as usize)
    }

    /// The mean shade of the outermost pixels, and whether all of them are close to it.
    fn background(&self) -> (f64, bool) {
        let (width, height) = self.dimensions();
        let shades: Vec<f64> = outermost(self.0.as_raw(), width, height).map(f64::from).collect();
        let mean = shades.iter().sum::<f64>() / shades.len() as f64;
        (mean, shades.iter().all(|shade| (shade - mean).abs() <= PLAIN))
    }

    /// `size` x `size` pixels with the whole picture in the middle, on its own background.
    pub fn fit(&self, size: usize) -> Vec<u8> {
        let (width, height) = self.0.dimensions();
        if (width as usize, height as usize) == (size, size) {
            return self.0.as_raw().clone();
        }
        let longest = f64::from(width.max(height));
        let [across, down] =
            [width, height].map(|side| ((f64::from(side) * size as f64 / longest).round() as u32).max(1));
        // Averages where it shrinks.
        let small = resize(&self.0, across, down, FilterType::Triangle);
        let shade = self.background().0.round() as u8;
        let mut image = GrayImage::from_pixel(size as u32, size as u32, Luma([shade]));
        overlay(
            &mut image,
            &small,
            (i64::from(size as u32) - i64::from(across)) / 2,
            (size as i64 - i64::from(down)) / 2,
        );
        image.into_raw()
    }

    /// As [`Picture::fit`], brought to the form of images whose background has the mean shade `background`: a picture on a
    /// plain background is cut to what is on it, and turned negative where its background is nearer to their other end.
    pub fn fit_to(&self, size: usize, background: f64) -> Vec<u8> {
        let (own, plain) = self.background();
        if !plain {
            return self.fit(size);
        }
        let mut picture = self.clone();
        if (own - background).abs() > (255.0 - own - background).abs() {
            picture.0.pixels_mut().for_each(|shade| shade.0[0] = 255 - shade.0[0]);
        }
        if self.dimensions() != (size, size) {
            picture = picture.cut();
        }
        picture.fit(size)
    }

    /// What differs from the plain background; all of it where nothing does.
    fn cut(&self) -> Self {
        let (mean, _) = self.background();
        let differs = self.0.enumerate_pixels().filter(|(_, _, shade)| (f64::from(shade.0[0]) - mean).abs() > PLAIN);
        let bounds = differs.fold(None, |bounds: Option<[u32; 4]>, (x, y, _)| {
            let [left, top, right, bottom] = bounds.unwrap_or([x, y, x, y]);
            Some([left.min(x), top.min(y), right.max(x), bottom.max(y)])
        });
        match bounds {
            Some([left, top, right, bottom]) => {
                Self(image::imageops::crop_imm(&self.0, left, top, right - left + 1, bottom - top + 1).to_image())
            }
            None => self.clone(),
        }
    }
}

/// The shades of an image's outermost pixels.
pub(crate) fn outermost(pixels: &[u8], width: usize, height: usize) -> impl Iterator<Item = u8> + '_ {
    let outside = move |at: usize| {
        let (row, column) = (at / width, at % width);
        row == 0 || column == 0 || row + 1 == height || column + 1 == width
    };
    pixels.iter().enumerate().filter(move |(at, _)| outside(*at)).map(|(_, shade)| *shade)
}

/// Grey images side by side as a PNG file's bytes.
///
/// # Errors
/// A text when they cannot be encoded.
///
/// # Panics
/// Unless there are `width * height` pixels.
pub fn to_png(width: usize, height: usize, pixels: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    Picture::from_pixels(width, height, pixels)
        .0
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|e| format!("cannot encode a PNG: {e}"))?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_the_size_stays_and_another_is_centered() {
        let pixels: Vec<u8> = (0..16).collect();
        assert_eq!(Picture::from_pixels(4, 4, &pixels).fit(4), pixels);
        // Half as wide as high: a column of background on either side.
        let image = Picture::from_pixels(4, 8, &[200; 32]).fit(4);
        assert_eq!(image, [200; 16]);
    }

    #[test]
    fn light_pictures_turn_dark_and_are_cut_to_what_is_on_them() {
        // A black square of 4 x 4 on white, off the middle.
        let mut pixels = vec![255; 20 * 10];
        for (x, y) in (0..4).flat_map(|x| (0..4).map(move |y| (x, y))) {
            pixels[(y + 5) * 20 + x + 1] = 0;
        }
        let picture = Picture::from_pixels(20, 10, &pixels);
        assert_eq!(picture.fit_to(4, 0.0), [255; 16]);
        // On data with a light background it stays dark.
        assert_eq!(picture.fit_to(4, 250.0), [0; 16]);
        // Nothing on it: nothing to cut.
        assert_eq!(Picture::from_pixels(9, 9, &[255; 81]).fit_to(2, 0.0), [0; 4]);
    }

    #[test]
    fn png_comes_back_and_other_bytes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (path, pixels) = (folder.path().join("a.png"), [0u8, 50, 100, 150, 200, 250]);
        std::fs::write(&path, to_png(3, 2, &pixels).unwrap()).unwrap();
        assert_eq!(Picture::open(&path).unwrap(), Picture::from_pixels(3, 2, &pixels));
        std::fs::write(&path, b"no picture").unwrap();
        assert!(Picture::open(&path).unwrap_err().to_string().contains("neither PNG nor JPEG"));
        let whole = to_png(3, 2, &pixels).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(Picture::open(&path).unwrap_err().to_string().contains("cannot be decoded"));
    }
}
