//! TensorBoard's projector: vectors, their labels, and a sprite of their images.

use std::fmt::Write;

use strix_data::ImageDataset;

use crate::Error;
use crate::evaluation::{Evaluation, embedding};
use crate::report::Sheet;
use crate::run::Run;

/// A file's name, and its bytes or why it has none.
type File = (&'static str, Result<Vec<u8>, String>);

/// The files for the first `most` images.
pub(super) fn files(
    run: &Run,
    evaluation: &Evaluation,
    images: &ImageDataset,
    most: usize,
) -> Result<[File; 4], Error> {
    let (width, vectors) = embedding(run, images, most)?;
    let count = vectors.len() / width.max(1);
    let mut tensors = String::new();
    for vector in vectors.chunks(width.max(1)) {
        let numbers: Vec<String> = vector.iter().map(f32::to_string).collect();
        tensors.push_str(&numbers.join("\t"));
        tensors.push('\n');
    }
    let plain = |class: u8| images.classes[usize::from(class)].replace(['\t', '\n'], " ");
    let mut labels = String::from("class\ttaken for\n");
    for prediction in &evaluation.predictions[..count] {
        let _ = writeln!(labels, "{}\t{}", plain(prediction.label), plain(prediction.predicted));
    }
    let config = format!(
        "embeddings {{\n  tensor_name: \"test images\"\n  tensor_path: \"features.tsv\"\n  metadata_path: \"labels.tsv\"\n  \
         sprite {{\n    image_path: \"sprite.png\"\n    single_image_dim: {}\n    single_image_dim: {}\n  }}\n}}\n",
        images.width, images.height
    );
    let first: Vec<usize> = (0..count).collect();
    Ok([
        ("features.tsv", Ok(tensors.into_bytes())),
        ("labels.tsv", Ok(labels.into_bytes())),
        ("sprite.png", Sheet::new(images, &first).png()),
        ("projector_config.pbtxt", Ok(config.into_bytes())),
    ])
}
