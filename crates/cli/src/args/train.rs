//! The arguments of `strix train` and `strix find-rate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use strix_train::config::{ActivationKind, FineTune, Precision};
use strix_train::optimizer::OptimizerKind;
use strix_train::schedule::Schedule;
use strix_train::training::RangeTest;

use super::{DataPlace, Dataset, TrainDevice};

/// A network by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Model {
    /// Dense layers alone, the baseline.
    Fcnn,
    /// Blocks of convolutions, VGG-like.
    Convstrix,
    /// Small and residual, made for 28x28 images; goes furthest with long training.
    Strixnet,
    /// Pretrained VGG19 blocks (--weights) under a head of dense layers.
    Vggstrix,
    /// He et al.'s CIFAR networks, from scratch or pretrained (--weights).
    Resnet20,
    Resnet32,
    Resnet44,
    Resnet56,
}

/// On what to train which network, and how.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// fashion-mnist, garments (drawn by strix), or a folder: CLASS/*.png, train/CLASS/*.png and test/CLASS/*.png (or .jpg; also
    /// val/CLASS/*.png, to validate on, or to test on without test/), or IDX files named as MNIST's. Without it: Fashion-MNIST
    /// if it can be had, else garments, which is then said loudly.
    #[arg(long, value_name = "NAME or FOLDER")]
    pub(crate) dataset: Option<Dataset>,
    /// Pixels a side that a folder's pictures are brought to [default: 28]
    #[arg(long, value_name = "PIXELS")]
    pub(crate) image_size: Option<usize>,
    #[command(flatten)]
    pub(crate) place: DataPlace,
    #[command(flatten)]
    pub(crate) network: Network,
    #[command(flatten)]
    pub(crate) recipe: Recipe,
}

#[derive(Debug, Args)]
pub(crate) struct Train {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// Options that strix tune found (its best-params.json); what is given beside it counts more.
    #[arg(long, value_name = "FILE")]
    pub(crate) params: Option<PathBuf>,
    /// The run directory to create [default: the next free runs/DATASET-NUMBER]
    #[arg(long, value_name = "RUN")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with a run that was interrupted or killed, by its own settings.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["out", "params", "dataset", "image_size", "Network", "Recipe"])]
    pub(crate) resume: Option<PathBuf>,
    /// Save where training stands, to be resumed from, about every so many seconds, and after each epoch.
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    pub(crate) checkpoint_seconds: f64,
    /// Print a line an epoch also on a terminal, without curves and forecast.
    #[arg(long)]
    pub(crate) plain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct FindRate {
    #[command(flatten)]
    pub(crate) settings: Settings,
    /// The first learning rate.
    #[arg(long, value_name = "RATE", default_value_t = RangeTest::default().least)]
    pub(crate) least: f64,
    /// The last.
    #[arg(long, value_name = "RATE", default_value_t = RangeTest::default().most)]
    pub(crate) most: f64,
    /// How many rates, one a step.
    #[arg(long, default_value_t = RangeTest::default().steps)]
    pub(crate) steps: usize,
    /// Draw the loss by the learning rate.
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
    /// Print one JSON object with every step.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which network, and its shape. What is not given is the network's own default; what it does not have is refused.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Network")]
#[group(id = "Network", multiple = true)]
pub(crate) struct Network {
    /// The network.
    #[arg(long, value_enum, default_value = "strixnet")]
    pub(crate) model: Model,
    /// Published weights for the trunk: .safetensors, or what PyTorch saved (.th, .pt, .pth).
    #[arg(long, value_name = "FILE")]
    pub(crate) weights: Option<PathBuf>,
    /// What is trained: full, probe (the head alone), or how many blocks before the head [default: for vggstrix what is not
    /// of VGG19, else full]
    #[arg(long, value_name = "WHAT", value_parser = fine_tune)]
    pub(crate) fine_tune: Option<FineTune>,
    /// Each block learns so many times as fast as the one behind it; below 1, early blocks learn slowly [default: 1]
    #[arg(long, value_name = "FACTOR")]
    pub(crate) block_rate: Option<f64>,
    /// Enlarge images to so many pixels a side.
    #[arg(long, value_name = "PIXELS")]
    pub(crate) resize: Option<usize>,
    /// strixnet: filters of the stem, which each stage doubles.
    #[arg(long)]
    pub(crate) width: Option<usize>,
    /// strixnet: stages after the stem.
    #[arg(long)]
    pub(crate) stages: Option<usize>,
    /// vggstrix: blocks of VGG19 [default: as many as the weights have]
    #[arg(long)]
    pub(crate) vgg_blocks: Option<usize>,
    /// convstrix, vggstrix: convolution blocks; block b has 32 (b + 1) filters.
    #[arg(long)]
    pub(crate) blocks: Option<usize>,
    /// convstrix, vggstrix: convolutions in each block.
    #[arg(long)]
    pub(crate) block_layers: Option<usize>,
    /// fcnn, convstrix, vggstrix: dense layers before the output.
    #[arg(long)]
    pub(crate) dense_layers: Option<usize>,
    /// fcnn, convstrix, vggstrix: units in each dense layer.
    #[arg(long)]
    pub(crate) dense_width: Option<usize>,
    /// fcnn, convstrix, vggstrix: share of units dropped after each dense layer.
    #[arg(long)]
    pub(crate) dropout: Option<f64>,
    /// fcnn, convstrix, vggstrix: relu, selu or tanh.
    #[arg(long, value_parser = named::<ActivationKind>, value_name = "NAME")]
    pub(crate) activation: Option<ActivationKind>,
}

/// How to train. What is not given is the network's own recipe; a run's manifest.json has all of it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Training")]
#[group(id = "Recipe", multiple = true)]
pub(crate) struct Recipe {
    /// Passes over the training part.
    #[arg(long)]
    pub(crate) epochs: Option<usize>,
    /// Images a batch.
    #[arg(long)]
    pub(crate) batch_size: Option<usize>,
    /// adam, adamw, adamax, nadam, rms-prop or sgd (with Nesterov momentum 0.9).
    #[arg(long, value_parser = named::<OptimizerKind>, value_name = "NAME")]
    pub(crate) optimizer: Option<OptimizerKind>,
    /// The optimizer's greatest step size.
    #[arg(long, value_name = "RATE")]
    pub(crate) learning_rate: Option<f64>,
    /// The step size over time: constant, step:EPOCHS:FACTOR, cosine:WARM or one-cycle:WARM; WARM is the share of steps that
    /// rise, and may be left out.
    #[arg(long)]
    pub(crate) schedule: Option<Schedule>,
    /// This times the weights joins the gradients; with adamw it comes off the weights, times the step size.
    #[arg(long, value_name = "FACTOR")]
    pub(crate) weight_decay: Option<f64>,
    /// The share of each target that is spread over all classes.
    #[arg(long, value_name = "SHARE")]
    pub(crate) label_smoothing: Option<f64>,
    /// Scale gradients of a greater norm down to this one.
    #[arg(long, value_name = "NORM")]
    pub(crate) clip_norm: Option<f64>,
    /// Batches whose gradients make one step.
    #[arg(long, value_name = "BATCHES")]
    pub(crate) accumulate: Option<usize>,
    /// Validate and keep an exponential moving average of the weights with this decay, such as 0.999.
    #[arg(long, value_name = "DECAY")]
    pub(crate) average: Option<f64>,
    /// Stop when so many epochs brought nothing better, or never with 0 [default: 5]
    #[arg(long, value_name = "EPOCHS")]
    pub(crate) patience: Option<usize>,
    /// Weigh each class by the inverse of how often it comes.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) balance: Option<bool>,
    /// Move training images by up to so many pixels.
    #[arg(long, value_name = "PIXELS")]
    pub(crate) shift: Option<usize>,
    /// Mirror every other training image: true or false.
    #[arg(long, value_name = "BOOL")]
    pub(crate) flip: Option<bool>,
    /// Black out a rectangle in this share of training images.
    #[arg(long, value_name = "SHARE")]
    pub(crate) erase: Option<f64>,
    /// Blend training images in pairs, by shares from Beta(M, M).
    #[arg(long, value_name = "M")]
    pub(crate) mixup: Option<f64>,
    /// Use only N training images, every class in proportion, for a quick look.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// The share of the training set that is trained on, about; the rest validates. Each image is put into its part by what it
    /// is, so that one that is removed moves no other. A folder's val/ validates instead, where there is one [default: 0.8]
    #[arg(long, value_name = "SHARE")]
    pub(crate) train_share: Option<f64>,
    /// The share of the training part whose labels are used [default: 1]
    #[arg(long, value_name = "SHARE")]
    pub(crate) label_share: Option<f64>,
    /// Decides which images are used and how they are split, the weights, the order of images, the dropout and the augmentation
    /// [default: 0]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Where to train [default: cpu]
    #[arg(long, value_enum)]
    pub(crate) device: Option<TrainDevice>,
    /// The numbers of images, activations and their gradients: f32, f16 or bf16. Weights and all that is reported stay f32.
    /// The shorter ones are for GPUs with units for them; on a CPU they are slower. In f16 the loss is scaled, and a step
    /// whose gradients overflow is skipped [default: f32]
    #[arg(long, value_parser = named::<Precision>, value_name = "NAME")]
    pub(crate) precision: Option<Precision>,
}

fn fine_tune(text: &str) -> Result<FineTune, String> {
    match text {
        "full" => Ok(FineTune::Full),
        "probe" => Ok(FineTune::Probe),
        _ => text.parse().map(FineTune::Partial).map_err(|_| "it is full, probe or a number of blocks".into()),
    }
}

/// A value by the name that it has in a run's manifest.
fn named<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|e| e.to_string())
}
