//! Everything that decides a training run, as it is written into the run's manifest.

use serde::{Deserialize, Serialize};

use crate::optimizer::OptimizerKind;
use crate::{DeviceChoice, Error};

/// The activation after every convolution and dense layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivationKind {
    /// max(x, 0)
    #[default]
    Relu,
    /// Self-normalising exponential unit (Klambauer et al. 2017).
    Selu,
    /// Hyperbolic tangent.
    Tanh,
}

/// The shape of a ConvStrix network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConvStrixConfig {
    /// Convolution blocks; block b has 32 (b + 1) filters, counted from 0.
    pub blocks: usize,
    /// 3x3 same convolutions a block.
    pub block_layers: usize,
    /// Dense layers between the blocks and the output.
    pub dense_layers: usize,
    /// Units of each dense layer.
    pub dense_width: usize,
    /// Probability of dropping a unit after each dense layer.
    pub dropout: f64,
    /// Activation after each convolution and dense layer.
    pub activation: ActivationKind,
}

impl Default for ConvStrixConfig {
    /// The size that passes 90 % on Fashion-MNIST in a few minutes of two CPU cores.
    fn default() -> Self {
        Self {
            blocks: 3,
            block_layers: 1,
            dense_layers: 1,
            dense_width: 256,
            dropout: 0.4,
            activation: ActivationKind::Relu,
        }
    }
}

/// A whole training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// The network.
    pub model: ConvStrixConfig,
    /// The optimizer.
    pub optimizer: OptimizerKind,
    /// Its step size.
    pub learning_rate: f64,
    /// Images a step.
    pub batch_size: usize,
    /// Passes over the training part.
    pub epochs: usize,
    /// Decides the split, the weights, the order of images and the dropout.
    pub seed: u64,
    /// Only the first so many images of the training set are used; all if not given.
    pub limit: Option<usize>,
    /// The share of the training set that is trained on; the rest validates.
    pub train_share: f64,
    /// Where to train.
    pub device: DeviceChoice,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            model: ConvStrixConfig::default(),
            optimizer: OptimizerKind::Adam,
            learning_rate: 7e-4,
            batch_size: 64,
            epochs: 4,
            seed: 0,
            limit: None,
            train_share: 0.8,
            device: DeviceChoice::Cpu,
        }
    }
}

impl TrainConfig {
    /// Refuses what cannot be trained on images of `size` pixels a side.
    ///
    /// # Errors
    /// [`Error::Config`], naming the setting, its value and what it may be.
    pub fn check(&self, size: usize) -> Result<(), Error> {
        let model = &self.model;
        let positive = [
            ("blocks", model.blocks),
            ("block-layers", model.block_layers),
            ("batch-size", self.batch_size),
            ("epochs", self.epochs),
            ("limit", self.limit.unwrap_or(1)),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(Error::Config(format!("--{name} is 0, but must be at least 1")));
        }
        if model.dense_layers > 0 && model.dense_width == 0 {
            return Err(Error::Config("--dense-width is 0, but must be at least 1".into()));
        }
        // Far beyond what trains, and far below what memory cannot hold.
        let bounded = [
            ("block-layers", model.block_layers, 64),
            ("dense-layers", model.dense_layers, 64),
            ("dense-width", model.dense_width, 1 << 16),
        ];
        if let Some((name, value, most)) = bounded.iter().find(|(_, value, most)| value > most) {
            return Err(Error::Config(format!("--{name} is {value}, but may be {most} at most")));
        }
        let most = size.max(1).ilog2() as usize + 1;
        if model.blocks > most {
            let what = format!(
                "--blocks is {}, but {size}x{size} images halve only {} times between blocks, so at most {most} fit",
                model.blocks,
                most - 1
            );
            return Err(Error::Config(what));
        }
        if !(0.0..1.0).contains(&model.dropout) {
            return Err(Error::Config(format!("--dropout is {}, but must be at least 0 and below 1", model.dropout)));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            let what = format!("--learning-rate is {}, but must be a positive number", self.learning_rate);
            return Err(Error::Config(what));
        }
        if !(self.train_share > 0.0 && self.train_share < 1.0) {
            return Err(Error::Config(format!(
                "the training share is {}, but must be between 0 and 1",
                self.train_share
            )));
        }
        Ok(())
    }
}
