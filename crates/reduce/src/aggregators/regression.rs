//! Simple linear regression: the least-squares line through pairs.

use super::covariance::CrossMoments;
use crate::arithmetic::not_negative;
use crate::state::Signature;
use crate::{Aggregator, Block, Covariance, Element, Portable};

/// Fits y = intercept + slope x by least squares. The state is a [`Covariance`]'s.
///
/// The residual variance is what the line leaves of y's, so its error is relative to the latter: of pairs on
/// a line it is not 0 but up to about `2^-43` of y's variance.
///
/// ```
/// # use strix_reduce::{Engine, LinearRegression, Reducer};
/// let mut reducer = Reducer::new(LinearRegression, &Engine::cpu())?;
/// reducer.push(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)])?;
/// let line = reducer.finish().expect("x has a spread");
/// assert_eq!((line.slope, line.intercept, line.r_squared), (2.0, 1.0, Some(1.0)));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LinearRegression;

/// A fitted line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Line {
    /// Pairs seen.
    pub count: u64,
    /// Change of y for one more x.
    pub slope: f64,
    /// y at x = 0.
    pub intercept: f64,
    /// The share of y's variance that the line explains; `None` where y has none.
    pub r_squared: Option<f64>,
    /// The residual standard deviation, with count - 2 degrees of freedom; `None` of fewer than three pairs.
    pub residual_sd: Option<f64>,
}

impl<X: Element, Y: Element> Aggregator<(X, Y)> for LinearRegression {
    type State = CrossMoments;
    /// `None` where x has no spread, so that no line is determined.
    type Output = Option<Line>;

    fn identity(&self) -> CrossMoments {
        CrossMoments::default()
    }
    #[inline]
    fn lift(&self, state: &mut CrossMoments, item: &(X, Y)) {
        Covariance.lift(state, item);
    }
    #[inline(always)]
    fn merge(&self, state: &mut CrossMoments, other: CrossMoments) {
        Aggregator::<(X, Y)>::merge(&Covariance, state, other);
    }
    fn finish(&self, state: CrossMoments) -> Option<Line> {
        let (xx, yy, xy) = state.deviations();
        let (x, y) = (state.mean_x()?, state.mean_y()?);
        if xx == 0.0 {
            return None;
        }
        let (x_unit, y_unit) = state.units();
        // Counted in units of y over units of x: as a number it may be outside the range of f64.
        let slope = xy / xx;
        let residual = not_negative(yy - slope * xy);
        Some(Line {
            count: state.count,
            slope: y_unit.convert(slope, 1, x_unit),
            intercept: y - y_unit.times(slope * x_unit.times(x, -1), 1),
            r_squared: state.correlation().map(|r| r * r),
            residual_sd: (state.count > 2).then(|| y_unit.times((residual / (state.count - 2) as f64).sqrt(), 1)),
        })
    }
    #[inline(always)]
    fn lift_block(&self, state: &mut CrossMoments, block: &Block<'_, (X, Y)>) {
        Covariance.lift_block(state, block);
    }

    #[cfg(feature = "gpu")]
    fn gpu(&self) -> Option<crate::gpu::GpuHalf<CrossMoments>> {
        Aggregator::<(X, Y)>::gpu(&Covariance)
    }
}

impl<X: Element, Y: Element> Portable<(X, Y)> for LinearRegression {
    fn signature(&self) -> Signature {
        format!("linear_regression of ({}, {})", X::NAME, Y::NAME)
    }
    fn check(&self, state: &CrossMoments, items: u64) -> Result<(), String> {
        Portable::<(X, Y)>::check(&Covariance, state, items)
    }
}
