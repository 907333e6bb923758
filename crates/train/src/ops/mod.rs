//! Operations of our own on the CPU: convolution, batch normalisation and pooling, forward and backward.
//!
//! On burn's flex backend they take the place of burn's, which spends most of a training step moving memory: products run
//! through faer at the vector units' speed, and what is elementwise (bias, rectifier, normalisation, residual sum) is done
//! in the pass that is under way anyway. On every other device the same calls are burn's own operations, so a network is
//! written once. Weights are f32; where images are of half the bits, products are too, and sums over a batch are not
//! ([`crate::config::Precision`]). `benches/train.rs` of the repository races both, `benches/peers/train_step.py` does the
//! same in PyTorch.

mod autodiff;
mod conv;
mod flex;
mod norm;
mod pool;
mod rows;

use burn::backend::{Backend, Dispatch, DispatchDevice, backend_extension, tensor::FloatTensor};
use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear, PaddingConfig2d};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Tensor, activation, module};

/// How a batch is normalised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormForm {
    /// Added to the variance.
    pub epsilon: f64,
    /// Whether the statistics are the batch's own, through which gradients then flow.
    pub own: bool,
    /// Whether a rectifier follows.
    pub relu: bool,
}

/// The operations, for [`Dispatch`] to find.
#[backend_extension(Flex, Autodiff)]
pub trait FusedOps: Backend {
    /// A convolution with square filters, a bias, of which an empty one adds nothing, and a rectifier if `relu`.
    fn convolution(
        images: FloatTensor<Self>,
        filters: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        stride: usize,
        padding: usize,
        relu: bool,
    ) -> FloatTensor<Self>;

    /// Mean and population variance of each channel, shape `[2, channels]`; no gradient flows through it.
    fn channel_statistics(images: FloatTensor<Self>) -> FloatTensor<Self>;

    /// Normalisation by these statistics, plus `more`, of which an empty one adds nothing.
    fn normalisation(
        images: FloatTensor<Self>,
        more: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        statistics: FloatTensor<Self>,
        form: NormForm,
    ) -> FloatTensor<Self>;

    /// The largest of each square of 2 x 2.
    fn pooling(images: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// Whether the tensor is ours to compute on.
fn is_ours<const D: usize>(tensor: &Tensor<D>) -> bool {
    let on_flex = match tensor.device().as_dispatch() {
        DispatchDevice::Autodiff(inner) => matches!(**inner, DispatchDevice::Flex(_)),
        other => matches!(other, DispatchDevice::Flex(_)),
    };
    on_flex && tensor.dtype() == DType::F32
}

/// `layer` of `[batch, inputs]`, in the numbers of these.
pub fn linear(layer: &Linear, x: Tensor<2>) -> Tensor<2> {
    let dtype = x.dtype();
    module::linear(x, layer.weight.val().cast(dtype), layer.bias.as_ref().map(|bias| bias.val().cast(dtype)))
}

/// `conv` of images `[batch, channels, height, width]`, rectified if `relu`: what [`Conv2d::forward`] gives, with each of its
/// options. Square filters in one group, not dilated, with the same step and padding on all sides, are computed here; all
/// else is left to burn.
///
/// # Panics
/// Where the images have other channels than the filters take, or are smaller with their padding than the filters.
pub fn conv2d(conv: &Conv2d, images: Tensor<4>, relu: bool) -> Tensor<4> {
    let ([_, channels, height, width], [_, depth, rows, columns]) = (images.dims(), conv.weight.dims());
    assert!(
        channels == depth * conv.groups,
        "images have {channels} channels, but the convolution takes {}: {depth} in each of its groups",
        depth * conv.groups
    );
    let padding = padding(&conv.padding, [height, width], [rows, columns], conv.stride);
    for (name, size, (before, after), kernel, dilation) in
        [("high", height, padding[0], rows, conv.dilation[0]), ("wide", width, padding[1], columns, conv.dilation[1])]
    {
        let (padded, reach) = (before + size + after, dilation * (kernel - 1) + 1);
        assert!(padded >= reach, "images are {padded} pixels {name} with their padding, but the filters reach {reach}");
    }
    let [(side, _), _] = padding;
    let ours = is_ours(&images)
        && rows == columns
        && conv.stride[0] == conv.stride[1]
        && padding == [(side, side); 2]
        && conv.dilation == [1, 1]
        && conv.groups == 1;
    if !ours {
        let dtype = images.dtype();
        let options = ConvOptions::new_with_padding(conv.stride, padding, conv.dilation, conv.groups);
        let bias = conv.bias.as_ref().map(|bias| bias.val().cast(dtype));
        let images = module::conv2d(images, conv.weight.val().cast(dtype), bias, options);
        return if relu { activation::relu(images) } else { images };
    }
    let device = images.device();
    let filters = conv.weight.val();
    let bias = conv.bias.as_ref().map_or_else(|| Tensor::zeros([0], &device), |bias| bias.val());
    Tensor::from_dispatch(Dispatch::convolution(
        images.into_dispatch(),
        filters.into_dispatch(),
        bias.into_dispatch(),
        conv.stride[0],
        side,
        relu,
    ))
}

/// Pixels before and after the images of this size, down and across, as burn's convolution adds them.
fn padding(how: &PaddingConfig2d, images: [usize; 2], kernel: [usize; 2], stride: [usize; 2]) -> [(usize, usize); 2] {
    match *how {
        PaddingConfig2d::Valid => [(0, 0); 2],
        PaddingConfig2d::Explicit(top, left, bottom, right) => [(top, bottom), (left, right)],
        // As many outputs as steps fit into the image; what is odd comes after it. Dilation does not enter.
        PaddingConfig2d::Same => [0, 1].map(|side| {
            let steps = images[side].div_ceil(stride[side]).saturating_sub(1);
            let whole = (steps * stride[side] + kernel[side]).saturating_sub(images[side]);
            (whole / 2, whole - whole / 2)
        }),
    }
}

/// `norm` of images `[batch, channels, height, width]`, plus `more` of the same shape, rectified if `relu`.
///
/// While it trains, it normalises by the batch's statistics and moves its running ones towards them, the variance without
/// bias, as PyTorch does; frozen or on a device without gradients it uses the running ones.
///
/// # Panics
/// Where the images have other channels than the norm, or `more` has another shape than the images.
pub fn batch_norm(norm: &BatchNorm, images: Tensor<4>, more: Option<Tensor<4>>, relu: bool) -> Tensor<4> {
    let ([channels], shape) = (norm.gamma.dims(), images.dims());
    assert!(shape[1] == channels, "images have {} channels, but the norm takes {channels}", shape[1]);
    if let Some(more) = &more {
        assert!(more.dims() == shape, "what is added is {:?}, but the images are {shape:?}", more.dims());
    }
    let dtype = images.dtype();
    if dtype != DType::F32 {
        let more = more.map(|more| more.cast(DType::F32));
        return batch_norm(norm, images.cast(DType::F32), more, relu).cast(dtype);
    }
    let device = images.device();
    let training = device.is_autodiff() && norm.training.is_enabled();
    let [batch, channels, height, width] = images.dims();
    if !is_ours(&images) {
        let mut images = if training {
            let trained = module::batch_norm_train(images, norm.gamma.val(), norm.beta.val(), norm.epsilon);
            follow(norm, trained.mean.detach(), trained.variance.detach(), batch * height * width);
            trained.output
        } else {
            norm.forward(images)
        };
        if let Some(more) = more {
            images = images + more;
        }
        return if relu { activation::relu(images) } else { images };
    }
    let statistics = if training {
        let statistics = Tensor::<2>::from_dispatch(Dispatch::channel_statistics(images.clone().into_dispatch()));
        let row = |row: usize| statistics.clone().detach().slice([row..row + 1, 0..channels]).squeeze_dim::<1>(0);
        follow(norm, row(0), row(1), batch * height * width);
        statistics.detach()
    } else {
        let values = [norm.running_mean.value(), norm.running_var.value()];
        Tensor::stack(values.map(|value| value.to_device(&device)).into(), 0)
    };
    let more = more.unwrap_or_else(|| Tensor::zeros([0, 0, 0, 0], &device));
    Tensor::from_dispatch(Dispatch::normalisation(
        images.into_dispatch(),
        more.into_dispatch(),
        norm.gamma.val().into_dispatch(),
        norm.beta.val().into_dispatch(),
        statistics.into_dispatch(),
        NormForm { epsilon: norm.epsilon, own: training, relu },
    ))
}

/// Moves the running statistics towards a batch's, of that many elements a channel.
fn follow(norm: &BatchNorm, mean: Tensor<1>, variance: Tensor<1>, count: usize) {
    let unbiased = count as f64 / (count.max(2) - 1) as f64;
    let (mean, variance) = (mean.inner(), variance.inner());
    for (running, new) in [(&norm.running_mean, mean), (&norm.running_var, variance.mul_scalar(unbiased))] {
        let old = running.value_sync();
        let device = old.device();
        let old = if device.is_autodiff() { old.inner() } else { old };
        let moved = old.clone().mul_scalar(1.0 - norm.momentum).add(new.mul_scalar(norm.momentum));
        // A batch that overflowed f16 is no reason to lose them: its step is skipped.
        let lost = moved.clone().is_finite().bool_not();
        let moved = moved.mask_where(lost, old);
        running.update(if device.is_autodiff() { Tensor::from_inner(moved) } else { moved });
    }
}

/// The largest of each square of 2 x 2 of images `[batch, channels, height, width]`; an odd last row or column is left out.
pub fn max_pool(images: Tensor<4>) -> Tensor<4> {
    if !is_ours(&images) {
        let pool = burn::nn::pool::MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init();
        return pool.forward(images);
    }
    Tensor::from_dispatch(Dispatch::pooling(images.into_dispatch()))
}
