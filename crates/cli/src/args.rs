//! The arguments of every command.

mod given;
mod train;
mod tune;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use strix_data::{ColumnType, Format, Source, TableOptions};
use strix_reduce::{EngineChoice, NanPolicy};
use strix_table::files::Files;

use crate::failure::EXIT_CODES;

pub(crate) use given::{given, has, of_file, of_network_and_recipe, options, parsed, value_of, without};
pub(crate) use train::{FindRate, Model, Settings, Train};
pub(crate) use tune::{Preset, Pruner, Sampler, Tune};

/// Aggregate files on CPU or GPU; train and evaluate image classifiers.
#[derive(Debug, Parser)]
#[command(name = "strix", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Compute statistics of arrays and tables, whole or by group.
    Reduce(Reduce),
    /// Describe every column of a table: type, counts, mean, quartiles, extremes, frequent values and a histogram.
    Describe(Describe),
    /// Merge, show and verify saved states.
    #[command(subcommand)]
    State(State),
    /// List the GPU adapters, their limits and features.
    Devices(Devices),
    /// Train an image classifier into a new run directory, or go on with a run.
    Train(Box<Train>),
    /// Find the learning rates that train: a few steps at ever greater ones, and the loss at each.
    FindRate(Box<FindRate>),
    /// Find good hyper-parameters: many trainings, chosen by what earlier ones came to, the hopeless ones ended early.
    Tune(Box<Tune>),
    /// Measure a run's model on the test images, and write its report.
    Evaluate(Evaluate),
    /// Tell what is on pictures.
    Predict(Predict),
    /// Write a run's model for other programs.
    Export(Export),
    /// Compare evaluated runs: mean, spread and confidence over seeds, and whether one setting beats another.
    Report(Report),
}

#[derive(Debug, Args)]
#[command(after_help = strix_table::statistics_help())]
pub(crate) struct Reduce {
    /// The statistics, separated by commas, such as "mean(price), p99(price), distinct(user)"; see below.
    /// [default: with --by the count of each group; of one column of numbers count, sum, mean, min, max, variances and
    /// standard deviations; else every column's type, count, missing cells, mean, min and max]
    #[arg(long, value_name = "STATS")]
    pub(crate) stats: Vec<String>,
    /// One row of statistics for each group of rows that agree in these columns, in their order, separated by
    /// commas; a column with a comma is quoted, as in --stats: --by 'region, "net, total"'.
    #[arg(long, value_name = "COLUMNS")]
    pub(crate) by: Vec<String>,
    /// The column of statistics that name none, by its name or its index from 0; an array of an .npz likewise.
    /// JSON Lines have names alone.
    #[arg(long, value_name = "NAME or INDEX")]
    pub(crate) column: Option<String>,
    /// Round each answer once, to the nearest f64: the same bits on every device, in any order. For sum, mean, variances,
    /// standard deviations, covariance and correlation; counts, extremes and places are exact as they are.
    #[arg(long)]
    pub(crate) exact: bool,
    /// auto takes a hardware GPU where there is one and it was measured to be the faster one, else the CPU, and says why.
    #[arg(long, default_value_t, value_name = "auto|cpu|gpu")]
    pub(crate) engine: EngineChoice,
    /// Say on standard error which engine takes the work and why: what was measured, and from which size on the GPU wins.
    #[arg(long)]
    pub(crate) explain: bool,
    /// Draw histograms, and means by group with error bars.
    #[arg(long, value_name = "FILE.svg")]
    pub(crate) plot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) input: Input,
    #[command(flatten)]
    pub(crate) output: AnswerOutput,
}

#[derive(Debug, Args)]
pub(crate) struct Describe {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Print JSON: an object with the number of rows and a list of columns.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print CSV: a row for each column.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Write a page with the table and a picture of each column too.
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
}

/// Files and how they are read.
#[derive(Debug, Args)]
pub(crate) struct Input {
    /// Arrays (.npy, .npz, IDX) or tables (.csv, .tsv, .jsonl, .parquet, .arrow, .npz), each also as .gz, .zst, .bz2
    /// or .xz; - is standard input. Several merge into one answer.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<OsString>,
    /// What a NaN element does: make the answer NaN, be left out, or end with an error. [default: propagate; of describe skip]
    #[arg(long, value_name = "propagate|skip|error")]
    pub(crate) nan: Option<NanPolicy>,
    /// The files' format, where their names and first bytes do not tell it.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// The type of a column of CSV, TSV or JSON Lines: bool, i64, u64, integer (of up to 76 digits), f64
    /// or text, which keeps 007 as it is.
    #[arg(long = "type", value_name = "COLUMN=TYPE", value_parser = column_type)]
    pub(crate) types: Vec<(String, ColumnType)>,
    /// A text that means a missing value in CSV and TSV, as the empty cell does; for example N/A.
    #[arg(long = "null", value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) nulls: Vec<String>,
    /// Whether the first row of CSV and TSV names the columns. [default: it does if it has text above numbers, or is
    /// all text; where that is in doubt, a note says how the row was taken]
    #[arg(long, value_name = "true|false")]
    pub(crate) header: Option<bool>,
    /// What separates the cells of CSV and TSV: one character, or \t for a tab. [default: in CSV that of , ; tab and |
    /// which fits the first rows; in TSV the tab]
    #[arg(long, value_name = "CHARACTER", value_parser = separator)]
    pub(crate) separator: Option<u8>,
    /// Whether cells of CSV and TSV may be in quotes ("). [default: true for CSV, false for TSV]
    #[arg(long, value_name = "true|false")]
    pub(crate) quote: Option<bool>,
    /// The memory that the command may take, such as 8GB or 500MB: with more groups than fit it ends with an error. 0 is no
    /// limit. [default: four fifths of the machine's]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) memory: Option<u64>,
}

impl Input {
    /// The files, and how tables are read.
    pub(crate) fn files(&self) -> Files {
        let options = TableOptions {
            format: self.format,
            types: self.types.clone(),
            nulls: self.nulls.clone(),
            header: self.header,
            separator: self.separator,
            quote: self.quote,
            ..TableOptions::default()
        };
        Files::new(self.files.iter().map(Source::parse)).options(options)
    }

    /// The memory that groups may take.
    pub(crate) fn memory(&self) -> Option<u64> {
        match self.memory {
            Some(0) => None,
            Some(bytes) => Some(bytes),
            None => strix_table::machine_memory().map(|bytes| bytes / 5 * 4),
        }
    }
}

/// Where an answer goes.
#[derive(Debug, Args)]
pub(crate) struct AnswerOutput {
    /// Print JSON: a list of objects, one a group; of statistics without columns one object with a report.
    /// NaN and infinities are strings in it.
    #[arg(long)]
    pub(crate) json: bool,
    /// Print CSV with a header.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
    /// Write the answer to a .csv, .json or .parquet file too.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Save the states, to be merged with others by strix state merge.
    #[arg(long, value_name = "FILE.state")]
    pub(crate) save: Option<PathBuf>,
}

fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !b"\"\r\n".contains(byte) => Ok(*byte),
        _ => Err("it is one ASCII character other than a quote, or \\t for a tab".into()),
    }
}

/// Bytes, with a unit of powers of ten.
fn size(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_lowercase();
    let number = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match lower[number.len()..].trim_end_matches('b') {
        "" => 1.0,
        "k" => 1e3,
        "m" => 1e6,
        "g" => 1e9,
        "t" => 1e12,
        _ => f64::NAN,
    };
    let bytes = number.trim().parse::<f64>().unwrap_or(f64::NAN) * unit;
    if (0.0..1e19).contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err("it is a number with a unit, such as 8GB or 500MB".into())
    }
}

fn column_type(text: &str) -> Result<(String, ColumnType), String> {
    let (column, kind) = text.rsplit_once('=').ok_or("it is written COLUMN=TYPE, such as price=f64")?;
    Ok((column.to_owned(), kind.parse()?))
}

/// What to do with saved states.
#[derive(Debug, Subcommand)]
pub(crate) enum State {
    /// Merge states of the same statistics, as if their files had been reduced in one pass.
    Merge {
        /// Files that strix reduce --save or strix state merge --save made, in the order of their rows.
        #[arg(required = true, value_name = "FILE.state")]
        files: Vec<PathBuf>,
        #[command(flatten)]
        output: AnswerOutput,
    },
    /// Show what a state is of, and its answer.
    Show {
        /// A saved state.
        #[arg(value_name = "FILE.state")]
        file: PathBuf,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Check that states are whole, of this version, and such as items lead to.
    Verify {
        /// Saved states.
        #[arg(required = true, value_name = "FILE.state")]
        files: Vec<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Devices {
    /// Print a JSON array of adapters.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Images to learn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Dataset {
    /// 70,000 photographs of clothing, 28x28 grey, 10 classes.
    FashionMnist,
    /// 12,000 garments drawn by strix itself, 28x28 grey, 10 classes.
    Garments,
    /// A folder of the user's own.
    Folder(PathBuf),
}

impl std::str::FromStr for Dataset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "fashion-mnist" => Ok(Self::FashionMnist),
            "garments" => Ok(Self::Garments),
            _ if PathBuf::from(text).is_dir() => Ok(Self::Folder(text.into())),
            _ => Err("it is fashion-mnist, garments, or a folder with pictures by class or IDX files".into()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrainDevice {
    /// burn's flex backend.
    Cpu,
    /// burn's wgpu backend; needs a build with the feature train-gpu.
    Gpu,
}

/// Where a dataset's files are.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataPlace {
    /// The folder with the four files of Fashion-MNIST [default: STRIX_DATA in the environment]; the user's cache is searched
    /// next, then the network. For evaluate and --resume: any folder with images of the run's classes, to be used instead of
    /// the one that the run was trained on.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Refuse a folder whose classes have files that are not pictures or cannot be decoded, instead of leaving these out.
    #[arg(long)]
    pub(crate) strict: bool,
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
    /// Look at each image six times (as it is and mirrored, in place and a pixel off to either corner) and average the
    /// probabilities.
    #[arg(long)]
    pub(crate) views: bool,
    /// Write every image's prediction: index,label,predicted and the probability of each class.
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) predictions: Option<PathBuf>,
    /// Print one JSON object with accuracy, loss and classes.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Predict {
    /// The run directory.
    pub(crate) run: PathBuf,
    /// PNG or JPEG files of any size.
    #[arg(required = true, value_name = "PICTURE")]
    pub(crate) pictures: Vec<PathBuf>,
    /// How many classes to tell of each picture.
    #[arg(long, default_value_t = 3)]
    pub(crate) top: usize,
    /// Whether pictures are photos of single things, to be made like the run's images: cut to what is on a plain background, and
    /// turned negative if that is dark where theirs is light. Otherwise they become images as those that were trained on did.
    /// [default: true for runs on fashion-mnist and garments, else false]
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub(crate) as_photo: Option<bool>,
    /// Also write what the network was shown, all pictures on one sheet.
    #[arg(long, value_name = "FILE.png")]
    pub(crate) shown: Option<PathBuf>,
    /// Where to run the model.
    #[arg(long, value_enum, default_value = "cpu")]
    pub(crate) device: TrainDevice,
    /// Print a JSON array, an object for each picture.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The run directory.
    pub(crate) run: PathBuf,
    /// What to write: .onnx (pixels 0 to 255 in, logits and probabilities out) or .safetensors (PyTorch's names and layout).
    #[arg(value_name = "FILE.onnx or FILE.safetensors")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Run directories that strix evaluate has measured. Those that differ by their seed alone are one group; of two groups
    /// the runs of equal seeds are compared in pairs.
    #[arg(required = true, value_name = "RUN")]
    pub(crate) runs: Vec<PathBuf>,
    /// Print one JSON object with groups and comparisons.
    #[arg(long)]
    pub(crate) json: bool,
}
