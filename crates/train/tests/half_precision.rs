//! Half as many bits against all of them, through our operations. Alone in its process, whose random numbers are then its own.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use burn::nn::conv::Conv2dConfig;
use burn::nn::{BatchNormConfig, LinearConfig, PaddingConfig2d};
use burn::tensor::{DType, Device, Distribution, Tensor};
use strix_train::ops;

/// Networks that the median is taken over. One alone scatters: where a rounding moves a pool to another place, the whole of
/// what came back moves with it, and a norm takes most of the gradient before it away, but not of its error.
const NETWORKS: u64 = 41;

/// A loss that no two elements enter alike.
fn loss<const D: usize>(outputs: Tensor<D>) -> Tensor<1> {
    let weights = (outputs.clone().detach() * 1.7).sin();
    (outputs * weights).sum()
}

/// How far two tensors are apart, as a share of the second's length.
fn apart<const D: usize>(found: Tensor<D>, expected: Tensor<D>) -> f32 {
    assert_eq!(expected.dtype(), DType::F32);
    let off = found.cast(DType::F32) - expected.clone();
    (off.square().sum() / expected.square().sum()).sqrt().into_scalar()
}

/// Of one network: how far off the outputs are, and the gradients of filters, of the norm's scale and of dense weights.
fn off(half: DType, seed: u64) -> [f32; 4] {
    let device = Device::flex().autodiff();
    device.seed(seed);
    let conv = Conv2dConfig::new([3, 8], [3, 3]).with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1)).init(&device);
    let (norm, layer) = (BatchNormConfig::new(8).init(&device), LinearConfig::new(8 * 4 * 4, 5).init(&device));
    let network = |x: Tensor<4>| {
        let x = ops::max_pool(ops::batch_norm(&norm, ops::conv2d(&conv, x, true), None, true));
        ops::linear(&layer, x.flatten(1, 3))
    };
    let images = Tensor::random([16, 3, 8, 8], Distribution::Normal(0.3, 2.0), &device);
    let (whole, found) = (network(images.clone()), network(images.cast(half)));
    assert_eq!(found.dtype(), half);
    let outputs = apart(found.clone(), whole.clone());
    let (whole, found) = (loss(whole).backward(), loss(found.cast(DType::F32)).backward());
    assert_eq!(conv.weight.val().grad(&found).unwrap().dtype(), DType::F32);
    [
        outputs,
        apart(conv.weight.val().grad(&found).unwrap(), conv.weight.val().grad(&whole).unwrap()),
        apart(norm.gamma.val().grad(&found).unwrap(), norm.gamma.val().grad(&whole).unwrap()),
        apart(layer.weight.val().grad(&found).unwrap(), layer.weight.val().grad(&whole).unwrap()),
    ]
}

#[test]
fn half_as_many_bits_give_nearly_the_same_and_gradients_in_full() {
    // Units in the last place: 2^-11 and 2^-8, and a few roundings follow one another.
    for (half, unit) in [(DType::F16, 2f32.powi(-11)), (DType::BF16, 2f32.powi(-8))] {
        let all: Vec<[f32; 4]> = (0..NETWORKS).map(|seed| off(half, seed)).collect();
        let medians = [0, 1, 2, 3].map(|part| {
            let mut off: Vec<f32> = all.iter().map(|off| off[part] / unit).collect();
            off.sort_by(f32::total_cmp);
            off[off.len() / 2]
        });
        let [outputs, filters, gamma, weights] = medians;
        assert!(outputs > 0.0 && outputs < 4.0, "{half:?}: outputs are off by {outputs} units");
        assert!(gamma < 6.0 && weights < 6.0, "{half:?}: gradients are off by {medians:?} units");
        assert!(filters < 60.0, "{half:?}: gradients before the norm are off by {filters} units");
    }
}
