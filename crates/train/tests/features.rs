//! Features of a frozen trunk, kept from one training to the next: `STRIX_WEIGHTS` names the folder of resnet20-12fca82f.th.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::PathBuf;

use strix_train::config::{FineTune, NetworkConfig, ResNetConfig, TrainConfig};
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
