//! The built-in aggregators, one file each.

mod confusion;
mod count;
mod max;
mod mean;
mod min;
mod optional;
mod sum;
mod tuple;
mod variance;

pub use confusion::{Confusion, ConfusionMatrix};
pub use count::Count;
pub use max::Max;
pub use mean::Mean;
pub use min::Min;
pub use sum::{Sum, SumState};
pub use variance::{SecondMoments, Variance};
