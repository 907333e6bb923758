//! The network's shape, its metrics and its file.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use strix_data::garments;
use strix_train::batch::{Batch, Normalization, shuffled};
use strix_train::config::{ActivationKind, ConvStrixConfig, TrainConfig};
use strix_train::metrics::{Collector, sample_losses};
use strix_train::model::ConvStrix;

fn config(blocks: usize, block_layers: usize, dense_layers: usize) -> ConvStrixConfig {
    ConvStrixConfig { blocks, block_layers, dense_layers, dense_width: 20, ..ConvStrixConfig::default() }
}

#[test]
fn parameters_are_those_of_the_design() {
    // Two blocks of two layers on 28x28: 1 -> 32 -> 32, norm, pool to 14, 32 -> 64 -> 64, dense 20, 10.
    let model = ConvStrix::new(&config(2, 2, 1), 28, 10, &Device::flex());
    let convolutions = (9 + 1) * 32 + (9 * 32 + 1) * 32 + (9 * 32 + 1) * 64 + (9 * 64 + 1) * 64;
    let norm = 4 * 32; // gamma, beta, running mean and variance
    let dense = (64 * 14 * 14 + 1) * 20 + (20 + 1) * 10;
    assert_eq!(model.num_params(), convolutions + norm + dense);
}

#[test]
fn every_depth_that_fits_runs() {
    let device = Device::flex();
    for activation in [ActivationKind::Relu, ActivationKind::Selu, ActivationKind::Tanh] {
        for blocks in 1..=5 {
            let config = ConvStrixConfig { activation, ..config(blocks, 1, 2) };
            assert!(TrainConfig { model: config.clone(), ..TrainConfig::default() }.check(28).is_ok());
            let logits = ConvStrix::new(&config, 28, 7, &device).forward(Tensor::ones([3, 1, 28, 28], &device));
            assert_eq!(logits.dims(), [3, 7]);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let refused = |change: &dyn Fn(&mut TrainConfig)| {
        let mut config = TrainConfig::default();
        change(&mut config);
        config.check(28).unwrap_err().to_string()
    };
    assert!(refused(&|c| c.model.blocks = 6).contains("at most 5"));
    assert!(refused(&|c| c.model.blocks = 0).contains("--blocks"));
    assert!(refused(&|c| c.batch_size = 0).contains("--batch-size"));
    assert!(refused(&|c| c.model.dropout = 1.0).contains("--dropout"));
    assert!(refused(&|c| c.learning_rate = f64::NAN).contains("--learning-rate"));
}

#[test]
fn losses_are_cross_entropies_and_a_ragged_last_batch_weighs_what_it_holds() {
    let device = Device::flex();
    // 7 samples of 3 classes in batches of 3: the mean of batch means would be another number.
    let rows: [[f32; 3]; 7] = [
        [2.0, 0.5, -1.0],
        [0.1, 0.2, 0.3],
        [50.0, 0.0, 0.0],
        [0.0, 0.0, 0.0],
        [-3.0, 4.0, 1.0],
        [1.0, 1.0, 0.0],
        [0.0, 9.0, 0.0],
    ];
    let labels = [0i32, 2, 1, 0, 1, 0, 2];
    let losses: Vec<f64> = rows
        .iter()
        .zip(labels)
        .map(|(row, label)| row.iter().map(|&x| f64::from(x).exp()).sum::<f64>().ln() - f64::from(row[label as usize]))
        .collect();
    let mut collector = Collector::new(3).unwrap();
    for (rows, labels) in rows.chunks(3).zip(labels.chunks(3)) {
        let flat: Vec<f32> = rows.concat();
        let logits = Tensor::<1>::from_floats(flat.as_slice(), &device).reshape([rows.len(), 3]);
        let labels = Tensor::<1, Int>::from_ints(labels, &device);
        let batch = Batch { images: Tensor::zeros([rows.len(), 1, 1, 1], &device), labels };
        let found = sample_losses(logits.clone(), batch.labels.clone());
        collector.take(&batch, &logits, &found);
    }
    let (metrics, confusion) = collector.finish().unwrap();
    let mean = losses.iter().sum::<f64>() / 7.0;
    let variance = losses.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 7.0;
    assert_eq!((metrics.samples, confusion.total()), (7, 7));
    assert!((metrics.loss_mean - mean).abs() < 1e-6, "{metrics:?}, expected mean {mean}");
    assert!((metrics.loss_variance - variance).abs() < 1e-4, "{metrics:?}, expected variance {variance}");
    assert!((metrics.loss_max - 50.0).abs() < 1e-4, "{metrics:?}");
    assert_eq!(metrics.accuracy, 5.0 / 7.0);
}

#[test]
fn a_batch_is_normalised_by_the_training_pixels() {
    let data = garments::draw(50, 0, 1).train;
    let by = Normalization::of(&data).unwrap();
    let all: Vec<usize> = (0..50).collect();
    let batch = Batch::new(&data, &all, by, &Device::flex());
    let pixels: Vec<f32> = batch.images.into_data().try_to_vec().unwrap();
    let mean = pixels.iter().map(|&x| f64::from(x)).sum::<f64>() / pixels.len() as f64;
    let variance = pixels.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum::<f64>() / pixels.len() as f64;
    assert!(mean.abs() < 1e-6 && (variance - 1.0).abs() < 1e-6, "mean {mean}, variance {variance}");
}

#[test]
fn an_epochs_order_is_a_permutation_that_seed_and_epoch_decide() {
    let order = shuffled(1000, 3, 1);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
    assert_eq!(order, shuffled(1000, 3, 1));
    assert_ne!(order, shuffled(1000, 3, 2));
    assert_ne!(order, shuffled(1000, 4, 1));
}
