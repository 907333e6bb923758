//! What a pass over images gives, from per-sample values through the aggregators.
//!
//! No mean of batch means: every sample enters once, so a ragged last batch weighs what it holds. On a wgpu device the WGSL
//! engine reduces burn's own buffers where they lie, and states come back; elsewhere the samples do.

#[cfg(feature = "gpu")]
mod in_place;

use burn::tensor::{Int, Tensor, activation};
use serde::{Deserialize, Serialize};
use strix_reduce::combinators::{ByKey, MapInput, Named};
use strix_reduce::{Aggregator, Combine, Confusion, ConfusionMatrix, Engine, Max, Mean, Reducer, Sum, Variance, state};

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
type Gaps = Named<ByKey<Named<MapInput<Sum, fn(&Gap) -> f32, f32>>, fn(&Gap) -> u8>>;

/// Bins of confidence, from 1 on.
const BINS: u8 = 15;

fn gaps() -> Gaps {
    let of: fn(&Gap) -> f32 = |gap| gap.1;
    let bin: fn(&Gap) -> u8 = |gap| gap.0;
    Sum.map_input(of).named("gap").by_key(bin).named("bin")
}

/// Per-sample values on the device, each of shape `[samples]`.
#[derive(Debug)]
struct Samples {
    losses: Tensor<1>,
    labels: Tensor<1, Int>,
    predicted: Tensor<1, Int>,
    bins: Tensor<1, Int>,
    gaps: Tensor<1>,
}

/// Collects a pass's per-sample values on the device, and reads them back an interval at a time.
pub struct Collector {
    losses: Reducer<f32, Losses>,
    confusion: Reducer<(u8, u8), ConfusionMatrix>,
    gaps: Reducer<Gap, Gaps>,
    norms: Reducer<f32, (Mean, Max)>,
    classes: u8,
    pending: Vec<Samples>,
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
        // From the logits: the softmax may round two of them to one.
        let predicted = logits.clone().detach().argmax(1).squeeze_dim(1);
        let confidence: Tensor<1> = activation::softmax(logits.clone().detach(), 1).max_dim(1).squeeze_dim(1);
        let right = labels.clone().equal(predicted.clone()).float();
        self.pending.push(Samples {
            losses: losses.clone().detach(),
            labels: labels.clone(),
            predicted,
            // A bin has its upper edge, as in the paper. Clamped as an integer: a NaN becomes one of any value.
            bins: confidence.clone().mul_scalar(BINS).ceil().int().clamp(1, BINS),
            gaps: confidence - right,
        });
    }

    /// Takes the norm of a step's gradients in, shape `[1]`.
    pub fn take_norm(&mut self, norm: Tensor<1>) {
        self.pending_norms.push(norm);
    }

    /// Reads back what is pending; the mean loss of the whole pass so far, if there is any.
    ///
    /// # Errors
    /// [`Error::Device`] when the device fails.
    pub fn read_back(&mut self) -> Result<Option<f64>, Error> {
        let pending = std::mem::take(&mut self.pending);
        #[cfg(feature = "gpu")]
        let pending = self.reduce_in_place(pending)?;
        for samples in pending {
            self.losses.push(&floats(samples.losses)?)?;
            let predicted = classes(samples.predicted)?;
            let pairs: Vec<(u8, u8)> = classes(samples.labels)?.into_iter().zip(predicted).collect();
            self.confusion.push(&pairs)?;
            let gaps: Vec<Gap> = classes(samples.bins)?.into_iter().zip(floats(samples.gaps)?).collect();
            self.gaps.push(&gaps)?;
        }
        for norm in std::mem::take(&mut self.pending_norms) {
            self.norms.push(&floats(norm)?)?;
        }
        let (mean, ..) = self.losses.state();
        Ok(Aggregator::<f32>::finish(&Mean, *mean))
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
            state::to_bytes::<Gap, _>(&gaps(), self.gaps.state(), self.gaps.pushed())?,
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
        let (state, items) = state::from_bytes::<Gap, _>(&gaps(), sums)?;
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

/// A tensor of small integers, such as class indices, on the host.
fn classes(tensor: Tensor<1, Int>) -> Result<Vec<u8>, Error> {
    let data = tensor.try_into_data().map_err(|e| Error::Device(format!("the device failed: {e:?}")))?;
    data.convert::<u8>().try_to_vec().map_err(|e| Error::Device(format!("unexpected tensor data: {e:?}")))
}
