//! The parts of a dataset that a run uses.

use strix_data::{ImageDataset, TrainTest, split};

use crate::Error;
use crate::config::TrainConfig;

/// The images to train and to validate on.
pub(super) struct Sets {
    pub(super) training: ImageDataset,
    pub(super) validation: ImageDataset,
}

impl Sets {
    /// As the settings' seed splits the dataset.
    pub(super) fn new(config: &TrainConfig, data: &TrainTest) -> Result<Self, Error> {
        let labels = &data.train.labels[..config.limit.unwrap_or(usize::MAX).min(data.train.len())];
        let mut parts = split::stratified(labels, config.train_share, config.seed);
        if config.label_share < 1.0 {
            let labels: Vec<u8> = parts.train.iter().map(|&index| data.train.labels[index]).collect();
            let few = split::stratified(&labels, config.label_share, config.seed).train;
            parts.train = few.into_iter().map(|index| parts.train[index]).collect();
        }
        let (training, validation) = (data.train.select(&parts.train), data.train.select(&parts.validation));
        if training.is_empty() || validation.is_empty() {
            let what = format!(
                "{} images leave {} to train and {} to validate on",
                labels.len(),
                training.len(),
                validation.len()
            );
            return Err(Error::Config(what));
        }
        if training.height != training.width {
            let what = format!("images are {} x {} pixels, but must be square", training.height, training.width);
            return Err(Error::Config(what));
        }
        Ok(Self { training, validation })
    }

    /// A weight for each class: all the same in sum as if each were 1, and the same sum for each class's images.
    pub(super) fn class_weights(&self) -> Vec<f32> {
        let classes = self.training.classes.len();
        let mut counts = vec![0_usize; classes];
        for &label in &self.training.labels {
            counts[usize::from(label)] += 1;
        }
        let weight = |count: usize| self.training.len() as f32 / (classes * count.max(1)) as f32;
        counts.into_iter().map(weight).collect()
    }
}
