//! A finished run, measured on images that it has not seen.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};
use strix_data::{ImageDataset, TrainTest};
use strix_reduce::Confusion;

use crate::augment;
use crate::batch::{Batch, Preparation, prepared};
use crate::metrics::{Collector, PassMetrics, floats};
use crate::model::Network;
use crate::objective::sample_losses;
use crate::run::{EpochRecord, Manifest, Run};
use crate::{DeviceChoice, Error, content};

/// Images a forward pass, of 32 x 32 pixels: as many as fit caches and memory.
const BATCH: usize = 256;

/// Images that are told as vectors.
const VECTORS: usize = 1000;

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
    /// Loss, accuracy and calibration.
    pub metrics: PassMetrics,
    /// Which class was taken for which.
    pub confusion: Confusion,
    /// Every image's prediction, in order.
    pub predictions: Vec<Prediction>,
    /// A vector for each of the first thousand images, such as a projector shows.
    pub vectors: Vec<Vec<f32>>,
}

/// What a run keeps of its evaluation, in `evaluation.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Loss, accuracy and calibration on the test images.
    pub metrics: PassMetrics,
    /// Whether six views of each image were averaged.
    pub views: bool,
    /// Training images a second, over all epochs.
    pub images_per_second: f64,
    /// How many images of each class (a row) were taken for which.
    pub confusion: Vec<Vec<u64>>,
    /// On what it was measured; none in a file of an earlier version.
    pub tested: Option<Tested>,
}

/// The dataset that a run was measured on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tested {
    /// Its name, or the path of its folder.
    pub name: String,
    /// Of its test images: see [`content::sha256`].
    pub sha256: String,
    /// What it has otherwise than the dataset of the training: see [`crate::run::DatasetRecord::differences`].
    pub differences: Vec<String>,
}

impl Tested {
    /// Of an evaluation of the manifest's run on the dataset's test images.
    pub fn new(manifest: &Manifest, data: &TrainTest) -> Self {
        Self {
            name: data.name.clone(),
            sha256: content::sha256(&data.test),
            differences: manifest.dataset.differences(&manifest.config, data),
        }
    }

    /// Whether the test images are known to be those that the manifest's dataset had.
    pub fn as_trained(&self, manifest: &Manifest) -> bool {
        manifest.dataset.content.as_ref().is_some_and(|content| content.test == self.sha256)
    }
}

impl Record {
    /// Of an evaluation of a run of these epochs.
    pub fn new(evaluation: &Evaluation, epochs: &[EpochRecord], views: bool, tested: &Tested) -> Self {
        let classes = 0..evaluation.confusion.classes();
        let row = |label| classes.clone().map(|predicted| evaluation.confusion.count(label, predicted)).collect();
        let images: u64 = epochs.iter().map(|epoch| epoch.train.samples).sum();
        let seconds: f64 = epochs.iter().map(|epoch| epoch.train_seconds).sum();
        Self {
            metrics: evaluation.metrics,
            views,
            images_per_second: images as f64 / seconds,
            confusion: classes.clone().map(row).collect(),
            tested: Some(tested.clone()),
        }
    }
}

/// Loads `run`'s model and measures it on `images`; with `views` on six views of each, whose probabilities are averaged: as
/// it is and mirrored, in place and a pixel off to either corner.
///
/// # Errors
/// [`Error::Read`] when the run cannot be loaded or was trained on other classes or another size; [`Error::Data`] when the
/// images need more memory than is left.
pub fn evaluate(run: &Run, images: &ImageDataset, device: DeviceChoice, views: bool) -> Result<Evaluation, Error> {
    let manifest = run.read_manifest()?;
    if let Some(what) = manifest.dataset.mismatch(images) {
        return Err(Error::Read { path: run.path().into(), what });
    }
    let device = device.open()?;
    let network = run.read_model(&manifest, &device)?;
    let classes = images.classes.len();
    let by = &manifest.preparation;
    let batch = Batch::resident(images, by.size, &device)?;
    let mut predictions = Vec::with_capacity(images.len());
    let look = |logits: Tensor<2>| {
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
    };
    let (metrics, confusion) = if views {
        measure(&batch, classes, |images| seen_from_all_sides(&network, images, by), look)?
    } else {
        measure(&batch, classes, |images| logits(&network, images, by), look)?
    };
    let vectors = vectors(&network, &batch.range(0, batch.len().min(VECTORS)), by)?;
    Ok(Evaluation { metrics, confusion, predictions, vectors })
}

/// Images of this size a forward pass: the larger they are, the fewer.
pub(crate) fn at_once(size: usize) -> usize {
    (BATCH * 32 * 32 / (size * size).max(1)).clamp(8, BATCH)
}

/// Logits `[batch, classes]` of images `[batch, 1, size, size]`, always computed for as many as [`at_once`] says: the order in
/// which a product's terms are summed depends on how many rows it has, and what is said of an image is not to depend on
/// how many others are asked about.
pub(crate) fn logits(network: &Network, images: Tensor<4>, by: &Preparation) -> Tensor<2> {
    let [count, channels, height, width] = images.dims();
    let missing = at_once(height).saturating_sub(count);
    if missing == 0 {
        return network.forward(by.apply(images));
    }
    let black = Tensor::zeros([missing, channels, height, width], &images.device());
    network.forward(by.apply(Tensor::cat(vec![images, black], 0))).slice_dim(0, 0..count)
}

/// Logarithms of the mean probabilities over six views of images `[batch, 1, size, size]`.
fn seen_from_all_sides(network: &Network, images: Tensor<4>, by: &Preparation) -> Tensor<2> {
    let mut sum: Option<Tensor<2>> = None;
    for mirrored in [false, true] {
        for offset in [0, -1, 1] {
            let view = augment::view(images.clone(), offset, mirrored);
            let shares = activation::softmax(network.forward(by.apply(view)), 1);
            sum = Some(sum.map_or(shares.clone(), |sum| sum + shares));
        }
    }
    // The smallest normal number keeps the logarithm of nothing finite.
    sum.unwrap_or_else(|| Tensor::zeros([0, 0], &images.device())).div_scalar(6.0).clamp_min(f32::MIN_POSITIVE).log()
}

/// One forward pass over all images, of which the first `done` blocks are done; `look` sees each batch's logits.
pub(crate) fn pass(
    network: &Network,
    done: usize,
    images: &Batch,
    by: Option<&Preparation>,
    classes: usize,
    look: impl FnMut(Tensor<2>) -> Result<(), Error>,
) -> Result<(PassMetrics, Confusion), Error> {
    measure(images, classes, |images| network.finish(prepared(by, images), done), look)
}

fn measure(
    images: &Batch,
    classes: usize,
    forward: impl Fn(Tensor<4>) -> Tensor<2>,
    mut look: impl FnMut(Tensor<2>) -> Result<(), Error>,
) -> Result<(PassMetrics, Confusion), Error> {
    let mut collector = Collector::new(classes)?;
    for batch in images.pieces(at_once(images.images.dims()[2])) {
        let logits = forward(batch.images);
        let losses = sample_losses(logits.clone(), batch.labels.clone());
        collector.take(&batch.labels, &logits, &losses);
        look(logits)?;
    }
    let (metrics, confusion, _) = collector.finish()?;
    Ok((metrics, confusion))
}

/// A vector for each image: the mean over all places of what the trunk gives, or the logits of a network without one.
fn vectors(network: &Network, images: &Batch, by: &Preparation) -> Result<Vec<Vec<f32>>, Error> {
    let vectors = match network.blocks() {
        0 => network.forward(by.apply(images.images.clone())),
        blocks => {
            let places: Tensor<3> = features(network, blocks, images, by, &mut || false)?.images.flatten(2, 3);
            places.mean_dim(2).squeeze_dim(2)
        }
    };
    let width = vectors.dims()[1].max(1);
    Ok(floats(vectors)?.chunks(width).map(<[f32]>::to_vec).collect())
}

/// What the first `blocks` blocks make of all images, unless it is to stop before.
pub(crate) fn features(
    network: &Network,
    blocks: usize,
    images: &Batch,
    by: &Preparation,
    stop: &mut dyn FnMut() -> bool,
) -> Result<Batch, Error> {
    let mut parts = Vec::new();
    for batch in images.pieces(at_once(images.images.dims()[2])) {
        if stop() {
            return Err(Error::Stopped);
        }
        parts.push(network.features(by.apply(batch.images), blocks));
    }
    Ok(Batch { images: Tensor::cat(parts, 0), labels: images.labels.clone() })
}
