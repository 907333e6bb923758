//! A histogram over fixed edges.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::brief::Few;
use crate::state::{MadeBy, Signature, check_counts};
use crate::{Aggregator, Block, Element, Error, Label, Portable};

/// Counts elements between fixed edges: bin i holds edge\[i\] <= x < edge\[i + 1\], the last bin also its
/// upper edge (as NumPy's `histogram` does). What is below, above or NaN is counted apart.
///
/// Elements are compared as f64, to which 64-bit integers round.
///
/// ```
/// # use strix_reduce::{Engine, Histogram, Reducer};
/// let mut reducer = Reducer::new(Histogram::uniform(0.0, 1.0, 4)?, &Engine::cpu())?;
/// reducer.push(&[0.1, 0.2, 0.5, 1.0, 1.5])?;
/// let bins = reducer.finish();
/// assert_eq!(bins.counts, [2, 0, 1, 1]);
/// assert_eq!(bins.above, 1);
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    edges: Arc<[f64]>,
    /// Bins over the width, where all are of one width.
    scale: Option<f64>,
    /// Whether the bins were asked for as a number of one width, which says all of the edges.
    uniform: bool,
    /// A hash of the edges.
    parameters: u64,
}

/// Bins that a histogram has at most.
pub const MOST_BINS: usize = 1 << 20;

/// What a histogram counted.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Bins {
    /// One more than there are counts, rising.
    pub edges: Arc<[f64]>,
    /// Elements in each bin.
    pub counts: Vec<u64>,
    /// Elements below the first edge.
    pub below: u64,
    /// Elements above the last edge.
    pub above: u64,
    /// NaN elements.
    pub nan: u64,
}

impl Bins {
    /// Counts in bins between these edges, of which there is one more; with nothing outside.
    pub fn new(edges: impl Into<Arc<[f64]>>, counts: Vec<u64>) -> Self {
        Self { edges: edges.into(), counts, below: 0, above: 0, nan: 0 }
    }
}

impl fmt::Debug for Bins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Bins");
        debug.field("edges", &Few(&self.edges)).field("counts", &Few(&self.counts));
        debug.field("below", &self.below).field("above", &self.above).field("nan", &self.nan).finish()
    }
}

/// The counts of a histogram under way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinCounts {
    counts: Vec<u64>,
    below: u64,
    above: u64,
    nan: u64,
    #[serde(skip)]
    made_by: MadeBy,
}

impl fmt::Debug for BinCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("BinCounts");
        debug.field("counts", &Few(&self.counts)).field("below", &self.below);
        debug.field("above", &self.above).field("nan", &self.nan).finish_non_exhaustive()
    }
}

impl Histogram {
    /// Bins between these edges.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless there are two to 2^20 + 1 finite edges that rise.
    pub fn new(edges: &[f64]) -> Result<Self, Error> {
        let bins = edges.len().saturating_sub(1);
        if bins == 0 || bins > MOST_BINS {
            return Err(Error::Parameter(format!("a histogram has 1 to {MOST_BINS} bins, not {bins}")));
        }
        if !edges.iter().all(|edge| edge.is_finite()) || !edges.is_sorted_by(|a, b| a < b) {
            return Err(Error::Parameter(format!("edges of a histogram are finite and rise, unlike {edges:?}")));
        }
        let parameters = edges.iter().fold(edges.len() as u64, |hash, edge| (hash ^ edge.hash64()).rotate_left(1));
        Ok(Self { edges: edges.into(), scale: None, uniform: false, parameters })
    }

    /// `bins` bins of one width from `low` to `high`.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `low` is below `high`, both finite, and there are 1 to 2^20 bins.
    pub fn uniform(low: f64, high: f64, bins: usize) -> Result<Self, Error> {
        if bins == 0 || bins > MOST_BINS {
            return Err(Error::Parameter(format!("a histogram has 1 to {MOST_BINS} bins, not {bins}")));
        }
        let step = high / bins as f64 - low / bins as f64;
        if !(step.is_finite() && step > 0.0) {
            let what = format!("a histogram from {low} to {high} has no width; the first edge is below the last");
            return Err(Error::Parameter(what));
        }
        // Where the width is more than the largest f64, in halves.
        let (half, whole) = if (high - low).is_finite() { (1.0, 1.0) } else { (0.5, 2.0) };
        let mut edges: Vec<f64> = (0..=bins).map(|i| (low * half + step * half * i as f64) * whole).collect();
        edges[bins] = high;
        // Of bins too narrow or too wide for it, the edges alone decide.
        let scale = Some(bins as f64 / (high - low)).filter(|scale| scale.is_finite() && *scale > 0.0);
        Ok(Self { scale, uniform: true, ..Self::new(&edges)? })
    }

    /// The edges.
    pub fn edges(&self) -> &[f64] {
        &self.edges
    }

    /// The edges as keys, in the order of `histogram.wgsl`: elements compare with them as with the edges.
    #[cfg(feature = "gpu")]
    fn keys<T: Element>(&self) -> Arc<[u32]> {
        let (least, greatest) = T::KEYS;
        // How many keys, from the least on, are of numbers for which `before` is true, as it is up to some number.
        let reach = |before: &dyn Fn(f64) -> bool| {
            let (mut low, mut high) = (0, u64::from(greatest - least) + 1);
            while low < high {
                let middle = (low + high) / 2;
                if before(T::from_key(least + middle as u32).to_f64()) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            low
        };
        let bins = self.edges.len() - 1;
        let lower = self.edges[..bins].iter().map(|&edge| reach(&|x| x < edge));
        let lower: Vec<u32> =
            lower.take_while(|&keys| keys <= u64::from(greatest - least)).map(|keys| least + keys as u32).collect();
        let up_to = reach(&|x| x <= self.edges[bins]);
        let top = (least as u64 + up_to).saturating_sub(1) as u32;
        [lower.len() as u32, u32::from(up_to > 0), top]
            .into_iter()
            .chain(lower.iter().copied())
            .chain(vec![0; bins - lower.len()])
            .collect()
    }

    /// Refuses counts of other bins.
    #[inline(always)]
    fn assert_own(&self, state: &BinCounts) {
        let (bins, found) = (self.edges.len() - 1, state.counts.len());
        assert!(
            found == bins && state.made_by.other_than(self.parameters).is_none(),
            "counts of a histogram of {found} bins are not those of one of {bins} bins between {} and {}, or between other \
             edges; merge counts of equal histograms",
            self.edges[0],
            self.edges[bins]
        );
    }

    #[inline(always)]
    fn count(&self, bins: &mut BinCounts, x: f64) {
        let last = bins.counts.len() - 1;
        if x.is_nan() {
            bins.nan += 1;
        } else if x < self.edges[0] {
            bins.below += 1;
        } else if x > self.edges[last + 1] {
            bins.above += 1;
        } else {
            let bin = match self.scale {
                Some(scale) => {
                    // Rounding may put it next to its bin; the edges decide.
                    let guess = (((x - self.edges[0]) * scale) as usize).min(last);
                    if x < self.edges[guess] {
                        guess - 1
                    } else if guess < last && x >= self.edges[guess + 1] {
                        guess + 1
                    } else {
                        guess
                    }
                }
                None => self.edges.partition_point(|&edge| edge <= x).saturating_sub(1).min(last),
            };
            bins.counts[bin] += 1;
        }
    }
}

impl BinCounts {
    fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.below += other.below;
        self.above += other.above;
        self.nan += other.nan;
    }

    fn less(mut self, other: &Self) -> Self {
        for (count, fewer) in self.counts.iter_mut().zip(&other.counts) {
            *count -= fewer;
        }
        Self { below: self.below - other.below, above: self.above - other.above, nan: self.nan - other.nan, ..self }
    }
}

impl<T: Element> Aggregator<T> for Histogram {
    type State = BinCounts;
    type Output = Bins;

    fn identity(&self) -> BinCounts {
        let made_by = MadeBy::parameters(self.parameters);
        BinCounts { counts: vec![0; self.edges.len() - 1], below: 0, above: 0, nan: 0, made_by }
    }
    #[inline(always)]
    fn lift(&self, state: &mut BinCounts, item: &T) {
        self.assert_own(state);
        self.count(state, item.to_f64());
    }
    fn merge(&self, state: &mut BinCounts, other: BinCounts) {
        self.assert_own(state);
        self.assert_own(&other);
        state.add(&other);
    }
    fn finish(&self, state: BinCounts) -> Bins {
        self.assert_own(&state);
        let BinCounts { counts, below, above, nan, .. } = state;
        Bins { edges: self.edges.clone(), counts, below, above, nan }
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut BinCounts, block: &Block<'_, T>) {
        self.assert_own(state);
        for item in block.iter() {
            self.count(state, item.to_f64());
        }
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<BinCounts>> {
        let (bins, made_by) = (self.edges.len() - 1, MadeBy::parameters(self.parameters));
        let read = move |counts: &[u32], partial: &crate::gpu::Partial<'_>| BinCounts {
            counts: counts[..bins].iter().map(|&count| count.into()).collect(),
            below: counts[bins].into(),
            above: counts[bins + 1].into(),
            nan: partial.census().nan.into(),
            made_by,
        };
        let counters = bins as u32 + 2;
        Some(crate::gpu::GpuHalf::counting(strix_shaders::HISTOGRAM, self.keys::<T>(), counters, read))
    }
}

impl<T: Element> crate::Subtract<T> for Histogram {
    fn subtract(&self, whole: BinCounts, part: BinCounts) -> BinCounts {
        self.assert_own(&whole);
        self.assert_own(&part);
        whole.less(&part)
    }
}

impl<T: Element> Portable<T> for Histogram {
    fn signature(&self) -> Signature {
        let bins = self.edges.len() - 1;
        if self.uniform {
            // A list of the edges would be up to 2^20 long.
            return format!("histogram({:?}, {:?}, {bins}) of {}", self.edges[0], self.edges[bins], T::NAME);
        }
        format!("histogram(edges={:?}) of {}", self.edges, T::NAME)
    }
    fn check(&self, state: &BinCounts, items: u64) -> Result<(), String> {
        let bins = self.edges.len() - 1;
        if state.counts.len() != bins {
            return Err(format!("it has {} bins, not {bins}", state.counts.len()));
        }
        check_counts([state.below, state.above, state.nan].iter().chain(&state.counts), items)
    }
}
