//! How much a saved state may compute: a file of a few bytes must not name terabytes of bins.

use strix_reduce::aggregators::MOST_BINS;

use crate::statistic::{Family, Statistic};

/// Statistics in one state.
const MOST_STATISTICS: usize = 4096;

/// Bins of all the histograms in one state, which it names in a few bytes each.
const MOST_BINS_IN_ALL: usize = 4 * MOST_BINS;

/// What is left of the bounds.
#[derive(Debug)]
pub(crate) struct Room {
    statistics: usize,
    bins: usize,
}

impl Default for Room {
    fn default() -> Self {
        Self { statistics: MOST_STATISTICS, bins: MOST_BINS_IN_ALL }
    }
}

impl Room {
    /// Makes room for one more statistic.
    ///
    /// # Errors
    /// That there is none.
    pub(crate) fn take(&mut self, statistic: &Statistic) -> Result<(), String> {
        let bins = if let Family::Histogram { bins, .. } = statistic.family { bins } else { 0 };
        let left = |have: usize, want: usize, most: usize, of: &str| {
            have.checked_sub(want).ok_or_else(|| format!("a state holds at most {most} {of}"))
        };
        self.statistics = left(self.statistics, 1, MOST_STATISTICS, "statistics")?;
        self.bins = left(self.bins, bins, MOST_BINS_IN_ALL, "bins of histograms")?;
        Ok(())
    }
}
