//! What a person sees while a run trains.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use strix_train::run::{EpochRecord, Manifest, Run};
use strix_train::training::Observer;

use crate::interrupt;
use crate::output::percent;

/// A bar for each epoch on a terminal, a line for each epoch everywhere.
pub(super) struct Watcher {
    bar: Option<ProgressBar>,
    epochs: usize,
    checkpoint: Duration,
}

impl Watcher {
    /// Asks for a checkpoint every so many seconds.
    pub(super) fn new(checkpoint_seconds: f64) -> Self {
        Self { bar: None, epochs: 0, checkpoint: Duration::from_secs_f64(checkpoint_seconds.clamp(0.0, 1e9)) }
    }
}

impl Observer for Watcher {
    fn begin(&mut self, run: &Run, manifest: &Manifest) {
        self.epochs = manifest.config.epochs;
        let dataset = &manifest.dataset;
        let _ = writeln!(
            std::io::stdout(),
            "{} ({} parameters) on {}: {} training and {} validation images, {} epochs into {}",
            manifest.architecture,
            manifest.parameters,
            dataset.name,
            dataset.train,
            dataset.validation,
            self.epochs,
            run.path().display()
        );
        if manifest.epochs_finished > 0 {
            let _ = writeln!(std::io::stdout(), "going on after epoch {}", manifest.epochs_finished);
        }
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

    fn checkpoint(&mut self, since_last: Duration) -> bool {
        since_last >= self.checkpoint
    }

    fn stop(&mut self) -> bool {
        interrupt::requested()
    }
}
