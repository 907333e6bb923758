//! Loads a dataset by name or folder, or the best that there is.

use std::io::Write;
use std::path::Path;

use strix_data::fashion_mnist::{self, Places};
use strix_data::{Error, TrainTest, garments, own};
use strix_train::run::Manifest;

use crate::args::{DataPlace, Dataset, Settings};
use crate::failure::Failure;

/// How many garments are drawn to train and to test on.
const GARMENTS: (usize, usize) = (10_000, 2_000);

/// A dataset, and why it is another than the preferred one, if it is.
pub(crate) struct Loaded {
    pub(crate) data: TrainTest,
    pub(crate) substituted: Option<String>,
    /// Files of a folder that are not in it.
    left_out: Option<own::LeftOut>,
}

impl Loaded {
    /// Says which files are not in the dataset, on standard error.
    fn tell_left_out(&self) {
        if let Some(left_out) = &self.left_out {
            // A reader of the output that has gone does not end the training.
            let _ = writeln!(std::io::stderr(), "WARNING: {left_out} (--strict makes this an error)");
        }
    }
}

/// Loads `dataset`; without one Fashion-MNIST, or garments where that is not to be had. A folder's pictures become `size`
/// pixels wide and high.
pub(crate) fn load(dataset: Option<&Dataset>, size: Option<usize>, place: &DataPlace) -> Result<Loaded, Failure> {
    let garments = || garments::draw(GARMENTS.0, GARMENTS.1, garments::SEED);
    let whole = |data| Loaded { data, substituted: None, left_out: None };
    let fashion_mnist = || fashion_mnist::load(&Places::standard(place.data.clone()));
    if let Some(size) = size.filter(|size| !(1..=512).contains(size)) {
        return Err(Failure::Usage(format!("--image-size is {size}, but must be from 1 to 512")));
    }
    match dataset {
        Some(Dataset::Garments) => Ok(whole(garments())),
        Some(Dataset::FashionMnist) => Ok(whole(fashion_mnist()?)),
        Some(Dataset::Folder(folder)) => {
            let (data, left_out) = own::load(folder, &own::Options { size, strict: place.strict })?;
            Ok(Loaded { left_out, ..whole(data) })
        }
        None => match fashion_mnist() {
            Err(error @ Error::NotAvailable { .. }) => {
                Ok(Loaded { substituted: Some(error.to_string()), ..whole(garments()) })
            }
            loaded => Ok(whole(loaded?)),
        },
    }
}

/// Loads what the settings name, and says on standard error if it is another than the preferred one, or less than is there.
pub(crate) fn load_loudly(settings: &Settings) -> Result<Loaded, Failure> {
    let loaded = load(settings.dataset.as_ref(), settings.image_size, &settings.place)?;
    loaded.tell_left_out();
    if let Some(reason) = &loaded.substituted {
        // A reader of the output that has gone does not end the training.
        let _ = writeln!(
            std::io::stderr(),
            "WARNING: training on the drawn dataset \"garments\" INSTEAD OF Fashion-MNIST.\nWARNING: {reason}\n\
             WARNING: its accuracies say nothing about Fashion-MNIST."
        );
    }
    Ok(loaded)
}

/// The dataset that a run was trained on.
pub(crate) fn of_run(manifest: &Manifest, place: &DataPlace) -> Result<TrainTest, Failure> {
    let name = &manifest.dataset.name;
    let dataset = match name.parse() {
        // Moved, perhaps: then --data says where to.
        Err(_) if Path::new(name).is_absolute() && place.data.as_ref().is_some_and(|data| data.is_dir()) => {
            Dataset::Folder(place.data.clone().unwrap_or_default())
        }
        parsed => parsed.map_err(|_| Failure::Input(format!("the run was trained on {name:?}, which is not there")))?,
    };
    let loaded = load(Some(&dataset), Some(manifest.dataset.image_size[0]), place)?;
    loaded.tell_left_out();
    Ok(loaded.data)
}
