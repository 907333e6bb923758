//! Loads a dataset by name, or the best that there is.

use strix_data::fashion_mnist::{self, Places};
use strix_data::{Error, TrainTest, garments};

use crate::args::{DataPlace, DatasetName};
use crate::failure::Failure;

/// How many garments are drawn to train and to test on.
const GARMENTS: (usize, usize) = (10_000, 2_000);

/// A dataset, and why it is another than the preferred one, if it is.
pub(crate) struct Loaded {
    pub(crate) data: TrainTest,
    pub(crate) substituted: Option<String>,
}

/// Loads `name`; without a name Fashion-MNIST, or garments where that is not to be had.
pub(crate) fn load(name: Option<DatasetName>, place: &DataPlace) -> Result<Loaded, Failure> {
    let garments = || garments::draw(GARMENTS.0, GARMENTS.1, garments::SEED);
    let whole = |data| Loaded { data, substituted: None };
    let fashion_mnist = || fashion_mnist::load(&Places::standard(place.data.clone()));
    match name {
        Some(DatasetName::Garments) => Ok(whole(garments())),
        Some(DatasetName::FashionMnist) => Ok(whole(fashion_mnist()?)),
        None => match fashion_mnist() {
            Err(error @ Error::NotAvailable { .. }) => {
                Ok(Loaded { data: garments(), substituted: Some(error.to_string()) })
            }
            loaded => Ok(whole(loaded?)),
        },
    }
}

/// The dataset that a run's manifest names.
pub(crate) fn named(name: &str) -> Result<DatasetName, Failure> {
    use clap::ValueEnum;
    DatasetName::from_str(name, false)
        .map_err(|_| Failure::Input(format!("the run was trained on {name:?}, which this strix does not know")))
}
