//! The parts of a dataset that a run uses.

use strix_data::split::{self, Lots, Split};
use strix_data::{ImageDataset, TrainTest};

use crate::Error;
use crate::config::TrainConfig;

/// The images to train and to validate on.
pub(crate) struct Sets {
    pub(crate) training: ImageDataset,
    pub(crate) validation: ImageDataset,
}

impl Sets {
    /// As the settings' seed chooses and splits them, every class in proportion, by what the images are ([`split`]). Images
    /// that the dataset gives to validate on are all taken.
    pub(crate) fn new(config: &TrainConfig, data: &TrainTest) -> Result<Self, Error> {
        let (all, lots) = (&data.train, |purpose| Lots::new(config.seed, purpose));
        let limited = split::some(all, config.limit.unwrap_or(usize::MAX), lots("limit"));
        let mut parts = match &data.validation {
            None => split::stratified(all, &limited, config.train_share, lots("validation")),
            Some(_) => Split { train: limited.clone(), validation: Vec::new() },
        };
        if config.label_share < 1.0 {
            parts.train = split::stratified(all, &parts.train, config.label_share, lots("labels")).train;
        }
        let training = all.select(&parts.train);
        let validation = data.validation.clone().unwrap_or_else(|| all.select(&parts.validation));
        if training.is_empty() || validation.is_empty() {
            let what = format!(
                "{} images leave {} to train and {} to validate on",
                limited.len(),
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use strix_data::garments;

    use super::*;

    /// Garments, one class after the other.
    fn sorted(count: usize) -> TrainTest {
        let data = garments::draw(count, 10, garments::SEED);
        let mut order: Vec<usize> = (0..count).collect();
        order.sort_by_key(|&at| data.train.labels[at]);
        TrainTest { train: data.train.select(&order), ..data }
    }

    fn counts(images: &ImageDataset) -> Vec<usize> {
        (0..10).map(|class| images.labels.iter().filter(|&&label| label == class).count()).collect()
    }

    #[test]
    fn a_limit_takes_every_class_and_a_seed_decides_which_images() {
        let config = TrainConfig { limit: Some(200), ..TrainConfig::default() };
        let sets = Sets::new(&config, &sorted(1000)).unwrap();
        let both: Vec<usize> =
            counts(&sets.training).into_iter().zip(counts(&sets.validation)).map(|(a, b)| a + b).collect();
        assert_eq!(both, [20; 10]);
        assert!(
            counts(&sets.validation).iter().all(|&count| (1..=12).contains(&count)),
            "{:?}",
            sets.validation.labels
        );
        let other = Sets::new(&TrainConfig { seed: 1, ..config.clone() }, &sorted(1000)).unwrap();
        assert_ne!(sets.training.ids, other.training.ids);
        // A share of the labels is of those that are trained on, again of every class.
        let few = Sets::new(&TrainConfig { label_share: 0.01, ..config }, &sorted(1000)).unwrap();
        assert!(counts(&few.training).iter().all(|&count| (1..=4).contains(&count)), "{:?}", few.training.labels);
        assert!(few.training.ids.iter().all(|id| sets.training.ids.contains(id)));
        assert_eq!(few.validation, sets.validation);
    }

    #[test]
    fn order_and_removed_images_move_none_from_part_to_part() {
        let (config, data) = (TrainConfig::default(), garments::draw(500, 10, garments::SEED));
        let sets = Sets::new(&config, &data).unwrap();
        let parts = |sets: &Sets| {
            let mut parts = [sets.training.ids.clone(), sets.validation.ids.clone()];
            parts.iter_mut().for_each(|part| part.sort_unstable());
            parts
        };
        assert_eq!(parts(&Sets::new(&config, &sorted(500)).unwrap()), parts(&sets));
        let fewer: Vec<usize> = (0..500).filter(|at| at % 50 != 7).collect();
        let fewer = TrainTest { train: data.train.select(&fewer), ..data };
        let now = Sets::new(&config, &fewer).unwrap();
        assert!(now.training.ids.iter().all(|id| sets.training.ids.contains(id)));
        assert!(now.validation.ids.iter().all(|id| sets.validation.ids.contains(id)));
        assert_eq!(now.training.len() + now.validation.len(), 490);
    }

    #[test]
    fn images_that_are_given_to_validate_on_are_validated_on() {
        let data = garments::draw(100, 30, garments::SEED);
        let data = TrainTest { validation: Some(data.test.clone()), ..data };
        let config = TrainConfig { limit: Some(50), ..TrainConfig::default() };
        let sets = Sets::new(&config, &data).unwrap();
        assert_eq!((sets.training.len(), &sets.validation), (50, &data.test));
    }
}
