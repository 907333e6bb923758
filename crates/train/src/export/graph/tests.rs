//! How a graph makes pixels ready, by the definitions of its operators (<https://onnx.ai/onnx/operators>), against what
//! networks are trained on.

use std::collections::HashMap;

use burn::tensor::Device;
use strix_data::ImageDataset;

use super::*;
use crate::batch::Batch;

#[derive(Debug, Clone)]
struct Value {
    dims: Vec<usize>,
    values: Vec<f64>,
}

fn decoded(tensor: &onnx::Tensor) -> Value {
    let values = match tensor.data_type {
        1 => tensor.raw_data.as_chunks::<4>().0.iter().map(|&bytes| f64::from(f32::from_le_bytes(bytes))).collect(),
        7 => tensor.raw_data.as_chunks::<8>().0.iter().map(|&bytes| i64::from_le_bytes(bytes) as f64).collect(),
        other => panic!("a tensor of type {other}"),
    };
    Value { dims: tensor.dims.iter().map(|&dim| dim as usize).collect(), values }
}

/// `of` an image `[1, channels, height, width]` and one number, or one a channel.
fn paired(image: &Value, by: &Value, of: fn(f64, f64) -> f64) -> Value {
    let pixels = image.dims[2] * image.dims[3];
    let at = |place: usize| if by.values.len() == 1 { 0 } else { place / pixels };
    let values = image.values.iter().enumerate().map(|(place, &x)| of(x, by.values[at(place)])).collect();
    Value { dims: image.dims.clone(), values }
}

/// Linear, between pixel centers (`half_pixel`), edges repeated: the sizes decide.
fn resized(image: &Value, sizes: &[f64]) -> Value {
    let dims: Vec<usize> = sizes.iter().map(|&size| size as usize).collect();
    assert_eq!(dims[..2], image.dims[..2]);
    let [height, width] = [image.dims[2], image.dims[3]];
    // The two neighbours and the share of the second.
    let between = |at: usize, from: usize, to: usize| {
        let exact = (at as f64 + 0.5) / (to as f64 / from as f64) - 0.5;
        let near = |place: f64| (place.max(0.0) as usize).min(from - 1);
        (near(exact.floor()), near(exact.floor() + 1.0), exact - exact.floor())
    };
    let mut values = Vec::new();
    for plane in image.values.chunks(height * width) {
        for row in 0..dims[2] {
            let (top, bottom, down) = between(row, height, dims[2]);
            for column in 0..dims[3] {
                let (left, right, across) = between(column, width, dims[3]);
                let line = |y: usize| plane[y * width + left] * (1.0 - across) + plane[y * width + right] * across;
                values.push(line(top) * (1.0 - down) + line(bottom) * down);
            }
        }
    }
    Value { dims, values }
}

fn evaluated(graph: &Graph, pixels: Value, output: &str) -> Value {
    let mut known = HashMap::from([("pixels", pixels)]);
    known.extend(graph.tensors.iter().map(|tensor| (tensor.name.as_str(), decoded(tensor))));
    for node in &graph.nodes {
        let inputs: Vec<&Value> =
            node.input.iter().filter(|name| !name.is_empty()).map(|name| &known[name.as_str()]).collect();
        let attribute = |name: &str| node.attribute.iter().find(|attribute| attribute.name == name).unwrap();
        let value = match node.op_type.as_str() {
            "Div" => paired(inputs[0], inputs[1], |x, y| x / y),
            "Sub" => paired(inputs[0], inputs[1], |x, y| x - y),
            "Shape" => {
                let dims = &inputs[0].dims[attribute("start").i as usize..attribute("end").i as usize];
                Value { dims: vec![dims.len()], values: dims.iter().map(|&dim| dim as f64).collect() }
            }
            // Of one image, so that all before the axis is 1.
            "Concat" => {
                let axis = attribute("axis").i as usize;
                let mut dims = inputs[0].dims.clone();
                dims[axis] = inputs.iter().map(|input| input.dims[axis]).sum();
                Value { dims, values: inputs.iter().flat_map(|input| input.values.clone()).collect() }
            }
            "Resize" => {
                assert!(node.input[1].is_empty() && node.input[2].is_empty(), "neither a region nor scales");
                assert_eq!(attribute("mode").s, b"linear");
                assert_eq!(attribute("coordinate_transformation_mode").s, b"half_pixel");
                resized(inputs[0], &inputs[1].values)
            }
            other => panic!("{other} prepares no pixels"),
        };
        known.insert(node.output[0].as_str(), value);
    }
    known.remove(output).unwrap()
}

#[test]
fn exported_models_see_the_pixels_that_networks_are_trained_on() {
    for (height, width) in [(1, 1), (2, 2), (3, 5), (8, 8), (28, 28), (29, 31), (64, 64)] {
        let pixels = (0..height * width).map(|i| (i * 89 % 256) as u8).collect();
        let images = ImageDataset::new(pixels, vec![0], [height, width], vec!["any".into()]);
        let pixels = images.pixels.iter().map(|&shade| f64::from(shade)).collect();
        let pixels = Value { dims: vec![1, 1, height, width], values: pixels };
        for size in 1..=70 {
            for mean in [vec![0.25], vec![0.1, 0.2, 0.3]] {
                let sd = mean.iter().map(|mean| 2.0 * mean).collect();
                let by = Preparation { size, sd, mean, photo: false };
                let mut graph = Graph::default();
                let output = graph.prepared("pixels", &by, [height, width]);
                let found = evaluated(&graph, pixels.clone(), &output);
                let trained = by.apply(Batch::resident(&images, size, &Device::flex()).unwrap().images);
                assert_eq!(found.dims, trained.dims());
                let trained = trained.into_data().try_to_vec::<f32>().unwrap();
                for (found, trained) in found.values.iter().zip(trained) {
                    assert!(
                        (found - f64::from(trained)).abs() < 1e-5,
                        "{height} x {width} to {size}: {found}, {trained}"
                    );
                }
            }
        }
    }
}
