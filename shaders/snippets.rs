//! The snippets of the built-in aggregators.

/// The GPU half of one aggregator: its State and its algebra, in WGSL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Snippet {
    /// Lower-case name; the prefix of the snippet's functions and, in camel case, of its State.
    pub name: &'static str,
    /// The WGSL text.
    pub source: &'static str,
    /// Columns that an item has: 1, or 2 where items are pairs.
    pub columns: usize,
    /// The highest power of an offset that it sums, 4 at most: each piece then chooses a frame first, in which no such
    /// sum leaves the range of f32. 0 where it reads keys alone.
    pub powers: u32,
    /// Whether it counts into bins, and has no state.
    pub counts: bool,
    /// Whether it reads pairs as (value, weight): its offsets are `weighed_offset`, from a frame of those values alone
    /// that weigh something, and its State has a `weight`, the sum of `second_scaled`.
    pub weighs: bool,
}

impl Snippet {
    /// One that reads keys alone.
    pub const fn of_keys(name: &'static str, source: &'static str) -> Self {
        Self { name, source, columns: 1, powers: 0, counts: false, weighs: false }
    }

    /// One that sums offsets and their powers, up to that one.
    pub const fn of_offsets(name: &'static str, source: &'static str, powers: u32) -> Self {
        Self { name, source, columns: 1, powers, counts: false, weighs: false }
    }

    /// One that counts into bins.
    pub const fn of_counts(name: &'static str, source: &'static str) -> Self {
        Self { name, source, columns: 1, powers: 0, counts: true, weighs: false }
    }

    /// The same over pairs.
    #[must_use]
    pub const fn over_pairs(self) -> Self {
        Self { columns: 2, ..self }
    }

    /// The same over pairs of a value and its weight.
    #[must_use]
    pub const fn over_weights(self) -> Self {
        Self { columns: 2, weighs: true, ..self }
    }
}

/// Sum of elements, as offsets in the frame.
pub const SUM: Snippet = Snippet::of_offsets("sum", include_str!("aggregators/sum.wgsl"), 1);
/// First two moments, as offsets in the frame.
pub const VARIANCE: Snippet = Snippet::of_offsets("variance", include_str!("aggregators/variance.wgsl"), 2);
/// First four moments, as offsets in the frame.
pub const SHAPE: Snippet = Snippet::of_offsets("shape", include_str!("aggregators/shape.wgsl"), 4);
/// Least key.
pub const MIN: Snippet = Snippet::of_keys("min", include_str!("aggregators/min.wgsl"));
/// Greatest key.
pub const MAX: Snippet = Snippet::of_keys("max", include_str!("aggregators/max.wgsl"));
/// Least key and where it is first.
pub const ARG_MIN: Snippet = Snippet::of_keys("arg_min", include_str!("aggregators/arg_min.wgsl"));
/// Greatest key and where it is first.
pub const ARG_MAX: Snippet = Snippet::of_keys("arg_max", include_str!("aggregators/arg_max.wgsl"));
/// Exact sum of the keys of integers.
pub const INTEGER_SUM: Snippet = Snippet::of_keys("integer_sum", include_str!("aggregators/integer_sum.wgsl"));
/// Exact first two moments of the keys of integers of at most 16 bits.
pub const INTEGER_VARIANCE: Snippet =
    Snippet::of_keys("integer_variance", include_str!("aggregators/integer_variance.wgsl"));
/// Exact first two moments of the keys of integers of 32 bits.
pub const WIDE_INTEGER_VARIANCE: Snippet =
    Snippet::of_keys("wide_integer_variance", include_str!("aggregators/wide_integer_variance.wgsl"));
/// Exact sum of f32 elements, in digits of 16 bits and units of 2^-149.
pub const EXACT_SUM: Snippet = Snippet::of_keys("exact_sum", include_str!("aggregators/exact_sum.wgsl"));
/// Exact sum of the squares of f32 elements, in digits of 16 bits and units of 2^-298.
pub const EXACT_SQUARES: Snippet = Snippet::of_keys("exact_squares", include_str!("aggregators/exact_squares.wgsl"));
/// First two moments of pairs.
pub const COVARIANCE: Snippet =
    Snippet::of_offsets("covariance", include_str!("aggregators/covariance.wgsl"), 2).over_pairs();
/// Weighted sums of (value, weight): three factors in a product, so that they need the narrower range of four.
pub const WEIGHTED: Snippet =
    Snippet::of_offsets("weighted", include_str!("aggregators/weighted.wgsl"), 4).over_weights();
/// Counts between edges.
pub const HISTOGRAM: Snippet = Snippet::of_counts("histogram", include_str!("aggregators/histogram.wgsl"));
/// Counts of pairs of classes.
pub const CONFUSION: Snippet = Snippet::of_counts("confusion", include_str!("aggregators/confusion.wgsl")).over_pairs();

/// Digits of [`EXACT_SUM`], the last of which has the sign.
pub const EXACT_SUM_DIGITS: u32 = 20;
/// Digits of [`EXACT_SQUARES`].
pub const EXACT_SQUARES_DIGITS: u32 = 37;
