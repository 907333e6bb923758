//! Which columns are read, of which types, so that all files agree.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use strix_data::{ColumnType, Format, Source, TableOptions, TableReader, Told, text_label};

use super::widen::{Widened, common};
use super::{Files, Observer, patience};
use crate::Error;
use crate::lane::ItemType;
use crate::statistic::{self, Family, Statistic};

/// The files' common schema, how to read them, and the readers that are open already.
pub(crate) struct Agreed {
    pub(crate) schema: SchemaRef,
    pub(super) options: TableOptions,
    /// The columns of `--by`, as the batches name them.
    pub(super) by: Vec<String>,
    /// A pipe cannot be opened twice, and one file need not be.
    pub(crate) open: Vec<Option<Box<dyn TableReader>>>,
    /// What was decided in doubt.
    pub(super) notes: Vec<String>,
}

impl Agreed {
    /// The rows of a file, in the types that all files share.
    pub(super) fn reader(
        &mut self,
        file: usize,
        source: &Source,
        observer: &dyn Observer,
    ) -> Result<Box<dyn TableReader>, Error> {
        let reader = match self.open[file].take() {
            Some(reader) => reader,
            None => open_table(source, &self.options, observer)?,
        };
        Ok(Box::new(Widened { reader, schema: self.schema.clone(), label: source.label() }))
    }
}

/// Refuses options that none of the files has a use for.
pub(super) fn check_options(files: &Files, formats: &[Format]) -> Result<(), Error> {
    let (options, sources) = (&files.options, &files.sources);
    let given = [
        ("--type", !options.types.is_empty(), true),
        ("--null", !options.nulls.is_empty(), false),
        ("--header", options.header.is_some(), false),
        ("--separator", options.separator.is_some(), false),
        ("--quote", options.quote.is_some(), false),
    ];
    for (option, _, json) in given.into_iter().filter(|&(_, given, _)| given) {
        let applies = |format: &Format| if json { format.is_text() } else { format.has_cells() };
        if !formats.iter().any(applies) {
            let kinds = if json { "CSV, TSV and JSON Lines" } else { "CSV and TSV" };
            let what = format!("{option} is for {kinds}, but {} is {}; leave it out", sources[0], formats[0]);
            return Err(Error::question(what));
        }
    }
    Ok(())
}

/// Settles the columns of the statistics, and the types of all columns over all files, of which some are open already.
pub(crate) fn agree(
    files: &Files,
    formats: &[Format],
    by: &[String],
    statistics: &mut [Statistic],
    mut open: Vec<Option<Box<dyn TableReader>>>,
    observer: &dyn Observer,
) -> Result<Agreed, Error> {
    let (sources, mut options) = (&files.sources, files.options.clone());
    open.resize_with(sources.len(), || None);
    let needs_column = |statistic: &Statistic| {
        statistic.columns.is_empty() && (statistic.family != Family::Count || files.column.is_some())
    };
    if statistics.iter().any(needs_column) {
        let column = match &files.column {
            Some(column) => column.clone(),
            None => {
                let reader = match open[0].take() {
                    Some(reader) => reader,
                    None => open_table(&sources[0], &options, observer)?,
                };
                let column = only_column(&sources[0], &reader.schema(), by)?;
                open[0] = (!sources[0].opens_again()).then_some(reader);
                column
            }
        };
        statistics.iter_mut().filter(|s| needs_column(s)).for_each(|s| s.columns = vec![column.clone()]);
    }
    let mut columns: Vec<String> = Vec::new();
    let mut uses: HashMap<String, Use> = HashMap::new();
    let keys = by.iter().map(|column| (column, None));
    let read = statistics.iter().flat_map(|s| s.columns.iter().map(|column| (column, Some(s.family))));
    for (column, family) in keys.chain(read) {
        let known = uses.entry(column.clone()).or_insert_with(|| {
            columns.push(column.clone());
            Use::default()
        });
        match family {
            None => known.is_key = true,
            Some(family) if !known.families.contains(&family) => known.families.push(family),
            Some(_) => {}
        }
    }
    // Of no columns, rows are counted and nothing is parsed.
    options.columns = Some(columns.clone());

    let mut parts = Parts { sources, formats, found: Vec::new() };
    let mut notes = Vec::new();
    for (source, open) in sources.iter().zip(&mut open) {
        let reader = match open.take() {
            Some(reader) => reader,
            None => open_table(source, &options, observer)?,
        };
        parts.found.push(Found::of(&*reader, &uses));
        notes.extend(reader.notes());
        if sources.len() == 1 || !source.opens_again() {
            *open = Some(reader);
        }
    }
    let mut fields = Vec::new();
    let mut texts = Vec::new();
    for column in &columns {
        let given = parts.given(column, &options.types)?;
        let used = &uses[column];
        let (kind, read_as) = parts.settle(column, given, used)?;
        if let (None, Some(read_as)) = (given, read_as) {
            options.types.push((column.clone(), read_as));
        }
        if used.is_key && used.families.is_empty() && kind == DataType::Utf8 {
            options.coded.push(column.clone());
        }
        if used.tells_apart() && given.is_none() && kind.is_numeric() {
            if parts.found.iter().all(|found| found.column(column).is_ok_and(|found| found.own_text)) {
                options.own_text.push(column.clone());
            } else if !parts.is_csv() {
                return Err(Error::input(format!(
                    "column {column:?} has numbers that text files write in several ways, such as 01 and 1, and other files as \
                     numbers alone; to take them as numbers everywhere: --type {column}=f64 or i64; or reduce them apart"
                )));
            } else {
                options.texts.push(column.clone());
                texts.push(Field::new(text_label(column), DataType::Utf8, true));
            }
        }
        fields.push(Field::new(column, kind, true));
    }
    fields.extend(texts);
    // What tells values apart reads those whose text is not the number's own as text.
    let as_text = |column: &String| {
        if options.texts.contains(column) { text_label(column) } else { column.clone() }
    };
    for statistic in statistics.iter_mut().filter(|statistic| tells_apart(statistic.family)) {
        statistic.columns = statistic.columns.iter().map(as_text).collect();
    }
    let by = by.iter().map(as_text).collect();
    open.iter_mut().flatten().for_each(|reader| reader.retype(&options));
    Ok(Agreed { schema: Arc::new(Schema::new(fields)), options, by, open, notes })
}

/// What is asked of a column.
#[derive(Default)]
struct Use {
    is_key: bool,
    families: Vec<Family>,
}

impl Use {
    /// Whether its different values count.
    fn tells_apart(&self) -> bool {
        self.is_key || self.families.iter().copied().any(tells_apart)
    }
}

/// Whether a statistic is of the different values of a column.
fn tells_apart(family: Family) -> bool {
    matches!(family, Family::Distinct | Family::Frequent)
}

/// Opens a table, until a cancellation.
pub(crate) fn open_table(
    source: &Source,
    options: &TableOptions,
    observer: &dyn Observer,
) -> Result<Box<dyn TableReader>, Error> {
    let options = options.clone();
    patience::opened(source, observer, move |source| strix_data::open_table(source, &options))
}

/// The columns of one file, by their names.
struct Found(HashMap<String, FoundColumn>);

struct FoundColumn {
    kind: DataType,
    told: Told,
    /// Whether its numbers have no other texts; asked only where its values are told apart.
    own_text: bool,
}

impl Found {
    fn of(reader: &dyn TableReader, uses: &HashMap<String, Use>) -> Self {
        let column = |(index, field): (usize, &Arc<Field>)| {
            let apart = uses.get(field.name()).is_some_and(Use::tells_apart);
            let (kind, told) = (field.data_type().clone(), reader.told(index));
            (field.name().clone(), FoundColumn { kind, told, own_text: apart && reader.has_own_text(index) })
        };
        Self(reader.schema().fields().iter().enumerate().map(column).collect())
    }

    fn column(&self, name: &str) -> Result<&FoundColumn, Error> {
        self.0.get(name).ok_or_else(|| Error::internal(format!("column {name:?} is not read")))
    }
}

/// What was found in all files.
struct Parts<'a> {
    sources: &'a [Source],
    formats: &'a [Format],
    found: Vec<Found>,
}

impl Parts<'_> {
    fn is_text(&self, file: usize) -> bool {
        self.formats[file].is_text()
    }

    /// Whether all of them are text with cells.
    fn is_csv(&self) -> bool {
        self.formats.iter().all(|format| format.has_cells())
    }

    /// The type that `--type` gives a column.
    fn given(&self, column: &str, types: &[(String, ColumnType)]) -> Result<Option<ColumnType>, Error> {
        let given = types.iter().rfind(|(name, _)| name == column).map(|&(_, kind)| kind);
        match (0..self.sources.len()).find(|&file| given.is_some() && !self.is_text(file)) {
            Some(typed) => Err(Error::question(format!(
                "--type {column}: {} is {}, whose columns have types of their own; leave it out",
                self.sources[typed], self.formats[typed]
            ))),
            None => Ok(given),
        }
    }

    /// Whether some text reads the column as another type than this one.
    fn differ(&self, kinds: &[(DataType, Told)], kind: ColumnType) -> bool {
        kinds.iter().enumerate().any(|(file, (found, _))| self.is_text(file) && *found != kind.data_type())
    }

    /// The type of a column in all files, and as what those of text are to read it that do not by themselves.
    fn settle(
        &self,
        column: &String,
        given: Option<ColumnType>,
        used: &Use,
    ) -> Result<(DataType, Option<ColumnType>), Error> {
        let kind = |found: &Found| found.column(column).map(|found| (found.kind.clone(), found.told));
        let kinds = self.found.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
        if let Some(given) = given {
            return Ok((kinds[0].0.clone(), Some(given)));
        }
        if (0..self.sources.len()).all(|file| self.is_text(file)) {
            let mut kind = of_text(&kinds);
            if let (ColumnType::Text, false, Some(asked)) = (kind, used.is_key, asked(used)?) {
                kind = asked;
            }
            return Ok((kind.data_type(), Some(kind).filter(|&kind| self.differ(&kinds, kind))));
        }
        let mut shared = DataType::Null;
        for (file, (kind, told)) in kinds.iter().enumerate() {
            let kind = if *told == Told::Nothing { &DataType::Null } else { kind };
            let Some(both) = common(&shared, kind) else {
                let first = kinds.iter().position(|(kind, _)| *kind != DataType::Null).unwrap_or_default();
                return Err(Error::input(format!(
                    "{}: column {column:?} holds {}, but in {} it holds {}; files that merge into one answer need types \
                     that one type holds",
                    self.sources[file],
                    ItemType::named(kind),
                    self.sources[first],
                    ItemType::named(&kinds[first].0)
                )));
            };
            shared = both;
        }
        let text = ColumnType::ALL.into_iter().find(|kind| kind.data_type() == shared);
        Ok((shared, text.filter(|kind| self.differ(&kinds, *kind))))
    }
}

/// The type that fits a column's text in all files.
fn of_text(kinds: &[(DataType, Told)]) -> ColumnType {
    // A file without any value says nothing.
    let kinds: Vec<_> = kinds.iter().filter(|(_, told)| *told != Told::Nothing).collect();
    let all = |fits: fn(&DataType) -> bool| kinds.iter().all(|(kind, _)| fits(kind));
    match () {
        () if kinds.is_empty() => ColumnType::F64,
        () if all(|kind| *kind == DataType::Int64) => ColumnType::I64,
        () if all(|kind| *kind == DataType::UInt64) => ColumnType::U64,
        () if all(|kind| kind.is_numeric() && !kind.is_floating()) => ColumnType::Integer,
        () if all(DataType::is_numeric) => ColumnType::F64,
        () if all(|kind| *kind == DataType::Boolean) => ColumnType::Bool,
        () => ColumnType::Text,
    }
}

/// As what a column of text is to be read for its statistics, if some are of numbers or truth values: the first
/// cell that does not fit is then named with its line.
fn asked(used: &Use) -> Result<Option<ColumnType>, Error> {
    for family in &used.families {
        if *family == Family::Rows || statistic::text(*family)?.is_some() {
            continue;
        }
        let truth = matches!(family, Family::Any | Family::All);
        return Ok(Some(if truth { ColumnType::Bool } else { ColumnType::F64 }));
    }
    Ok(None)
}

fn only_column(source: &Source, schema: &Schema, by: &[String]) -> Result<String, Error> {
    let others: Vec<&String> =
        schema.fields().iter().map(|field| field.name()).filter(|name| !by.contains(name)).collect();
    if let [only] = others[..] {
        return Ok(only.clone());
    }
    let names: Vec<String> = schema.fields().iter().take(20).map(|field| format!("{:?}", field.name())).collect();
    Err(Error::input(format!(
        "{source}: has {} columns ({}); choose one with --column NAME or INDEX, or name them as in mean(column)",
        schema.fields().len(),
        names.join(", ")
    )))
}
