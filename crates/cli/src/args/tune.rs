//! The arguments of `strix tune`.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use super::Settings;

/// A network whose space is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    Fcnn,
    Convstrix,
    /// On the VGG19 blocks of --weights, which the images run through once.
    Vggstrix,
}

/// How the next trial's options are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sampler {
    /// Where good trials are dense and bad ones are not: the tree-structured Parzen estimator.
    Tpe,
    /// Each value as likely as any other.
    Random,
    /// Every combination once.
    Grid,
}

/// Which trials end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Pruner {
    /// After epoch 1, 3, 9, .. all but the best third (successive halving).
    Asha,
    /// Several of these, of which some decide later.
    Hyperband,
    /// Those whose best epoch is worse than the median of others at the same epoch.
    Median,
    /// Those that are behind the best one by more than the scatter of their epochs explains.
    Spread,
    /// None.
    None,
}

#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "\
An option of strix train that is given here is the same in every trial, and not searched. Any number of strix tune, on any \
machines, work on one study when they name the same --storage and --study, each with an --out of its own."
)]
pub(crate) struct Tune {
    /// Search the space that is known for a network.
    #[arg(long, value_enum, required_unless_present_any = ["space", "resume"], conflicts_with = "space")]
    pub(crate) preset: Option<Preset>,
    /// Search the space of this file: a table for each option of a network or its training, such as [learning-rate] with
    /// float = [1e-4, 1.0] and log = true.
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) space: Option<PathBuf>,
    /// Trials of the study in all.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) trials: u64,
    /// Stop after so long; what is under way then is run again when the study is resumed.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<f64>,
    /// Trials side by side, each a process with its share of the processor.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) jobs: u16,
    /// How options are chosen.
    #[arg(long, value_enum, default_value = "tpe")]
    pub(crate) sampler: Sampler,
    /// Which trials end early.
    #[arg(long, value_enum, default_value = "asha")]
    pub(crate) pruner: Pruner,
    /// Where the study is kept, in Optuna's tables: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE
    /// [default: study.db in --out]
    #[arg(
        long,
        value_name = "URL",
        env = "STRIX_STORAGE",
        hide_env_values = true,
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) storage: Option<String>,
    /// The study's name [default: the network's and the dataset's]
    #[arg(long, value_name = "NAME", value_parser = study)]
    pub(crate) study: Option<String>,
    /// The folder to create for what is found [default: the next free studies/STUDY-NUMBER]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the study of this folder, with the options that it was begun with; those given here count more.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "study"])]
    pub(crate) resume: Option<PathBuf>,
    /// A worker that is not heard of for so long is dead, and its trial is run by another; the same for all who join.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = seconds)]
    pub(crate) silence: f64,
    /// One of several processes of a strix tune, which ends with its standard input.
    #[arg(long, hide = true, requires = "out")]
    pub(crate) worker: bool,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// As the tables keep it.
fn study(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=512 if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => {
            Err("a study's name has 1 to 512 characters, not blanks alone; without --study it has the usual one".into())
        }
    }
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 1e9 => Ok(seconds),
        _ => Err("it is a number of seconds above 0".into()),
    }
}
