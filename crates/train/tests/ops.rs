//! Our operations against burn's own on the same tensors: outputs, gradients and running statistics.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use burn::nn::conv::Conv2dConfig;
use burn::nn::pool::MaxPool2dConfig;
use burn::nn::{BatchNormConfig, PaddingConfig2d};
use burn::tensor::{Device, Distribution, Tensor, activation};
use strix_train::ops;

/// Random images, twice.
fn images(shape: [usize; 4]) -> [Tensor<4>; 2] {
    let drawn = Tensor::random(shape, Distribution::Normal(0.3, 2.0), &Device::flex().autodiff());
    [drawn.clone().require_grad(), drawn.require_grad()]
}

fn near<const D: usize>(ours: Tensor<D>, theirs: Tensor<D>, what: &str) {
    let [ours, theirs] = [ours, theirs].map(|tensor| tensor.into_data().try_to_vec::<f32>().unwrap());
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (at, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert!((ours - theirs).abs() <= 1e-3 * (1.0 + theirs.abs()), "{what} {at}: {ours}, and burn's {theirs}");
    }
}

/// A loss that no two elements enter alike.
fn loss<const D: usize>(outputs: Tensor<D>) -> Tensor<1> {
    let weights = (outputs.clone().detach() * 1.7).sin();
    (outputs * weights).sum()
}

#[test]
fn convolutions() {
    let device = Device::flex().autodiff();
    for (kernel, stride, padding, relu, bias) in
        [(3, 1, 1, true, true), (3, 2, 1, false, false), (1, 2, 0, true, false), (5, 1, 2, false, true)]
    {
        let conv = Conv2dConfig::new([3, 10], [kernel, kernel])
            .with_stride([stride, stride])
            .with_padding(PaddingConfig2d::Explicit(padding, padding, padding, padding))
            .with_bias(bias)
            .init(&device);
        let [x, same] = images([6, 3, 14, 11]);
        let ours = ops::conv2d(&conv, x.clone(), relu);
        let theirs = conv.forward(same.clone());
        let theirs = if relu { activation::relu(theirs) } else { theirs };
        near(ours.clone(), theirs.clone(), "outputs");
        let (ours, theirs) = (loss(ours).backward(), loss(theirs).backward());
        near(x.grad(&ours).unwrap(), same.grad(&theirs).unwrap(), "images");
        near(conv.weight.val().grad(&ours).unwrap(), conv.weight.val().grad(&theirs).unwrap(), "filters");
        if let Some(bias) = &conv.bias {
            near(bias.val().grad(&ours).unwrap(), bias.val().grad(&theirs).unwrap(), "bias");
        }
    }
}

/// Every option of a convolution with every other.
#[test]
fn convolutions_with_all_options() {
    let paddings = [
        PaddingConfig2d::Valid,
        PaddingConfig2d::Same,
        PaddingConfig2d::Explicit(1, 1, 1, 1),
        PaddingConfig2d::Explicit(2, 2, 2, 2),
        PaddingConfig2d::Explicit(2, 1, 2, 1),
        PaddingConfig2d::Explicit(0, 1, 2, 1),
    ];
    let device = Device::flex().autodiff();
    for kernel in [[1, 1], [2, 2], [3, 3], [3, 2]] {
        for stride in [[1, 1], [2, 2], [2, 1], [3, 3]] {
            for padding in &paddings {
                for dilation in [[1, 1], [2, 2], [1, 2]] {
                    for (groups, bias) in [(1, true), (2, false), (2, true)] {
                        let conv = Conv2dConfig::new([4, 6], kernel)
                            .with_stride(stride)
                            .with_padding(padding.clone())
                            .with_dilation(dilation)
                            .with_groups(groups)
                            .with_bias(bias)
                            .init(&device);
                        let what = format!("{kernel:?} {stride:?} {padding:?} {dilation:?} {groups} {bias}");
                        let [x, same] = images([2, 4, 9, 8]);
                        let (ours, theirs) = (ops::conv2d(&conv, x.clone(), bias), conv.forward(same.clone()));
                        let theirs = if bias { activation::relu(theirs) } else { theirs };
                        assert_eq!(ours.dims(), theirs.dims(), "{what}");
                        near(ours.clone(), theirs.clone(), &what);
                        let (ours, theirs) = (loss(ours).backward(), loss(theirs).backward());
                        near(x.grad(&ours).unwrap(), same.grad(&theirs).unwrap(), &what);
                        near(conv.weight.val().grad(&ours).unwrap(), conv.weight.val().grad(&theirs).unwrap(), &what);
                    }
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "images have 4 channels, but the convolution takes 6")]
fn convolutions_refuse_images_of_other_channels() {
    let conv = Conv2dConfig::new([6, 6], [3, 3]).with_groups(2).init(&Device::flex());
    ops::conv2d(&conv, Tensor::ones([1, 4, 5, 5], &Device::flex()), false);
}

#[test]
#[should_panic(expected = "images are 4 pixels wide with their padding, but the filters reach 5")]
fn convolutions_refuse_images_that_are_smaller_than_filters() {
    let conv = Conv2dConfig::new([2, 2], [3, 3]).with_dilation([1, 2]).init(&Device::flex());
    ops::conv2d(&conv, Tensor::ones([1, 2, 5, 4], &Device::flex()), false);
}

#[test]
#[should_panic(expected = "images have 4 channels, but the norm takes 5")]
fn norms_refuse_images_of_other_channels() {
    let norm = BatchNormConfig::new(5).init(&Device::flex());
    ops::batch_norm(&norm, Tensor::ones([1, 4, 5, 5], &Device::flex()), None, false);
}

#[test]
#[should_panic(expected = "what is added is [1, 5, 1, 1], but the images are [1, 5, 3, 3]")]
fn norms_refuse_to_add_other_shapes() {
    let (device, norm) = (Device::flex(), BatchNormConfig::new(5).init(&Device::flex()));
    let more = Tensor::ones([1, 5, 1, 1], &device);
    ops::batch_norm(&norm, Tensor::ones([1, 5, 3, 3], &device), Some(more), false);
}

#[test]
fn batch_norms_train_and_infer() {
    let device = Device::flex().autodiff();
    let (mine, burns) = (BatchNormConfig::new(5).init(&device), BatchNormConfig::new(5).init(&device));
    for turn in 0..3 {
        let [x, same] = images([4, 5, 6, 6]).map(|images| images + turn);
        let [more, other] = images([4, 5, 6, 6]);
        let ours = ops::batch_norm(&mine, x.clone(), Some(more.clone()), true);
        let theirs = activation::relu(burns.forward(same.clone()) + other.clone());
        near(ours.clone(), theirs.clone(), "outputs");
        let (ours, theirs) = (loss(ours).backward(), loss(theirs).backward());
        near(mine.gamma.val().grad(&ours).unwrap(), burns.gamma.val().grad(&theirs).unwrap(), "gamma");
        near(mine.beta.val().grad(&ours).unwrap(), burns.beta.val().grad(&theirs).unwrap(), "beta");
        near(mine.running_mean.value_sync(), burns.running_mean.value_sync(), "running mean");
    }
    // PyTorch's running variance: of a batch of 144 elements a channel that is 1 apart from 0, moved by 0.1 to 144 / 143.
    let norm = BatchNormConfig::new(1).init(&device);
    let signs: Vec<f32> = (0..144).map(|i| if i % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let batch = Tensor::<1>::from_floats(signs.as_slice(), &device).reshape([4, 1, 6, 6]);
    ops::batch_norm(&norm, batch, None, false);
    let variance = norm.running_var.value_sync().into_data().try_to_vec::<f32>().unwrap()[0];
    assert!((f64::from(variance) - (0.9 + 0.1 * 144.0 / 143.0)).abs() < 1e-6, "{variance}");
    // On a device without gradients: the running statistics, as burn's.
    let plain = Device::flex();
    let norm = BatchNormConfig::new(5).init(&plain);
    let x = Tensor::random([2, 5, 3, 3], Distribution::Normal(1.0, 3.0), &plain);
    near(ops::batch_norm(&norm, x.clone(), None, false), norm.forward(x), "inference");
}

#[test]
fn pools() {
    let pool = MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
    let [x, same] = images([3, 4, 9, 8]);
    let (ours, theirs) = (ops::max_pool(x.clone()), pool.forward(same.clone()));
    near(ours.clone(), theirs.clone(), "outputs");
    near(x.grad(&loss(ours).backward()).unwrap(), same.grad(&loss(theirs).backward()).unwrap(), "images");
}
