//! What a pass over images gives, from per-sample values through the aggregators.
//!
//! No mean of batch means: every sample enters once, so a ragged last batch weighs what it holds.

use burn::tensor::{Int, Tensor, activation};
use serde::{Deserialize, Serialize};
use strix_reduce::{Confusion, ConfusionMatrix, Engine, Max, Mean, Reducer, Variance};

use crate::Error;
use crate::batch::Batch;

/// Loss and accuracy of one pass.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PassMetrics {
    /// Images seen.
    pub samples: u64,
    /// Mean cross-entropy over images, in nats.
    pub loss_mean: f64,
    /// Its population variance over images.
    pub loss_variance: f64,
    /// The worst image's cross-entropy.
    pub loss_max: f64,
    /// The share of images whose most probable class is theirs.
    pub accuracy: f64,
}

/// Cross-entropy of each image, shape `[batch]`: `-log softmax(logits)[label]`.
pub fn sample_losses(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    let picked: Tensor<2> = activation::log_softmax(logits, 1).gather(1, labels.unsqueeze_dim(1));
    picked.neg().squeeze_dim(1)
}

/// Collects a pass's per-sample values on the device, and reads them back an interval at a time.
pub struct Collector {
    losses: Reducer<f32, (Mean, Variance, Max)>,
    confusion: Reducer<(u8, u8), ConfusionMatrix>,
    pending: Vec<(Tensor<1>, Tensor<1, Int>, Tensor<1, Int>)>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}

impl Collector {
    /// An empty pass over images of that many classes.
    ///
    /// # Errors
    /// As [`Reducer::new`]; never on the CPU engine that it uses.
    pub fn new(classes: usize) -> Result<Self, Error> {
        let classes =
            u8::try_from(classes).map_err(|_| Error::Config(format!("{classes} classes are more than 255")))?;
        let engine = Engine::cpu();
        Ok(Self {
            losses: Reducer::new((Mean, Variance, Max), &engine)?,
            confusion: Reducer::new(ConfusionMatrix { classes }, &engine)?,
            pending: Vec::new(),
        })
    }

    /// Takes a batch's logits and per-sample losses in, without waiting for the device.
    pub fn take(&mut self, batch: &Batch, logits: &Tensor<2>, losses: &Tensor<1>) {
        let predicted = logits.clone().detach().argmax(1).squeeze_dim(1);
        self.pending.push((losses.clone().detach(), batch.labels.clone(), predicted));
    }

    /// Reads back what is pending; the mean loss of the whole pass so far.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails.
    pub fn read_back(&mut self) -> Result<f64, Error> {
        for (losses, labels, predicted) in std::mem::take(&mut self.pending) {
            self.losses.push(&floats(losses)?)?;
            let pairs: Vec<(u8, u8)> = classes(labels)?.into_iter().zip(classes(predicted)?).collect();
            self.confusion.push(&pairs)?;
        }
        let (mean, ..) = self.losses.state();
        let mean = strix_reduce::Aggregator::<f32>::finish(&Mean, *mean);
        Ok(mean.unwrap_or(0.0))
    }

    /// The metrics of the pass, and its confusion matrix.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails; [`Error::Config`] when nothing was taken in.
    pub fn finish(mut self) -> Result<(PassMetrics, Confusion), Error> {
        self.read_back()?;
        let confusion = self.confusion.finish();
        let (mean, moments, max) = self.losses.finish();
        let metrics = (|| {
            Some(PassMetrics {
                samples: moments.count,
                loss_mean: mean?,
                loss_variance: moments.population_variance()?,
                loss_max: max?.into(),
                accuracy: confusion.accuracy()?,
            })
        })();
        Ok((metrics.ok_or_else(|| Error::Config("a pass over no images has no metrics".into()))?, confusion))
    }
}

/// A float tensor's values, on the host.
pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, Error> {
    let data = tensor.try_into_data().map_err(|e| Error::Device(format!("the device failed: {e:?}")))?;
    data.convert::<f32>().try_to_vec().map_err(|e| Error::Device(format!("unexpected tensor data: {e:?}")))
}

/// A tensor of class indices, on the host.
fn classes(tensor: Tensor<1, Int>) -> Result<Vec<u8>, Error> {
    let data = tensor.try_into_data().map_err(|e| Error::Device(format!("the device failed: {e:?}")))?;
    data.convert::<u8>().try_to_vec().map_err(|e| Error::Device(format!("unexpected tensor data: {e:?}")))
}
