//! Answers as text, CSV, JSON, Parquet and pictures.

mod columns;
mod file;
mod page;
mod plot;
mod table;

pub(crate) use columns::columns;
pub(crate) use file::{Kind, bytes as file};
pub(crate) use page::page;
pub(crate) use plot::{GroupedMean, plot};
pub(crate) use table::{csv, json, text};
