//! Trainings beside one another in one process, and beside others who draw random numbers from burn.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use burn::tensor::{Device, Distribution, Tensor};
use strix_train::config::{DenseConfig, NetworkConfig, TrainConfig};
use strix_train::run::Place;
use strix_train::training::{self, Job, Observer};

struct Silent;
impl Observer for Silent {}

/// The weights of a run with dropout.
fn trained(seed: u64, at: &Path) -> Vec<u8> {
    let data = strix_data::garments::draw(120, 10, strix_data::garments::SEED);
    let dense = DenseConfig { dense_layers: 2, dense_width: 16, dropout: 0.3, ..DenseConfig::default() };
    let network = NetworkConfig::Fcnn(dense);
    let config = TrainConfig { epochs: 3, batch_size: 8, seed, ..TrainConfig::recipe(network) };
    let job = Job { config: &config, data: &data, substituted: None, weights: None, features: None };
    let (run, _) = training::train(&job, &Place::At(at.into()), &mut Silent).unwrap();
    std::fs::read(run.path().join("model.safetensors")).unwrap()
}

#[test]
fn each_training_gives_the_bits_that_it_gives_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let alone = [1, 2].map(|seed| trained(seed, &path(&format!("alone-{seed}"))));
    assert_ne!(alone[0], alone[1]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let disturber = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                Device::flex().seed(7);
                let _ = Tensor::<1>::random([3], Distribution::Default, &Device::flex());
            }
        });
        let together: Vec<_> = [1, 2, 1]
            .into_iter()
            .enumerate()
            .map(|(number, seed)| {
                let at = path(&format!("together-{number}"));
                (seed, scope.spawn(move || trained(seed, &at)))
            })
            .collect();
        let found: Vec<_> = together.into_iter().map(|(seed, thread)| (seed, thread.join())).collect();
        done.store(true, Ordering::Relaxed);
        disturber.join().unwrap();
        for (seed, found) in found {
            assert!(found.unwrap() == alone[seed as usize - 1], "seed {seed} gave other weights than alone");
        }
    });
}
