use burn::tensor::TensorData;
use strix_data::{ImageDataset, TrainTest};

use super::*;
use crate::config::{DenseConfig, NetworkConfig};
use crate::model::gather;
use crate::optimizer::OptimizerKind;
use crate::training::{Job, ready};

/// Images of 2 x 2 pixels of three classes, of which the last is rare.
fn data() -> TrainTest {
    let labels: Vec<u8> = (0..20).map(|i| [0, 1, 0, 1, 2][i % 5]).collect();
    let images = ImageDataset {
        pixels: (0..80).map(|i| (i * 37 % 256) as u8).collect(),
        labels,
        width: 2,
        height: 2,
        classes: ["a", "b", "c"].map(String::from).into(),
    };
    TrainTest { name: "drawn".into(), test: images.clone(), train: images, checksums: vec![] }
}

/// One dense layer without dropout, trained by plain gradients.
fn config() -> TrainConfig {
    let dense = DenseConfig { dense_layers: 1, dense_width: 5, dropout: 0.0, ..DenseConfig::default() };
    TrainConfig { optimizer: OptimizerKind::Sgd, batch_size: 3, ..TrainConfig::recipe(NetworkConfig::Fcnn(dense)) }
}

fn weights(network: &Network) -> Vec<f32> {
    gather(network).into_iter().flat_map(|data: TensorData| data.try_to_vec::<f32>().unwrap()).collect()
}

/// The weights before and after one step on the batches.
fn stepped(config: &TrainConfig, group: &[&[usize]]) -> [Vec<f32>; 2] {
    let data = data();
    let job = Job { config, data: &data, substituted: None, weights: None, features: None };
    let (trainer, mut state, _) = ready(&job, &mut || false).unwrap();
    let before = weights(&state.network);
    trainer.step(&mut state, group, 0.5);
    [before, weights(&state.network)]
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
