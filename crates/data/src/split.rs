//! Seeded, stratified splits.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// The two parts of a split: indices into the dataset, each in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// To train on.
    pub train: Vec<usize>,
    /// To validate on.
    pub validation: Vec<usize>,
}

/// Puts `1 - train_share` of every class into the validation part, chosen by `seed`.
///
/// A class of n items gives `round(n * train_share)` to training. The same labels, share and seed
/// give the same split on every machine.
///
/// ```
/// let split = strix_data::split::stratified(&[0, 0, 0, 0, 0, 1, 1, 1, 1, 1], 0.8, 7);
/// assert_eq!((split.train.len(), split.validation.len()), (8, 2));
/// ```
pub fn stratified(labels: &[u8], train_share: f64, seed: u64) -> Split {
    let mut of_class = vec![Vec::new(); 256];
    for (index, &label) in labels.iter().enumerate() {
        of_class[usize::from(label)].push(index);
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut split = Split { train: Vec::new(), validation: Vec::new() };
    for mut members in of_class {
        members.shuffle(&mut random);
        let train = (members.len() as f64 * train_share).round() as usize;
        split.train.extend_from_slice(&members[..train]);
        split.validation.extend_from_slice(&members[train..]);
    }
    split.train.sort_unstable();
    split.validation.sort_unstable();
    split
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_is_split_in_proportion_and_nothing_is_lost() {
        let labels: Vec<u8> = (0..1000).map(|i| (i % 10) as u8).collect();
        let split = stratified(&labels, 0.8, 1);
        for class in 0..10 {
            let count = |part: &[usize]| part.iter().filter(|&&i| labels[i] == class).count();
            assert_eq!((count(&split.train), count(&split.validation)), (80, 20));
        }
        let mut all = [split.train, split.validation].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn the_seed_decides() {
        let labels = [3u8; 100];
        assert_eq!(stratified(&labels, 0.8, 5), stratified(&labels, 0.8, 5));
        assert_ne!(stratified(&labels, 0.8, 5), stratified(&labels, 0.8, 6));
    }
}
