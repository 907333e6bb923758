//! A network as a list of ONNX operations, which the networks write themselves into.

use burn::nn::conv::Conv2d;
use burn::nn::{BatchNorm, Linear, PaddingConfig2d};
use burn::tensor::{Tensor, TensorData};

use super::onnx::{self, Attribute};
use crate::batch::Preparation;
use crate::config::ActivationKind;

/// Operations and constants so far. Values go by names.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(super) nodes: Vec<onnx::Node>,
    pub(super) tensors: Vec<onnx::Tensor>,
}

fn values(data: TensorData) -> Vec<f32> {
    // Parameters are f32 on every device.
    data.convert::<f32>().try_to_vec().unwrap_or_default()
}

impl Graph {
    /// An operation whose output has this name.
    pub(super) fn node(&mut self, kind: &str, inputs: &[&str], output: &str, attribute: Vec<Attribute>) {
        self.nodes.push(onnx::Node {
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            name: output.into(),
            op_type: kind.into(),
            attribute,
        });
    }

    /// An operation whose output is named by its number.
    fn op(&mut self, kind: &str, inputs: &[&str], attribute: Vec<Attribute>) -> String {
        let name = format!("{}_{}", kind.to_lowercase(), self.nodes.len());
        self.node(kind, inputs, &name, attribute);
        name
    }

    fn constant(&mut self, dims: &[usize], values: &[f32]) -> String {
        let name = format!("constant_{}", self.tensors.len());
        self.tensors.push(onnx::Tensor::floats(&name, dims, values));
        name
    }

    fn integers(&mut self, values: &[i64]) -> String {
        let name = format!("constant_{}", self.tensors.len());
        self.tensors.push(onnx::Tensor::integers(&name, values));
        name
    }

    fn parameter<const D: usize>(&mut self, tensor: Tensor<D>) -> String {
        let dims = tensor.dims();
        self.constant(&dims, &values(tensor.into_data()))
    }

    /// Pixels 0 to 255 as the network wants them.
    pub(super) fn prepared(&mut self, pixels: &str, by: &Preparation, [height, width]: [usize; 2]) -> String {
        let white = self.constant(&[1], &[255.0]);
        let mut images = self.op("Div", &[pixels, &white], vec![]);
        if [height, width] != [by.size; 2] {
            // By sizes: of a scale, which is rounded, a reader makes sizes that may be a pixel less. The batch is what it is.
            let outer = self.op("Shape", &[&images], vec![Attribute::int("start", 0), Attribute::int("end", 2)]);
            let inner = self.integers(&[by.size as i64; 2]);
            let sizes = self.op("Concat", &[&outer, &inner], vec![Attribute::int("axis", 0)]);
            let between_centers = vec![
                Attribute::text("mode", "linear"),
                Attribute::text("coordinate_transformation_mode", "half_pixel"),
            ];
            images = self.op("Resize", &[&images, "", "", &sizes], between_centers);
        }
        let channels = by.mean.len();
        if channels > 1 {
            let copies = vec![images.as_str(); channels];
            images = self.op("Concat", &copies, vec![Attribute::int("axis", 1)]);
        }
        let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
        let mean = self.constant(&[1, channels, 1, 1], &narrow(&by.mean));
        let sd = self.constant(&[1, channels, 1, 1], &narrow(&by.sd));
        let centered = self.op("Sub", &[&images, &mean], vec![]);
        self.op("Div", &[&centered, &sd], vec![])
    }

    pub(crate) fn conv(&mut self, conv: &Conv2d, x: &str, relu: bool) -> String {
        let padding = match &conv.padding {
            PaddingConfig2d::Explicit(top, left, bottom, right) => {
                Attribute::ints("pads", &[*top, *left, *bottom, *right])
            }
            PaddingConfig2d::Valid => Attribute::text("auto_pad", "VALID"),
            // What is odd goes below and to the right, as burn has it; no network dilates.
            PaddingConfig2d::Same => Attribute::text("auto_pad", "SAME_UPPER"),
        };
        let weight = self.parameter(conv.weight.val());
        let bias = conv.bias.as_ref().map(|bias| self.parameter(bias.val()));
        let inputs: Vec<&str> = [x, &weight].into_iter().chain(bias.as_deref()).collect();
        let form = vec![
            padding,
            Attribute::ints("strides", &conv.stride),
            Attribute::ints("dilations", &conv.dilation),
            Attribute::int("group", conv.groups),
        ];
        let y = self.op("Conv", &inputs, form);
        if relu { self.relu(&y) } else { y }
    }

    pub(crate) fn batch_norm(&mut self, norm: &BatchNorm, x: &str, more: Option<&str>, relu: bool) -> String {
        let gamma = self.parameter(norm.gamma.val());
        let beta = self.parameter(norm.beta.val());
        let mean = self.parameter(norm.running_mean.value());
        let variance = self.parameter(norm.running_var.value());
        let epsilon = vec![Attribute::float("epsilon", norm.epsilon)];
        let mut y = self.op("BatchNormalization", &[x, &gamma, &beta, &mean, &variance], epsilon);
        if let Some(more) = more {
            y = self.op("Add", &[&y, more], vec![]);
        }
        if relu { self.relu(&y) } else { y }
    }

    pub(crate) fn linear(&mut self, linear: &Linear, x: &str) -> String {
        // burn's are [inputs, outputs].
        let weight = self.parameter(linear.weight.val());
        let y = self.op("MatMul", &[x, &weight], vec![]);
        match &linear.bias {
            Some(bias) => {
                let bias = self.parameter(bias.val());
                self.op("Add", &[&y, &bias], vec![])
            }
            None => y,
        }
    }

    fn relu(&mut self, x: &str) -> String {
        self.op("Relu", &[x], vec![])
    }

    pub(crate) fn activation(&mut self, kind: ActivationKind, x: &str) -> String {
        let name = match kind {
            ActivationKind::Relu => "Relu",
            ActivationKind::Selu => "Selu",
            ActivationKind::Tanh => "Tanh",
        };
        self.op(name, &[x], vec![])
    }

    pub(crate) fn max_pool(&mut self, x: &str) -> String {
        let two = |name| Attribute::ints(name, &[2, 2]);
        self.op("MaxPool", &[x], vec![two("kernel_shape"), two("strides")])
    }

    /// `[batch, channels, height, width]` to `[batch, all else]`.
    pub(crate) fn flatten(&mut self, x: &str) -> String {
        self.op("Flatten", &[x], vec![Attribute::int("axis", 1)])
    }

    /// The greatest or the mean value of each channel, `[batch, channels]`.
    pub(crate) fn global_pool(&mut self, x: &str, greatest: bool) -> String {
        let kind = if greatest { "GlobalMaxPool" } else { "GlobalAveragePool" };
        let pooled = self.op(kind, &[x], vec![]);
        self.flatten(&pooled)
    }

    /// Every other pixel, between `more` channels of zeros on either side: the shortcut of a ResNet.
    pub(crate) fn halved(&mut self, x: &str, more: usize) -> String {
        let [zero, one, step, far] =
            [[0, 0], [2, 3], [2, 2], [i64::MAX, i64::MAX]].map(|values| self.integers(&values));
        let halved = self.op("Slice", &[x, &zero, &far, &one, &step], vec![]);
        let more = more as i64;
        let pads = self.integers(&[0, more, 0, 0, 0, more, 0, 0]);
        self.op("Pad", &[&halved, &pads], vec![])
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests;
