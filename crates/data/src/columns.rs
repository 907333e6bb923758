//! Which columns are wanted, and the shape that those of typed files are given.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::CastOptions;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::Error;

/// Names shown of the columns that there are.
const SHOWN: usize = 20;

/// The place of each wanted column among `names`, each name once; all of them if none is named.
pub(crate) fn choose(label: &Path, names: &[&str], wanted: Option<&[String]>) -> Result<Vec<usize>, Error> {
    let Some(wanted) = wanted else { return Ok((0..names.len()).collect()) };
    let mut places: HashMap<&str, Option<usize>> = HashMap::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        // None where several have the name.
        places.entry(name).and_modify(|place| *place = None).or_insert(Some(index));
    }
    let known = |name: &String| places.get(name.as_str()).copied().flatten();
    once(wanted).into_iter().map(|name| known(name).map_or_else(|| place(label, names, name), Ok)).collect()
}

/// The place of a column that is asked for by its name, by its name and number where several have it (`x#2`), or
/// else by its index.
///
/// # Errors
/// That there is no such column, or several of the name.
pub(crate) fn place(label: &Path, names: &[&str], asked: &str) -> Result<usize, Error> {
    let mut named = (0..names.len()).filter(|&index| names[index] == asked);
    match (named.next(), named.count()) {
        (Some(only), 0) => return Ok(only),
        (Some(_), others) => {
            let what = format!(
                "has {} columns called {asked:?}; choose one as \"{asked}#1\" to \"{asked}#{}\", or by its index from 0",
                others + 1,
                others + 1
            );
            return Err(Error::format(label, what));
        }
        (None, _) => {}
    }
    let numbered = || {
        let (name, number) = asked.rsplit_once('#')?;
        let nth = number.parse::<usize>().ok()?.checked_sub(1)?;
        (0..names.len()).filter(|&index| names[index] == name).nth(nth)
    };
    let indexed = || asked.parse().ok().filter(|&index| index < names.len());
    numbered().or_else(indexed).ok_or_else(|| missing(label, asked, names))
}

/// The names under which chosen columns go: as they were asked for, an index included. A column that is asked
/// for both ways is there twice. Of all columns, those that share a name are numbered from 1: `x#1`, `x#2`; where another
/// column has that name, they go by their index.
pub(crate) fn labels(names: &[&str], wanted: Option<&[String]>) -> Vec<String> {
    if let Some(wanted) = wanted {
        return once(wanted).into_iter().cloned().collect();
    }
    let mut seen: HashMap<&str, (usize, usize)> = HashMap::new();
    names.iter().for_each(|&name| seen.entry(name).or_default().0 += 1);
    let mut labels: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    for (index, name) in names.iter().enumerate() {
        let (all, before) = seen.get(name).copied().unwrap_or_default();
        if all > 1 {
            let numbered = format!("{name}#{}", before + 1);
            labels[index] = if seen.contains_key(numbered.as_str()) { index.to_string() } else { numbered };
            seen.insert(name, (all, before + 1));
        }
    }
    labels
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
    /// Which of the wanted columns keep the codes of their text.
    coded: Vec<bool>,
}

/// The type of text that comes as codes.
pub(crate) fn coded_text() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

impl Shape {
    pub(crate) fn new(label: &Path, file: &Schema, wanted: Option<&[String]>) -> Result<Self, Error> {
        let names: Vec<_> = file.fields().iter().map(|field| field.name().as_str()).collect();
        let chosen = choose(label, &names, wanted)?;
        let labels = labels(&names, wanted);
        let field = |(&index, label): (&usize, String)| {
            let field = file.field(index);
            Field::new(label, plain(field), true)
        };
        let fields: Vec<Field> = chosen.iter().zip(labels).map(field).collect();
        let mut sorted = chosen.clone();
        sorted.sort_unstable();
        sorted.dedup();
        let order = chosen.iter().filter_map(|index| sorted.binary_search(index).ok()).collect();
        let coded = vec![false; fields.len()];
        Ok(Self { schema: Arc::new(Schema::new(fields)), chosen, order, coded })
    }

    /// Lets these columns, where they are text, keep their codes.
    pub(crate) fn keep_codes(&mut self, columns: &[String]) {
        let coded = |field: &Arc<Field>| *field.data_type() == DataType::Utf8 && columns.contains(field.name());
        self.coded = self.schema.fields().iter().map(coded).collect();
    }

    /// The places in the file's schema of the columns that keep their codes.
    pub(crate) fn coded(&self) -> impl Iterator<Item = usize> {
        self.chosen.iter().zip(&self.coded).filter(|&(_, coded)| *coded).map(|(&index, _)| index)
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
        let column = |(at, &from): (usize, &usize)| -> Result<ArrayRef, ArrowError> {
            let column = batch.columns().get(from);
            let column = column.ok_or_else(|| ArrowError::SchemaError(format!("column {from} is not there")))?;
            let plain = self.schema.field(at).data_type();
            if column.data_type() == plain || self.coded[at] && *column.data_type() == coded_text() {
                return Ok(column.clone());
            }
            plainly(column, plain)
        };
        let columns: Vec<ArrayRef> = self.order.iter().enumerate().map(column).collect::<Result<_, _>>()?;
        let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(typed(&self.schema, &columns), columns, &rows)
    }
}

/// The schema with the types that these columns have.
fn typed(schema: &SchemaRef, columns: &[ArrayRef]) -> SchemaRef {
    let fields = || schema.fields().iter().zip(columns);
    if fields().all(|(field, column)| field.data_type() == column.data_type()) {
        return schema.clone();
    }
    let typed =
        |(field, column): (&Arc<Field>, &ArrayRef)| Field::clone(field).with_data_type(column.data_type().clone());
    Arc::new(Schema::new(fields().map(typed).collect::<Vec<_>>()))
}

/// The type that a column is handed out as.
fn plain(from: &Field) -> DataType {
    if is_uuid(from) { DataType::Utf8 } else { plain_type(from.data_type()) }
}

fn plain_type(from: &DataType) -> DataType {
    match from {
        DataType::Dictionary(_, values) => plain_type(values),
        DataType::RunEndEncoded(_, values) => plain_type(values.data_type()),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Decimal32(digits, scale) | DataType::Decimal64(digits, scale) => {
            DataType::Decimal128(*digits, *scale)
        }
        other => other.clone(),
    }
}

/// Whether its 16 bytes are a UUID (Arrow's canonical extension type).
fn is_uuid(field: &Field) -> bool {
    let named = field.metadata().get("ARROW:extension:name").is_some_and(|name| name == "arrow.uuid");
    named && *field.data_type() == DataType::FixedSizeBinary(16)
}

/// UUIDs as text (RFC 9562, section 4), which orders as their bytes do.
fn uuids(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let text = |bytes: &[u8]| {
        let hex = |part: &[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]].map(hex).join("-")
    };
    Ok(Arc::new(column.as_fixed_size_binary().iter().map(|bytes| bytes.map(text)).collect::<StringArray>()))
}

/// A column in another type. The type is of the same values, so one that it cannot hold is an error.
fn plainly(column: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    match column.data_type() {
        DataType::FixedSizeBinary(16) if *to == DataType::Utf8 => uuids(column),
        _ => {
            let checked = CastOptions { safe: false, ..CastOptions::default() };
            arrow::compute::cast_with_options(column, to, &checked)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    #[test]
    fn columns_of_one_name_are_told_apart_and_found_again() {
        for names in [&["a", "b", "a"][..], &["a", "a#1", "a"], &["x", "y"], &["a", "a", "a#2", "a#2"]] {
            let labels = labels(names, None);
            let places = choose(Path::new("t.csv"), names, Some(&labels)).unwrap();
            assert_eq!(places, (0..names.len()).collect::<Vec<_>>(), "{names:?} as {labels:?}");
        }
        let error = choose(Path::new("t.csv"), &["a", "a"], Some(&["a".into()])).unwrap_err().to_string();
        assert!(error.contains("2 columns called \"a\""), "{error}");
    }
}
