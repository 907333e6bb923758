//! `strix train`: a dataset to a run directory.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use strix_train::DeviceChoice;
use strix_train::config::{ActivationKind, ConvStrixConfig, TrainConfig};
use strix_train::optimizer::OptimizerKind;
use strix_train::run::{EpochRecord, Run};
use strix_train::training::{self, Observer};

use crate::args::{Activation, Optimizer, Train, TrainDevice};
use crate::commands::dataset;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::percent;

pub(crate) fn run(args: &Train) -> Result<(), Failure> {
    let config = config(args);
    // What can be refused is refused before the dataset is read; the rest, before a directory is made.
    config.device.open()?;
    if let Some(out) = args.out.as_ref().filter(|out| out.exists()) {
        return Err(strix_train::Error::RunExists(out.clone()).into());
    }
    let loaded = dataset::load(args.dataset, &args.place)?;
    let data = &loaded.data;
    if let Some(reason) = &loaded.substituted {
        // A reader of the output that has gone does not end the training, here and below.
        let _ = writeln!(
            std::io::stderr(),
            "WARNING: training on the drawn dataset \"garments\" INSTEAD OF Fashion-MNIST.\nWARNING: {reason}\n\
             WARNING: its accuracies say nothing about Fashion-MNIST."
        );
    }
    let create = || match &args.out {
        Some(path) => Run::create(path),
        None => next_free(data.name),
    };
    interrupt::listen()?;
    let mut watcher = Watcher { bar: None, epochs: config.epochs, dataset: data.name };
    let (run, manifest) = training::train(&config, data, loaded.substituted.clone(), create, &mut watcher)?;
    let best = manifest.best_epoch.unwrap_or_default();
    let mut out = std::io::stdout().lock();
    writeln!(out, "done in {:.1} s; epoch {best} was the best by validation loss", manifest.seconds)?;
    Ok(writeln!(out, "next: strix evaluate {}", run.path().display())?)
}

/// The first of runs/NAME-1, runs/NAME-2, ... that is not there yet.
fn next_free(name: &str) -> Result<Run, strix_train::Error> {
    let mut number = 1;
    loop {
        match Run::create(&PathBuf::from(format!("runs/{name}-{number}"))) {
            Err(strix_train::Error::RunExists(_)) => number += 1,
            created => return created,
        }
    }
}

fn config(args: &Train) -> TrainConfig {
    TrainConfig {
        model: ConvStrixConfig {
            blocks: args.blocks,
            block_layers: args.block_layers,
            dense_layers: args.dense_layers,
            dense_width: args.dense_width,
            dropout: args.dropout,
            activation: match args.activation {
                Activation::Relu => ActivationKind::Relu,
                Activation::Selu => ActivationKind::Selu,
                Activation::Tanh => ActivationKind::Tanh,
            },
        },
        optimizer: match args.optimizer {
            Optimizer::Adam => OptimizerKind::Adam,
            Optimizer::AdamW => OptimizerKind::AdamW,
            Optimizer::Adamax => OptimizerKind::Adamax,
            Optimizer::Nadam => OptimizerKind::Nadam,
            Optimizer::RmsProp => OptimizerKind::RmsProp,
            Optimizer::Sgd => OptimizerKind::Sgd,
        },
        learning_rate: args.learning_rate,
        batch_size: args.batch_size,
        epochs: args.epochs,
        seed: args.seed,
        limit: args.limit,
        device: device(args.device),
        ..TrainConfig::default()
    }
}

pub(crate) fn device(device: TrainDevice) -> DeviceChoice {
    match device {
        TrainDevice::Cpu => DeviceChoice::Cpu,
        TrainDevice::Gpu => DeviceChoice::Gpu,
    }
}

/// A bar for each epoch on a terminal, a line for each epoch everywhere.
struct Watcher {
    bar: Option<ProgressBar>,
    epochs: usize,
    dataset: &'static str,
}

impl Observer for Watcher {
    fn begin(&mut self, run: &Run, images: usize) {
        let _ = writeln!(
            std::io::stdout(),
            "{}: {images} training and validation images, {} epochs into {}",
            self.dataset,
            self.epochs,
            run.path().display()
        );
    }

    fn step(&mut self, epoch: usize, step: usize, steps: usize, loss: Option<f64>) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let template = format!("epoch {epoch}/{} {{wide_bar}} {{pos}}/{{len}} {{msg}} {{eta}} left", self.epochs);
            let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(steps as u64).with_style(style)
        });
        bar.set_position(step as u64);
        if let Some(loss) = loss {
            bar.set_message(format!("loss {loss:.4}"));
        }
    }

    fn epoch(&mut self, record: &EpochRecord, best: bool) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        let EpochRecord { epoch, train, validation, .. } = record;
        let _ = writeln!(
            std::io::stdout(),
            "epoch {epoch}/{}  train loss {:.4} acc {}  val loss {:.4} acc {}  {:.1} s  {:.0} images/s{}",
            self.epochs,
            train.loss_mean,
            percent(train.accuracy),
            validation.loss_mean,
            percent(validation.accuracy),
            record.seconds,
            record.images_per_second,
            if best { "  best" } else { "" }
        );
    }

    fn stop(&mut self) -> bool {
        interrupt::requested()
    }
}
