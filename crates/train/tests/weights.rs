//! Published weights, where they are: `STRIX_WEIGHTS` names the folder of resnet20-12fca82f.th, resnet56-4bfd9763.th and
//! vgg19-imagenet-blocks1-3.safetensors.
//!
//! The figures are PyTorch 2.15's in f64, of the same layers and files: the mean over all places of the first five channels
//! that the trunk gives for one image of sin(0.37 i), and the sum over all channels.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use strix_train::config::{ConvStrixConfig, NetworkConfig, ResNetConfig, VggStrixConfig};
use strix_train::model::{Network, Weights};

fn file(name: &str) -> PathBuf {
    let folder = std::env::var_os("STRIX_WEIGHTS").expect("set STRIX_WEIGHTS to the folder of the weights");
    PathBuf::from(folder).join(name)
}

/// The mean of each channel of what the first blocks give for an image of that amplitude.
fn channels(config: &NetworkConfig, weights: &Weights, blocks: usize, amplitude: f64) -> Vec<f64> {
    let mut network = Network::new(config, 32, 10, &Device::flex());
    weights.load_into(&mut network, config).unwrap();
    let pixels: Vec<f32> = (0..3 * 32 * 32).map(|i| ((f64::from(i) * 0.37).sin() * amplitude) as f32).collect();
    let image = Tensor::<4>::from_data(TensorData::new(pixels, [1, 3, 32, 32]), &Device::flex());
    let features: Tensor<3> = network.features(image, blocks).flatten(2, 3);
    let means = features.mean_dim(2).into_data().try_to_vec::<f32>().unwrap();
    means.into_iter().map(f64::from).collect()
}

fn check(found: &[f64], first: [f64; 5], sum: f64) {
    let scale = sum / found.len() as f64;
    for (found, expected) in found.iter().zip(first) {
        assert!((found - expected).abs() < 1e-4 * scale, "{found} for {expected}");
    }
    let total: f64 = found.iter().sum();
    assert!((total / sum - 1.0).abs() < 1e-5, "{total} for {sum}");
}

#[test]
#[ignore = "needs STRIX_WEIGHTS"]
fn resnets_give_the_features_that_pytorch_gives() {
    for (name, depth, first, sum) in [
        ("resnet20-12fca82f.th", 20, [0.011575, 0.416332, 0.912882, 0.101865, 0.12225], 41.20106),
        ("resnet56-4bfd9763.th", 56, [0.0, 0.260504, 0.584563, 0.001778, 0.773272], 41.36939),
    ] {
        let weights = Weights::open(&file(name)).unwrap();
        check(&channels(&NetworkConfig::ResNet(ResNetConfig { depth }), &weights, 4, 1.5), first, sum);
    }
}

#[test]
#[ignore = "needs STRIX_WEIGHTS"]
fn vgg_gives_the_features_that_pytorch_gives_and_the_file_says_how_images_are_prepared() {
    let weights = Weights::open(&file("vgg19-imagenet-blocks1-3.safetensors")).unwrap();
    assert_eq!(weights.vgg_blocks().unwrap(), 3);
    let own = ConvStrixConfig { blocks: 0, ..ConvStrixConfig::default() };
    let config = NetworkConfig::VggStrix(VggStrixConfig { vgg_blocks: 3, own });
    let found = channels(&config, &weights, 3, 150.0);
    check(&found, [5875.9779, 4242.3768, 42.2933, 27.1071, 7.7991], 639958.402);
    // Blue first, 0 to 255, less the means.
    let by = weights.preparation(28).unwrap();
    assert_eq!(
        by.mean.iter().map(|mean| (mean * 255.0 * 1e3).round()).collect::<Vec<_>>(),
        [103939.0, 116779.0, 123680.0]
    );
    assert!(by.sd.iter().all(|sd| (sd * 255.0 - 1.0).abs() < 1e-12));
}

#[test]
#[ignore = "needs STRIX_WEIGHTS"]
fn weights_of_another_network_are_refused() {
    let refused = |name: &str, config: NetworkConfig| {
        let mut network = Network::new(&config, 32, 10, &Device::flex());
        Weights::open(&file(name)).unwrap().load_into(&mut network, &config).unwrap_err().to_string()
    };
    let resnet = |depth| NetworkConfig::ResNet(ResNetConfig { depth });
    assert!(refused("resnet20-12fca82f.th", resnet(56)).contains("another network than ResNet-56"));
    assert!(refused("resnet56-4bfd9763.th", resnet(20)).contains("another network than ResNet-20"));
    assert!(refused("vgg19-imagenet-blocks1-3.safetensors", resnet(20)).contains("another network"));
    assert!(
        refused("resnet20-12fca82f.th", NetworkConfig::ConvStrix(ConvStrixConfig::default())).contains("no --weights")
    );
}
