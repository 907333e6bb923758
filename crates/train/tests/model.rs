//! The network's shape, its metrics and its file.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use burn::tensor::{Device, Int, Tensor};
use strix_data::garments;
use strix_train::batch::{Batch, Preparation, shuffled};
use strix_train::config::{
    ActivationKind, ConvStrixConfig, DenseConfig, FineTune, NetworkConfig, ResNetConfig, StrixNetConfig, TrainConfig,
    VggStrixConfig,
};
use strix_train::metrics::Collector;
use strix_train::model::Network;
use strix_train::objective::sample_losses;

fn dense(dense_layers: usize) -> DenseConfig {
    DenseConfig { dense_layers, dense_width: 20, ..DenseConfig::default() }
}

fn conv_strix(blocks: usize, block_layers: usize, dense_layers: usize) -> ConvStrixConfig {
    ConvStrixConfig { blocks, block_layers, dense: dense(dense_layers) }
}

fn made(config: &NetworkConfig, size: usize, classes: usize) -> Network {
    Network::new(config, size, classes, &Device::flex())
}

#[test]
fn parameters_are_those_of_the_design_and_of_the_papers() {
    // Two blocks of two layers on 28x28: 1 -> 32 -> 32, norm, pool to 14, 32 -> 64 -> 64, dense 20, 10.
    let convolutions = (9 + 1) * 32 + (9 * 32 + 1) * 32 + (9 * 32 + 1) * 64 + (9 * 64 + 1) * 64;
    let head = (64 * 14 * 14 + 1) * 20 + (20 + 1) * 10;
    let model = made(&NetworkConfig::ConvStrix(conv_strix(2, 2, 1)), 28, 10);
    assert_eq!(model.parameters(), convolutions + 2 * 32 + head);
    let model = made(&NetworkConfig::Fcnn(dense(3)), 28, 10);
    assert_eq!(model.parameters(), (784 + 1) * 20 + 2 * (20 + 1) * 20 + (20 + 1) * 10);
    // The repository akamaster/pytorch_resnet_cifar10 counts its networks so.
    for (depth, parameters) in [(20, 269_722), (32, 464_154), (44, 658_586), (56, 853_018)] {
        assert_eq!(made(&NetworkConfig::ResNet(ResNetConfig { depth }), 32, 10).parameters(), parameters);
    }
    // torchvision's vgg19().features has 20,024,384.
    let vgg = VggStrixConfig { vgg_blocks: 5, own: conv_strix(0, 1, 0) };
    assert_eq!(made(&NetworkConfig::VggStrix(vgg), 32, 10).parameters(), 20_024_384 + 2 * 512 + (512 + 1) * 10);
}

#[test]
fn every_depth_that_fits_runs_and_is_cut_anywhere_to_the_same_logits() {
    let mut networks = vec![NetworkConfig::Fcnn(dense(0)), NetworkConfig::Fcnn(dense(2))];
    for activation in [ActivationKind::Relu, ActivationKind::Selu, ActivationKind::Tanh] {
        for blocks in 1..=5 {
            let config = conv_strix(blocks, 1, 2);
            networks.push(NetworkConfig::ConvStrix(ConvStrixConfig {
                dense: DenseConfig { activation, ..config.dense },
                ..config
            }));
        }
    }
    networks.extend((1..=4).map(|stages| NetworkConfig::StrixNet(StrixNetConfig { width: 8, stages })));
    networks.extend(
        (0..=2).map(|blocks| NetworkConfig::VggStrix(VggStrixConfig { vgg_blocks: 2, own: conv_strix(blocks, 1, 1) })),
    );
    networks.push(NetworkConfig::ResNet(ResNetConfig { depth: 20 }));
    for config in networks {
        assert!(TrainConfig::recipe(config.clone()).check(28).is_ok(), "{config:?}");
        let network = made(&config, 28, 7);
        let channels = if matches!(config, NetworkConfig::VggStrix(_) | NetworkConfig::ResNet(_)) { 3 } else { 1 };
        let images = Tensor::ones([3, channels, 28, 28], &Device::flex());
        let numbers = |logits: Tensor<2>| logits.into_data().try_to_vec::<f32>().unwrap();
        let whole = network.forward(images.clone());
        assert_eq!(whole.dims(), [3, 7]);
        let whole = numbers(whole);
        assert_eq!(network.blocks(), config.blocks());
        for cut in 0..=network.blocks() {
            let features = network.features(images.clone(), cut);
            assert_eq!(numbers(network.finish(features, cut)), whole, "{config:?} cut after {cut}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let refused = |network: NetworkConfig, change: &dyn Fn(&mut TrainConfig)| {
        let mut config = TrainConfig::recipe(network);
        change(&mut config);
        config.check(28).unwrap_err().to_string()
    };
    let conv = |blocks| NetworkConfig::ConvStrix(conv_strix(blocks, 1, 1));
    assert!(refused(conv(6), &|_| ()).contains("--blocks is 6"));
    assert!(refused(conv(0), &|_| ()).contains("--blocks"));
    assert!(refused(conv(2), &|c| c.batch_size = 0).contains("--batch-size"));
    assert!(refused(conv(2), &|c| c.learning_rate = f64::NAN).contains("--learning-rate"));
    assert!(refused(conv(2), &|c| c.fine_tune = FineTune::Partial(3)).contains("1 to 2"));
    assert!(refused(conv(2), &|c| c.augmentation.shift = 28).contains("--shift"));
    assert!(refused(conv(2), &|c| c.label_smoothing = 1.0).contains("--label-smoothing"));
    let dropped = DenseConfig { dropout: 1.0, ..dense(1) };
    assert!(refused(NetworkConfig::Fcnn(dropped), &|_| ()).contains("--dropout"));
    assert!(refused(NetworkConfig::Fcnn(dense(1)), &|c| c.fine_tune = FineTune::Probe).contains("no"));
    assert!(refused(NetworkConfig::ResNet(ResNetConfig { depth: 26 }), &|_| ()).contains("20, 32, 44 or 56"));
    let vgg = NetworkConfig::VggStrix(VggStrixConfig { vgg_blocks: 5, own: conv_strix(0, 1, 1) });
    assert!(refused(vgg, &|_| ()).contains("--vgg-blocks is 5"));
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
        let found = sample_losses(logits.clone(), labels.clone());
        collector.take(&labels, &logits, &found);
        // What was read back survives its own bytes, also in the middle of a pass.
        collector.read_back().unwrap();
        collector = Collector::from_bytes(3, &collector.to_bytes().unwrap()).unwrap();
    }
    let (metrics, confusion, _) = collector.finish().unwrap();
    let mean = losses.iter().sum::<f64>() / 7.0;
    let variance = losses.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 7.0;
    assert_eq!((metrics.samples, confusion.total()), (7, 7));
    assert!((metrics.loss_mean - mean).abs() < 1e-6, "{metrics:?}, expected mean {mean}");
    assert!((metrics.loss_variance - variance).abs() < 1e-4, "{metrics:?}, expected variance {variance}");
    assert!((metrics.loss_max - 50.0).abs() < 1e-4, "{metrics:?}");
    assert_eq!(metrics.accuracy, 5.0 / 7.0);
    // Bins of a fifteenth, closed above.
    let mut gaps = [0.0; 15];
    for (row, label) in rows.iter().zip(labels) {
        let total: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
        let shares = row.map(|x| f64::from(x).exp() / total);
        let most = (0..3).fold(0, |best, class| if shares[class] > shares[best] { class } else { best });
        let bin = ((shares[most] * 15.0).ceil() as usize - 1).min(14);
        gaps[bin] += shares[most] - f64::from(u8::from(most == label as usize));
    }
    let expected = gaps.iter().map(|gap: &f64| gap.abs()).sum::<f64>() / 7.0;
    assert!((metrics.calibration_error - expected).abs() < 1e-6, "{metrics:?}, expected {expected}");
}

#[test]
fn a_batch_is_normalised_by_the_training_pixels() {
    let data = garments::draw(50, 0, 1).train;
    let by = Preparation::of(&data, 28).unwrap();
    let batch = Batch::resident(&data, 28, &Device::flex()).unwrap();
    let pixels: Vec<f32> = by.apply(batch.images).into_data().try_to_vec().unwrap();
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
