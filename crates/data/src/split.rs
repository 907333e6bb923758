//! Seeded, stratified choices of images: by what an image is, never by where it stands.
//!
//! Each image draws a lot from its identity ([`ImageDataset::ids`]), the seed and the purpose of the choice, and no other
//! image has a say in it. So a dataset may be sorted, and a picture may be removed or added, and every other stays in its
//! part. The price is that a share is met in the mean, not to the image: of n images about `sqrt(n * share * (1 - share))`
//! more or fewer are drawn.

use md5::{Digest, Md5};

use crate::ImageDataset;

/// The lots of one choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lots {
    seed: u64,
    purpose: &'static str,
}

impl Lots {
    /// Lots of this seed. Choices of different purposes are independent of one another.
    pub fn new(seed: u64, purpose: &'static str) -> Self {
        Self { seed, purpose }
    }

    /// An image's lot, from 0 to below 1, as likely here as there: the first 53 bits of the MD5 of seed (8 bytes,
    /// little-endian), purpose and identity (8 bytes, little-endian). The same on every machine.
    pub fn of(self, id: u64) -> f64 {
        let bits = identity(&[&self.seed.to_le_bytes(), self.purpose.as_bytes(), &id.to_le_bytes()]) >> 11;
        bits as f64 / (1_u64 << 53) as f64
    }
}

/// The first eight bytes of the MD5 of parts one after the other, big-endian.
pub(crate) fn identity(parts: &[&[u8]]) -> u64 {
    let mut digest = Md5::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().iter().take(8).fold(0_u64, |all, &byte| (all << 8) | u64::from(byte))
}

/// The two parts of a split: indices into the dataset, each in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// To train on.
    pub train: Vec<usize>,
    /// To validate on.
    pub validation: Vec<usize>,
}

/// Puts those of the images at `among` into the training part whose lots are below `train_share`, the others into the
/// validation part.
///
/// Neither part lacks a class that has two images: where all their lots fall on one side, the nearest one is taken over to
/// the other. A class's only image is trained on.
///
/// ```
/// use strix_data::{garments, split};
///
/// let images = garments::draw(1000, 0, garments::SEED).train;
/// let all: Vec<usize> = (0..images.len()).collect();
/// let split = split::stratified(&images, &all, 0.8, split::Lots::new(7, "validation"));
/// assert_eq!(split.train.len() + split.validation.len(), 1000);
/// assert!((750..850).contains(&split.train.len()));
/// ```
///
/// # Panics
/// When an index is not one of an image.
pub fn stratified(images: &ImageDataset, among: &[usize], train_share: f64, lots: Lots) -> Split {
    let mut split = Split { train: Vec::new(), validation: Vec::new() };
    for members in by_class(images, among, lots) {
        let below = members.partition_point(|(lot, _)| *lot < train_share);
        let train = if members.len() < 2 { members.len() } else { below.clamp(1, members.len() - 1) };
        split.train.extend(members[..train].iter().map(|(_, index)| index));
        split.validation.extend(members[train..].iter().map(|(_, index)| index));
    }
    split.train.sort_unstable();
    split.validation.sort_unstable();
    split
}

/// The indices of `count` images, in ascending order, or of all if there are fewer: each class in proportion to its images
/// (by the method of Webster and Sainte-Lague), of which those with the least lots. A lesser count takes some of a greater
/// one's images.
pub fn some(images: &ImageDataset, count: usize, lots: Lots) -> Vec<usize> {
    let all: Vec<usize> = (0..images.len()).collect();
    let mut turns: Vec<(f64, f64, usize)> = Vec::with_capacity(all.len());
    for members in by_class(images, &all, lots) {
        let turn = |at: usize| (at as f64 + 0.5) / members.len() as f64;
        turns.extend(members.iter().enumerate().map(|(at, &(lot, index))| (turn(at), lot, index)));
    }
    turns.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut some: Vec<usize> = turns.into_iter().take(count).map(|(.., index)| index).collect();
    some.sort_unstable();
    some
}

/// The lots and indices of each class's images, the least lot first.
fn by_class(images: &ImageDataset, among: &[usize], lots: Lots) -> Vec<Vec<(f64, usize)>> {
    let mut classes = vec![Vec::new(); 256];
    for &index in among {
        classes[usize::from(images.labels[index])].push((lots.of(images.ids[index]), index));
    }
    for members in &mut classes {
        members.sort_by(|a: &(f64, usize), b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images of one pixel with these labels, known by their numbers.
    fn images(labels: Vec<u8>) -> ImageDataset {
        let ids = (0..labels.len()).map(|at| identity(&[at.to_string().as_bytes()])).collect();
        let classes = (0..10).map(|class: u8| class.to_string()).collect();
        ImageDataset { pixels: vec![0; labels.len()], labels, ids, width: 1, height: 1, classes }
    }

    fn all(images: &ImageDataset) -> Vec<usize> {
        (0..images.len()).collect()
    }

    #[test]
    fn every_class_is_split_near_its_share_and_nothing_is_lost() {
        let images = images((0..4000).map(|i| (i / 400) as u8).collect());
        let split = stratified(&images, &all(&images), 0.8, Lots::new(1, "a"));
        for class in 0..10 {
            let count = |part: &[usize]| part.iter().filter(|&&i| images.labels[i] == class).count();
            assert_eq!(count(&split.train) + count(&split.validation), 400);
            // Five standard deviations of 8.
            assert!(count(&split.train).abs_diff(320) < 40, "{} of class {class}", count(&split.train));
        }
        let mut both = [split.train, split.validation].concat();
        both.sort_unstable();
        assert_eq!(both, all(&images));
    }

    #[test]
    fn lots_are_those_of_the_definition() {
        // hashlib.md5(b"7").digest()[:8], and md5(pack("<Q", 3) + b"test" + pack("<Q", id)), by Python.
        let id = identity(&[b"7"]);
        assert_eq!(id, 0x8f14_e45f_ceea_167a);
        assert_eq!(Lots::new(3, "test").of(id), 0.617_950_285_834_616_5);
    }

    #[test]
    fn seed_and_purpose_decide() {
        let images = images(vec![3; 100]);
        let split = |lots| stratified(&images, &all(&images), 0.8, lots);
        assert_eq!(split(Lots::new(5, "a")), split(Lots::new(5, "a")));
        assert_ne!(split(Lots::new(5, "a")), split(Lots::new(6, "a")));
        assert_ne!(split(Lots::new(5, "a")), split(Lots::new(5, "b")));
    }

    #[test]
    fn no_image_moves_when_another_is_removed() {
        let images = images((0..300).map(|i| (i % 3) as u8).collect());
        let lots = Lots::new(2, "a");
        let split = stratified(&images, &all(&images), 0.8, lots);
        for removed in 0..images.len() {
            let mut fewer = all(&images);
            fewer.remove(removed);
            let now = stratified(&images.select(&fewer), &(0..fewer.len()).collect::<Vec<_>>(), 0.8, lots);
            let was = |part: &[usize]| part.iter().map(|&at| fewer[at]).collect::<Vec<_>>();
            let without = |part: &[usize]| part.iter().copied().filter(|&at| at != removed).collect::<Vec<_>>();
            assert_eq!((was(&now.train), was(&now.validation)), (without(&split.train), without(&split.validation)));
        }
    }

    #[test]
    fn small_classes_are_in_both_parts() {
        for seed in 0..50 {
            let images = images(vec![0, 1, 1, 2, 2, 2]);
            let split = stratified(&images, &all(&images), 0.9, Lots::new(seed, "a"));
            let has = |part: &[usize], class| part.iter().any(|&at| images.labels[at] == class);
            assert!((0..3).all(|class| has(&split.train, class)), "{split:?}");
            assert!(!has(&split.validation, 0) && has(&split.validation, 1) && has(&split.validation, 2), "{split:?}");
        }
    }

    #[test]
    fn some_images_are_of_every_class_in_proportion() {
        // 600, 300 and 100, one class after the other.
        let images = images([vec![0; 600], vec![1; 300], vec![2; 100]].concat());
        let lots = Lots::new(4, "limit");
        let counts = |count: usize| {
            let some = some(&images, count, lots);
            [0, 1, 2].map(|class| some.iter().filter(|&&at| images.labels[at] == class).count())
        };
        assert_eq!((counts(10), counts(100), counts(3)), ([6, 3, 1], [60, 30, 10], [2, 1, 0]));
        assert_eq!(counts(5000), [600, 300, 100]);
        let (few, many) = (some(&images, 50, lots), some(&images, 400, lots));
        assert!(few.iter().all(|at| many.contains(at)));
        assert_ne!(few, some(&images, 50, Lots::new(5, "limit")));
    }
}
