//! What a run's images were, so that others are told from them: other classes, or other pictures of the same ones.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strix_data::{ImageDataset, TrainTest};

use crate::config::TrainConfig;
use crate::run::DatasetRecord;
use crate::training::Sets;

/// Names that a message lists, at most.
const LISTED: usize = 5;

/// The SHA-256 of each part of a dataset, as a run's settings divide it: see [`sha256`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Of the images trained on.
    pub training: String,
    /// Of those validated on.
    pub validation: String,
    /// Of those to test on.
    pub test: String,
}

impl Content {
    pub(crate) fn of(sets: &Sets, data: &TrainTest) -> Self {
        Self { training: sha256(&sets.training), validation: sha256(&sets.validation), test: sha256(&data.test) }
    }
}

/// The SHA-256, in hexadecimal, of the images' labels and then their pixels, in order.
pub fn sha256(images: &ImageDataset) -> String {
    let digest = Sha256::new().chain_update(&images.labels).chain_update(&images.pixels).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl DatasetRecord {
    /// Why a network that was trained on this dataset says nothing of these images: they have another size or other classes.
    pub(crate) fn mismatch(&self, images: &ImageDataset) -> Option<String> {
        let size = [images.height, images.width];
        if self.image_size != size {
            let [[rows, columns], [height, width]] = [self.image_size, size];
            return Some(format!(
                "was trained on images of {rows} x {columns} pixels, but these have {height} x {width}"
            ));
        }
        let (gone, new) = (without(&self.classes, &images.classes), without(&images.classes, &self.classes));
        let what = match (gone.as_slice(), new.as_slice()) {
            _ if self.classes == images.classes => return None,
            ([], []) => {
                format!("they were {}, in another order than these: {}", listed(&self.classes), listed(&images.classes))
            }
            ([gone], [new]) => {
                format!("{gone:?} is {new:?} here; give the class the name that it had, if it is the same")
            }
            (gone, []) => format!("missing here: {}", listed(gone)),
            ([], new) => format!("new here: {}", listed(new)),
            (gone, new) => format!("missing here: {}; new here: {}", listed(gone), listed(new)),
        };
        Some(format!("was trained on other classes: {what}"))
    }

    /// What `data`, divided by the run's settings, has otherwise than the dataset of this record: each part that has other
    /// images or labels, or the same in another order. Nothing where all is the same; of a record of an earlier version,
    /// where numbers and the files' checksums are.
    pub fn differences(&self, config: &TrainConfig, data: &TrainTest) -> Vec<String> {
        let sets = Sets::new(config, data).ok();
        let sets = sets.as_ref();
        let content = self.content.as_ref();
        let parts = [
            ("training", self.train, content.map(|of| &of.training), sets.map(|sets| &sets.training)),
            ("validation", self.validation, content.map(|of| &of.validation), sets.map(|sets| &sets.validation)),
            ("test", self.test, content.map(|of| &of.test), Some(&data.test)),
        ];
        let difference = |(part, count, known, images): (&str, usize, Option<&String>, Option<&ImageDataset>)| {
            let now = images.map_or(0, ImageDataset::len);
            if now != count {
                return Some(format!("{now} {part} images, where there were {count}"));
            }
            let other = known.zip(images).is_some_and(|(known, images)| *known != sha256(images));
            other.then(|| format!("other {part} images or labels, or in another order"))
        };
        let mut found: Vec<String> = parts.into_iter().filter_map(difference).collect();
        if content.is_none() && found.is_empty() && self.checksums != data.checksums {
            found.push("files of other checksums".into());
        }
        found
    }
}

/// The names that are not among the others.
fn without(names: &[String], others: &[String]) -> Vec<String> {
    names.iter().filter(|name| !others.contains(name)).cloned().collect()
}

fn listed(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("{name:?}")).collect();
    if names.len() > LISTED {
        shown.push(format!("and {} more", names.len() - LISTED));
    }
    shown.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    fn images(classes: &[&str]) -> ImageDataset {
        let labels = (0..20).map(|index| index % 2).collect();
        ImageDataset::new((0..80).collect(), labels, [2, 2], classes.iter().map(ToString::to_string).collect())
    }

    fn data() -> TrainTest {
        TrainTest {
            train: images(&["cat", "dog"]),
            test: images(&["cat", "dog"]),
            ..strix_data::garments::draw(0, 0, 0)
        }
    }

    #[test]
    fn the_checksum_is_that_of_labels_and_pixels() {
        let images = ImageDataset { pixels: b"bc".to_vec(), labels: b"a".to_vec(), width: 2, ..images(&["a"]) };
        // `printf abc | sha256sum`
        assert_eq!(sha256(&images), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn every_part_that_changed_is_named() {
        let (config, data) = (TrainConfig::default(), data());
        let record = DatasetRecord::new(&data, &Sets::new(&config, &data).unwrap(), None);
        let told = |record: &DatasetRecord, data: &TrainTest| record.differences(&config, data).join("; ");
        assert_eq!(told(&record, &data), "");
        let mut other = data.clone();
        other.test.pixels[3] ^= 1;
        assert_eq!(told(&record, &other), "other test images or labels, or in another order");
        other.test = data.test.select(&[0, 1, 2]);
        assert_eq!(told(&record, &other), "3 test images, where there were 20");
        let mut other = data.clone();
        other.train.pixels.iter_mut().for_each(|pixel| *pixel ^= 1);
        let told_of = told(&record, &other);
        assert!(told_of.contains("other training images") && told_of.contains("other validation images"), "{told_of}");
        other.train = data.train.select(&[]);
        assert!(told(&record, &other).contains("0 training images, where there were 16"));
        // A manifest of an earlier version has the checksums of files.
        let old = DatasetRecord { content: None, checksums: vec![("pixels and labels".into(), "1".into())], ..record };
        assert_eq!(told(&old, &data), "files of other checksums");
        let same = TrainTest { checksums: old.checksums.clone(), ..data };
        assert_eq!(told(&old, &same), "");
    }

    #[test]
    fn other_classes_are_named() {
        let (config, data) = (TrainConfig::default(), data());
        let record = DatasetRecord::new(&data, &Sets::new(&config, &data).unwrap(), None);
        let told = |classes: &[&str]| record.mismatch(&images(classes));
        assert_eq!(told(&["cat", "dog"]), None);
        for (classes, words) in [
            (&["cat", "hound"][..], &["\"dog\" is \"hound\""][..]),
            (&["dog", "cat"][..], &["another order", "\"cat\", \"dog\""][..]),
            (&["cat", "dog", "owl"][..], &["new here: \"owl\""][..]),
            (&["cat"][..], &["missing here: \"dog\""][..]),
            (&["cow", "owl"][..], &["missing here: \"cat\", \"dog\"", "new here: \"cow\", \"owl\""][..]),
        ] {
            let what = told(classes).unwrap();
            assert!(what.contains("other classes") && words.iter().all(|word| what.contains(word)), "{what}");
        }
        let wide = ImageDataset { width: 4, height: 1, ..images(&["cat", "dog"]) };
        assert!(record.mismatch(&wide).unwrap().contains("2 x 2 pixels, but these have 1 x 4"));
    }
}
