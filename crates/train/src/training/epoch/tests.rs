use std::path::Path;

use burn::tensor::TensorData;
use strix_data::{ImageDataset, TrainTest};

use super::*;
use crate::checkpoint::Checkpoint;
use crate::config::{DenseConfig, NetworkConfig};
use crate::model::gather;
use crate::optimizer::OptimizerKind;
use crate::run::Place;
use crate::training::{Job, ready, resume, train};

/// Images of 2 x 2 pixels of three classes, of which the last is rare.
fn data() -> TrainTest {
    let labels: Vec<u8> = (0..20).map(|i| [0, 1, 0, 1, 2][i % 5]).collect();
    let pixels = (0..80).map(|i| (i * 37 % 256) as u8).collect();
    let images = ImageDataset::new(pixels, labels, [2, 2], ["a", "b", "c"].map(String::from).into());
    TrainTest { train: images.clone(), test: images, ..strix_data::garments::draw(0, 0, 0) }
}

/// One dense layer without dropout, trained by plain gradients.
fn config() -> TrainConfig {
    let dense = DenseConfig { dense_layers: 1, dense_width: 5, dropout: 0.0, ..DenseConfig::default() };
    TrainConfig { optimizer: OptimizerKind::Sgd, batch_size: 3, ..TrainConfig::recipe(NetworkConfig::Fcnn(dense)) }
}

fn weights(network: &Network) -> Vec<f32> {
    gather(network).into_iter().flat_map(|data: TensorData| data.try_to_vec::<f32>().unwrap()).collect()
}

/// What `act` makes of a training that is ready.
fn with<T>(config: &TrainConfig, act: impl FnOnce(&mut Trainer<'_>, &mut State) -> T) -> T {
    let data = data();
    let job = Job { config, data: &data, substituted: None, weights: None, features: None };
    let (mut trainer, mut state, _) = ready(&job, &mut || false).unwrap();
    act(&mut trainer, &mut state)
}

/// The weights before and after one step on the batches.
fn stepped(config: &TrainConfig, group: &[&[usize]]) -> [Vec<f32>; 2] {
    with(config, |trainer, state| {
        let before = weights(&state.network);
        trainer.step(state, group, 0.5).unwrap();
        [before, weights(&state.network)]
    })
}

#[test]
fn batches_of_any_sizes_step_as_one_batch_of_the_same_images() {
    let splits: [&[&[usize]]; 4] = [
        &[&[0, 1, 2], &[3, 4, 5], &[6, 7]],
        &[&[0, 1, 2, 3, 4, 5], &[6], &[7]],
        &[&[0, 1, 2, 3], &[4, 5, 6, 7]],
        &[&[0], &[1, 2, 3, 4, 5, 6, 7]],
    ];
    for balance in [false, true] {
        for label_smoothing in [0.0, 0.2] {
            for clip_norm in [None, Some(0.01)] {
                let config = TrainConfig { balance, label_smoothing, clip_norm, ..config() };
                let [before, whole] = stepped(&config, &[&[0, 1, 2, 3, 4, 5, 6, 7]]);
                let moved = before.iter().zip(&whole).map(|(before, after)| (before - after).abs());
                assert!(moved.fold(0.0, f32::max) > 1e-3, "the step does nothing");
                for group in splits {
                    let [same, parts] = stepped(&config, group);
                    assert_eq!(same, before);
                    for (parts, whole) in parts.iter().zip(&whole) {
                        assert!((parts - whole).abs() < 1e-5, "{config:?}, {group:?}: {parts} for {whole}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_overflow_skips_the_step_and_halves_the_scale() {
    let config = TrainConfig { precision: Precision::F16, average: Some(0.5), ..config() };
    let [before, whole] = stepped(&TrainConfig { precision: Precision::F32, ..config.clone() }, &[&[0, 1, 2], &[3]]);
    with(&config, |trainer, state| {
        // At 2^24, gradients of logits overflow: they are shares of 1 over 4 images.
        let large = (0..16_000).fold(LossScale::default(), |scale, _| scale.after(true).unwrap());
        state.progress.loss_scale = large;
        let optimizer = state.optimizer.into_bytes().unwrap().to_vec();
        let mut skipped = 0;
        loop {
            trainer.step(state, &[&[0, 1, 2], &[3]], 0.5).unwrap();
            // The losses themselves are numbers, so that they count.
            assert!(state.collector.read_back().unwrap().unwrap().is_finite());
            if state.progress.loss_scale.factor() == large.factor() / 2f64.powi(skipped) {
                break;
            }
            skipped += 1;
            assert_eq!(state.progress.loss_scale.factor(), large.factor() / 2f64.powi(skipped));
            assert_eq!(weights(&state.network), before);
            assert_eq!(weights(state.average.as_ref().unwrap()), before);
            assert_eq!(state.optimizer.into_bytes().unwrap().to_vec(), optimizer);
        }
        assert!(skipped > 4, "only {skipped} steps overflow");
        let most = before.iter().zip(&whole).map(|(before, after)| (before - after).abs()).fold(0.0, f32::max);
        for (found, expected) in weights(&state.network).iter().zip(&whole) {
            assert!((found - expected).abs() < 0.01 * most, "{found} for {expected}");
        }
        // Norms of gradients are those of the steps that were taken.
        let (_, _, (mean, max)) = std::mem::replace(&mut state.collector, Collector::new(3).unwrap()).finish().unwrap();
        assert!((f64::from(max.unwrap()) / mean.unwrap() - 1.0).abs() < 1e-6);
    });
}

#[test]
fn an_overflow_without_end_is_an_error() {
    let network = NetworkConfig::Fcnn(DenseConfig { dense_layers: 0, ..DenseConfig::default() });
    with(&TrainConfig { network, precision: Precision::F16, ..config() }, |trainer, state| {
        // Pixels far beyond the range of f16.
        trainer.preparation = Some(Preparation { photo: false, size: 2, mean: vec![0.0], sd: vec![1e-9] });
        let before = weights(&state.network);
        for _ in 0..16 {
            trainer.step(state, &[&[0, 1, 2]], 0.5).unwrap();
            // Losses that are no numbers are not counted: they would end the training as diverged.
            assert_eq!(state.collector.read_back().unwrap(), None);
        }
        let error = trainer.step(state, &[&[0, 1, 2]], 0.5).unwrap_err();
        assert!(matches!(error, Error::Overflow { epoch: 1, step: 1 }), "{error}");
        assert_eq!(weights(&state.network), before);
    });
}

#[test]
fn a_checkpoint_keeps_the_scale_and_older_ones_begin_with_the_first() {
    with(&config(), |_, state| {
        state.progress.loss_scale = LossScale::default().after(false).unwrap().after(true).unwrap();
        let bytes = state.checkpoint().unwrap().to_bytes().unwrap();
        assert_eq!(Checkpoint::from_bytes(&bytes).unwrap().progress, state.progress);
        let mut older = serde_json::to_value(&state.progress).unwrap();
        older.as_object_mut().unwrap().remove("loss_scale").unwrap();
        let older: Progress = serde_json::from_value(older).unwrap();
        assert_eq!(older.loss_scale, LossScale::default());
    });
}

/// Stops before the step of that number, from 0.
struct StopAt(usize);

impl Observer for StopAt {
    fn stop(&mut self) -> bool {
        let stops = self.0 == 0;
        self.0 = self.0.wrapping_sub(1);
        stops
    }
}

#[test]
fn a_run_in_f16_resumes_bit_for_bit() {
    let (data, folder) = (data(), tempfile::tempdir().unwrap());
    let dense = DenseConfig { dense_layers: 1, dense_width: 5, dropout: 0.3, ..DenseConfig::default() };
    let config = TrainConfig {
        network: NetworkConfig::Fcnn(dense),
        precision: Precision::F16,
        // Whose gradients are large enough that steps are skipped.
        batch_size: 1,
        epochs: 2,
        ..config()
    };
    let job = Job { config: &config, data: &data, substituted: None, weights: None, features: None };
    let model = |at: &Path| std::fs::read(at.join("model.safetensors")).unwrap();
    let whole = folder.path().join("whole");
    train(&job, &Place::At(whole.clone()), &mut StopAt(usize::MAX)).unwrap();
    for stop in [2, 3] {
        let again = folder.path().join(stop.to_string());
        let stopped = train(&job, &Place::At(again.clone()), &mut StopAt(stop));
        assert!(matches!(stopped, Err(Error::Interrupted { epoch: 1, .. })));
        resume(&Run::open(&again).unwrap(), &data, &mut StopAt(usize::MAX)).unwrap();
        assert!(model(&again) == model(&whole), "stopped before step {stop}");
    }
}
