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
    let whole = |data| Loaded { data, substituted: None, left_out: None };
    if let Some(size) = size.filter(|size| !(1..=512).contains(size)) {
        return Err(Failure::Usage(format!("--image-size is {size}, but must be from 1 to 512")));
    }
    if let (Some(data), Some(Dataset::Garments | Dataset::Folder(_))) = (&place.data, dataset) {
        let what = "says where Fashion-MNIST is, but --dataset names another dataset; leave one of the two out";
        return Err(Failure::Usage(format!("--data {} {what}", data.display())));
    }
    let loaded = match dataset {
        Some(Dataset::Garments) => whole(drawn()),
        Some(Dataset::FashionMnist) => whole(published(place.data.as_deref())?),
        Some(Dataset::Folder(folder)) => pictures(folder, size, place.strict)?,
        None => match published(place.data.as_deref()) {
            Err(error @ Error::NotAvailable { .. }) => {
                Loaded { substituted: Some(error.to_string()), ..whole(drawn()) }
            }
            loaded => whole(loaded?),
        },
    };
    let (width, height) = (loaded.data.train.width, loaded.data.train.height);
    match size.filter(|&size| (size, size) != (width, height)) {
        Some(size) => Err(Failure::Usage(format!(
            "--image-size {size} is for folders of pictures, but {} holds images of {width} x {height} pixels; leave it \
             out, or enlarge them with --resize",
            loaded.data.name
        ))),
        None => Ok(loaded),
    }
}

fn pictures(folder: &Path, size: Option<usize>, strict: bool) -> Result<Loaded, Failure> {
    let (data, left_out) = own::load(folder, &own::Options { size, strict })?;
    Ok(Loaded { data, substituted: None, left_out })
}

fn drawn() -> TrainTest {
    garments::draw(GARMENTS.0, GARMENTS.1, garments::SEED)
}

/// Fashion-MNIST; says on standard error if it is not in the folder that was given.
fn published(given: Option<&Path>) -> Result<TrainTest, Error> {
    let data = fashion_mnist::load(&Places::standard(given.map(Path::to_owned)))?;
    if let (Some(given), Some(folder)) = (given.filter(|given| !fashion_mnist::is_in(given)), &data.folder) {
        let (given, folder) = (given.display(), folder.display());
        warn(&format!("{given} does not have the four files of Fashion-MNIST; those of {folder} are read instead."));
    }
    Ok(data)
}

/// Says it on standard error. A reader that has gone does not end the work.
pub(crate) fn warn(what: &str) {
    let _ = writeln!(std::io::stderr(), "WARNING: {what}");
}

/// Loads what the settings name, and says on standard error if it is another than the preferred one, or less than is there.
pub(crate) fn load_loudly(settings: &Settings) -> Result<Loaded, Failure> {
    let loaded = load(settings.dataset.as_ref(), settings.image_size, &settings.place)?;
    loaded.tell_left_out();
    if let Some(reason) = &loaded.substituted {
        warn("training on the drawn dataset \"garments\" INSTEAD OF Fashion-MNIST.");
        warn(reason);
        warn("its accuracies say nothing about Fashion-MNIST.");
    }
    Ok(loaded)
}

/// What --data names, as images for a run; without it the dataset that the run was trained on, from where it was then.
pub(crate) fn of_run(manifest: &Manifest, place: &DataPlace) -> Result<TrainTest, Failure> {
    let record = &manifest.dataset;
    let dataset = record.name.parse::<Dataset>();
    let published_in = |folder: &Path| dataset == Ok(Dataset::FashionMnist) && fashion_mnist::is_in(folder);
    let pictures = |folder: &Path| {
        let loaded = pictures(folder, Some(record.image_size[0]), place.strict)?;
        loaded.tell_left_out();
        Ok(loaded.data)
    };
    if let Some(given) = &place.data {
        let given = given.as_path();
        return if published_in(given) { Ok(published(Some(given))?) } else { pictures(given) };
    }
    match &dataset {
        Ok(Dataset::FashionMnist) => {
            let known = record.folder.as_ref().map(Path::new);
            Ok(published(known.filter(|folder| published_in(folder)))?)
        }
        Ok(Dataset::Folder(folder)) => pictures(folder),
        Ok(Dataset::Garments) => Ok(drawn()),
        Err(_) => Err(Failure::Input(format!(
            "the run was trained on {:?}, which is not there; say with --data where it is now",
            record.name
        ))),
    }
}
