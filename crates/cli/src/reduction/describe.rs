//! The answer where nothing was asked: every column's type, count, missing cells, mean and extremes.

use arrow::datatypes::Field;
use strix_data::{Format, Source, TableReader};

use super::types::{agree, open_table, options_of};
use crate::args::Reduce;
use crate::failure::Failure;
use crate::output::Value;
use crate::present::Answer;
use crate::statistic::{Family, Statistic, parse_one, quoted};
use crate::table::{ItemType, Key};

/// What is said of each column, where its type has it.
const STATISTICS: [(&str, Family); 4] =
    [("missing", Family::Rows), ("mean", Family::Mean), ("min", Family::Min), ("max", Family::Max)];

/// The columns of a table, and where the statistics of each are.
pub(crate) struct Described {
    /// None of a single column of numbers, whose default statistics say more.
    columns: Vec<Column>,
    /// Statistics by column, and the number of rows.
    pub(crate) statistics: Vec<Statistic>,
    /// The readers that are open, of files that cannot be opened again or need not be.
    pub(crate) open: Vec<Option<Box<dyn TableReader>>>,
    /// What is left out.
    pub(crate) notes: Vec<String>,
}

struct Column {
    name: String,
    kind: String,
    /// Places of [`STATISTICS`] in the answer.
    places: [Option<usize>; STATISTICS.len()],
}

/// The description of tables, by the columns of the first and the types that all files share.
pub(crate) fn described(args: &Reduce, sources: &[Source], formats: &[Format]) -> Result<Described, Failure> {
    let reader = open_table(&sources[0], &options_of(args))?;
    let (all, notes) = (reader.schema(), reader.notes());
    let open = vec![(!sources[0].opens_again()).then_some(reader)];
    let of = |statistic: &str, column: &str| {
        parse_one(&format!("{statistic}({})", quoted(column))).map_err(Failure::Internal)
    };
    let names: Vec<&String> = all.fields().iter().map(|field| field.name()).collect();
    let mut missing = names.iter().map(|name| of("missing", name)).collect::<Result<Vec<_>, _>>()?;
    let agreed = agree(args, sources, formats, &mut missing, open)?;
    let mut described = Described { columns: Vec::new(), statistics: Vec::new(), open: agreed.open, notes };
    let item = |field: &Field| ItemType::of(field.data_type());
    if let [only] = &agreed.schema.fields()[..]
        && item(only).is_some_and(|item| !item.is_label())
    {
        return Ok(described);
    }
    for field in agreed.schema.fields() {
        let known = item(field);
        let mut places = [None; STATISTICS.len()];
        for ((name, family), place) in STATISTICS.iter().zip(&mut places) {
            if *family == Family::Rows || known.is_some_and(|item| item.has(*family)) {
                *place = Some(described.statistics.len());
                described.statistics.push(of(name, field.name())?);
            }
        }
        let kind = ItemType::named(field.data_type());
        described.columns.push(Column { name: field.name().clone(), kind, places });
    }
    described.statistics.push(parse_one("count").map_err(Failure::Internal)?);
    Ok(described)
}

impl Described {
    /// Whether it is of a single column of numbers.
    pub(crate) fn is_alone(&self) -> bool {
        self.columns.is_empty()
    }

    /// A row for each column.
    pub(crate) fn of(self, answer: &Answer) -> Answer {
        let values = answer.rows.first().map(|(_, values)| values.clone()).unwrap_or_default();
        let number = |value: Option<&Value>| match value {
            Some(Value::Number(digits)) => digits.parse::<u64>().unwrap_or_default(),
            _ => 0,
        };
        let rows = number(values.last());
        let row = |column: Column| {
            let value = |place: Option<usize>| place.and_then(|place| values.get(place)).cloned();
            let count = rows - number(value(column.places[0]).as_ref()).min(rows);
            let statistics = column.places.map(|place| value(place).unwrap_or(Value::Missing));
            let all = [Value::of(Some(count))].into_iter().chain(statistics).collect();
            (vec![Key::Text(column.name), Key::Text(column.kind)], all)
        };
        Answer {
            by: ["column", "type"].map(str::to_owned).to_vec(),
            statistics: ["count"].into_iter().chain(STATISTICS.map(|(name, _)| name)).map(str::to_owned).collect(),
            rows: self.columns.into_iter().map(row).collect(),
        }
    }
}
