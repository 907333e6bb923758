//! `--exact`: the same statistics, rounded once.

use super::{Family, Read, Statistic};

/// Puts the exact family in the place of each that rounds on the way.
///
/// One state serves sums, means and variances where more than one kind is asked for: the kinds of all statistics decide,
/// so that a list has one meaning whatever columns it is of.
///
/// # Errors
/// What has no exact form, for a message about usage.
pub(crate) fn exactly(statistics: &mut [Statistic]) -> Result<(), String> {
    let asked = |family| statistics.iter().any(|statistic| statistic.family == family);
    let kinds = [Family::Sum, Family::Mean, Family::Variance].into_iter().filter(|&family| asked(family)).count();
    let alone = kinds == 1 && !asked(Family::Variance);
    for statistic in statistics {
        (statistic.family, statistic.read) = match (statistic.family, statistic.read) {
            (Family::Sum, _) if alone => (Family::ExactSum, Read::Whole),
            (Family::Mean, _) if alone => (Family::ExactMean, Read::Whole),
            (Family::Sum, _) => (Family::ExactMoments, Read::Sum),
            (Family::Mean, _) => (Family::ExactMoments, Read::Mean),
            (Family::Variance, read) => (Family::ExactMoments, read),
            (Family::Covariance, read) => (Family::ExactCovariance, read),
            exact if never_rounds(exact.0) => exact,
            _ => {
                return Err(format!(
                    "{} has no exact form; sums, means, variances, standard deviations, covariance and correlation have, \
                     and counts, extremes and places are exact",
                    statistic.text
                ));
            }
        };
    }
    Ok(())
}

fn never_rounds(family: Family) -> bool {
    use Family::{All, Any, ArgMax, ArgMin, Count, First, Histogram, Items, Last, Max, Min, Range, Rows};
    matches!(
        family,
        Rows | Count | Items | Min | Max | Range | ArgMin | ArgMax | First | Last | Any | All | Histogram { .. }
    )
}
