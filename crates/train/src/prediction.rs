//! A run's model on pictures from anywhere.

use burn::tensor::activation;
use strix_data::{ImageDataset, Picture};

use crate::batch::Batch;
use crate::evaluation::BATCH;
use crate::metrics::floats;
use crate::run::Run;
use crate::{DeviceChoice, Error};

/// The probability of each class for each picture, and the images that the network was shown.
///
/// Pictures may have any size and a dark or a light background: see [`Picture::fit_to`].
///
/// # Errors
/// [`Error::Read`] when the run cannot be loaded.
pub fn predict(run: &Run, pictures: &[Picture], device: DeviceChoice) -> Result<(Vec<Vec<f32>>, ImageDataset), Error> {
    let manifest = run.read_manifest()?;
    let device = device.open()?;
    let network = run.read_model(&manifest, &device)?;
    let dataset = &manifest.dataset;
    let [height, width] = dataset.image_size;
    let shown = ImageDataset {
        pixels: pictures.iter().flat_map(|picture| picture.fit_to(width, dataset.background)).collect(),
        labels: vec![0; pictures.len()],
        ids: vec![0; pictures.len()],
        width,
        height,
        classes: dataset.classes.clone(),
    };
    let mut probabilities = Vec::with_capacity(pictures.len());
    for batch in Batch::resident(&shown, manifest.preparation.size, &device).pieces(BATCH) {
        let logits = network.forward(manifest.preparation.apply(batch.images));
        let shares = floats(activation::softmax(logits, 1))?;
        probabilities.extend(shares.chunks(dataset.classes.len()).map(<[f32]>::to_vec));
    }
    Ok((probabilities, shown))
}
