//! A question under way: batches in, an answer or a state out.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use rayon::prelude::*;

use crate::keys::KeyEncoder;
use crate::lane::ItemType;
use crate::plan::Plan;
use crate::shards::{Batch, Shards};
use crate::{Answer, Error, Question, State};

/// A question under way, over batches of Arrow columns.
///
/// ```
/// use std::sync::Arc;
/// use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
/// use strix_table::{Question, Reduction, Value};
///
/// let region: ArrayRef = Arc::new(StringArray::from(vec!["north", "south", "north"]));
/// let price: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 5.0, 2.0]));
/// let batch = RecordBatch::try_from_iter([("region", region), ("price", price)])?;
///
/// let question = Question::parse("count, mean(price)")?.by(["region"])?;
/// let mut reduction = Reduction::new(&question, &batch.schema())?;
/// reduction.push(&batch)?;
/// let answer = reduction.answer()?;
/// assert_eq!(answer.key(0).collect::<Vec<_>>(), [Value::Text("north".into())]);
/// assert_eq!(answer.value(0, 1), Value::Float(1.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Reduction {
    question: Question,
    plan: Plan,
    keys: KeyEncoder,
    shards: Shards,
    schema: SchemaRef,
    /// What the answer calls the columns of the key.
    called: Vec<String>,
}

impl std::fmt::Debug for Reduction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Reduction");
        debug.field("of", &self.plan.signature()).field("by", &self.called);
        debug.field("rows", &self.rows()).field("groups", &self.groups()).finish_non_exhaustive()
    }
}

impl Reduction {
    /// Begins with no rows. Every batch has to have the columns that the question names, in the types of `schema`; it may
    /// have others.
    ///
    /// # Errors
    /// When a column is not there, or holds what a statistic does not take; or when a statistic names no column.
    pub fn new(question: &Question, schema: &Schema) -> Result<Self, Error> {
        let fields: HashMap<&str, &DataType> =
            schema.fields().iter().map(|field| (field.name().as_str(), field.data_type())).collect();
        let typed = |column: &str| {
            let kind = fields.get(column).ok_or_else(|| {
                let names: Vec<String> = schema.fields().iter().map(|field| format!("{:?}", field.name())).collect();
                Error::input(format!("there is no column {column:?}; there are {}", names.join(", ")))
            })?;
            item_type(column, kind)
        };
        if let Some(statistic) = question.statistics.iter().find(|s| s.columns.is_empty() && !s.is_count()) {
            let text = &statistic.text;
            return Err(Error::question(format!("{text} names no column; name one, as in {text}(price)")));
        }
        let plan = Plan::new(question.statistics.clone(), question.exact, typed)?;
        let keys = KeyEncoder::new(&question.by, schema)?;
        let schema = std::sync::Arc::new(schema.clone());
        let called = question.by.clone();
        Ok(Self { question: question.clone(), plan, keys, shards: Shards::default(), schema, called })
    }

    /// The same, with other names for the columns of the key.
    #[cfg(feature = "files")]
    pub(crate) fn called(mut self, by: &[String]) -> Self {
        self.called = by.to_vec();
        self
    }

    /// Takes the rows of a batch in.
    ///
    /// # Errors
    /// When a column is not there or of another type, holds a NaN that is not allowed, or when there are more groups than
    /// fit the memory that the question allows.
    pub fn push(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.push_all(&[batch])
    }

    /// Takes the rows of batches in, on all threads. The answer is the same, to the bit, as when they are pushed one by one;
    /// of groups that are few it takes the batches side by side, of many the groups.
    ///
    /// # Errors
    /// As [`Reduction::push`].
    pub fn push_all(&mut self, batches: &[&RecordBatch]) -> Result<(), Error> {
        batches.iter().try_for_each(|batch| self.check(batch))?;
        let mut row = self.shards.rows;
        let placed = batches.iter().map(|batch| {
            let first = row;
            row += batch.num_rows() as u64;
            (first, first, *batch)
        });
        let placed: Vec<_> = placed.collect();
        self.take(&placed)
    }

    fn check(&self, batch: &RecordBatch) -> Result<(), Error> {
        for (column, expected) in self.columns() {
            let found = batch.column_by_name(column).map(|array| array.data_type());
            if found != Some(expected) {
                let found = found.map_or_else(|| "is not there".into(), |found| format!("is of {found}"));
                return Err(Error::input(format!(
                    "column {column:?} of a batch {found}, but the schema that the reduction began with has {expected}"
                )));
            }
        }
        Ok(())
    }

    /// The columns that are read, and their types.
    fn columns(&self) -> impl Iterator<Item = (&String, &DataType)> {
        let read = self.plan.columns.iter().map(|(column, _)| column).chain(&self.question.by);
        read.filter_map(|column| Some((column, self.schema.field_with_name(column).ok()?.data_type())))
    }

    /// Takes batches in, each with the row of its source and the row of all with which it begins.
    pub(crate) fn take(&mut self, batches: &[(u64, u64, &RecordBatch)]) -> Result<(), Error> {
        let read = |&(in_source, in_all, batch): &(u64, u64, &RecordBatch)| {
            self.plan.read_batch(batch, &self.keys, self.question.nan, in_source).map(|read| (in_all, read))
        };
        let batches: Vec<Result<(u64, Batch), Error>> = batches.par_iter().map(read).collect();
        let batches = batches.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.shards.take(&self.plan, &batches, self.question.memory)
    }

    /// Rows taken in.
    pub fn rows(&self) -> u64 {
        self.shards.rows
    }

    /// NaN left out.
    pub fn skipped(&self) -> u64 {
        self.shards.skipped
    }

    /// Groups so far.
    pub fn groups(&self) -> usize {
        self.shards.groups()
    }

    /// The type of the first column that is aggregated, if any is.
    #[cfg(feature = "files")]
    pub(crate) fn first_item(&self) -> Option<ItemType> {
        self.plan.columns.first().map(|(_, item)| *item)
    }

    /// The answer. Without columns to group by it has one row, also of no rows.
    ///
    /// # Errors
    /// When it does not fit the memory that the question allows.
    pub fn answer(self) -> Result<Answer, Error> {
        if self.shards.groups() == 0 && self.question.by.is_empty() {
            return self.state()?.answer();
        }
        self.shards.answer(&self.plan, &self.called, &self.keys, self.question.memory)
    }

    /// The state: what merges with others, and is a file.
    ///
    /// # Errors
    /// None that a caller can mend.
    pub fn state(self) -> Result<State, Error> {
        let Self { question, plan, keys, shards, called, .. } = self;
        let (rows, skipped) = (shards.rows, shards.skipped);
        let mut groups = shards.by_group(&plan, &keys)?;
        if groups.is_empty() && question.by.is_empty() {
            groups.push((Vec::new(), plan.identity()));
        }
        Ok(State { by: called, nan: question.nan, asked: question.asked, rows, skipped, plan, groups })
    }
}

/// The type in which a column of that type is aggregated.
pub(crate) fn item_type(column: &str, kind: &DataType) -> Result<ItemType, Error> {
    ItemType::of(kind).ok_or_else(|| {
        Error::input(format!(
            "column {column:?} holds {kind}; statistics take numbers, truth values, text, bytes, dates, times and durations"
        ))
    })
}
