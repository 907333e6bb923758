//! From files and statistics to states: arrays through one reducer, tables batch by batch.

mod array;
mod describe;
mod patience;
mod rows;
mod types;
mod widen;

pub(crate) use array::reduce_arrays;
pub(crate) use describe::described;
pub(crate) use rows::reduce_tables;
pub(crate) use types::{check_options, formats};

use indicatif::{ProgressBar, ProgressStyle};
use strix_reduce::EngineReport;

use crate::table::{ByGroup, ItemType, Plan};

/// What a reduction came to.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) plan: Plan,
    pub(crate) by: Vec<String>,
    pub(crate) groups: ByGroup,
    /// Rows, or elements of arrays.
    pub(crate) rows: u64,
    /// NaN left out.
    pub(crate) skipped: u64,
    pub(crate) report: EngineReport,
    /// The items of the first column that is aggregated.
    pub(crate) item: Option<ItemType>,
    /// What was decided in doubt of how the files are to be read.
    pub(crate) notes: Vec<String>,
    /// What was not read any more, after Ctrl-C.
    pub(crate) interrupted: Option<String>,
}

/// The name that the elements of an array go by.
const ELEMENTS: &str = "elements";

/// On a terminal, how far a file is; elsewhere nothing.
fn bar(name: String, total: Option<u64>) -> ProgressBar {
    let Some(total) = total else {
        let style = ProgressStyle::with_template("{msg} {spinner} {human_pos}");
        return ProgressBar::new_spinner()
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
            .with_message(name);
    };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} % {eta}");
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(name)
}
