//! From files and statistics to states: arrays through one reducer, tables batch by batch.

mod array;
mod patience;
mod rows;
mod types;

pub(crate) use array::reduce_arrays;
pub(crate) use rows::reduce_tables;

use indicatif::{ProgressBar, ProgressStyle};
use strix_data::Source;
use strix_reduce::EngineReport;

use crate::args::Reduce;
use crate::failure::Failure;
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
    /// What was not read any more, after Ctrl-C.
    pub(crate) interrupted: Option<String>,
}

/// Whether a source is an array, rather than a table.
pub(crate) fn is_array(args: &Reduce, source: &Source) -> Result<bool, Failure> {
    let given = args.format;
    Ok(patience::opened(source, move |source| strix_data::format_of(source, given))?.is_array())
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
