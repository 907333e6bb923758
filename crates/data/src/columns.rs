//! Which columns are wanted, and the shape that those of typed files are given.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::Error;

/// Names shown of the columns that there are.
const SHOWN: usize = 20;

/// The place of each wanted column among `names`, each name once; all of them if none is named.
pub(crate) fn choose(label: &Path, names: &[&str], wanted: Option<&[String]>) -> Result<Vec<usize>, Error> {
    let Some(wanted) = wanted else { return Ok((0..names.len()).collect()) };
    let place = |name: &String| place(names, name).ok_or_else(|| missing(label, name, names));
    once(wanted).into_iter().map(place).collect()
}

/// The place of a column that is asked for by its name, or else by its index.
pub(crate) fn place(names: &[&str], asked: &str) -> Option<usize> {
    let indexed = || asked.parse().ok().filter(|&index| index < names.len());
    names.iter().position(|&there| there == asked).or_else(indexed)
}

/// The names under which chosen columns go: as they were asked for, an index included. A column that is asked
/// for both ways is there twice.
pub(crate) fn labels(names: &[&str], wanted: Option<&[String]>) -> Vec<String> {
    match wanted {
        Some(wanted) => once(wanted).into_iter().cloned().collect(),
        None => names.iter().map(ToString::to_string).collect(),
    }
}

fn once(wanted: &[String]) -> Vec<&String> {
    let mut seen = HashSet::new();
    wanted.iter().filter(|name| seen.insert(*name)).collect()
}

/// That a wanted column is not there, and which ones are.
pub(crate) fn missing(label: &Path, name: &str, names: &[&str]) -> Error {
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| format!("{name:?}")).collect();
    let what = match names.len() {
        0 => format!("has no column {name:?}, and no columns at all"),
        len if len > SHOWN => {
            format!("has no column {name:?}; the first {SHOWN} of its {len} columns are {}", shown.join(", "))
        }
        _ => format!("has no column {name:?}; its columns are {}", shown.join(", ")),
    };
    Error::format(label, what)
}

/// Turns the columns of a typed file into those that are wanted.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) schema: SchemaRef,
    /// Places in the file's schema, in the order wanted.
    pub(crate) chosen: Vec<usize>,
    /// The place of each wanted column among those that the file's reader hands out.
    order: Vec<usize>,
}

impl Shape {
    pub(crate) fn new(label: &Path, file: &Schema, wanted: Option<&[String]>) -> Result<Self, Error> {
        let names: Vec<_> = file.fields().iter().map(|field| field.name().as_str()).collect();
        let chosen = choose(label, &names, wanted)?;
        let labels = labels(&names, wanted);
        let field = |(&index, label): (&usize, String)| {
            let field = file.field(index);
            Field::new(label, plain(field.data_type()), field.is_nullable())
        };
        let fields: Vec<Field> = chosen.iter().zip(labels).map(field).collect();
        let mut sorted = chosen.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let order = chosen.iter().filter_map(|index| sorted.binary_search(index).ok()).collect();
        Ok(Self { schema: Arc::new(Schema::new(fields)), chosen, order })
    }

    /// The chosen columns as a projection: in file order.
    pub(crate) fn projection(&self) -> Vec<usize> {
        let mut sorted = self.chosen.clone();
        sorted.sort_unstable();
        sorted.dedup();
        sorted
    }

    /// Puts a batch of the projection into the wanted order and into plain types.
    pub(crate) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let column = |(&from, field): (&usize, &Arc<Field>)| -> Result<ArrayRef, ArrowError> {
            let column = batch.columns().get(from);
            let column = column.ok_or_else(|| ArrowError::SchemaError(format!("column {from} is not there")))?;
            if column.data_type() == field.data_type() {
                return Ok(column.clone());
            }
            arrow::compute::cast(column, field.data_type())
        };
        let columns = self.order.iter().zip(self.schema.fields()).map(column).collect::<Result<_, _>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &rows)
    }
}

/// The type that a column is handed out as.
fn plain(from: &DataType) -> DataType {
    match from {
        DataType::Dictionary(_, values) => plain(values),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    }
}
