//! One epoch after another: steps, validation, records, checkpoints.

use std::time::Instant;

use burn::module::Module;
use burn::optim::lr_scheduler::module_lr_scheduler::{ModuleLearningRate, ModuleLrScheduler};
use burn::optim::{GradientsAccumulator, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, FloatDType, Tensor};

use super::sets::Sets;
use super::{Features, LossScale, Observer};
use crate::batch::{Batch, Preparation, prepared, shuffled};
use crate::checkpoint::{Best, Progress};
use crate::config::{Precision, TrainConfig};
use crate::metrics::{Collector, floats};
use crate::model::{Network, average};
use crate::objective::Objective;
use crate::run::{EpochRecord, Manifest, Run, Status};
use crate::{Error, evaluation, gradients, tensorboard};

/// Steps between two read-backs: the loop does not wait for the device in between.
const INTERVAL: usize = 25;

/// What training changes.
pub(super) struct State {
    pub(super) network: Network,
    /// The average of its weights, without gradients.
    pub(super) average: Option<Network>,
    pub(super) optimizer: ModuleOptimizer,
    pub(super) progress: Progress,
    /// Of the epoch under way.
    pub(super) collector: Collector,
}

/// Tells the seconds of a run and of its epoch, with those before an interruption.
struct Clock {
    started: Instant,
    epoch: f64,
    run: f64,
}

impl Clock {
    fn start(progress: &Progress) -> Self {
        Self { started: Instant::now(), epoch: progress.epoch_seconds, run: progress.seconds }
    }

    /// Notes the time in what a checkpoint keeps.
    fn stamp(&self, progress: &mut Progress) {
        let elapsed = self.started.elapsed().as_secs_f64();
        progress.epoch_seconds = self.epoch + elapsed;
        progress.seconds = self.run + elapsed;
    }
}

/// What training does not change.
pub(super) struct Trainer<'a> {
    config: &'a TrainConfig,
    /// How images are made ready; not at all where they are features already.
    preparation: Option<Preparation>,
    training: Batch,
    validation: Batch,
    classes: usize,
    objective: Objective,
    /// How much each training image weighs in the loss, where they differ.
    weights: Option<Vec<f32>>,
    /// Blocks that are not trained.
    frozen: usize,
    /// Blocks that were run over all images beforehand.
    done: usize,
}

impl<'a> Trainer<'a> {
    /// Brings the images onto the device; through the frozen blocks if no image will be another next time, unless it is to stop
    /// before.
    pub(super) fn new(
        config: &'a TrainConfig,
        preparation: &Preparation,
        device: &Device,
        sets: Sets,
        network: &Network,
        kept: Option<(&Features, String)>,
        stop: &mut dyn FnMut() -> bool,
    ) -> Result<Self, Error> {
        let classes = config.balance.then(|| sets.class_weights());
        let labels = &sets.training.labels;
        let weights: Option<Vec<f32>> =
            classes.as_ref().map(|of| labels.iter().map(|&label| of[usize::from(label)]).collect());
        let classes = classes.map(|of| Tensor::from_floats(of.as_slice(), &device.clone().autodiff()));
        let frozen = config.fine_tune.frozen(network.blocks());
        let mut trainer = Self {
            config,
            training: Batch::resident(&sets.training, preparation.size, device)?,
            validation: Batch::resident(&sets.validation, preparation.size, device)?,
            preparation: Some(preparation.clone()),
            classes: sets.training.classes.len(),
            objective: Objective { smoothing: config.label_smoothing, weights: classes },
            weights,
            frozen,
            done: 0,
        };
        if frozen > 0 && config.augmentation.is_none() {
            let trunk = network.valid();
            let mut features = |images: &Batch| evaluation::features(&trunk, frozen, images, preparation, stop);
            let mut make = || Ok((features(&trainer.training)?, features(&trainer.validation)?));
            (trainer.training, trainer.validation) = match &kept {
                Some((kept, of)) => kept.get(of, config, frozen, make)?,
                None => make()?,
            };
            (trainer.preparation, trainer.done) = (None, frozen);
        }
        Ok(trainer)
    }

    /// The network with the blocks frozen that are not trained.
    pub(super) fn freeze(&self, network: Network) -> Network {
        let groups: Vec<_> = (0..self.frozen).map(|block| network.group(block)).collect();
        groups.into_iter().fold(network, |network, group| network.freeze_group(group))
    }

    /// Trains to the end, and writes how it ended.
    pub(super) fn run(
        &self,
        run: &Run,
        state: &mut State,
        manifest: &mut Manifest,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let (started, before) = (Instant::now(), state.progress.seconds);
        let result = loop {
            if self.is_over(&state.progress, manifest) {
                break Ok(());
            }
            if let Err(error) = self.epoch(run, state, manifest, observer) {
                break Err(error);
            }
        };
        manifest.status = match &result {
            Ok(()) => Status::Finished,
            Err(Error::Interrupted { .. }) => Status::Interrupted,
            Err(_) => Status::Failed,
        };
        manifest.seconds = before + started.elapsed().as_secs_f64();
        // What stopped the training is the error to report, whether or not this can be written.
        let written = run.write_manifest(manifest);
        result?;
        written
    }

    fn is_over(&self, progress: &Progress, manifest: &mut Manifest) -> bool {
        let since_best = progress.epoch - 1 - progress.best.map_or(0, |best| best.epoch);
        manifest.stopped_early = self.config.patience.is_some_and(|patience| since_best >= patience);
        manifest.stopped_early || progress.epoch > self.config.epochs
    }

    fn epoch(
        &self,
        run: &Run,
        state: &mut State,
        manifest: &mut Manifest,
        observer: &mut dyn Observer,
    ) -> Result<(), Error> {
        let epoch = state.progress.epoch;
        let clock = Clock::start(&state.progress);
        let mut saved = Instant::now();
        let order = shuffled(self.training.len(), self.config.seed, epoch);
        let batches: Vec<&[usize]> = order.chunks(self.config.batch_size).collect();
        let groups: Vec<&[&[usize]]> = batches.chunks(self.config.accumulate).collect();
        let steps = groups.len();
        let mut rate = 0.0;
        for (step, group) in groups.iter().enumerate().skip(state.progress.batches) {
            if observer.stop() {
                state.collector.read_back()?;
                clock.stamp(&mut state.progress);
                run.write_checkpoint(&state.checkpoint()?)?;
                return Err(Error::Interrupted { epoch, run: run.path().into() });
            }
            rate = self.config.learning_rate
                * self.config.schedule.at(state.progress.steps, steps * self.config.epochs, steps);
            self.step(state, group, rate)?;
            state.progress.batches = step + 1;
            state.progress.steps += 1;
            let read = (step + 1) % INTERVAL == 0 || step + 1 == steps;
            let loss = if read { state.collector.read_back()? } else { None };
            if let Some(loss) = loss.filter(|loss| !loss.is_finite()) {
                return Err(Error::Diverged { epoch, step: step + 1, loss });
            }
            observer.step(epoch, step + 1, steps, loss);
            if read && step + 1 < steps && observer.checkpoint(saved.elapsed()) {
                clock.stamp(&mut state.progress);
                run.write_checkpoint(&state.checkpoint()?)?;
                saved = Instant::now();
            }
        }
        clock.stamp(&mut state.progress);
        let train_seconds = state.progress.epoch_seconds;
        if state.collector.read_back()?.is_none() {
            return Err(Error::Overflow { epoch, step: steps });
        }
        let collector = std::mem::replace(&mut state.collector, Collector::new(self.classes)?);
        let (train, _, (norm_mean, norm_max)) = collector.finish()?;
        let network = state.average.clone().unwrap_or_else(|| state.network.valid());
        let by = self.preparation.as_ref();
        let (valid, _) = evaluation::pass(&network, self.done, &self.validation, by, self.classes, |_| Ok(()))?;
        if let Some(loss) = [train.loss_mean, valid.loss_mean].into_iter().find(|loss| !loss.is_finite()) {
            return Err(Error::Diverged { epoch, step: steps, loss });
        }
        clock.stamp(&mut state.progress);
        let record = EpochRecord {
            epoch,
            train,
            validation: valid,
            train_seconds,
            seconds: state.progress.epoch_seconds,
            images_per_second: self.training.len() as f64 / train_seconds,
            learning_rate: rate,
            gradient_norm_mean: norm_mean.unwrap_or(0.0),
            gradient_norm_max: norm_max.unwrap_or(0.0).into(),
        };
        let is_best = state.progress.best.is_none_or(|best| {
            valid.accuracy > best.accuracy || (valid.accuracy == best.accuracy && valid.loss_mean < best.loss)
        });
        if is_best {
            run.write_model(&network)?;
            state.progress.best = Some(Best { epoch, accuracy: valid.accuracy, loss: valid.loss_mean });
            manifest.best_epoch = Some(epoch);
        }
        tensorboard::write_epoch(run, &record, &network)?;
        run.append_metrics(&record)?;
        manifest.epochs_finished = epoch;
        run.write_manifest(manifest)?;
        state.progress = Progress { epoch: epoch + 1, batches: 0, epoch_seconds: 0.0, ..state.progress.clone() };
        // Last: whatever was written before is written again by whoever resumes from the checkpoint before.
        run.write_checkpoint(&state.checkpoint()?)?;
        observer.epoch(&record, is_best);
        Ok(())
    }

    /// How many images are trained on.
    pub(super) fn training_images(&self) -> usize {
        self.training.len()
    }

    /// A step, and the mean loss of its images before it: no number where it is none.
    pub(super) fn measured_step(&self, state: &mut State, group: &[&[usize]], rate: f64) -> Result<f64, Error> {
        self.step(state, group, rate)?;
        state.progress.steps += 1;
        let loss = std::mem::replace(&mut state.collector, Collector::new(self.classes)?).read_back()?;
        Ok(loss.unwrap_or(f64::NAN))
    }

    /// How much these images weigh in the loss together.
    fn weight(&self, images: &[usize]) -> f64 {
        match &self.weights {
            None => images.len() as f64,
            Some(weights) => images.iter().map(|&image| f64::from(weights[image])).sum(),
        }
    }

    /// One step of the optimizer, on the batches of `group`: by the gradient of the mean over all their images, as if they
    /// were one batch. Where gradients overflow f16, only the scale of the loss changes (and running statistics, where they
    /// stay numbers).
    fn step(&self, state: &mut State, group: &[&[usize]], rate: f64) -> Result<(), Error> {
        let precision = self.config.precision;
        let scale = (precision == Precision::F16).then_some(state.progress.loss_scale);
        let mut seen = Vec::with_capacity(group.len());
        let whole: f64 = group.iter().map(|images| self.weight(images)).sum();
        let number = (state.progress.steps * self.config.accumulate) as u64;
        let mut accumulator = GradientsAccumulator::new();
        for (at, indices) in group.iter().enumerate() {
            let number = number + at as u64;
            // Dropout: each batch from a seed of its own, so that a resumed run drops the same units.
            let dropout = self.config.seed ^ (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let batch = self.training.select(indices);
            let (images, mixed) = self.config.augmentation.apply(batch.images, self.config.seed, number);
            let images = prepared(self.preparation.as_ref(), images).cast(precision.float());
            let logits = state.network.finish_training(Tensor::from_inner(images), self.done, dropout);
            let logits = logits.cast(FloatDType::F32);
            let labels = Tensor::from_inner(batch.labels);
            let mixed = mixed.map(|mixed| mixed.on_autodiff());
            let (loss, losses) = self.objective.of(logits.clone(), labels.clone(), mixed.as_ref());
            // The batch's loss is a mean: it counts as much as its images weigh, so that a smaller last batch counts less.
            let share = self.weight(indices) / whole * scale.map_or(1.0, LossScale::factor);
            let gradients = GradientsParams::from_grads(loss.mul_scalar(share).backward(), &state.network);
            accumulator.accumulate(&state.network, gradients);
            seen.push((labels, logits.detach(), losses));
        }
        let mut gradients = accumulator.grads();
        if let Some(scale) = scale {
            gradients::unscale(&mut gradients, &state.network, scale.factor());
        }
        let norm = gradients::clip(&mut gradients, &state.network, self.config.clip_norm);
        if let Some(scale) = scale {
            let finite = norm.clone().map(floats).transpose()?.unwrap_or_default().iter().all(|norm| norm.is_finite());
            let Progress { epoch, batches, .. } = state.progress;
            state.progress.loss_scale = scale.after(finite).ok_or(Error::Overflow { epoch, step: batches + 1 })?;
            if !finite {
                // The images count where only their gradients overflowed.
                for (labels, logits, losses) in seen {
                    if floats(losses.clone())?.iter().all(|loss| loss.is_finite()) {
                        state.collector.take(&labels, &logits, &losses);
                    }
                }
                return Ok(());
            }
        }
        for (labels, logits, losses) in seen {
            state.collector.take(&labels, &logits, &losses);
        }
        if let Some(norm) = norm {
            state.collector.take_norm(norm);
        }
        state.network = state.optimizer.step(self.rates(&state.network, rate), state.network.clone(), gradients);
        if let (Some(old), Some(decay)) = (state.average.take(), self.config.average) {
            // Young weights are not worth remembering long.
            let steps = state.progress.steps as f64;
            let decay = decay.min((1.0 + steps) / (10.0 + steps));
            state.average = Some(average(old, &state.network.valid(), decay));
        }
        Ok(())
    }

    /// The learning rate of each block.
    fn rates(&self, network: &Network, rate: f64) -> ModuleLearningRate {
        let blocks = network.blocks();
        if self.config.block_rate == 1.0 || blocks == self.frozen {
            return rate.into();
        }
        let mut rates = ModuleLrScheduler::new(rate);
        for block in self.frozen..blocks {
            let share = self.config.block_rate.powi((blocks - block) as i32);
            rates = rates.with_group(network.group(block), rate * share);
        }
        rates.step()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests;
