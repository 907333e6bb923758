//! Images and labels as tensors: a dataset that lies on the device, and batches of it.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use strix_data::{ImageDataset, Photo, Picture, memory};
use strix_reduce::{Engine, Mean, Reducer, Variance};

use crate::Error;
use crate::run::DatasetRecord;

/// The one way of a picture to a network, whether it is trained on, evaluated, predicted or left to an exported model. A
/// picture becomes an image of the dataset's size as a folder's do ([`Picture::fit`]), or is taken as a photo; the image is
/// enlarged, copied into as many channels as there are means, and each channel shifted and scaled. Means and deviations are
/// shares of white.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// Whether a picture that is to be predicted is taken as a photo ([`Picture::fit_photo`]) where nothing else is asked for:
    /// in runs on photographs of single things that were cut out, all alike.
    pub photo: bool,
    /// Pixels a side.
    pub size: usize,
    /// What is taken off each channel.
    pub mean: Vec<f64>,
    /// What each channel is then divided by.
    pub sd: Vec<f64>,
}

impl Preparation {
    /// One channel, of mean 0 and standard deviation 1 over these images, measured exactly by the integer aggregators.
    ///
    /// # Errors
    /// [`Error::Config`] when there are no images, or all pixels are equal.
    pub fn of(images: &ImageDataset, size: usize) -> Result<Self, Error> {
        let mut reducer = Reducer::new((Mean, Variance), &Engine::cpu())?;
        reducer.push(&images.pixels)?;
        let (mean, moments) = reducer.finish();
        match (mean, moments.population_sd()) {
            (Some(mean), Some(sd)) if sd > 0.0 => {
                Ok(Self { photo: false, size, mean: vec![mean / 255.0], sd: vec![sd / 255.0] })
            }
            _ => Err(Error::Config("the training images are empty or all of one shade".into())),
        }
    }

    /// A picture as an image of `dataset`, and what was done to it where it was taken as a photo.
    pub fn image(&self, picture: &Picture, dataset: &DatasetRecord) -> (Vec<u8>, Photo) {
        // Networks are trained on square images alone.
        let [_, width] = dataset.image_size;
        if self.photo { picture.fit_photo(width, dataset.background) } else { (picture.fit(width), Photo::default()) }
    }

    /// Shares of white `[batch, 1, size, size]` to what the network sees, `[batch, channels, size, size]`.
    pub fn apply(&self, images: Tensor<4>) -> Tensor<4> {
        let channels =
            self.mean.iter().zip(&self.sd).map(|(mean, sd)| images.clone().mul_scalar(1.0 / sd).sub_scalar(mean / sd));
        let mut channels: Vec<Tensor<4>> = channels.collect();
        if channels.len() == 1 { channels.remove(0) } else { Tensor::cat(channels, 1) }
    }
}

/// Images made ready, or features as they are.
pub(crate) fn prepared(by: Option<&Preparation>, images: Tensor<4>) -> Tensor<4> {
    match by {
        Some(by) => by.apply(images),
        None => images,
    }
}

/// Images and labels, on the device.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Shape `[batch, channels, height, width]`: shares of white, 0 to 1, or a trunk's features.
    pub images: Tensor<4>,
    /// Shape `[batch]`, class indices.
    pub labels: Tensor<1, Int>,
}

impl Batch {
    /// A whole dataset as one batch of square images of `size` pixels a side, one channel.
    ///
    /// # Errors
    /// [`Error::Data`] when they need more memory than is left.
    pub fn resident(data: &ImageDataset, size: usize, device: &Device) -> Result<Self, Error> {
        let numbers = data.len().saturating_mul(size).saturating_mul(size);
        let what = format!("{} images at {size} x {size} pixels, four bytes each,", data.len());
        memory::check(&what, (numbers as u64).saturating_mul(4), "take a smaller --resize, or fewer images (--limit)")?;
        let mut pixels = Vec::with_capacity(numbers);
        for index in 0..data.len() {
            enlarge(data.image(index), data.height, data.width, size, &mut pixels);
        }
        let labels: Vec<i32> = data.labels.iter().map(|&label| i32::from(label)).collect();
        Ok(Self {
            images: Tensor::from_data(TensorData::new(pixels, [data.len(), 1, size, size]), device),
            labels: Tensor::from_data(TensorData::new(labels, [data.len()]), device),
        })
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.labels.dims()[0]
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The images at `indices`, in that order.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let indices: Vec<i32> = indices.iter().map(|&index| index as i32).collect();
        let count = indices.len();
        let indices: Tensor<1, Int> = Tensor::from_data(TensorData::new(indices, [count]), &self.images.device());
        Self { images: self.images.clone().select(0, indices.clone()), labels: self.labels.clone().select(0, indices) }
    }

    /// All images in order, `size` at a time.
    pub fn pieces(&self, size: usize) -> impl Iterator<Item = Self> + '_ {
        (0..self.len()).step_by(size).map(move |begin| self.range(begin, (begin + size).min(self.len())))
    }

    /// Images `begin..end`.
    #[must_use]
    pub fn range(&self, begin: usize, end: usize) -> Self {
        Self {
            images: self.images.clone().slice_dim(0, begin..end),
            labels: self.labels.clone().slice_dim(0, begin..end),
        }
    }
}

/// An image as shares of white, brought to `size` pixels a side by bilinear interpolation between pixel centers.
fn enlarge(image: &[u8], height: usize, width: usize, size: usize, into: &mut Vec<f32>) {
    if [height, width] == [size, size] {
        return into.extend(image.iter().map(|&shade| f32::from(shade) / 255.0));
    }
    let place = |at: usize, from: usize| {
        let exact = ((at as f64 + 0.5) * from as f64 / size as f64 - 0.5).clamp(0.0, (from - 1) as f64);
        (exact as usize, (exact as usize + 1).min(from - 1), exact.fract())
    };
    for row in 0..size {
        let (top, bottom, down) = place(row, height);
        for column in 0..size {
            let (left, right, across) = place(column, width);
            let shade = |row: usize, column: usize| f64::from(image[row * width + column]);
            let upper = shade(top, left) * (1.0 - across) + shade(top, right) * across;
            let lower = shade(bottom, left) * (1.0 - across) + shade(bottom, right) * across;
            into.push(((upper * (1.0 - down) + lower * down) / 255.0) as f32);
        }
    }
}

/// Random numbers for one purpose of one step of one seed, the same in every process.
pub(crate) fn random(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

/// The order in which an epoch visits `len` images: another for each epoch, the same for each seed.
pub fn shuffled(len: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut random(seed, epoch as u64));
    order
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    #[test]
    fn enlarging_keeps_flat_images_and_slopes() {
        // Twice as large, between pixel centers: a quarter and three quarters of the way.
        let mut pixels = Vec::new();
        enlarge(&[0, 255, 0, 255], 2, 2, 4, &mut pixels);
        assert_eq!(pixels, [0.0, 0.25, 0.75, 1.0].repeat(4));
        pixels.clear();
        enlarge(&[51; 6], 2, 3, 5, &mut pixels);
        assert_eq!(pixels, [0.2; 25]);
    }

    #[test]
    fn a_picture_becomes_an_image_as_the_manifest_says() {
        let data = strix_data::garments::draw(20, 0, 1);
        let sets = crate::training::Sets { training: data.train.clone(), validation: data.test.clone() };
        let dataset = DatasetRecord::new(&data, &sets, None);
        // A black square on white.
        let square = |at: usize| (3..9).contains(&(at / 30)) && (20..26).contains(&(at % 30));
        let pixels: Vec<u8> = (0..900).map(|at| if square(at) { 0 } else { 255 }).collect();
        let picture = Picture::from_pixels(30, 30, &pixels);
        let by = Preparation { photo: false, size: 28, mean: vec![0.0], sd: vec![1.0] };
        assert_eq!(by.image(&picture, &dataset), (picture.fit(28), Photo::default()));
        let by = Preparation { photo: true, ..by };
        assert_eq!(by.image(&picture, &dataset), (vec![255; 28 * 28], Photo { cut: true, negative: true }));
    }

    #[test]
    fn images_that_no_memory_holds_are_refused() {
        let images = ImageDataset::new(vec![0; 4], vec![0], [2, 2], vec!["a".into()]);
        // Where the system tells how much memory there is.
        if std::path::Path::new("/proc/meminfo").is_file() {
            let told = Batch::resident(&images, 1 << 30, &Device::flex()).unwrap_err().to_string();
            assert!(told.contains("take a smaller --resize"), "{told}");
        }
    }

    #[test]
    fn channels_are_copies_with_their_own_mean_and_scale() {
        let by = Preparation { photo: false, size: 1, mean: vec![0.0, 0.5], sd: vec![1.0, 0.25] };
        let images = Tensor::from_data([[[[0.25f32]]], [[[1.0]]]], &Device::flex());
        let prepared = by.apply(images).into_data().try_to_vec::<f32>().unwrap();
        assert_eq!(prepared, [0.25, -1.0, 1.0, 2.0]);
    }
}
