//! What frozen trunks made of a dataset, kept from one training to the next.

use std::cell::RefCell;

use crate::batch::Batch;
use crate::config::TrainConfig;
use crate::error::Error;

/// The features of the last frozen trunk: many trainings of heads on one trunk, as when tuning, run the images through it
/// once.
#[derive(Debug, Default)]
pub struct Features(RefCell<Option<Kept>>);

#[derive(Debug)]
struct Kept {
    key: String,
    training: Batch,
    validation: Batch,
}

impl Features {
    /// The features of training and validation images, from before or made now. `of` names the trunk's weights, the data and
    /// how it is prepared; blocks that are not of these weights are drawn by the seed.
    pub(super) fn get(
        &self,
        of: &str,
        config: &TrainConfig,
        frozen: usize,
        make: impl FnOnce() -> Result<(Batch, Batch), Error>,
    ) -> Result<(Batch, Batch), Error> {
        let TrainConfig { network, limit, train_share, label_share, seed, precision, device, .. } = config;
        let trunk = network.trunk(frozen);
        let key =
            format!("{of} {frozen} {trunk} {limit:?} {train_share} {label_share} {seed} {precision:?} {device:?}");
        let mut kept = self.0.borrow_mut();
        if let Some(kept) = kept.as_ref().filter(|kept| kept.key == key) {
            return Ok((kept.training.clone(), kept.validation.clone()));
        }
        // The old ones go before the new ones are made: both may not fit.
        *kept = None;
        let (training, validation) = make()?;
        *kept = Some(Kept { key, training: training.clone(), validation: validation.clone() });
        Ok((training, validation))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use std::cell::Cell;

    use burn::tensor::{Device, Tensor, TensorData};

    use super::*;
    use crate::DeviceChoice;
    use crate::config::{
        ActivationKind, ConvStrixConfig, DenseConfig, NetworkConfig, Precision, ResNetConfig, VggStrixConfig,
    };

    fn batch() -> Batch {
        let device = Device::flex();
        Batch {
            images: Tensor::from_data(TensorData::new(vec![0f32], [1, 1, 1, 1]), &device),
            labels: Tensor::from_data(TensorData::new(vec![0i32], [1]), &device),
        }
    }

    /// Blocks of VGG19, and blocks that are not.
    fn config(vgg_blocks: usize, blocks: usize, block_layers: usize, dense: DenseConfig) -> TrainConfig {
        let own = ConvStrixConfig { blocks, block_layers, dense };
        TrainConfig::recipe(NetworkConfig::VggStrix(VggStrixConfig { vgg_blocks, own }))
    }

    /// Whether a training takes the features that another made before it.
    fn shared(one: (&str, &TrainConfig, usize), other: (&str, &TrainConfig, usize)) -> bool {
        let (features, made) = (Features::default(), Cell::new(0));
        for (of, config, frozen) in [one, other] {
            let make = || {
                made.set(made.get() + 1);
                Ok((batch(), batch()))
            };
            features.get(of, config, frozen, make).unwrap();
        }
        made.get() == 1
    }

    #[test]
    fn features_are_those_of_the_same_frozen_blocks_on_the_same_images_alone() {
        let dense = DenseConfig::default();
        let base = config(2, 1, 1, dense.clone());
        // Heads and their trainings differ; the trunk does not.
        let head = DenseConfig { dense_layers: 3, dense_width: 99, dropout: 0.1, ..dense.clone() };
        let other_head = TrainConfig { batch_size: 7, learning_rate: 0.5, epochs: 2, ..config(2, 1, 1, head) };
        assert!(shared(("a", &base, 3), ("a", &base, 3)) && shared(("a", &base, 3), ("a", &other_head, 3)));
        let tanh = DenseConfig { activation: ActivationKind::Tanh, ..dense.clone() };
        let resnet = TrainConfig::recipe(NetworkConfig::ResNet(ResNetConfig { depth: 20 }));
        for (what, other) in [
            ("layers", config(2, 1, 2, dense.clone())),
            ("activation", config(2, 1, 1, tanh.clone())),
            ("blocks", config(2, 2, 1, dense.clone())),
            ("blocks of VGG19", config(1, 2, 1, dense.clone())),
            ("network", resnet),
            ("seed", TrainConfig { seed: 1, ..base.clone() }),
            ("limit", TrainConfig { limit: Some(9), ..base.clone() }),
            ("shares", TrainConfig { train_share: 0.5, ..base.clone() }),
            ("labels", TrainConfig { label_share: 0.5, ..base.clone() }),
            ("precision", TrainConfig { precision: Precision::F16, ..base.clone() }),
            ("device", TrainConfig { device: DeviceChoice::Gpu, ..base.clone() }),
        ] {
            assert!(!shared(("a", &base, 3), ("a", &other, 3)), "{what}");
        }
        assert!(!shared(("a", &base, 3), ("b", &base, 3)) && !shared(("a", &base, 3), ("a", &base, 2)));
        // Blocks of VGG19 are the same whatever stands behind them.
        assert!(shared(("a", &base, 2), ("a", &config(2, 3, 2, tanh), 2)));
    }
}
