//! Images and labels as tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use strix_data::ImageDataset;
use strix_reduce::{Engine, Mean, Reducer, Variance};

use crate::Error;

/// Turns pixels 0..255 into numbers of mean 0 and standard deviation 1 over the training part.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Normalization {
    /// Mean of the training pixels / 255.
    pub mean: f64,
    /// Population standard deviation of the training pixels / 255.
    pub sd: f64,
}

impl Normalization {
    /// The normalisation of these images, measured exactly by the integer aggregators.
    ///
    /// # Errors
    /// [`Error::Config`] when there are no images, or all pixels are equal.
    pub fn of(images: &ImageDataset) -> Result<Self, Error> {
        let mut reducer = Reducer::new((Mean, Variance), &Engine::cpu())?;
        reducer.push(&images.pixels)?;
        let (mean, moments) = reducer.finish();
        match (mean, moments.population_sd()) {
            (Some(mean), Some(sd)) if sd > 0.0 => Ok(Self { mean: mean / 255.0, sd: sd / 255.0 }),
            _ => Err(Error::Config("the training images are empty or all of one shade".into())),
        }
    }
}

/// One step's images, on the device.
#[derive(Debug)]
pub struct Batch {
    /// Shape `[batch, 1, height, width]`, normalised.
    pub images: Tensor<4>,
    /// Shape `[batch]`, class indices.
    pub labels: Tensor<1, Int>,
}

impl Batch {
    /// The images at `indices`.
    pub fn new(data: &ImageDataset, indices: &[usize], by: Normalization, device: &Device) -> Self {
        let (scale, shift) = (1.0 / (255.0 * by.sd), by.mean / by.sd);
        // 256 shades: one look-up a pixel.
        let shades: Vec<f32> = (0..256).map(|shade| (f64::from(shade) * scale - shift) as f32).collect();
        let pixels: Vec<f32> =
            indices.iter().flat_map(|&i| data.image(i)).map(|&shade| shades[usize::from(shade)]).collect();
        let labels: Vec<i32> = indices.iter().map(|&i| i32::from(data.labels[i])).collect();
        let shape = [indices.len(), 1, data.height, data.width];
        Self {
            images: Tensor::from_data(TensorData::new(pixels, shape), device),
            labels: Tensor::from_data(TensorData::new(labels, [indices.len()]), device),
        }
    }
}

/// The order in which an epoch visits `len` images: another for each epoch, the same for each seed.
pub fn shuffled(len: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(epoch as u64);
    let mut order: Vec<usize> = (0..len).collect();
    order.shuffle(&mut random);
    order
}
