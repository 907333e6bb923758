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
    /// The features of training and validation images, from before or made now. `of` names the trunk's weights and the data.
    pub(super) fn get(
        &self,
        of: &str,
        config: &TrainConfig,
        frozen: usize,
        make: impl FnOnce() -> Result<(Batch, Batch), Error>,
    ) -> Result<(Batch, Batch), Error> {
        let TrainConfig { limit, train_share, label_share, seed, precision, device, .. } = config;
        let key = format!("{of} {frozen} {limit:?} {train_share} {label_share} {seed} {precision:?} {device:?}");
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
