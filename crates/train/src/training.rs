//! The training loop, from a dataset to a finished run directory.

mod epoch;
mod features;
mod loss_scale;
mod range_test;
mod sets;

use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::Device;
use strix_data::TrainTest;

use crate::Error;
use crate::batch::Preparation;
use crate::checkpoint::{Checkpoint, Progress};
use crate::config::{NetworkConfig, TrainConfig};
use crate::metrics::Collector;
use crate::model::{Network, Weights, gather, scatter};
use crate::run::{DatasetRecord, EpochRecord, Manifest, Place, Run, SplitBy, Status};

use epoch::{State, Trainer};

pub use features::Features;
pub use loss_scale::LossScale;
pub use range_test::{RangeTest, RateCurve, RatePoint, find_rate};
pub(crate) use sets::Sets;

/// Who watches a training run. Every method has a default that does nothing.
pub trait Observer {
    /// The run directory is there and training begins or goes on, on so many images to train and to validate on.
    fn begin(&mut self, run: &Run, manifest: &Manifest) {
        let _ = (run, manifest);
    }

    /// A step is done; `loss` is the epoch's mean so far, where it was just read back.
    fn step(&mut self, epoch: usize, step: usize, steps: usize, loss: Option<f64>) {
        let _ = (epoch, step, steps, loss);
    }

    /// An epoch is done; `best` tells whether it is the best so far.
    fn epoch(&mut self, record: &EpochRecord, best: bool) {
        let _ = (record, best);
    }

    /// Whether to save a checkpoint in the midst of an epoch, so long after the last one.
    fn checkpoint(&mut self, since_last: Duration) -> bool {
        since_last > Duration::from_secs(30)
    }

    /// Whether to stop before the next step.
    fn stop(&mut self) -> bool {
        false
    }
}

/// What a new run is made of.
#[derive(Debug)]
pub struct Job<'a> {
    /// The settings.
    pub config: &'a TrainConfig,
    /// The images.
    pub data: &'a TrainTest,
    /// Why the dataset is not the one that was preferred, if it is not.
    pub substituted: Option<String>,
    /// Published weights for the trunk.
    pub weights: Option<&'a Weights>,
    /// What a frozen trunk made of the same data for an earlier job, or will for a later one.
    pub features: Option<&'a Features>,
}

/// Trains into a new run directory at `place`, and returns it with its manifest. The directory is made when nothing is left
/// to be refused.
///
/// The best epoch by validation accuracy is the one whose weights the run holds at the end. A run's random numbers are its
/// own: on the CPU the same job gives the same bits, whatever else the process trains or draws meanwhile.
///
/// # Errors
/// [`Error::Stopped`], where there is no run yet; [`Error::Config`], [`Error::RunExists`], [`Error::Diverged`],
/// [`Error::Overflow`], [`Error::Interrupted`], [`Error::Write`] and [`Error::Device`]; the run's manifest then says how far
/// it came, and [`resume`] goes on from there.
pub fn train(job: &Job<'_>, place: &Place, observer: &mut dyn Observer) -> Result<(Run, Manifest), Error> {
    let started = Instant::now();
    let (trainer, mut state, mut manifest) = ready(job, &mut || observer.stop())?;
    // Features of frozen blocks count too.
    state.progress.seconds = started.elapsed().as_secs_f64();
    let run = Run::create(place, &manifest, &state.checkpoint()?)?;
    let _lock = run.lock()?;
    observer.begin(&run, &manifest);
    trainer.run(&run, &mut state, &mut manifest, observer)?;
    Ok((run, manifest))
}

/// The device to train on, if it has the numbers to train in.
fn open(config: &TrainConfig) -> Result<Device, Error> {
    let (device, precision) = (config.device.open()?, config.precision);
    if !device.supports_dtype(precision.float()) {
        return Err(Error::Device(format!("the device does not compute in {precision:?}; use --precision f32")));
    }
    Ok(device)
}

/// Everything that a first step needs.
fn ready<'a>(job: &Job<'a>, stop: &mut dyn FnMut() -> bool) -> Result<(Trainer<'a>, State, Manifest), Error> {
    let Job { config, data, .. } = *job;
    config.check(data.train.width.min(data.train.height))?;
    let device = open(config)?;
    let sets = Sets::new(config, data)?;
    let preparation = Preparation { photo: data.is_of_photos(), ..preparation(config, &sets, job.weights)? };
    let autodiff = device.clone().autodiff();
    let classes = data.train.classes.len();
    let mut network = Network::seeded(&config.network, preparation.size, classes, config.seed, &autodiff);
    if let Some(weights) = job.weights {
        weights.load_into(&mut network, &config.network)?;
    }
    let dataset = DatasetRecord::new(data, &sets, job.substituted.clone());
    let pretrained = job.weights.map(|weights| weights.record.clone());
    let manifest = Manifest::begin(config, dataset, preparation, pretrained, network.parameters());
    // A trunk of random weights is another one in each job.
    let kept = job.features.zip(job.weights).map(|(features, weights)| {
        (features, format!("{} {:?} {:?}", weights.record.sha256, manifest.preparation, manifest.dataset))
    });
    let trainer = Trainer::new(config, &manifest.preparation, &device, sets, &network, kept, stop)?;
    let state = State {
        average: config.average.map(|_| network.valid()),
        network: trainer.freeze(network),
        optimizer: config.optimizer.init(config.weight_decay),
        progress: Progress { epoch: 1, ..Progress::default() },
        collector: Collector::new(classes)?,
    };
    Ok((trainer, state, manifest))
}

/// Goes on with a run that was interrupted, killed or failed, from its last checkpoint: on the CPU to the same weights and
/// metrics, bit for bit, as if it had never stopped.
///
/// # Errors
/// As [`train`]; [`Error::Read`] when the run cannot be read, was made on other data, or is being trained by another process.
/// Data that has moved is the same; the manifest then names its new place.
pub fn resume(run: &Run, data: &TrainTest, observer: &mut dyn Observer) -> Result<Manifest, Error> {
    let started = Instant::now();
    let _lock = run.lock()?;
    let mut manifest = run.read_manifest()?;
    let broken = |what: String| Error::Read { path: run.path().into(), what };
    if manifest.status == Status::Finished {
        return Err(broken("the run is finished; train anew for more epochs".into()));
    }
    if manifest.dataset.split != SplitBy::Identity {
        let what = "was split by the places of the images, and images are now split by what they are; train anew";
        return Err(broken(what.into()));
    }
    let config = manifest.config.clone();
    if let Some(what) = manifest.dataset.mismatch(&data.train) {
        return Err(broken(what));
    }
    let differences = manifest.dataset.differences(&config, data);
    if !differences.is_empty() {
        let (name, what) = (&data.name, differences.join(", "));
        return Err(broken(format!(
            "was trained on other data: {name} has {what}; go on with the data of before, or train anew"
        )));
    }
    config.check(data.train.width.min(data.train.height))?;
    let sets = Sets::new(&config, data)?;
    // The same images, though they may have moved.
    manifest.dataset = DatasetRecord::new(data, &sets, manifest.dataset.substituted.clone());
    let device = open(&config)?;
    let Checkpoint { progress, network, average, optimizer, metrics } = run.read_checkpoint()?;
    let classes = data.train.classes.len();
    let made = Network::new(&config.network, manifest.preparation.size, classes, &device.clone().autodiff());
    let other = |what: String| broken(format!("its checkpoint is of another network: {what}"));
    let made = scatter(made, network).map_err(other)?;
    let average = average.map(|values| scatter(made.valid(), values)).transpose().map_err(other)?;
    let trainer = Trainer::new(&config, &manifest.preparation, &device, sets, &made, None, &mut || observer.stop())?;
    let mut state = State {
        average,
        network: trainer.freeze(made),
        optimizer: state_of(&config, optimizer).map_err(broken)?,
        collector: Collector::from_bytes(classes, &metrics)?,
        progress,
    };
    state.progress.seconds += started.elapsed().as_secs_f64();
    run.remove_parts()?;
    run.keep_metrics(state.progress.epoch - 1)?;
    manifest.epochs_finished = state.progress.epoch - 1;
    manifest.best_epoch = state.progress.best.map(|best| best.epoch);
    manifest.status = Status::Running;
    run.write_manifest(&manifest)?;
    observer.begin(run, &manifest);
    trainer.run(run, &mut state, &mut manifest, observer)?;
    Ok(manifest)
}

fn state_of(config: &TrainConfig, bytes: Vec<u8>) -> Result<burn::optim::ModuleOptimizer, String> {
    let fresh = config.optimizer.init(config.weight_decay);
    let bytes = burn::tensor::Bytes::from_bytes_vec(bytes);
    fresh.from_bytes(bytes).map_err(|e| format!("its checkpoint's optimizer cannot be read: {e}"))
}

/// How images are made ready: as the weights ask for, for a ResNet as its published weights do, else by their own mean.
fn preparation(config: &TrainConfig, sets: &Sets, weights: Option<&Weights>) -> Result<Preparation, Error> {
    let size = config.resize.unwrap_or(sets.training.width);
    match (weights, &config.network) {
        (Some(weights), _) => weights.preparation(size),
        (None, NetworkConfig::ResNet(_) | NetworkConfig::VggStrix(_)) => {
            let grey = Preparation::of(&sets.training, size)?;
            Ok(Preparation { mean: vec![grey.mean[0]; 3], sd: vec![grey.sd[0]; 3], ..grey })
        }
        (None, _) => Preparation::of(&sets.training, size),
    }
}

impl State {
    /// What a checkpoint holds of it. Everything must have been read back.
    fn checkpoint(&self) -> Result<Checkpoint, Error> {
        let optimizer =
            self.optimizer.into_bytes().map_err(|e| Error::Device(format!("the optimizer's state: {e}")))?;
        Ok(Checkpoint {
            progress: self.progress.clone(),
            network: gather(&self.network),
            average: self.average.as_ref().map(gather),
            optimizer: optimizer.to_vec(),
            metrics: self.collector.to_bytes()?,
        })
    }
}
