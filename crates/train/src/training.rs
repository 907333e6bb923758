//! The training loop, from a dataset to a finished run directory.

use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Device;
use strix_data::{ImageDataset, TrainTest, split};

use crate::batch::{Batch, Normalization, shuffled};
use crate::config::TrainConfig;
use crate::metrics::{Collector, PassMetrics, sample_losses};
use crate::model::ConvStrix;
use crate::run::{DatasetRecord, EpochRecord, Manifest, Run, Status};
use crate::{Error, evaluation};

/// Steps between two read-backs: the loop does not wait for the device in between.
const INTERVAL: usize = 25;

/// Who watches a training run. Every method has a default that does nothing.
pub trait Observer {
    /// The run directory is there and training begins, on `images` images to train and validate on.
    fn begin(&mut self, run: &Run, images: usize) {
        let _ = (run, images);
    }

    /// A step is done; `loss` is the epoch's mean so far, where it was just read back.
    fn step(&mut self, epoch: usize, step: usize, steps: usize, loss: Option<f64>) {
        let _ = (epoch, step, steps, loss);
    }

    /// An epoch is done; `best` tells whether it is the best so far.
    fn epoch(&mut self, record: &EpochRecord, best: bool) {
        let _ = (record, best);
    }

    /// Whether to stop before the next step.
    fn stop(&mut self) -> bool {
        false
    }
}

/// Trains on `data` into the run directory that `create` makes, and returns it with its manifest.
/// `create` is called when nothing is left to be refused.
///
/// The best epoch by validation loss is the one whose weights the run holds at the end.
///
/// # Errors
/// [`Error::Config`], [`Error::Diverged`], [`Error::Interrupted`], [`Error::Write`] and
/// [`Error::Device`]; the run's manifest then says how far it came.
pub fn train(
    config: &TrainConfig,
    data: &TrainTest,
    substituted: Option<String>,
    create: impl FnOnce() -> Result<Run, Error>,
    observer: &mut dyn Observer,
) -> Result<(Run, Manifest), Error> {
    config.check(data.train.width.min(data.train.height))?;
    let device = config.device.open()?;
    device.seed(config.seed);
    let labels = &data.train.labels[..config.limit.unwrap_or(usize::MAX).min(data.train.len())];
    let parts = split::stratified(labels, config.train_share, config.seed);
    let (training, validation) = (data.train.select(&parts.train), data.train.select(&parts.validation));
    if training.is_empty() || validation.is_empty() {
        let what = format!(
            "{} images leave {} to train and {} to validate on",
            labels.len(),
            training.len(),
            validation.len()
        );
        return Err(Error::Config(what));
    }
    let normalization = Normalization::of(&training)?;
    let dataset = DatasetRecord::new(data, training.len(), validation.len(), substituted);
    let mut manifest = Manifest::begin(config, dataset, normalization);
    let run = create()?;
    if let Err(error) = run.write_manifest(&manifest) {
        run.remove_empty();
        return Err(error);
    }
    observer.begin(&run, labels.len());

    let result = Training { config, normalization, device: device.autodiff(), run: &run }.epochs(
        &training,
        &validation,
        &mut manifest,
        observer,
    );
    manifest.end(match &result {
        Ok(()) => Status::Finished,
        Err(Error::Interrupted { .. }) => Status::Interrupted,
        Err(_) => Status::Failed,
    });
    // What stopped the training is the error to report, whether or not this can be written.
    let written = run.write_manifest(&manifest);
    result?;
    written?;
    Ok((run, manifest))
}

struct Training<'a> {
    config: &'a TrainConfig,
    normalization: Normalization,
    device: Device,
    run: &'a Run,
}

impl Training<'_> {
    fn epochs(
        &self,
        training: &ImageDataset,
        validation: &ImageDataset,
        manifest: &mut Manifest,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let mut model = ConvStrix::new(&self.config.model, training.width, training.classes.len(), &self.device);
        let mut optimizer = self.config.optimizer.init();
        let mut best = f64::INFINITY;
        for epoch in 1..=self.config.epochs {
            let started = Instant::now();
            let mut collector = Collector::new(training.classes.len())?;
            let order = shuffled(training.len(), self.config.seed, epoch);
            let steps = order.len().div_ceil(self.config.batch_size);
            for (step, indices) in order.chunks(self.config.batch_size).enumerate() {
                if observer.stop() {
                    return Err(Error::Interrupted { epoch });
                }
                let batch = Batch::new(training, indices, self.normalization, &self.device);
                let logits = model.forward(batch.images.clone());
                let losses = sample_losses(logits.clone(), batch.labels.clone());
                collector.take(&batch, &logits, &losses);
                let gradients = GradientsParams::from_grads(losses.mean().backward(), &model);
                model = optimizer.step(self.config.learning_rate, model, gradients);
                let read = (step + 1) % INTERVAL == 0 || step + 1 == steps;
                let loss = if read { Some(collector.read_back()?) } else { None };
                if let Some(loss) = loss.filter(|loss| !loss.is_finite()) {
                    return Err(Error::Diverged { epoch, step: step + 1, loss });
                }
                observer.step(epoch, step + 1, steps, loss);
            }
            let (train, _) = collector.finish()?;
            let train_seconds = started.elapsed().as_secs_f64();
            let (valid, _) = self.validate(&model, validation)?;
            if let Some(loss) = [train.loss_mean, valid.loss_mean].into_iter().find(|loss| !loss.is_finite()) {
                return Err(Error::Diverged { epoch, step: steps, loss });
            }
            let record = EpochRecord {
                epoch,
                train,
                validation: valid,
                train_seconds,
                seconds: started.elapsed().as_secs_f64(),
                images_per_second: training.len() as f64 / train_seconds,
            };
            let is_best = valid.loss_mean < best;
            if is_best {
                best = valid.loss_mean;
                self.run.write_model(&model.valid())?;
                manifest.best_epoch = Some(epoch);
            }
            self.run.append_metrics(&record)?;
            manifest.epochs_finished = epoch;
            self.run.write_manifest(manifest)?;
            observer.epoch(&record, is_best);
        }
        Ok(())
    }

    fn validate(
        &self,
        model: &ConvStrix,
        validation: &ImageDataset,
    ) -> Result<(PassMetrics, strix_reduce::Confusion), Error> {
        evaluation::pass(&model.valid(), validation, self.normalization, &self.device.clone().inner(), |_| Ok(()))
    }
}
