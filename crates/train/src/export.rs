//! A run's model for other programs.

mod graph;
mod onnx;

use std::io::Write;
use std::path::Path;

use prost::Message;

use crate::model::Network;
use crate::run::{Manifest, Run, write_whole};
use crate::{DeviceChoice, Error};

pub(crate) use graph::Graph;

/// The version of the operator set that [`onnx`] models use.
pub const OPSET: i64 = 17;

/// Writes the run's model as ONNX: from `pixels` `[batch, 1, height, width]`, 0 black to 255 white, to `logits` and
/// `probabilities`, both `[batch, classes]`. How images are made ready is part of the model. The classes' names are in its
/// metadata as `classes`, a JSON list.
///
/// # Errors
/// [`Error::Read`] when the run cannot be loaded; [`Error::Write`].
pub fn onnx(run: &Run, to: &Path) -> Result<(), Error> {
    let manifest = run.read_manifest()?;
    let network = run.read_model(&manifest, &DeviceChoice::Cpu.open()?)?;
    let bytes = model(&network, &manifest).encode_to_vec();
    write_whole(to, |file| file.write_all(&bytes))
}

fn model(network: &Network, manifest: &Manifest) -> onnx::Model {
    let classes = &manifest.dataset.classes;
    let [height, width] = manifest.dataset.image_size;
    let mut graph = Graph::default();
    let images = graph.prepared("pixels", &manifest.preparation, [height, width]);
    let logits = network.trace(&mut graph, images);
    graph.node("Identity", &[&logits], "logits", vec![]);
    graph.node("Softmax", &["logits"], "probabilities", vec![onnx::Attribute::int("axis", 1)]);
    let of_classes = |name: &str| onnx::ValueInfo::new(name, &[None, Some(classes.len())]);
    let entry = |key: &str, value: String| onnx::Entry { key: key.into(), value };
    onnx::Model {
        ir_version: 8,
        producer_name: "strix".into(),
        producer_version: manifest.versions.strix.clone(),
        graph: Some(onnx::GraphProto {
            name: manifest.architecture.clone(),
            input: vec![onnx::ValueInfo::new("pixels", &[None, Some(1), Some(height), Some(width)])],
            output: vec![of_classes("logits"), of_classes("probabilities")],
            node: graph.nodes,
            initializer: graph.tensors,
        }),
        opset_import: vec![onnx::Opset { domain: String::new(), version: OPSET }],
        metadata_props: vec![
            entry("classes", serde_json::json!(classes).to_string()),
            entry("dataset", manifest.dataset.name.clone()),
        ],
    }
}

/// Copies the run's weights, a safetensors file in PyTorch's names and layout.
///
/// # Errors
/// [`Error::Read`] when the run has none; [`Error::Write`].
pub fn safetensors(run: &Run, to: &Path) -> Result<(), Error> {
    let bytes = run.read_weights(&run.read_manifest()?)?;
    write_whole(to, |file| file.write_all(&bytes))
}
