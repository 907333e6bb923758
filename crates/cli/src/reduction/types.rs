//! Which columns are read, of which types, so that all files agree.

use arrow::datatypes::{DataType, Schema, SchemaRef};
use strix_data::{ColumnType, Format, Source, TableOptions, TableReader, Told};

use super::patience;
use crate::args::Reduce;
use crate::failure::Failure;
use crate::statistic::{self, Family, Statistic};
use crate::table::ItemType;

/// The files' common schema, how to read them, and the one reader that is open already.
pub(super) struct Agreed {
    pub(super) schema: SchemaRef,
    pub(super) options: TableOptions,
    /// A pipe cannot be opened twice, and one file need not be.
    pub(super) open: Vec<Option<Box<dyn TableReader>>>,
}

/// Settles the columns of the statistics, and the types of all columns over all files.
pub(super) fn agree(args: &Reduce, sources: &[Source], statistics: &mut [Statistic]) -> Result<Agreed, Failure> {
    let mut options = TableOptions {
        format: args.format,
        columns: None,
        types: args.types.clone(),
        nulls: args.nulls.clone(),
        header: args.header,
    };
    let needs_column = |statistic: &Statistic| {
        statistic.columns.is_empty() && (statistic.family != Family::Count || args.column.is_some())
    };
    let mut open: Vec<Option<Box<dyn TableReader>>> = sources.iter().map(|_| None).collect();
    if statistics.iter().any(needs_column) {
        let column = match &args.column {
            Some(column) => column.clone(),
            None => {
                let reader = open_table(&sources[0], &options)?;
                let column = only_column(&sources[0], &reader.schema(), &args.by)?;
                if !sources[0].opens_again() {
                    open[0] = Some(reader);
                }
                column
            }
        };
        statistics.iter_mut().filter(|s| needs_column(s)).for_each(|s| s.columns = vec![column.clone()]);
    }
    let mut columns: Vec<String> = Vec::new();
    for column in args.by.iter().chain(statistics.iter().flat_map(|s| &s.columns)) {
        if !columns.contains(column) {
            columns.push(column.clone());
        }
    }
    // Of no columns, rows are counted and nothing is parsed.
    options.columns = Some(columns);

    let mut found: Vec<Found> = Vec::new();
    for (source, open) in sources.iter().zip(&mut open) {
        let reader = match open.take() {
            Some(reader) => reader,
            None => open_table(source, &options)?,
        };
        let schema = reader.schema();
        let told = (0..schema.fields().len()).map(|column| reader.told(column)).collect();
        found.push(Found { schema, told });
        if sources.len() == 1 || !source.opens_again() {
            *open = Some(reader);
        }
    }
    let given = options.types.len();
    let ours = sources.iter().all(is_text);
    for column in options.columns.iter().flatten() {
        if options.types.iter().any(|(name, _)| name == column) {
            continue;
        }
        let kinds = found.iter().map(|found| found.column(column)).collect::<Result<Vec<_>, _>>()?;
        if !ours {
            alike(column, sources, &kinds)?;
        }
        let (mut kind, wide) = common(&kinds);
        if let (ColumnType::Text, Some(asked)) = (kind, asked(column, statistics, wide)?) {
            if ours && !args.by.contains(column) {
                kind = asked;
            } else if wide {
                return Err(Failure::Input(format!(
                    "{}: column {column:?} holds integers beyond 64 bits; choose with --type {column}=f64, which \
                     rounds them, or --type {column}=text",
                    sources[0]
                )));
            }
        }
        if ours && kinds.iter().any(|(found, _)| *found != kind.data_type()) {
            options.types.push((column.clone(), kind));
        }
    }
    if options.types.len() > given {
        open.iter_mut().for_each(|reader| *reader = None);
        let reader = open_table(&sources[0], &options)?;
        found[0].schema = reader.schema();
    }
    Ok(Agreed { schema: found.swap_remove(0).schema, options, open })
}

/// Opens a table, until Ctrl-C.
pub(super) fn open_table(source: &Source, options: &TableOptions) -> Result<Box<dyn TableReader>, Failure> {
    let options = options.clone();
    patience::opened(source, move |source| strix_data::open_table(source, &options))
}

/// The columns of one file.
struct Found {
    schema: SchemaRef,
    told: Vec<Told>,
}

impl Found {
    fn column(&self, name: &str) -> Result<(DataType, Told), Failure> {
        let index = self.schema.index_of(name).map_err(|e| Failure::Input(e.to_string()))?;
        Ok((self.schema.field(index).data_type().clone(), self.told[index]))
    }
}

/// Insists on one type of a column in all files, where it is not ours to choose.
fn alike(column: &str, sources: &[Source], kinds: &[(DataType, Told)]) -> Result<(), Failure> {
    let Some(other) = kinds.iter().position(|(kind, _)| *kind != kinds[0].0) else { return Ok(()) };
    Err(Failure::Input(format!(
        "{}: column {column:?} holds {}, but in {} it holds {}; files that merge into one answer have one type",
        sources[other], kinds[other].0, sources[0], kinds[0].0
    )))
}

/// The type that fits a column's text in all files, and whether it is text as no number of 64 bits holds its
/// integers.
fn common(kinds: &[(DataType, Told)]) -> (ColumnType, bool) {
    // A file without any value says nothing.
    let kinds: Vec<_> = kinds.iter().filter(|(_, told)| *told != Told::Nothing).collect();
    let all = |fits: fn(&DataType, Told) -> bool| kinds.iter().all(|(kind, told)| fits(kind, *told));
    match () {
        () if kinds.is_empty() => (ColumnType::F64, false),
        () if all(|kind, _| *kind == DataType::Int64) => (ColumnType::I64, false),
        () if all(|kind, _| *kind == DataType::UInt64) => (ColumnType::U64, false),
        () if all(|kind, told| kind.is_integer() || told == Told::WideIntegers) => (ColumnType::Text, true),
        () if all(|kind, told| kind.is_numeric() || told == Told::WideIntegers) => (ColumnType::F64, false),
        () if all(|kind, _| *kind == DataType::Boolean) => (ColumnType::Bool, false),
        () => (ColumnType::Text, false),
    }
}

/// As what a column of text is to be read for its statistics, if some are of numbers or truth values: the first
/// cell that does not fit is then named with its line. Of `wide` integers, the order is one of numbers.
fn asked(column: &String, statistics: &[Statistic], wide: bool) -> Result<Option<ColumnType>, Failure> {
    for Statistic { family, columns, .. } in statistics {
        let order = wide && matches!(family, Family::Min | Family::Max);
        if *family == Family::Rows || !columns.contains(column) || (statistic::text(*family)?.is_some() && !order) {
            continue;
        }
        let truth = matches!(family, Family::Any | Family::All);
        return Ok(Some(if truth { ColumnType::Bool } else { ColumnType::F64 }));
    }
    Ok(None)
}

/// Whether the types of a source's columns are ours to choose, and it can be read again.
fn is_text(source: &Source) -> bool {
    source.opens_again()
        && matches!(strix_data::format_of(source, None), Ok(Format::Csv | Format::Tsv | Format::JsonLines))
}

fn only_column(source: &Source, schema: &Schema, by: &[String]) -> Result<String, Failure> {
    let others: Vec<&String> =
        schema.fields().iter().map(|field| field.name()).filter(|name| !by.contains(name)).collect();
    if let [only] = others[..] {
        return Ok(only.clone());
    }
    let names: Vec<String> = schema.fields().iter().take(20).map(|field| format!("{:?}", field.name())).collect();
    Err(Failure::Input(format!(
        "{source}: has {} columns ({}); choose one with --column NAME or INDEX, or name them as in mean(column)",
        schema.fields().len(),
        names.join(", ")
    )))
}

/// The item type of a column of `schema`.
pub(super) fn item_type(schema: &Schema, column: &str) -> Result<ItemType, Failure> {
    let field = schema.field_with_name(column).map_err(|e| Failure::Input(e.to_string()))?;
    ItemType::of(field.data_type()).ok_or_else(|| {
        Failure::Input(format!(
            "column {column:?} holds {}; statistics are of numbers, truth values, text, dates and times",
            field.data_type()
        ))
    })
}
