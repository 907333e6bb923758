//! The operations on tensors of burn's flex backend.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{Shape, TensorData};

use super::conv::{self, Geometry};
use super::norm::{self, Planes, Statistics};
use super::pool::{self, Size};
use super::{FusedOps, NormForm};

/// A tensor's elements, in a row.
pub(super) fn rows(tensor: &FlexTensor) -> FlexTensor {
    tensor.to_contiguous()
}

/// The elements of a tensor that [`rows`] made.
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

pub(super) fn planes(images: &FlexTensor) -> Planes {
    let [batch, channels, height, width] = dims(images);
    Planes { batch, channels, pixels: height * width }
}

pub(super) fn statistics(tensor: &FlexTensor) -> Statistics {
    let tensor = rows(tensor);
    let (mean, variance) = elements(&tensor).split_at(elements(&tensor).len() / 2);
    Statistics { mean: mean.into(), variance: variance.into() }
}

pub(super) fn size(images: &FlexTensor) -> Size {
    let [batch, channels, height, width] = dims(images);
    Size { planes: batch * channels, height, width }
}

/// The largest of each square, and which of the four each was.
pub(super) fn pooled(images: &FlexTensor) -> (FlexTensor, Vec<u8>) {
    let [batch, channels, ..] = dims::<4>(images);
    let size = size(images);
    let (largest, places) = pool::forward(elements(&rows(images)), &size);
    let [height, width] = size.output();
    (tensor(largest, [batch, channels, height, width]), places)
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
        let [images, filters, bias] = [&images, &filters, &bias].map(rows);
        let g = geometry(&images, &filters, stride, padding);
        let output = conv::forward(elements(&images), elements(&filters), Some(elements(&bias)), relu, &g);
        let [height, width] = g.output();
        tensor(output, [g.batch, g.filters, height, width])
    }

    fn channel_statistics(images: FlexTensor) -> FlexTensor {
        let p = planes(&images);
        let found = norm::statistics(elements(&rows(&images)), &p);
        tensor([found.mean, found.variance].concat(), [2, p.channels])
    }

    fn normalisation(
        images: FlexTensor,
        more: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        statistics: FlexTensor,
        form: NormForm,
    ) -> FlexTensor {
        let statistics = self::statistics(&statistics);
        let [images, more, gamma, beta] = [&images, &more, &gamma, &beta].map(rows);
        let added = Some(elements(&more)).filter(|more| !more.is_empty());
        let affine = [elements(&gamma), elements(&beta)];
        let output =
            norm::forward(elements(&images), added, &statistics, affine, form.epsilon, form.relu, &planes(&images));
        tensor(output, dims::<4>(&images))
    }

    fn pooling(images: FlexTensor) -> FlexTensor {
        pooled(&images).0
    }
}
