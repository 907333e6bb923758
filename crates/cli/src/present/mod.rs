//! Answers as text, CSV, JSON, Parquet and pictures.

mod file;
mod plot;
mod table;

pub(crate) use file::{Kind, bytes as file};
pub(crate) use plot::{GroupedMean, plot};
pub(crate) use table::{csv, json, text};

use crate::output::Value;
use crate::table::Key;

/// The answer of a reduction: a row for each group, the columns of the key first.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) by: Vec<String>,
    pub(crate) statistics: Vec<String>,
    pub(crate) rows: Vec<(Vec<Key>, Vec<Value>)>,
}

impl Answer {
    /// The names of all columns.
    fn header(&self) -> impl Iterator<Item = &str> {
        self.by.iter().chain(&self.statistics).map(String::as_str)
    }

    /// All cells of a row.
    fn cells(row: &(Vec<Key>, Vec<Value>)) -> impl Iterator<Item = Value> + '_ {
        row.0.iter().map(Key::value).chain(row.1.iter().cloned())
    }
}
