//! TensorBoard's projector: vectors, their labels, and a sprite of their images.

use std::fmt::Write;

use strix_data::ImageDataset;

use crate::evaluation::Evaluation;
use crate::report::Sheet;

/// A file's name, and its bytes or why it has none.
type File = (&'static str, Result<Vec<u8>, String>);

/// The files for the images that have vectors.
pub(super) fn files(evaluation: &Evaluation, images: &ImageDataset) -> [File; 4] {
    let count = evaluation.vectors.len();
    let mut tensors = String::new();
    for vector in &evaluation.vectors {
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
    [
        ("features.tsv", Ok(tensors.into_bytes())),
        ("labels.tsv", Ok(labels.into_bytes())),
        ("sprite.png", Sheet::new(images, &first).png()),
        ("projector_config.pbtxt", Ok(config.into_bytes())),
    ]
}
