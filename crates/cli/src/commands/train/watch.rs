//! What a person sees while a run trains: a dashboard on a terminal, a line for each epoch everywhere.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use strix_train::run::{EpochRecord, Manifest, Run};
use strix_train::training::Observer;

use super::dashboard::{Dashboard, Progress};
use crate::interrupt;
use crate::output::percent;

pub(super) struct Watcher {
    dashboard: Option<Dashboard>,
    /// Whether there is to be no dashboard.
    plain: bool,
    progress: Progress,
    checkpoint: Duration,
}

impl Watcher {
    /// Asks for a checkpoint every so many seconds; with `plain`, lines alone.
    pub(super) fn new(checkpoint_seconds: f64, plain: bool) -> Self {
        let checkpoint = Duration::from_secs_f64(checkpoint_seconds.clamp(0.0, 1e9));
        Self { dashboard: None, plain, progress: Progress::default(), checkpoint }
    }

    /// Prints a line, where standard output is the dashboard's terminal above it.
    fn print(&mut self, line: &str) {
        // A reader of the output that has gone does not end the training.
        let _ = match &mut self.dashboard {
            Some(dashboard) if std::io::stdout().is_terminal() => dashboard.print(line),
            _ => writeln!(std::io::stdout(), "{line}"),
        };
    }
}

impl Observer for Watcher {
    fn begin(&mut self, run: &Run, manifest: &Manifest) {
        let config = &manifest.config;
        let dataset = &manifest.dataset;
        self.print(&format!(
            "{} ({} parameters) on {}: {} training and {} validation images, {} epochs into {}",
            manifest.architecture,
            manifest.parameters,
            dataset.name,
            dataset.train,
            dataset.validation,
            config.epochs,
            run.path().display()
        ));
        if manifest.epochs_finished > 0 {
            self.print(&format!("going on after epoch {}", manifest.epochs_finished));
        }
        let done = run.read_metrics().unwrap_or_default();
        let running = done.iter().map(|record| (record.epoch as f64, record.train.loss_mean)).collect();
        self.progress = Progress {
            epochs: config.epochs,
            images_a_step: config.batch_size * config.accumulate,
            running,
            done,
            ..Progress::default()
        };
        self.dashboard = if self.plain { None } else { Dashboard::open() };
    }

    fn step(&mut self, epoch: usize, step: usize, steps: usize, loss: Option<f64>) {
        let Some(dashboard) = &mut self.dashboard else { return };
        let progress = &mut self.progress;
        (progress.epoch, progress.step, progress.steps) = (epoch, step, steps);
        if let Some(loss) = loss {
            progress.running.push((epoch as f64 - 1.0 + step as f64 / steps as f64, loss));
        }
        dashboard.draw(progress);
    }

    fn epoch(&mut self, record: &EpochRecord, best: bool) {
        self.progress.done.push(*record);
        let EpochRecord { epoch, train, validation, .. } = record;
        self.print(&format!(
            "epoch {epoch}/{}  train loss {:.4} acc {}  val loss {:.4} acc {}  {:.1} s  {:.0} images/s{}",
            self.progress.epochs,
            train.loss_mean,
            percent(train.accuracy),
            validation.loss_mean,
            percent(validation.accuracy),
            record.seconds,
            record.images_per_second,
            if best { "  best" } else { "" }
        ));
    }

    fn checkpoint(&mut self, since_last: Duration) -> bool {
        since_last >= self.checkpoint
    }

    fn stop(&mut self) -> bool {
        interrupt::requested()
    }
}
