//! Pictures from PNG and JPEG files, as grey images of a dataset's size.

use std::path::Path;

use image::imageops::{FilterType, overlay, resize, rotate90, rotate270};
use image::{GrayImage, Luma};

use crate::{Error, grey};

/// By how many of 255 shades the pixels of a plain background may differ from their mean.
const PLAIN: f64 = 24.0;

/// Times its height from which on a picture is all width.
const WIDE: u64 = 16;

/// A decoded picture, grey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture(GrayImage);

/// What was done to a picture that was taken as a photo.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Photo {
    /// It was cut to what is on its plain background.
    pub cut: bool,
    /// Light became dark, and dark light.
    pub negative: bool,
}

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
        let outside = || outermost(self.0.as_raw(), width, height);
        let (sum, count) = outside().fold((0_u64, 0_u64), |(sum, count), shade| (sum + u64::from(shade), count + 1));
        let mean = sum as f64 / count.max(1) as f64;
        (mean, outside().all(|shade| (f64::from(shade) - mean).abs() <= PLAIN))
    }

    /// `size` x `size` pixels with the whole picture in the middle, on its own background: how a folder's pictures become the
    /// images that are trained on.
    pub fn fit(&self, size: usize) -> Vec<u8> {
        let (width, height) = self.0.dimensions();
        if (width as usize, height as usize) == (size, size) {
            return self.0.as_raw().clone();
        }
        let longest = f64::from(width.max(height));
        let [across, down] =
            [width, height].map(|side| ((f64::from(side) * size as f64 / longest).round() as u32).max(1));
        let small = shrunk(&self.0, across, down);
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

    /// As [`Picture::fit`], but taken as a photo, and made like images whose background has the mean shade `background`: a
    /// picture on a plain background is cut to what is on it (unless it has the size already), and turned negative where its
    /// background is nearer to their other end.
    pub fn fit_photo(&self, size: usize, background: f64) -> (Vec<u8>, Photo) {
        let (own, plain) = self.background();
        if !plain {
            return (self.fit(size), Photo::default());
        }
        let cut = if self.dimensions() == (size, size) { None } else { self.cut(own) };
        let negative = (own - background).abs() > (255.0 - own - background).abs();
        let mut image = cut.as_ref().unwrap_or(self).fit(size);
        if negative {
            image.iter_mut().for_each(|shade| *shade = 255 - *shade);
        }
        (image, Photo { cut: cut.is_some(), negative })
    }

    /// What differs from the plain background `mean`; none where that is nothing, or all of it.
    fn cut(&self, mean: f64) -> Option<Self> {
        let differs = |shade: &u8| (f64::from(*shade) - mean).abs() > PLAIN;
        let width = self.0.width();
        let mut bounds: Option<[u32; 4]> = None;
        for (y, line) in (0..).zip(self.0.chunks_exact(width as usize)) {
            let (Some(first), Some(last)) = (line.iter().position(differs), line.iter().rposition(differs)) else {
                continue;
            };
            let [left, top, right, _] = bounds.unwrap_or([width, y, 0, y]);
            bounds = Some([left.min(first as u32), top, right.max(last as u32), y]);
        }
        let [left, top, right, bottom] = bounds?;
        let [across, down] = [right - left + 1, bottom - top + 1];
        let all = (across, down) == self.0.dimensions();
        (!all).then(|| Self(image::imageops::crop_imm(&self.0, left, top, across, down).to_image()))
    }
}

/// The picture in another size; it averages where it shrinks.
fn shrunk(picture: &GrayImage, across: u32, down: u32) -> GrayImage {
    // Columns are brought to their height first, in 16 bytes a pixel of the whole width: too much of a picture that is all width.
    if u64::from(picture.width()) > WIDE * u64::from(picture.height()) {
        return rotate270(&resize(&rotate90(picture), down, across, FilterType::Triangle));
    }
    resize(picture, across, down, FilterType::Triangle)
}

/// The shades of an image's outermost pixels.
pub(crate) fn outermost(pixels: &[u8], width: usize, height: usize) -> impl Iterator<Item = u8> + '_ {
    pixels.chunks_exact(width.max(1)).enumerate().flat_map(move |(row, line)| {
        // Of a row between the first and the last one its ends.
        let step = if row == 0 || row + 1 == height { 1 } else { width.saturating_sub(1).max(1) };
        line.iter().copied().step_by(step)
    })
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
    fn a_picture_that_is_all_width_is_brought_to_size_as_one_that_is_all_height() {
        let pixels: Vec<u8> = (0..5000u32).map(|at| (at / 20) as u8).collect();
        let wide = Picture::from_pixels(2500, 2, &pixels).fit(8);
        let columns: Vec<u8> = (0..2500).flat_map(|x| [pixels[x], pixels[x + 2500]]).collect();
        let high = Picture::from_pixels(2, 2500, &columns).fit(8);
        let turned: Vec<u8> = (0..64).map(|at| high[at % 8 * 8 + at / 8]).collect();
        assert_eq!(wide, turned);
    }

    #[test]
    fn light_pictures_turn_dark_and_are_cut_to_what_is_on_them() {
        // A black square of 4 x 4 on white, off the middle.
        let mut pixels = vec![255; 20 * 10];
        for (x, y) in (0..4).flat_map(|x| (0..4).map(move |y| (x, y))) {
            pixels[(y + 5) * 20 + x + 1] = 0;
        }
        let picture = Picture::from_pixels(20, 10, &pixels);
        let done = |cut, negative| Photo { cut, negative };
        assert_eq!(picture.fit_photo(4, 0.0), (vec![255; 16], done(true, true)));
        // On data with a light background it stays dark.
        assert_eq!(picture.fit_photo(4, 250.0), (vec![0; 16], done(true, false)));
        // Nothing on it: nothing to cut.
        assert_eq!(Picture::from_pixels(9, 9, &[255; 81]).fit_photo(2, 0.0), (vec![0; 4], done(false, true)));
        // Of the size already, and as dark: as it is.
        let image: Vec<u8> = (0..36).map(|at| if at == 14 { 200 } else { 0 }).collect();
        assert_eq!(Picture::from_pixels(6, 6, &image).fit_photo(6, 10.0), (image, done(false, false)));
        // Without a plain background it stays whole.
        let image: Vec<u8> = (0..64).map(|at| if at < 32 { 0 } else { 255 }).collect();
        assert_eq!(Picture::from_pixels(8, 8, &image).fit_photo(8, 255.0), (image, done(false, false)));
    }

    #[test]
    fn outermost_pixels_are_each_taken_once() {
        let pixels: Vec<u8> = (0..12).collect();
        let of = |width, height| outermost(&pixels[..width * height], width, height).collect::<Vec<_>>();
        assert_eq!(of(4, 3), [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]);
        assert_eq!(of(2, 3), [0, 1, 2, 3, 4, 5]);
        assert_eq!((of(1, 3), of(3, 1), of(0, 0)), (vec![0, 1, 2], vec![0, 1, 2], vec![]));
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
