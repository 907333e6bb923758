//! The operations on tensors of burn's flex backend.
//!
//! Their images lie in memory with the channels last, whatever burn's shape `[batch, channels, height, width]` says: what
//! comes otherwise is copied, and what goes out is a view that burn's own operations understand.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{Shape, TensorData};

use super::conv::{self, Geometry};
use super::norm::{self, Statistics};
use super::pool::{self, Size};
use super::{FusedOps, NormForm};

/// A tensor's elements, in a row.
pub(super) fn rows(tensor: &FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

/// Images with the channels last in memory, and in their shape.
pub(super) fn channels_last(images: &FlexTensor) -> FlexTensor {
    images.permute(&[0, 2, 3, 1]).to_contiguous()
}

/// Images as burn has them, of elements with the channels last.
pub(super) fn images(elements: Vec<f32>, [batch, channels, height, width]: [usize; 4]) -> FlexTensor {
    tensor(elements, [batch, height, width, channels]).permute(&[0, 3, 1, 2])
}

/// The elements of a tensor that [`rows`] or [`channels_last`] made.
pub(super) fn elements(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().unwrap_or_default()
}

pub(super) fn tensor(elements: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(elements, shape))
}

pub(super) fn dims<const D: usize>(tensor: &FlexTensor) -> [usize; D] {
    tensor.layout().shape().dims()
}

pub(super) fn geometry(images: &FlexTensor, filters: &FlexTensor, stride: usize, padding: usize) -> Geometry {
    let ([batch, channels, height, width], [filters, _, kernel, _]) = (dims(images), dims(filters));
    Geometry { batch, channels, height, width, filters, kernel, stride, padding }
}

pub(super) fn statistics(tensor: &FlexTensor) -> Statistics {
    let tensor = rows(tensor);
    let (mean, variance) = elements(&tensor).split_at(elements(&tensor).len() / 2);
    Statistics { mean: mean.into(), variance: variance.into() }
}

pub(super) fn size(images: &FlexTensor) -> Size {
    let [batch, channels, height, width] = dims(images);
    Size { batch, height, width, channels }
}

/// The largest of each square, and which of the four each was.
pub(super) fn pooled(from: &FlexTensor) -> (FlexTensor, Vec<u8>) {
    let size = size(from);
    let (largest, places) = pool::forward(elements(&channels_last(from)), &size);
    let [height, width] = size.output();
    (images(largest, [size.batch, size.channels, height, width]), places)
}

impl FusedOps for Flex {
    fn convolution(
        images: FlexTensor,
        filters: FlexTensor,
        bias: FlexTensor,
        stride: usize,
        padding: usize,
        relu: bool,
    ) -> FlexTensor {
        let g = geometry(&images, &filters, stride, padding);
        let ([filters, bias], images) = ([&filters, &bias].map(rows), channels_last(&images));
        let bias = Some(elements(&bias)).filter(|bias| !bias.is_empty());
        let output = conv::forward(elements(&images), elements(&filters), bias, relu, &g);
        let [height, width] = g.output();
        self::images(output, [g.batch, g.filters, height, width])
    }

    fn channel_statistics(images: FlexTensor) -> FlexTensor {
        let [_, channels, ..] = dims::<4>(&images);
        let found = norm::statistics(elements(&channels_last(&images)), channels);
        tensor([found.mean, found.variance].concat(), [2, channels])
    }

    fn normalisation(
        images: FlexTensor,
        more: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        statistics: FlexTensor,
        form: NormForm,
    ) -> FlexTensor {
        let shape = dims::<4>(&images);
        let statistics = self::statistics(&statistics);
        let ([gamma, beta], [images, more]) = ([&gamma, &beta].map(rows), [&images, &more].map(channels_last));
        let added = Some(elements(&more)).filter(|more| !more.is_empty());
        let affine = [elements(&gamma), elements(&beta)];
        let output = norm::forward(elements(&images), added, &statistics, affine, form.epsilon, form.relu);
        self::images(output, shape)
    }

    fn pooling(images: FlexTensor) -> FlexTensor {
        pooled(&images).0
    }
}
