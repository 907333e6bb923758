//! Which columns are read, of which types, so that all files agree.

use arrow::datatypes::{DataType, Schema, SchemaRef};
use strix_data::{ColumnType, Format, Source, TableOptions, TableReader};

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
                let reader = strix_data::open_table(&sources[0], &options)?;
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
    if !columns.is_empty() {
        options.columns = Some(columns);
    }

    let mut schemas: Vec<SchemaRef> = Vec::new();
    for (source, open) in sources.iter().zip(&mut open) {
        let reader = match open.take() {
            Some(reader) => reader,
            None => strix_data::open_table(source, &options)?,
        };
        schemas.push(reader.schema());
        if sources.len() == 1 || !source.opens_again() {
            *open = Some(reader);
        }
    }
    let given = options.types.len();
    for (column, kind) in asked(sources, &schemas, statistics)? {
        if !options.types.iter().any(|(name, _)| *name == column) {
            options.types.push((column, kind));
        }
    }
    for column in options.columns.iter().flatten() {
        if !options.types.iter().any(|(name, _)| name == column)
            && let Some(kind) = common(column, sources, &schemas)?
        {
            options.types.push((column.clone(), kind));
        }
    }
    if options.types.len() > given {
        open.iter_mut().for_each(|reader| *reader = None);
        let reader = strix_data::open_table(&sources[0], &options)?;
        schemas[0] = reader.schema();
    }
    Ok(Agreed { schema: schemas.swap_remove(0), options, open })
}

/// The type to which a column's text is to be read, where the files differ and all are text.
fn common(column: &str, sources: &[Source], schemas: &[SchemaRef]) -> Result<Option<ColumnType>, Failure> {
    let kind = |schema: &Schema| schema.field_with_name(column).map(|field| field.data_type().clone()).ok();
    let kinds: Vec<Option<DataType>> = schemas.iter().map(|schema| kind(schema)).collect();
    let Some(other) = kinds.iter().position(|kind| *kind != kinds[0]) else { return Ok(None) };
    if !sources.iter().all(is_text) {
        let [a, b] = [&kinds[other], &kinds[0]].map(|kind| kind.as_ref().map_or("nothing".into(), DataType::to_string));
        return Err(Failure::Input(format!(
            "{}: column {column:?} holds {a}, but in {} it holds {b}; files that merge into one answer have one type",
            sources[other], sources[0]
        )));
    }
    let all = |fits: fn(&DataType) -> bool| kinds.iter().flatten().all(fits);
    Ok(Some(match () {
        () if all(DataType::is_numeric) => ColumnType::F64,
        // A column without any value is of f64, and fits truth values as well.
        () if all(|kind| matches!(kind, DataType::Boolean | DataType::Float64)) => ColumnType::Bool,
        () => ColumnType::Text,
    }))
}

/// Columns of text files that in some file look like text, but of which statistics of numbers or truth values
/// are asked: read as such, the first cell that does not fit is named with its line.
fn asked(
    sources: &[Source],
    schemas: &[SchemaRef],
    statistics: &[Statistic],
) -> Result<Vec<(String, ColumnType)>, Failure> {
    let mut columns = Vec::new();
    if !sources.iter().all(is_text) {
        return Ok(columns);
    }
    for statistic in statistics.iter().filter(|statistic| statistic.family != Family::Rows) {
        if statistic::text(statistic.family)?.is_some() {
            continue;
        }
        let truth = matches!(statistic.family, Family::Any | Family::All);
        for column in &statistic.columns {
            let text = |schema: &SchemaRef| {
                schema.field_with_name(column).is_ok_and(|field| *field.data_type() == DataType::Utf8)
            };
            if schemas.iter().any(text) {
                columns.push((column.clone(), if truth { ColumnType::Bool } else { ColumnType::F64 }));
            }
        }
    }
    Ok(columns)
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
