//! Where a training run stands, in one file: a safetensors file of the network's parameters and running statistics, their
//! average, what the optimizer remembers and the aggregators' states of the epoch under way; counters are in its metadata.
//!
//! Random numbers need no state: each step's come from a generator of its own, by the seed and the step's number.

use std::collections::HashMap;

use burn::tensor::{DType, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};

use crate::training::LossScale;

/// How far the training has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// The epoch under way, from 1.
    pub epoch: usize,
    /// Batches of it that are done.
    pub batches: usize,
    /// Optimizer steps of all epochs that are done.
    pub steps: usize,
    /// The best epoch so far.
    pub best: Option<Best>,
    /// Seconds of training in the epoch under way.
    pub epoch_seconds: f64,
    /// Seconds of the whole run.
    pub seconds: f64,
    /// Of a training in f16.
    #[serde(default)]
    pub loss_scale: LossScale,
}

/// An epoch that was better than all before it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Its validation accuracy.
    pub accuracy: f64,
    /// Its validation loss.
    pub loss: f64,
}

/// The content of the file.
#[derive(Debug, Clone)]
pub(crate) struct Checkpoint {
    pub(crate) progress: Progress,
    pub(crate) network: Vec<TensorData>,
    pub(crate) average: Option<Vec<TensorData>>,
    pub(crate) optimizer: Vec<u8>,
    /// As [`crate::metrics::Collector::to_bytes`] gives them.
    pub(crate) metrics: [Vec<u8>; 4],
}

const PROGRESS: &str = "strix-progress";

impl Checkpoint {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let named = |of: &str, values: &[TensorData]| {
            let view = |(index, data): (usize, &TensorData)| {
                if data.dtype() != DType::F32 {
                    return Err(format!("a parameter is {:?}, but only f32 is stored", data.dtype()));
                }
                Ok((format!("{of}.{index:04}"), Dtype::F32, data.shape().to_vec(), data.as_bytes().to_vec()))
            };
            values.iter().enumerate().map(view).collect::<Result<Vec<_>, String>>()
        };
        let mut tensors = named("network", &self.network)?;
        tensors.extend(named("average", self.average.as_deref().unwrap_or_default())?);
        let bytes = |name: String, bytes: &[u8]| (name, Dtype::U8, vec![bytes.len()], bytes.to_vec());
        tensors.push(bytes("optimizer".into(), &self.optimizer));
        tensors.extend(self.metrics.iter().enumerate().map(|(at, state)| bytes(format!("metrics.{at}"), state)));
        let views: Result<Vec<_>, _> = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| Ok((name, TensorView::new(*dtype, shape.clone(), bytes)?)))
            .collect();
        let progress = serde_json::to_string(&self.progress).map_err(|e| e.to_string())?;
        let metadata = HashMap::from([(PROGRESS.to_owned(), progress)]);
        let views = views.map_err(|e: safetensors::SafeTensorError| e.to_string())?;
        serialize(views, Some(metadata)).map_err(|e| e.to_string())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let wrong = |e: safetensors::SafeTensorError| format!("is no whole checkpoint: {e}");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
        let progress = header.metadata().as_ref().and_then(|of| of.get(PROGRESS)).ok_or("is no checkpoint of strix")?;
        let progress = serde_json::from_str(progress).map_err(|e| format!("is no checkpoint of this strix: {e}"))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(wrong)?;
        let raw = |name: &str| tensors.tensor(name).map(|tensor| tensor.data().to_vec()).map_err(wrong);
        let listed = |of: &str| {
            let mut list = Vec::new();
            while let Ok(tensor) = tensors.tensor(&format!("{of}.{:04}", list.len())) {
                list.push(TensorData::from_bytes_vec(tensor.data().to_vec(), tensor.shape().to_vec(), DType::F32));
            }
            list
        };
        let average = listed("average");
        Ok(Self {
            progress,
            network: listed("network"),
            average: (!average.is_empty()).then_some(average),
            optimizer: raw("optimizer")?,
            metrics: [raw("metrics.0")?, raw("metrics.1")?, raw("metrics.2")?, raw("metrics.3")?],
        })
    }
}
