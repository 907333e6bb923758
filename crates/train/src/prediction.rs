//! A run's model on pictures from anywhere.

use burn::tensor::activation;
use strix_data::ImageDataset;

use crate::batch::Batch;
use crate::evaluation::{at_once, logits};
use crate::metrics::floats;
use crate::run::{Manifest, Run};
use crate::{DeviceChoice, Error};

/// No images yet, of the size and the classes that a run was trained on. Pictures become such by
/// [`crate::batch::Preparation::image`].
pub fn no_images(manifest: &Manifest) -> ImageDataset {
    ImageDataset::new(Vec::new(), Vec::new(), manifest.dataset.image_size, manifest.dataset.classes.clone())
}

/// The probability of each class for each image: for the run's own images those of an evaluation, to the last digit.
///
/// # Errors
/// [`Error::Read`] when the run cannot be loaded; [`Error::Data`] when the images need more memory than is left.
pub fn predict(run: &Run, images: &ImageDataset, device: DeviceChoice) -> Result<Vec<Vec<f32>>, Error> {
    let manifest = run.read_manifest()?;
    let device = device.open()?;
    let network = run.read_model(&manifest, &device)?;
    let by = &manifest.preparation;
    let mut probabilities = Vec::with_capacity(images.len());
    for batch in Batch::resident(images, by.size, &device)?.pieces(at_once(by.size)) {
        let shares = floats(activation::softmax(logits(&network, batch.images, by), 1))?;
        probabilities.extend(shares.chunks(images.classes.len()).map(<[f32]>::to_vec));
    }
    Ok(probabilities)
}
