//! A finished run, measured on images that it has not seen.

use burn::tensor::{Device, Tensor, activation};
use strix_data::ImageDataset;
use strix_reduce::Confusion;

use crate::batch::{Batch, Normalization};
use crate::metrics::{Collector, PassMetrics, floats, sample_losses};
use crate::model::ConvStrix;
use crate::run::Run;
use crate::{DeviceChoice, Error};

/// Images a forward pass; any number gives the same answer, this one fits caches and memory.
const BATCH: usize = 256;

/// What a model says of one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Prediction {
    /// The image's index in the dataset.
    pub index: usize,
    /// Its class.
    pub label: u8,
    /// The most probable class.
    pub predicted: u8,
    /// The probability of each class.
    pub probabilities: Vec<f32>,
}

/// A run's metrics on a dataset.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// Loss and accuracy.
    pub metrics: PassMetrics,
    /// Which class was taken for which.
    pub confusion: Confusion,
    /// Every image's prediction, in order.
    pub predictions: Vec<Prediction>,
}

/// Loads `run`'s model and measures it on `images`.
///
/// # Errors
/// [`Error::Read`] when the run cannot be loaded or was trained on other classes or another size.
pub fn evaluate(run: &Run, images: &ImageDataset, device: DeviceChoice) -> Result<Evaluation, Error> {
    let manifest = run.read_manifest()?;
    if manifest.dataset.classes != images.classes || manifest.dataset.image_size != [images.height, images.width] {
        return Err(Error::Read {
            path: run.path().into(),
            what: format!(
                "was trained on {:?} images of {} classes, but the dataset has {:?} images of {}",
                manifest.dataset.image_size,
                manifest.dataset.classes.len(),
                [images.height, images.width],
                images.classes.len()
            ),
        });
    }
    let device = device.open()?;
    let model = run.read_model(&manifest, &device)?;
    let mut predictions = Vec::with_capacity(images.len());
    let (metrics, confusion) = pass(&model, images, manifest.normalization, &device, |logits| {
        let classes = images.classes.len();
        let scores = floats(logits.clone())?;
        let probabilities = floats(activation::softmax(logits, 1))?;
        for (scores, row) in scores.chunks(classes).zip(probabilities.chunks(classes)) {
            let index = predictions.len();
            // From the logits, as the accuracy is: the softmax may round two of them to one.
            let predicted = (1..classes).fold(0, |best, class| if scores[class] > scores[best] { class } else { best });
            predictions.push(Prediction {
                index,
                label: images.labels[index],
                predicted: predicted as u8,
                probabilities: row.to_vec(),
            });
        }
        Ok(())
    })?;
    Ok(Evaluation { metrics, confusion, predictions })
}

/// One forward pass over all images; `look` sees each batch's logits.
pub(crate) fn pass(
    model: &ConvStrix,
    images: &ImageDataset,
    by: Normalization,
    device: &Device,
    mut look: impl FnMut(Tensor<2>) -> Result<(), Error>,
) -> Result<(PassMetrics, Confusion), Error> {
    let mut collector = Collector::new(images.classes.len())?;
    let all: Vec<usize> = (0..images.len()).collect();
    for indices in all.chunks(BATCH) {
        let batch = Batch::new(images, indices, by, device);
        let logits = model.forward(batch.images.clone());
        let losses = sample_losses(logits.clone(), batch.labels.clone());
        collector.take(&batch, &logits, &losses);
        look(logits)?;
    }
    collector.finish()
}
