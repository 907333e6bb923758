//! Everything that decides a training run, as it is written into the run's manifest.

use burn::tensor::FloatDType;
use serde::{Deserialize, Serialize};

use crate::augment::Augmentation;
use crate::optimizer::OptimizerKind;
use crate::schedule::Schedule;
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

/// Dense layers and the output: all of FCNN, the head of ConvStrix and VGGStrix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DenseConfig {
    /// Dense layers before the output.
    pub dense_layers: usize,
    /// Units of each dense layer.
    pub dense_width: usize,
    /// Probability of dropping a unit after each dense layer.
    pub dropout: f64,
    /// Activation after each convolution and dense layer.
    pub activation: ActivationKind,
}

/// The shape of a ConvStrix network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConvStrixConfig {
    /// Convolution blocks; block b has 32 (b + 1) filters, counted from 0.
    pub blocks: usize,
    /// 3x3 same convolutions a block.
    pub block_layers: usize,
    /// The head.
    pub dense: DenseConfig,
}

/// The shape of a StrixNet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StrixNetConfig {
    /// Filters of the stem; each stage doubles them.
    pub width: usize,
    /// Stages after the stem.
    pub stages: usize,
}

/// Convolutions and filters of each block of VGG19.
pub const VGG19: [(usize, usize); 5] = [(2, 64), (2, 128), (4, 256), (4, 512), (4, 512)];

/// The shape of a VGGStrix network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VggStrixConfig {
    /// VGG19 blocks, from the first on: as many as the weights file has.
    pub vgg_blocks: usize,
    /// ConvStrix blocks after them (or none), and the head.
    pub own: ConvStrixConfig,
}

/// The shape of a CIFAR ResNet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResNetConfig {
    /// Layers with weights: 20, 32, 44 or 56.
    pub depth: usize,
}

/// Which network, and its shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum NetworkConfig {
    /// Dense layers alone.
    Fcnn(DenseConfig),
    /// Small, VGG-like.
    ConvStrix(ConvStrixConfig),
    /// Residual, made for this size of images.
    StrixNet(StrixNetConfig),
    /// Pretrained VGG19 blocks under a head.
    VggStrix(VggStrixConfig),
    /// He et al.'s CIFAR networks.
    ResNet(ResNetConfig),
}

impl NetworkConfig {
    /// The architecture's name.
    pub fn name(&self) -> String {
        match self {
            Self::Fcnn(_) => "FCNN".into(),
            Self::ConvStrix(_) => "ConvStrix".into(),
            Self::StrixNet(_) => "StrixNet".into(),
            Self::VggStrix(_) => "VGGStrix".into(),
            Self::ResNet(config) => format!("ResNet-{}", config.depth),
        }
    }

    /// Blocks of the trunk.
    pub fn blocks(&self) -> usize {
        match self {
            Self::Fcnn(_) => 0,
            Self::ConvStrix(config) => config.blocks,
            Self::StrixNet(config) => 1 + config.stages,
            Self::VggStrix(config) => config.vgg_blocks + config.own.blocks,
            Self::ResNet(_) => 4,
        }
    }

    /// What its first `blocks` blocks are, as a text that is another one where they may be others. What stands behind them
    /// has no part in it.
    pub(crate) fn trunk(&self, blocks: usize) -> String {
        let own = |ConvStrixConfig { blocks, block_layers, dense }: &ConvStrixConfig| {
            format!("{blocks} of {block_layers} layers, {:?}", dense.activation)
        };
        match self {
            // Those of VGG19 are the same before whatever comes.
            Self::VggStrix(config) if blocks <= config.vgg_blocks => "VGG19".into(),
            Self::VggStrix(config) => format!("{} of VGG19, {}", config.vgg_blocks, own(&config.own)),
            Self::ConvStrix(config) => own(config),
            Self::Fcnn(_) | Self::StrixNet(_) | Self::ResNet(_) => format!("{self:?}"),
        }
    }
}

/// Which part of a network is trained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FineTune {
    /// All of it.
    #[default]
    Full,
    /// The head, and so many of the trunk's last blocks.
    Partial(usize),
    /// The head alone: a probe of the features.
    Probe,
}

impl FineTune {
    /// How many of `blocks` blocks, from the first on, are not trained.
    pub fn frozen(self, blocks: usize) -> usize {
        match self {
            Self::Full => 0,
            Self::Partial(trained) => blocks.saturating_sub(trained),
            Self::Probe => blocks,
        }
    }
}

/// The numbers that images, activations and their gradients are while a network trains. The weights and their steps, the
/// statistics of batch norms, losses, evaluations and all that is reported are f32 with each (Micikevicius et al. 2018,
/// arXiv 1710.03740).
///
/// Half as many bits are for GPUs with units for them; on a CPU they are slower.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 24 bits of mantissa.
    #[default]
    F32,
    /// 11 bits, and a narrow range: the loss is scaled by a [`LossScale`](crate::training::LossScale), and a step whose
    /// gradients overflow changes nothing but the scale. To know it, each step waits for the device.
    F16,
    /// 8 bits, and the range of f32.
    Bf16,
}

impl Precision {
    pub(crate) fn float(self) -> FloatDType {
        match self {
            Self::F32 => FloatDType::F32,
            Self::F16 => FloatDType::F16,
            Self::Bf16 => FloatDType::BF16,
        }
    }
}

/// A whole training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// The network.
    pub network: NetworkConfig,
    /// Pixels a side that images are enlarged to, where the network is not to see them as they are.
    pub resize: Option<usize>,
    /// Which part of it is trained.
    pub fine_tune: FineTune,
    /// Each block of the trunk learns this many times as fast as the block behind it, the last as the head.
    pub block_rate: f64,
    /// The optimizer.
    pub optimizer: OptimizerKind,
    /// Its greatest step size.
    pub learning_rate: f64,
    /// The step size over time.
    pub schedule: Schedule,
    /// What the optimizer takes off the weights; see [`OptimizerKind`].
    pub weight_decay: f64,
    /// The share of the target that is spread over all classes (Szegedy et al. 2016).
    pub label_smoothing: f64,
    /// Gradients of a greater norm, over all parameters, are scaled down to it.
    pub clip_norm: Option<f64>,
    /// Batches that make a step together, by the gradient of the mean over all their images.
    pub accumulate: usize,
    /// Validate and keep an exponential moving average of the weights with this decay.
    pub average: Option<f64>,
    /// Stop when so many epochs were not better than the best, by validation accuracy.
    pub patience: Option<usize>,
    /// Weigh classes by the inverse of how often they come.
    pub balance: bool,
    /// How training images are varied.
    pub augmentation: Augmentation,
    /// Images a batch.
    pub batch_size: usize,
    /// Passes over the training part.
    pub epochs: usize,
    /// Decides which images are used and how they are split, the weights, the order of images, the dropout and the augmentation.
    pub seed: u64,
    /// How many images of the training set are used, every class in proportion; all if not given.
    pub limit: Option<usize>,
    /// The share of the training part that is used, every class in proportion; for runs with few labels.
    pub label_share: f64,
    /// The share of the training set that is trained on, about, by [`strix_data::split`]; the rest validates. Without effect where
    /// the dataset has images to validate on.
    pub train_share: f64,
    /// Where to train.
    pub device: DeviceChoice,
    /// The numbers of the activations.
    #[serde(default)]
    pub precision: Precision,
}

impl Default for TrainConfig {
    /// StrixNet, by its recipe.
    fn default() -> Self {
        Self::recipe(NetworkConfig::StrixNet(StrixNetConfig::default()))
    }
}

impl Default for DenseConfig {
    fn default() -> Self {
        Self { dense_layers: 1, dense_width: 256, dropout: 0.4, activation: ActivationKind::Relu }
    }
}

impl Default for ConvStrixConfig {
    fn default() -> Self {
        Self { blocks: 3, block_layers: 1, dense: DenseConfig::default() }
    }
}

impl Default for StrixNetConfig {
    fn default() -> Self {
        Self { width: 32, stages: 2 }
    }
}

impl TrainConfig {
    /// The settings that suit the network on Fashion-MNIST; `docs/results.md` of the repository has what they reach.
    pub fn recipe(network: NetworkConfig) -> Self {
        let plain = Self {
            network,
            resize: None,
            fine_tune: FineTune::Full,
            block_rate: 1.0,
            optimizer: OptimizerKind::Adam,
            learning_rate: 1e-3,
            schedule: Schedule::OneCycle { warm: 0.2 },
            weight_decay: 0.0,
            label_smoothing: 0.0,
            clip_norm: None,
            accumulate: 1,
            average: None,
            patience: Some(5),
            balance: false,
            augmentation: Augmentation::default(),
            batch_size: 128,
            epochs: 10,
            seed: 0,
            limit: None,
            label_share: 1.0,
            train_share: 0.8,
            device: DeviceChoice::Cpu,
            precision: Precision::F32,
        };
        match plain.network {
            NetworkConfig::Fcnn(_) => Self { epochs: 15, ..plain },
            NetworkConfig::ConvStrix(_) => Self {
                learning_rate: 2e-3,
                augmentation: Augmentation { shift: 1, flip: true, ..Augmentation::default() },
                epochs: 15,
                ..plain
            },
            NetworkConfig::StrixNet(_) => Self {
                learning_rate: 3e-3,
                augmentation: Augmentation { shift: 1, flip: true, ..Augmentation::default() },
                epochs: 6,
                ..plain
            },
            NetworkConfig::VggStrix(ref config) => {
                // Blocks of one's own begin at random: they are trained with the head.
                let fine_tune = match config.own.blocks {
                    0 => FineTune::Probe,
                    own => FineTune::Partial(own),
                };
                Self { fine_tune, epochs: 15, ..plain }
            }
            NetworkConfig::ResNet(_) => Self {
                learning_rate: 3e-3,
                weight_decay: 1e-4,
                augmentation: Augmentation { shift: 1, flip: true, ..Augmentation::default() },
                ..plain
            },
        }
    }

    /// Refuses what cannot be trained on images of `size` pixels a side.
    ///
    /// # Errors
    /// [`Error::Config`], naming the setting, its value and what it may be.
    pub fn check(&self, size: usize) -> Result<(), Error> {
        let size = self.resize.unwrap_or(size);
        // Far beyond what trains, and far below what memory cannot hold.
        between("batch-size", self.batch_size, 1, 1 << 16)?;
        between("epochs", self.epochs, 1, 100_000)?;
        between("limit", self.limit.unwrap_or(1), 1, usize::MAX)?;
        between("accumulate", self.accumulate, 1, 1024)?;
        between("patience", self.patience.unwrap_or(1), 1, usize::MAX)?;
        between("resize", size, 1, 512)?;
        self.check_network(size)?;
        share("label-smoothing", self.label_smoothing)?;
        share("average", self.average.unwrap_or(0.0))?;
        for (name, value) in [
            ("learning-rate", self.learning_rate),
            ("clip-norm", self.clip_norm.unwrap_or(1.0)),
            ("block-rate", self.block_rate),
        ] {
            if !(value > 0.0 && value.is_finite()) {
                return Err(Error::Config(format!("--{name} is {value}, but must be a positive number")));
            }
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return Err(Error::Config(format!("--weight-decay is {}, but must not be negative", self.weight_decay)));
        }
        if !(self.train_share > 0.0 && self.train_share < 1.0) {
            let what = format!("--train-share is {}, but must be between 0 and 1", self.train_share);
            return Err(Error::Config(what));
        }
        if !(self.label_share > 0.0 && self.label_share <= 1.0) {
            let what = format!("--label-share is {}, but must be above 0 and at most 1", self.label_share);
            return Err(Error::Config(what));
        }
        self.schedule.check()?;
        self.augmentation.check(size)
    }

    fn check_network(&self, size: usize) -> Result<(), Error> {
        match &self.network {
            NetworkConfig::Fcnn(dense) => dense.check()?,
            NetworkConfig::ConvStrix(config) => {
                between("blocks", config.blocks, 1, 64)?;
                config.check(size)?;
            }
            NetworkConfig::StrixNet(config) => {
                between("width", config.width, 1, 1024)?;
                between("stages", config.stages, 1, 5)?;
                halves("stages", config.stages, config.stages, size)?;
            }
            NetworkConfig::VggStrix(config) => {
                between("vgg-blocks", config.vgg_blocks, 1, VGG19.len())?;
                halves("vgg-blocks", config.vgg_blocks, config.vgg_blocks, size)?;
                config.own.check(size >> config.vgg_blocks)?;
            }
            NetworkConfig::ResNet(config) if ![20, 32, 44, 56].contains(&config.depth) => {
                return Err(Error::Config(format!("a ResNet has 20, 32, 44 or 56 layers, not {}", config.depth)));
            }
            NetworkConfig::ResNet(_) => {}
        }
        let (blocks, name) = (self.network.blocks(), self.network.name());
        match self.fine_tune {
            FineTune::Partial(trained) if trained == 0 || trained > blocks => Err(Error::Config(format!(
                "--fine-tune {trained} trains {trained} blocks before the head, but {name} has 1 to {blocks} of them"
            ))),
            FineTune::Probe if blocks == 0 => {
                Err(Error::Config(format!("--fine-tune probe freezes the trunk, but {name} has none")))
            }
            _ => Ok(()),
        }
    }
}

impl DenseConfig {
    fn check(&self) -> Result<(), Error> {
        between("dense-layers", self.dense_layers, 0, 64)?;
        between("dense-width", self.dense_width, usize::from(self.dense_layers > 0), 1 << 16)?;
        share("dropout", self.dropout)
    }
}

impl ConvStrixConfig {
    fn check(&self, size: usize) -> Result<(), Error> {
        self.dense.check()?;
        between("block-layers", self.block_layers, 1, 64)?;
        halves("blocks", self.blocks, self.blocks.saturating_sub(1), size)
    }
}

/// Refuses more halvings than images of that size have.
fn halves(name: &str, value: usize, halvings: usize, size: usize) -> Result<(), Error> {
    let most = size.max(1).ilog2() as usize;
    if halvings > most {
        let what = format!(
            "--{name} is {value}, which halves images {halvings} times, but {size}x{size} images halve {most} times at most"
        );
        return Err(Error::Config(what));
    }
    Ok(())
}

fn between(name: &str, value: usize, least: usize, most: usize) -> Result<(), Error> {
    match value {
        _ if value < least => Err(Error::Config(format!("--{name} is {value}, but must be at least {least}"))),
        _ if value > most => Err(Error::Config(format!("--{name} is {value}, but may be {most} at most"))),
        _ => Ok(()),
    }
}

fn share(name: &str, value: f64) -> Result<(), Error> {
    if (0.0..1.0).contains(&value) {
        return Ok(());
    }
    Err(Error::Config(format!("--{name} is {value}, but must be at least 0 and below 1")))
}
