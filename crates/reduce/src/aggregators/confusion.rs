//! Which class was taken for which: the confusion matrix of a classifier.

use crate::state::Signature;
use crate::{Aggregator, Portable};

/// Counts (label, predicted) pairs of class indices.
///
/// A pair outside the classes is counted apart, in [`Confusion::outside`], so that no prediction is
/// lost without a trace.
///
/// ```
/// # use strix_reduce::{ConfusionMatrix, Engine, Reducer};
/// let mut reducer = Reducer::new(ConfusionMatrix { classes: 2 }, &Engine::cpu())?;
/// reducer.push(&[(0u8, 0u8), (0, 1), (1, 1)])?;
/// let confusion = reducer.finish();
/// assert_eq!(confusion.accuracy(), Some(2.0 / 3.0));
/// assert_eq!(confusion.precision(1), Some(0.5));
/// assert_eq!(confusion.recall(1), Some(1.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfusionMatrix {
    /// How many classes there are.
    pub classes: u8,
}

/// The counts, and what is read from them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Confusion {
    classes: usize,
    counts: Vec<u64>,
    /// Pairs with a label or a prediction that is no class.
    pub outside: u64,
}

impl Confusion {
    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Items of class `label` that were taken for `predicted`.
    ///
    /// # Panics
    /// When either is no class.
    pub fn count(&self, label: usize, predicted: usize) -> u64 {
        let classes = self.classes;
        assert!(label < classes && predicted < classes, "({label}, {predicted}) of {classes} classes");
        self.counts[label * self.classes + predicted]
    }

    /// All items counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.outside
    }

    /// Items of class `label` that were taken for any class. It, and what is told of one class below, panics for what is
    /// no class, as [`Confusion::count`] does.
    pub fn support(&self, label: usize) -> u64 {
        (0..self.classes).map(|predicted| self.count(label, predicted)).sum()
    }

    /// The share of items that were predicted right; `None` of nothing.
    pub fn accuracy(&self) -> Option<f64> {
        ratio((0..self.classes).map(|class| self.count(class, class)).sum(), self.total())
    }

    /// Of the items predicted as `class`, the share that are; `None` if none was predicted so.
    pub fn precision(&self, class: usize) -> Option<f64> {
        ratio(self.count(class, class), (0..self.classes).map(|label| self.count(label, class)).sum())
    }

    /// Of the items of `class`, the share that were predicted so; `None` if there is none.
    pub fn recall(&self, class: usize) -> Option<f64> {
        ratio(self.count(class, class), self.support(class))
    }

    /// The unweighted mean of F1 over the classes that were there or predicted; `None` without any.
    pub fn macro_f1(&self) -> Option<f64> {
        let scores: Vec<f64> = (0..self.classes).filter_map(|class| self.f1(class)).collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }

    /// The unweighted mean of recall over the classes that were there (balanced accuracy); `None` without any.
    pub fn macro_recall(&self) -> Option<f64> {
        let scores: Vec<f64> = (0..self.classes).filter_map(|class| self.recall(class)).collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }

    /// The harmonic mean of precision and recall, 2 tp / (2 tp + fp + fn); `None` if the class was
    /// neither there nor predicted.
    pub fn f1(&self, class: usize) -> Option<f64> {
        let predicted: u64 = (0..self.classes).map(|label| self.count(label, class)).sum();
        ratio(2 * self.count(class, class), predicted + self.support(class))
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl ConfusionMatrix {
    /// Refuses counts of other classes.
    #[inline(always)]
    fn assert_own(self, state: &Confusion) {
        let (own, found) = (usize::from(self.classes), state.classes);
        assert!(own == found, "counts of {found} classes are not those of {own}; merge counts of the same classes");
    }
}

macro_rules! counts_pairs {
    ($($pair:ty),*) => {$(
        impl Aggregator<$pair> for ConfusionMatrix {
            type State = Confusion;
            type Output = Confusion;

            fn identity(&self) -> Confusion {
                let classes = usize::from(self.classes);
                Confusion { classes, counts: vec![0; classes * classes], outside: 0 }
            }
            #[inline(always)]
            fn lift(&self, state: &mut Confusion, &(label, predicted): &$pair) {
                self.assert_own(state);
                let (label, predicted) = (label as usize, predicted as usize);
                if label < state.classes && predicted < state.classes {
                    state.counts[label * state.classes + predicted] += 1;
                } else {
                    state.outside += 1;
                }
            }
            fn merge(&self, state: &mut Confusion, other: Confusion) {
                self.assert_own(state);
                self.assert_own(&other);
                for (count, more) in state.counts.iter_mut().zip(other.counts) {
                    *count += more;
                }
                state.outside += other.outside;
            }
            fn finish(&self, state: Confusion) -> Confusion {
                self.assert_own(&state);
                state
            }
            #[cfg(feature = "gpu")]
            fn gpu(&self) -> Option<crate::gpu::GpuHalf<Confusion>> {
                let classes = usize::from(self.classes);
                let cells = classes * classes;
                let read = move |counts: &[u32], _: &crate::gpu::Partial<'_>| Confusion {
                    classes,
                    counts: counts[..cells].iter().map(|&count| count.into()).collect(),
                    outside: counts[cells].into(),
                };
                let parameters = [u32::from(self.classes)].into();
                Some(crate::gpu::GpuHalf::counting(strix_shaders::CONFUSION, parameters, cells as u32 + 1, read))
            }
        }
    )*};
}
// Class indices as they lie in files, and on devices.
counts_pairs!((u8, u8), (u32, u32));

impl crate::Subtract<(u8, u8)> for ConfusionMatrix {
    fn subtract(&self, whole: Confusion, part: Confusion) -> Confusion {
        self.assert_own(&whole);
        self.assert_own(&part);
        let mut whole = whole;
        for (count, less) in whole.counts.iter_mut().zip(part.counts) {
            *count -= less;
        }
        whole.outside -= part.outside;
        whole
    }
}

impl Portable<(u8, u8)> for ConfusionMatrix {
    fn signature(&self) -> Signature {
        format!("confusion_matrix(classes={}) of (u8, u8)", self.classes)
    }
    fn check(&self, state: &Self::State, items: u64) -> Result<(), String> {
        let classes = usize::from(self.classes);
        if state.classes != classes || state.counts.len() != classes * classes {
            return Err(format!("it is of {} classes, not {classes}", state.classes));
        }
        crate::state::check_counts(state.counts.iter().chain([&state.outside]), items)
    }
}
