//! The arguments of every command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use strix_reduce::{EngineChoice, NanPolicy};

use crate::failure::EXIT_CODES;

/// Aggregate files on CPU or GPU; train and evaluate image classifiers.
#[derive(Debug, Parser)]
#[command(name = "strix", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compute statistics over all elements of files.
    Reduce(Reduce),
    /// List the GPU adapters, their limits and features.
    Devices(Devices),
    /// Train a ConvStrix classifier into a new run directory.
    Train(Train),
    /// Measure a run's model on the test images.
    Evaluate(Evaluate),
}

/// A statistic that `strix reduce` computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Stat {
    Count,
    Sum,
    Mean,
    Min,
    Max,
    PopulationVariance,
    SampleVariance,
    PopulationSd,
    SampleSd,
}

impl Stat {
    pub(crate) const ALL: [Self; 9] = [
        Self::Count,
        Self::Sum,
        Self::Mean,
        Self::Min,
        Self::Max,
        Self::PopulationVariance,
        Self::SampleVariance,
        Self::PopulationSd,
        Self::SampleSd,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::Max => "max",
            Self::PopulationVariance => "population_variance",
            Self::SampleVariance => "sample_variance",
            Self::PopulationSd => "population_sd",
            Self::SampleSd => "sample_sd",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Reduce {
    /// .npy, IDX (.idx, *-ubyte) or .csv files, each also as .gz; several merge into one answer.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The statistics, separated by commas; all of them if not given.
    #[arg(long, value_delimiter = ',', value_name = "STAT")]
    pub(crate) stats: Vec<Stat>,
    /// auto takes a hardware GPU where there is one, else the CPU, and says why.
    #[arg(long, default_value_t, value_name = "auto|cpu|gpu")]
    pub(crate) engine: EngineChoice,
    /// What a NaN element does: make the answer NaN, be left out, or end with an error.
    #[arg(long, default_value_t, value_name = "propagate|skip|error")]
    pub(crate) nan: NanPolicy,
    /// The CSV column, by its name in the header or its index from 0; not needed if there is one.
    #[arg(long, value_name = "NAME or INDEX")]
    pub(crate) column: Option<String>,
    /// Print one JSON object; NaN and infinities are strings in it.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Devices {
    /// Print a JSON array of adapters.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A dataset that strix knows by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DatasetName {
    /// 70,000 photographs of clothing, 28x28 grey, 10 classes.
    FashionMnist,
    /// 12,000 garments drawn by strix itself, 28x28 grey, 10 classes.
    Garments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Activation {
    Relu,
    Selu,
    Tanh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Optimizer {
    Adam,
    #[value(name = "adamw")]
    AdamW,
    Adamax,
    Nadam,
    RmsProp,
    Sgd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrainDevice {
    /// burn's flex backend.
    Cpu,
    /// burn's wgpu backend; needs a build with the feature train-gpu.
    Gpu,
}

/// Where a dataset's files are.
#[derive(Debug, Args)]
pub(crate) struct DataPlace {
    /// The folder with the dataset's files; the user's cache is searched next, then the network.
    #[arg(long, value_name = "DIR", env = "STRIX_DATA")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// Without it: Fashion-MNIST if it can be had, else garments, which is then said loudly.
    #[arg(long)]
    pub(crate) dataset: Option<DatasetName>,
    #[command(flatten)]
    pub(crate) place: DataPlace,
    /// The run directory to create [default: the next free runs/DATASET-NUMBER]
    #[arg(long, value_name = "RUN")]
    pub(crate) out: Option<PathBuf>,
    /// Use only the first N training images, for a quick look.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Passes over the training part.
    #[arg(long, default_value_t = 4)]
    pub(crate) epochs: usize,
    /// Decides the split, the weights, the order of images and the dropout.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
    /// Where to train.
    #[arg(long, value_enum, default_value = "cpu")]
    pub(crate) device: TrainDevice,
    /// Images a step.
    #[arg(long, default_value_t = 64)]
    pub(crate) batch_size: usize,
    /// The optimizer.
    #[arg(long, value_enum, default_value = "adam")]
    pub(crate) optimizer: Optimizer,
    /// The optimizer's step size.
    #[arg(long, default_value_t = 7e-4)]
    pub(crate) learning_rate: f64,
    /// Convolution blocks; block b has 32 (b + 1) filters.
    #[arg(long, default_value_t = 3)]
    pub(crate) blocks: usize,
    /// Convolutions in each block.
    #[arg(long, default_value_t = 1)]
    pub(crate) block_layers: usize,
    /// Dense layers after the blocks.
    #[arg(long, default_value_t = 1)]
    pub(crate) dense_layers: usize,
    /// Units in each dense layer.
    #[arg(long, default_value_t = 256)]
    pub(crate) dense_width: usize,
    /// Share of units dropped after each dense layer.
    #[arg(long, default_value_t = 0.4)]
    pub(crate) dropout: f64,
    /// Activation after each convolution and dense layer.
    #[arg(long, value_enum, default_value = "relu")]
    pub(crate) activation: Activation,
}

#[derive(Debug, Args)]
pub(crate) struct Evaluate {
    /// The run directory.
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) place: DataPlace,
    /// Where to run the model.
    #[arg(long, value_enum, default_value = "cpu")]
    pub(crate) device: TrainDevice,
    /// Write every image's prediction: index,label,predicted and the probability of each class.
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) predictions: Option<PathBuf>,
    /// Print one JSON object with accuracy, loss and classes.
    #[arg(long)]
    pub(crate) json: bool,
}
