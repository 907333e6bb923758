//! The run directory: what was asked, what happened and what came of it, for any tool to read.
//!
//! * `manifest.json`: configuration, seed, dataset and checksums, versions, device, timings;
//! * `metrics.jsonl`: one [`EpochRecord`] a line;
//! * `model.safetensors`: the weights of the best epoch, in PyTorch's names and layout;
//! * `checkpoint.safetensors`: where training stands, to go on from ([`crate::checkpoint`]);
//! * `tensorboard/`: the same curves, histograms of the weights, and what an evaluation adds;
//! * `evaluation.json` and `report.html`, once it was evaluated.
//!
//! Every file but the log is written under a temporary name and renamed, so none is ever half there.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use burn::store::{BurnToPyTorchAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use strix_data::{ImageDataset, TrainTest};

use crate::batch::Preparation;
use crate::checkpoint::Checkpoint;
use crate::config::TrainConfig;
use crate::content::Content;
use crate::evaluation::{Evaluation, Record, Tested};
use crate::metrics::PassMetrics;
use crate::model::{Network, Pretrained};
use crate::training::Sets;
use crate::{Error, report, tensorboard};

/// How a run ended, or that it has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Under way, or killed.
    Running,
    /// All epochs done.
    Finished,
    /// Stopped by the user.
    Interrupted,
    /// Stopped by an error.
    Failed,
}

/// The dataset that a run was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// Its name, or the path of its folder.
    pub name: String,
    /// The folder that its files were read from, absolute; none of a dataset without files, or where its path is not Unicode.
    pub folder: Option<String>,
    /// Why it is not the dataset that `strix train` prefers, if it is not.
    pub substituted: Option<String>,
    /// MD5 of each of its files, by name.
    pub checksums: Vec<(String, String)>,
    /// What its images were; none in a manifest of an earlier version.
    pub content: Option<Content>,
    /// Images trained on.
    pub train: usize,
    /// Images validated on.
    pub validation: usize,
    /// Images to test on.
    pub test: usize,
    /// Rows and columns of an image.
    pub image_size: [usize; 2],
    /// The mean shade of the training images' outermost pixels, 0 black to 255 white.
    pub background: f64,
    /// The classes' names.
    pub classes: Vec<String>,
    /// What decided the part that an image is in.
    #[serde(default)]
    pub split: SplitBy,
}

/// What decides whether an image is trained on, validated on or tested on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitBy {
    /// Its place among the others, as in the first runs.
    #[default]
    Place,
    /// What it is ([`strix_data::split`]).
    Identity,
}

impl DatasetRecord {
    pub(crate) fn new(data: &TrainTest, sets: &Sets, substituted: Option<String>) -> Self {
        Self {
            name: data.name.clone(),
            folder: data.folder.as_ref().and_then(|folder| folder.to_str()).map(str::to_owned),
            substituted,
            checksums: data.checksums.clone(),
            content: Some(Content::of(sets, data)),
            train: sets.training.len(),
            validation: sets.validation.len(),
            test: data.test.len(),
            image_size: [data.train.height, data.train.width],
            background: data.train.background(),
            classes: data.train.classes.clone(),
            split: SplitBy::Identity,
        }
    }
}

/// The versions that a run was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// strix itself.
    pub strix: String,
    /// burn's minor version, as this crate requires it.
    pub burn: String,
}

/// Everything about a run but its curves and weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of this file's form.
    pub format: u32,
    /// How the run ended.
    pub status: Status,
    /// The network's architecture.
    pub architecture: String,
    /// What was asked for.
    pub config: TrainConfig,
    /// What it was trained on.
    pub dataset: DatasetRecord,
    /// How pixels become numbers.
    pub preparation: Preparation,
    /// The weights that it began with, if not random ones.
    pub pretrained: Option<Pretrained>,
    /// Weights and biases, trained or not.
    pub parameters: usize,
    /// What it was made with.
    pub versions: Versions,
    /// Threads of the machine.
    pub threads: usize,
    /// Seconds since 1970 at the begin.
    pub started_at: f64,
    /// Seconds spent, those of every resumption added up.
    pub seconds: f64,
    /// Epochs done.
    pub epochs_finished: usize,
    /// The epoch of greatest validation accuracy (of those, of least validation loss), whose weights the run holds.
    pub best_epoch: Option<usize>,
    /// Whether it ended before its last epoch because nothing got better.
    pub stopped_early: bool,
}

/// The form of [`Manifest`] that this version writes and reads.
const FORMAT: u32 = 2;

impl Manifest {
    pub(crate) fn begin(
        config: &TrainConfig,
        dataset: DatasetRecord,
        preparation: Preparation,
        pretrained: Option<Pretrained>,
        parameters: usize,
    ) -> Self {
        Self {
            format: FORMAT,
            status: Status::Running,
            architecture: config.network.name(),
            config: config.clone(),
            dataset,
            preparation,
            pretrained,
            parameters,
            versions: Versions { strix: env!("CARGO_PKG_VERSION").into(), burn: "0.22".into() },
            threads: std::thread::available_parallelism().map_or(1, Into::into),
            started_at: now(),
            seconds: 0.0,
            epochs_finished: 0,
            best_epoch: None,
            stopped_early: false,
        }
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// A manifest of an earlier version with what it does not say: pictures to predict were all taken as photos then, as suits the
/// datasets of photos alone.
fn completed(mut manifest: serde_json::Value) -> serde_json::Value {
    let photo = manifest["dataset"]["name"].as_str().is_some_and(strix_data::is_of_photos);
    if let Some(preparation) = manifest.get_mut("preparation").and_then(serde_json::Value::as_object_mut) {
        preparation.entry("photo").or_insert(photo.into());
    }
    manifest
}

/// One line of `metrics.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Over the training part, while it was trained on.
    pub train: PassMetrics,
    /// Over the validation part, after the epoch.
    pub validation: PassMetrics,
    /// Seconds of training.
    pub train_seconds: f64,
    /// Seconds of training and validation.
    pub seconds: f64,
    /// Training images over seconds of training.
    pub images_per_second: f64,
    /// The learning rate of the last step.
    pub learning_rate: f64,
    /// The mean norm of a step's gradients, over all parameters.
    pub gradient_norm_mean: f64,
    /// The greatest.
    pub gradient_norm_max: f64,
}

/// Where a new run directory is to be.
#[derive(Debug, Clone)]
pub enum Place {
    /// Here.
    At(PathBuf),
    /// The first of PREFIX-1, PREFIX-2, ... that is not there yet.
    NextOf(PathBuf),
}

/// A run directory.
#[derive(Debug, Clone)]
pub struct Run {
    path: PathBuf,
}

impl Run {
    /// Creates a run directory, and its parents, that holds a manifest and a first checkpoint: all of it, or nothing.
    ///
    /// # Errors
    /// [`Error::RunExists`] when there is anything of that name; [`Error::Write`].
    pub(crate) fn create(place: &Place, manifest: &Manifest, checkpoint: &Checkpoint) -> Result<Self, Error> {
        let prefix = match place {
            Place::At(path) => return Self::create_at(path, manifest, checkpoint),
            Place::NextOf(prefix) => prefix,
        };
        let mut number = 1;
        loop {
            let mut name = prefix.clone().into_os_string();
            name.push(format!("-{number}"));
            match Self::create_at(Path::new(&name), manifest, checkpoint) {
                Err(Error::RunExists(_)) => number += 1,
                created => return created,
            }
        }
    }

    fn create_at(path: &Path, manifest: &Manifest, checkpoint: &Checkpoint) -> Result<Self, Error> {
        if path.symlink_metadata().is_ok() {
            return Err(Error::RunExists(path.into()));
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(failed(parent, "create it"))?;
        // Made under another name: a process that is killed leaves no run that cannot be resumed.
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let making = builder.prefix(PART).tempdir_in(parent).map_err(failed(path, "create it"))?;
        let run = Self { path: making.path().into() };
        run.write_manifest(manifest)?;
        run.write_checkpoint(checkpoint)?;
        // An empty directory that appeared meanwhile is replaced, as rename does.
        match fs::rename(making.path(), path) {
            Err(_) if path.symlink_metadata().is_ok() => Err(Error::RunExists(path.into())),
            renamed => renamed.map(|()| Self { path: path.into() }).map_err(failed(path, "create it")),
        }
    }

    /// Opens an existing run directory.
    ///
    /// # Errors
    /// [`Error::Read`] when there is no manifest in it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let run = Self { path: path.into() };
        if !run.file("manifest.json").is_file() {
            let what = "is no run directory: it holds no manifest.json".into();
            return Err(Error::Read { path: path.into(), what });
        }
        Ok(run)
    }

    /// Keeps other processes from training in this directory while the answer is held. Where a system locks no directories
    /// (Windows), nobody is kept.
    pub(crate) fn lock(&self) -> Result<Option<fs::File>, Error> {
        let Ok(folder) = fs::File::open(&self.path) else { return Ok(None) };
        match folder.try_lock() {
            Err(fs::TryLockError::WouldBlock) => {
                let what = "another process is training in it; wait for that one, or stop it".into();
                Err(Error::Read { path: self.path.clone(), what })
            }
            // Some file systems have no locks.
            Err(fs::TryLockError::Error(_)) => Ok(None),
            Ok(()) => Ok(Some(folder)),
        }
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes or replaces the manifest.
    pub(crate) fn write_manifest(&self, manifest: &Manifest) -> Result<(), Error> {
        let path = self.file("manifest.json");
        write_whole(&path, |file| {
            serde_json::to_writer_pretty(&mut *file, manifest)?;
            writeln!(file)
        })
    }

    /// The manifest.
    ///
    /// # Errors
    /// [`Error::Read`] when it is missing, broken, or of another format version.
    pub fn read_manifest(&self) -> Result<Manifest, Error> {
        let path = self.file("manifest.json");
        let broken = |what: String| Error::Read { path: path.clone(), what };
        let text = fs::read_to_string(&path).map_err(|e| broken(format!("cannot read it: {e}")))?;
        let value: serde_json::Value = serde_json::from_str(&text).map_err(|e| broken(format!("is no JSON: {e}")))?;
        let format = value.get("format").and_then(serde_json::Value::as_u64);
        if format != Some(FORMAT.into()) {
            let found = format.map_or("no format version".into(), |format| format!("format version {format}"));
            return Err(broken(format!("has {found}, but this strix reads version {FORMAT}")));
        }
        serde_json::from_value(completed(value)).map_err(|e| broken(format!("is no manifest: {e}")))
    }

    /// Adds a line to the metrics log.
    pub(crate) fn append_metrics(&self, record: &EpochRecord) -> Result<(), Error> {
        let path = self.file("metrics.jsonl");
        let action = "append to it";
        let mut line = serde_json::to_string(record).map_err(|e| failed(&path, action)(e.into()))?;
        line.push('\n');
        let mut log = OpenOptions::new().create(true).append(true).open(&path).map_err(failed(&path, action))?;
        let before = log.metadata().map_err(failed(&path, action))?.len();
        if let Err(error) = log.write_all(line.as_bytes()) {
            // A full disk may have taken a part of the line: no reader should meet it.
            let _ = log.set_len(before);
            return Err(failed(&path, action)(error));
        }
        Ok(())
    }

    /// Removes what a killed process was still writing.
    pub(crate) fn remove_parts(&self) -> Result<(), Error> {
        let entries = fs::read_dir(&self.path).map_err(failed(&self.path, "list it"))?;
        for entry in entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(PART)) {
            fs::remove_file(entry.path()).map_err(failed(&entry.path(), "remove it"))?;
        }
        Ok(())
    }

    /// Keeps the first `epochs` lines of the metrics log: what was written after the checkpoint is done again.
    pub(crate) fn keep_metrics(&self, epochs: usize) -> Result<(), Error> {
        let path = self.file("metrics.jsonl");
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|e| Error::Read { path: path.clone(), what: format!("cannot read it: {e}") })?,
        };
        let whole: Vec<&[u8]> = text.split_inclusive(|&byte| byte == b'\n').take(epochs).collect();
        if whole.len() < epochs {
            let what = format!("holds {} epochs, but the run's checkpoint was made after {epochs}", whole.len());
            return Err(Error::Read { path, what });
        }
        write_whole(&path, |file| file.write_all(&whole.concat()))
    }

    /// Every finished epoch's metrics.
    ///
    /// # Errors
    /// [`Error::Read`] naming the line that is broken.
    pub fn read_metrics(&self) -> Result<Vec<EpochRecord>, Error> {
        let path = self.file("metrics.jsonl");
        let broken = |what: String| Error::Read { path: path.clone(), what };
        let text = match fs::read_to_string(&path) {
            // No epoch is finished yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(|e| broken(format!("cannot read it: {e}")))?,
        };
        let parse = |(line, text): (usize, &str)| {
            serde_json::from_str(text).map_err(|e| broken(format!("line {}: {e}", line + 1)))
        };
        text.lines().enumerate().map(parse).collect()
    }

    /// Writes or replaces what an evaluation on these images leaves: `evaluation.json`, `report.html`, and TensorBoard's sheet of
    /// misclassified images and projector.
    ///
    /// # Errors
    /// [`Error::Write`]; [`Error::Read`] when the run cannot be read.
    pub fn write_evaluation(
        &self,
        evaluation: &Evaluation,
        images: &ImageDataset,
        views: bool,
        tested: &Tested,
    ) -> Result<(), Error> {
        let (manifest, epochs) = (self.read_manifest()?, self.read_metrics()?);
        let path = self.file("evaluation.json");
        let record = Record::new(evaluation, &epochs, views, tested);
        write_whole(&path, |file| {
            serde_json::to_writer_pretty(&mut *file, &record)?;
            writeln!(file)
        })?;
        let path = self.file("report.html");
        let page = report::html(&manifest, &epochs, evaluation, images, tested);
        let page = page.map_err(|what| failed(&path, "make it")(io::Error::other(what)))?;
        write_whole(&path, |file| file.write_all(page.as_bytes()))?;
        tensorboard::write_evaluation(self, &manifest, evaluation, images)
    }

    /// The last evaluation.
    ///
    /// # Errors
    /// [`Error::Read`] when there is none, or it is broken.
    pub fn read_evaluation(&self) -> Result<Record, Error> {
        let path = self.file("evaluation.json");
        let broken = |what: String| Error::Read { path: path.clone(), what };
        let text = fs::read_to_string(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => {
                broken(format!("is not there; first: strix evaluate {}", shell_word(&self.path)))
            }
            _ => broken(format!("cannot read it: {e}")),
        })?;
        serde_json::from_str(&text).map_err(|e| broken(format!("is no evaluation: {e}")))
    }

    /// Writes or replaces a file for TensorBoard.
    pub(crate) fn write_for_tensorboard(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let folder = self.file("tensorboard");
        fs::create_dir_all(&folder).map_err(failed(&folder, "create it"))?;
        write_whole(&folder.join(name), |file| file.write_all(bytes))
    }

    /// Writes or replaces the checkpoint.
    pub(crate) fn write_checkpoint(&self, checkpoint: &Checkpoint) -> Result<(), Error> {
        let path = self.file("checkpoint.safetensors");
        let bytes = checkpoint.to_bytes().map_err(|what| failed(&path, "encode it")(io::Error::other(what)))?;
        write_whole(&path, |file| file.write_all(&bytes))
    }

    /// Where training stands.
    ///
    /// # Errors
    /// [`Error::Read`] when there is none, or it is broken.
    pub(crate) fn read_checkpoint(&self) -> Result<Checkpoint, Error> {
        let path = self.file("checkpoint.safetensors");
        let broken = |what: String| Error::Read { path: path.clone(), what };
        let bytes = fs::read(&path).map_err(|e| broken(format!("cannot read it: {e}")))?;
        Checkpoint::from_bytes(&bytes).map_err(broken)
    }

    /// Writes or replaces the weights.
    pub(crate) fn write_model(&self, model: &Network) -> Result<(), Error> {
        let path = self.file("model.safetensors");
        // One metadata key alone: of several the order would differ from run to run.
        let mut store = SafetensorsStore::from_bytes(None)
            .clear_metadata()
            .metadata("format", "pt")
            .with_to_adapter(BurnToPyTorchAdapter)
            .skip_enum_variants(true);
        let other = |e: &dyn std::fmt::Display| failed(&path, "encode it")(io::Error::other(e.to_string()));
        model.save_into(&mut store).map_err(|e| other(&e))?;
        let bytes = store.get_bytes().map_err(|e| other(&e))?;
        // What was measured of other weights is not of these.
        for measured in ["evaluation.json", "report.html"] {
            match fs::remove_file(self.file(measured)) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(failed(&self.file(measured), "remove it")(e));
                }
                _ => {}
            }
        }
        write_whole(&path, |file| file.write_all(&bytes))
    }

    /// The bytes of the weights' file.
    ///
    /// # Errors
    /// [`Error::Read`] when there are none yet.
    pub(crate) fn read_weights(&self, manifest: &Manifest) -> Result<Vec<u8>, Error> {
        let path = self.file("model.safetensors");
        if manifest.best_epoch.is_none() {
            let what = "the run finished no epoch, so it has no weights".into();
            return Err(Error::Read { path, what });
        }
        fs::read(&path).map_err(|e| Error::Read { path, what: format!("cannot read it: {e}") })
    }

    /// The model that `manifest` describes, with the run's weights.
    ///
    /// # Errors
    /// [`Error::Read`] when there are none, or they are not of this network.
    pub fn read_model(&self, manifest: &Manifest, device: &Device) -> Result<Network, Error> {
        let path = self.file("model.safetensors");
        let broken = |what: String| Error::Read { path: path.clone(), what };
        let bytes = self.read_weights(manifest)?;
        let config = &manifest.config;
        config.check(manifest.dataset.image_size[0]).map_err(|e| broken(format!("the run's manifest: {e}")))?;
        let classes = manifest.dataset.classes.len();
        let mut model = Network::new(&config.network, manifest.preparation.size, classes, device);
        let mut store =
            SafetensorsStore::from_bytes(Some(bytes)).with_from_adapter(PyTorchToBurnAdapter).skip_enum_variants(true);
        let applied = model.load_from(&mut store).map_err(|e| broken(format!("cannot load the weights: {e}")))?;
        if !applied.missing.is_empty() || !applied.unused.is_empty() {
            let what = format!("is of another network: missing {:?}, unused {:?}", applied.missing, applied.unused);
            return Err(broken(what));
        }
        Ok(model)
    }
}

/// A path as a word of a command that a person copies into a shell: in quotes where the shell would read it otherwise, and
/// never like an option.
///
/// ```
/// use strix_train::run::shell_word;
///
/// assert_eq!(shell_word("runs/own-1".as_ref()), "runs/own-1");
/// assert_eq!(shell_word("Anna's runs/1".as_ref()), r"'Anna'\''s runs/1'");
/// assert_eq!(shell_word("-1".as_ref()), "./-1");
/// ```
pub fn shell_word(path: &Path) -> String {
    let mut text = path.display().to_string();
    if text.starts_with('-') {
        text.insert_str(0, "./");
    }
    let plain = |c: char| c.is_alphanumeric() || "/._-+:@%,".contains(c);
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// How the names of files begin that are still being written.
const PART: &str = ".part";

fn failed(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::Write { path: path.into(), action, source }
}

/// Writes a file under a temporary name beside `path`, syncs it and renames it over `path`; on any
/// failure the temporary file is removed and `path` is as it was. A link is followed; what is no
/// regular file (a pipe), and `/dev/stdout`, is written to as it stands.
///
/// # Errors
/// [`Error::Write`].
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut io::BufWriter<&fs::File>) -> io::Result<()>,
) -> Result<(), Error> {
    let action = "write it";
    let fill = |file: &fs::File| {
        let mut buffer = io::BufWriter::new(file);
        write(&mut buffer)?;
        buffer.flush()
    };
    #[cfg(unix)]
    if path == Path::new("/dev/stdout") {
        // The stream itself, which shares its place in the file with what is printed next.
        let stream = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned().map_err(failed(path, action))?;
        return fill(&fs::File::from(stream)).map_err(failed(path, action));
    }
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.into());
    let path = real.as_path();
    if fs::metadata(path).is_ok_and(|known| !known.is_file()) {
        let file = OpenOptions::new().write(true).open(path).map_err(failed(path, action))?;
        return fill(&file).map_err(failed(path, action));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        let missing = io::Error::new(io::ErrorKind::NotFound, format!("there is no folder {}", folder.display()));
        return Err(failed(path, action)(missing));
    }
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let file = builder.prefix(PART).tempfile_in(folder).map_err(failed(path, action))?;
    fill(file.as_file()).map_err(failed(path, action))?;
    file.as_file().sync_all().map_err(failed(path, action))?;
    file.persist(path).map_err(|e| failed(path, action)(e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_earlier_manifest_takes_pictures_as_photos_where_that_suits_its_dataset() {
        let photo = |name: &str, preparation: serde_json::Value| {
            completed(json!({"dataset": {"name": name}, "preparation": preparation}))["preparation"].clone()
        };
        assert_eq!(photo("fashion-mnist", json!({"size": 28})), json!({"size": 28, "photo": true}));
        assert_eq!(photo("garments", json!({}))["photo"], true);
        assert_eq!(photo("/home/me/pets", json!({}))["photo"], false);
        // What is said, counts.
        assert_eq!(photo("garments", json!({"photo": false}))["photo"], false);
        assert_eq!(completed(json!([1])), json!([1]));
    }
}
