//! What people look at: a run's report as one HTML file that needs nothing else, and figures of several runs.

mod chart;
mod compare;
mod html;
mod sheet;

pub use compare::{Comparison, Evaluated, Figure, Group, compare};
pub use html::{escaped, html};
pub use sheet::{Sheet, misclassified};
