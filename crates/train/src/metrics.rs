//! What a pass over images gives, from per-sample values through the aggregators.
//!
//! No mean of batch means: every sample enters once, so a ragged last batch weighs what it holds.

use std::collections::BTreeMap;

use burn::tensor::{Int, Tensor, activation};
use serde::{Deserialize, Serialize};
use strix_reduce::{
    Aggregator, Boxed, Combine, Confusion, ConfusionMatrix, Engine, Max, Mean, Reducer, Sum, Variance, state,
};

use crate::Error;

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
    /// The mean of the classes' F1.
    pub macro_f1: f64,
    /// Expected calibration error (Naeini et al. 2015; Guo et al. 2017): by how much confidence and accuracy differ, over
    /// 15 bins of confidence, each weighing as many images as it holds.
    pub calibration_error: f64,
}

/// Loss mean, spread and worst.
type Losses = (Mean, Variance, Max);

/// An image's bin of confidence, and its confidence less 1 if it is right.
type Gap = (u8, f32);

/// The sum of the gaps of each bin.
type Gaps = Boxed<Gap, BTreeMap<u8, Option<f64>>>;

/// Bins of confidence.
const BINS: u8 = 15;

fn gaps() -> Gaps {
    Boxed::new(Sum.map_input(|gap: &Gap| gap.1).named("gap").by_key(|gap: &Gap| gap.0))
}

fn gap((confidence, right): (f32, bool)) -> Gap {
    // A bin has its upper edge, as in the paper.
    let bin = ((confidence * f32::from(BINS)).ceil() as u8).clamp(1, BINS);
    (bin, confidence - f32::from(u8::from(right)))
}

/// A batch's per-sample values, on the device.
#[derive(Debug)]
struct Pending {
    losses: Tensor<1>,
    labels: Tensor<1, Int>,
    predicted: Tensor<1, Int>,
    confidence: Tensor<1>,
}

/// Collects a pass's per-sample values on the device, and reads them back an interval at a time.
pub struct Collector {
    losses: Reducer<f32, Losses>,
    confusion: Reducer<(u8, u8), ConfusionMatrix>,
    gaps: Reducer<Gap, Gaps>,
    norms: Reducer<f32, (Mean, Max)>,
    classes: u8,
    pending: Vec<Pending>,
    pending_norms: Vec<Tensor<1>>,
}

impl std::fmt::Debug for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Collector").field("pending", &self.pending.len()).finish_non_exhaustive()
    }
}

/// Mean and greatest norm of the gradients of a pass.
pub type GradientNorms = (Option<f64>, Option<f32>);

impl Collector {
    /// An empty pass over images of that many classes.
    ///
    /// # Errors
    /// [`Error::Config`] for more than 255 classes.
    pub fn new(classes: usize) -> Result<Self, Error> {
        let classes =
            u8::try_from(classes).map_err(|_| Error::Config(format!("{classes} classes are more than 255")))?;
        let engine = Engine::cpu();
        Ok(Self {
            losses: Reducer::new((Mean, Variance, Max), &engine)?,
            confusion: Reducer::new(ConfusionMatrix { classes }, &engine)?,
            gaps: Reducer::new(gaps(), &engine)?,
            norms: Reducer::new((Mean, Max), &engine)?,
            classes,
            pending: Vec::new(),
            pending_norms: Vec::new(),
        })
    }

    /// Takes a batch's labels, logits and per-sample losses in, without waiting for the device.
    pub fn take(&mut self, labels: &Tensor<1, Int>, logits: &Tensor<2>, losses: &Tensor<1>) {
        let shares = activation::softmax(logits.clone().detach(), 1);
        self.pending.push(Pending {
            losses: losses.clone().detach(),
            labels: labels.clone(),
            // From the logits: the softmax may round two of them to one.
            predicted: logits.clone().detach().argmax(1).squeeze_dim(1),
            confidence: shares.max_dim(1).squeeze_dim(1),
        });
    }

    /// Takes the norm of a step's gradients in, shape `[1]`.
    pub fn take_norm(&mut self, norm: Tensor<1>) {
        self.pending_norms.push(norm);
    }

    /// Reads back what is pending; the mean loss of the whole pass so far.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails.
    pub fn read_back(&mut self) -> Result<f64, Error> {
        for Pending { losses, labels, predicted, confidence } in std::mem::take(&mut self.pending) {
            self.losses.push(&floats(losses)?)?;
            let pairs: Vec<(u8, u8)> = classes(labels)?.into_iter().zip(classes(predicted)?).collect();
            let right = pairs.iter().map(|(label, predicted)| label == predicted);
            let gaps: Vec<Gap> = floats(confidence)?.into_iter().zip(right).map(gap).collect();
            self.confusion.push(&pairs)?;
            self.gaps.push(&gaps)?;
        }
        for norm in std::mem::take(&mut self.pending_norms) {
            self.norms.push(&floats(norm)?)?;
        }
        let (mean, ..) = self.losses.state();
        Ok(Aggregator::<f32>::finish(&Mean, *mean).unwrap_or(0.0))
    }

    /// What was read back so far, as bytes.
    ///
    /// # Errors
    /// As [`state::to_bytes`].
    pub fn to_bytes(&self) -> Result<[Vec<u8>; 4], Error> {
        Ok([
            state::to_bytes::<f32, Losses>(&(Mean, Variance, Max), self.losses.state(), self.losses.pushed())?,
            state::to_bytes::<(u8, u8), _>(
                &ConfusionMatrix { classes: self.classes },
                self.confusion.state(),
                self.confusion.pushed(),
            )?,
            gaps().to_bytes(self.gaps.state(), self.gaps.pushed())?,
            state::to_bytes::<f32, _>(&(Mean, Max), self.norms.state(), self.norms.pushed())?,
        ])
    }

    /// A pass that has come as far as the one whose bytes these are.
    ///
    /// # Errors
    /// [`Error::Reduce`] for bytes of anything else.
    pub fn from_bytes(classes: usize, [losses, confusion, sums, norms]: &[Vec<u8>; 4]) -> Result<Self, Error> {
        let mut collector = Self::new(classes)?;
        let (state, items) = state::from_bytes::<f32, Losses>(&(Mean, Variance, Max), losses)?;
        collector.losses.push_state(state, items)?;
        let matrix = ConfusionMatrix { classes: collector.classes };
        let (state, items) = state::from_bytes::<(u8, u8), _>(&matrix, confusion)?;
        collector.confusion.push_state(state, items)?;
        let (state, items) = gaps().read_bytes(sums)?;
        collector.gaps.push_state(state, items)?;
        let (state, items) = state::from_bytes::<f32, _>(&(Mean, Max), norms)?;
        collector.norms.push_state(state, items)?;
        Ok(collector)
    }

    /// The metrics of the pass, its confusion matrix, and the norms of its gradients.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails; [`Error::Config`] when nothing was taken in.
    pub fn finish(mut self) -> Result<(PassMetrics, Confusion, GradientNorms), Error> {
        self.read_back()?;
        let confusion = self.confusion.finish();
        let (mean, moments, max) = self.losses.finish();
        let apart: f64 = self.gaps.finish().into_values().flatten().map(f64::abs).sum();
        let metrics = (|| {
            Some(PassMetrics {
                samples: moments.count,
                loss_mean: mean?,
                loss_variance: moments.population_variance()?,
                loss_max: max?.into(),
                accuracy: confusion.accuracy()?,
                macro_f1: confusion.macro_f1()?,
                calibration_error: apart / moments.count as f64,
            })
        })();
        let metrics = metrics.ok_or_else(|| Error::Config("a pass over no images has no metrics".into()))?;
        Ok((metrics, confusion, self.norms.finish()))
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
