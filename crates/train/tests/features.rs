//! Features of a frozen trunk, kept from one training to the next: `STRIX_WEIGHTS` names the folder of resnet20-12fca82f.th.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::PathBuf;

use safetensors::tensor::{Dtype, TensorView, serialize};
use strix_train::config::{
    ConvStrixConfig, DenseConfig, FineTune, NetworkConfig, ResNetConfig, TrainConfig, VggStrixConfig,
};
use strix_train::model::Weights;
use strix_train::run::Place;
use strix_train::training::{self, Features, Job, Observer};

struct Silent;
impl Observer for Silent {}

#[test]
#[ignore = "needs STRIX_WEIGHTS"]
fn features_that_are_kept_train_the_same_heads() {
    let weights = std::env::var_os("STRIX_WEIGHTS").expect("set STRIX_WEIGHTS to the folder of the weights");
    let weights = Weights::open(&PathBuf::from(weights).join("resnet20-12fca82f.th")).unwrap();
    let data = strix_data::garments::draw(300, 20, strix_data::garments::SEED);
    let folder = tempfile::tempdir().unwrap();
    let train = |features: Option<&Features>, batch_size: usize, limit: usize, name: &str| {
        let network = NetworkConfig::ResNet(ResNetConfig { depth: 20 });
        let config = TrainConfig {
            fine_tune: FineTune::Probe,
            augmentation: Default::default(),
            epochs: 2,
            batch_size,
            limit: Some(limit),
            ..TrainConfig::recipe(network)
        };
        let job = Job { config: &config, data: &data, substituted: None, weights: Some(&weights), features };
        let (run, _) = training::train(&job, &Place::At(folder.path().join(name)), &mut Silent).unwrap();
        std::fs::read(run.path().join("model.safetensors")).unwrap()
    };
    let kept = Features::default();
    let first = train(Some(&kept), 32, 300, "first");
    assert_eq!(train(None, 32, 300, "alone"), first);
    let second = train(Some(&kept), 64, 300, "second");
    assert_ne!(second, first);
    assert_eq!(train(None, 64, 300, "second alone"), second);
    // Other images are not what was kept.
    assert_eq!(train(Some(&kept), 64, 200, "fewer"), train(None, 64, 200, "fewer alone"));
}

#[test]
fn features_of_other_frozen_blocks_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    // Weights of the first block of VGG19, any.
    let numbers = |count: usize| -> Vec<u8> {
        (0..count).flat_map(|at| ((at as f32 * 0.7).sin() * 0.05).to_le_bytes()).collect()
    };
    let tensors = [
        ("0.weight", vec![64_usize, 3, 3, 3]),
        ("0.bias", vec![64]),
        ("2.weight", vec![64, 64, 3, 3]),
        ("2.bias", vec![64]),
    ]
    .map(|(name, shape)| (format!("features.{name}"), numbers(shape.iter().product()), shape));
    let views = tensors
        .iter()
        .map(|(name, bytes, shape)| (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap()));
    let file = folder.path().join("vgg.safetensors");
    std::fs::write(&file, serialize(views, None).unwrap()).unwrap();
    let weights = Weights::open(&file).unwrap();

    let data = strix_data::garments::draw(60, 20, strix_data::garments::SEED);
    let train = |features: Option<&Features>, block_layers: usize, name: &str| {
        let own = ConvStrixConfig {
            blocks: 1,
            block_layers,
            dense: DenseConfig { dense_layers: 0, ..DenseConfig::default() },
        };
        let config = TrainConfig {
            fine_tune: FineTune::Probe,
            epochs: 1,
            ..TrainConfig::recipe(NetworkConfig::VggStrix(VggStrixConfig { vgg_blocks: 1, own }))
        };
        let job = Job { config: &config, data: &data, substituted: None, weights: Some(&weights), features };
        let (run, _) = training::train(&job, &Place::At(folder.path().join(name)), &mut Silent).unwrap();
        std::fs::read(run.path().join("model.safetensors")).unwrap()
    };
    let kept = Features::default();
    train(Some(&kept), 1, "one layer");
    assert!(train(Some(&kept), 2, "two layers") == train(None, 2, "two layers alone"));
}
