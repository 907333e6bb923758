//! `strix train`: a dataset to a run directory.

mod dashboard;
mod watch;

use std::io::Write;
use std::path::{Path, PathBuf};

use strix_train::model::Weights;
use strix_train::run::{Manifest, Place, Run, shell_word};
use strix_train::training::{self, Job};

use crate::args::{self, Command, Train};
use crate::commands::{dataset, settings};
use crate::failure::Failure;
use crate::interrupt;
use watch::Watcher;

pub(crate) fn run(args: &Train) -> Result<(), Failure> {
    if let Some(file) = &args.params {
        let given = args::without(&args::given(), &["--params"]);
        let mut options = args::of_file(file, &given)?;
        options.extend(given);
        return match args::parsed("train", options, file)? {
            Command::Train(args) => run(&args),
            _ => Err(Failure::Internal("strix train is another command".into())),
        };
    }
    if let Some(run) = &args.resume {
        return resume(args, &Run::open(run)?);
    }
    // What can be refused is refused before the dataset is read; the rest, before a directory is made.
    let weights = args.settings.network.weights.as_deref().map(Weights::open).transpose()?;
    let config = settings::config(&args.settings, weights.as_ref())?;
    config.device.open()?;
    if let Some(out) = args.out.as_ref().filter(|out| out.exists()) {
        return Err(strix_train::Error::RunExists(out.clone()).into());
    }
    let loaded = dataset::load_loudly(&args.settings)?;
    let data = &loaded.data;
    let place = match &args.out {
        Some(path) => Place::At(path.clone()),
        None => Place::NextOf(PathBuf::from("runs").join(short(&data.name))),
    };
    interrupt::listen()?;
    let substituted = loaded.substituted.clone();
    let job = Job { config: &config, data, substituted, weights: weights.as_ref(), features: None };
    let (run, manifest) = training::train(&job, &place, &mut Watcher::new(args.checkpoint_seconds, args.plain))?;
    tell(&run, &manifest)
}

/// A dataset's name for its runs: of a folder the last part.
fn short(name: &str) -> String {
    Path::new(name).file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned())
}

fn resume(args: &Train, run: &Run) -> Result<(), Failure> {
    let manifest = run.read_manifest()?;
    let data = dataset::of_run(&manifest, &args.settings.place)?;
    interrupt::listen()?;
    let manifest = training::resume(run, &data, &mut Watcher::new(args.checkpoint_seconds, args.plain))?;
    tell(run, &manifest)
}

fn tell(run: &Run, manifest: &Manifest) -> Result<(), Failure> {
    let best = manifest.best_epoch.unwrap_or_default();
    let mut out = std::io::stdout().lock();
    if manifest.stopped_early {
        writeln!(out, "stopped after epoch {}, as nothing got better", manifest.epochs_finished)?;
    }
    writeln!(out, "done in {:.1} s; epoch {best} was the best by validation accuracy", manifest.seconds)?;
    Ok(writeln!(out, "next: strix evaluate {}", shell_word(run.path()))?)
}
