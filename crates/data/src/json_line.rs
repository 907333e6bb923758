//! One JSON object into the cells of its columns, without building what is not wanted.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::cells::{Evidence, Kind, is_integer};
use crate::json_value::Values;

/// Columns that a table may have; more is data in the place of keys.
const COLUMNS: usize = 1 << 16;
/// Names kept, for messages, of keys that are not wanted.
const OTHERS: usize = 21;

/// The least magnitude of an integer that the parser takes for a float: 2^63, as `-2^63 - 1` is rounded to it.
const LEAST_WIDE: f64 = 9_223_372_036_854_775_808.0;

/// A JSON value that fits in a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    /// Above `i64::MAX`.
    Unsigned(u64),
    Float(f64),
    /// An integer beyond 64 bits: its digits are a part of the column's text.
    Wide(usize, usize),
    /// A part of the column's text.
    Text(usize, usize),
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) cells: Vec<Cell>,
    pub(crate) text: String,
    /// Whether any object has had the key.
    pub(crate) seen: bool,
    /// Whether the key may hold arrays and objects, which are passed over; and whether it has held one.
    nested: (bool, bool),
}

impl Column {
    /// Makes it `rows` long.
    pub(crate) fn fill(&mut self, rows: usize) {
        self.cells.resize(rows, Cell::Null);
    }

    /// Drops what comes after `rows`.
    pub(crate) fn truncate(&mut self, rows: usize) {
        self.cells.truncate(rows);
    }

    fn set(&mut self, row: usize, cell: Cell) {
        self.seen = true;
        // Of a key that comes twice, the last one counts, as in other parsers.
        self.cells.truncate(row);
        self.fill(row);
        self.cells.push(cell);
    }

    /// The type that the values have; where they disagree, the type of the first ones.
    pub(crate) fn evidence(&self) -> Evidence {
        let any = |what: fn(&Cell) -> bool| self.cells.iter().any(what);
        let unsigned = any(|cell| matches!(cell, Cell::Unsigned(_)));
        Evidence::Values(match self.cells.iter().find(|&&cell| cell != Cell::Null) {
            Some(Cell::Bool(_)) => Kind::Bool,
            Some(Cell::Text(..)) => Kind::Text,
            None => return Evidence::None,
            Some(_) if any(|cell| matches!(cell, Cell::Float(_))) => Kind::F64,
            Some(_) if any(|cell| matches!(cell, Cell::Wide(..))) => Kind::Integer,
            Some(_) if unsigned && any(|cell| matches!(cell, Cell::Int(..0))) => Kind::Integer,
            Some(_) if unsigned => Kind::U64,
            Some(_) => Kind::I64,
        })
    }

    /// Of an integer that the parser took for a float, keeps the digits.
    fn widen(&mut self, row: usize, digits: &str) {
        let start = self.text.len();
        self.text.push_str(digits);
        self.cells.truncate(row);
        self.set(row, Cell::Wide(start, self.text.len()));
    }

    /// The value as text.
    pub(crate) fn show(&self, row: usize) -> String {
        match self.cells.get(row) {
            None | Some(Cell::Null) => "null".into(),
            Some(Cell::Bool(value)) => value.to_string(),
            Some(Cell::Int(value)) => value.to_string(),
            Some(Cell::Unsigned(value)) => value.to_string(),
            Some(Cell::Float(value)) => format!("{value:?}"),
            Some(&Cell::Wide(start, end)) => self.text[start..end].to_owned(),
            Some(&Cell::Text(start, end)) => {
                let text = &self.text[start..end];
                format!("{:?}", text.chars().take(80).collect::<String>())
            }
        }
    }
}

/// The columns, and the keys that are theirs.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) all: Vec<Column>,
    places: HashMap<String, usize>,
    /// Whether every new key is a column.
    open: bool,
    /// Whether a key that is not wanted is still kept for messages.
    curious: bool,
    others: Vec<String>,
}

impl Columns {
    /// The `wanted` columns, or else all that appear.
    pub(crate) fn new(wanted: Option<&[String]>) -> Self {
        let mut columns =
            Self { all: Vec::new(), places: HashMap::new(), open: wanted.is_none(), curious: true, others: Vec::new() };
        for name in wanted.unwrap_or_default() {
            columns.add(name);
        }
        columns
    }

    /// Adds a column, unless it is there.
    pub(crate) fn add(&mut self, name: &str) -> usize {
        if let Some(&place) = self.places.get(name) {
            return place;
        }
        let place = self.all.len();
        let (name, cells, text) = (name.to_owned(), Vec::new(), String::new());
        self.all.push(Column { name: name.clone(), cells, text, seen: false, nested: (self.open, false) });
        self.places.insert(name, place);
        place
    }

    /// The same columns without cells.
    pub(crate) fn emptied(&self) -> Self {
        let column = |column: &Column| Column {
            name: column.name.clone(),
            cells: Vec::new(),
            text: String::new(),
            seen: column.seen,
            nested: column.nested,
        };
        Self { all: self.all.iter().map(column).collect(), places: self.places.clone(), others: Vec::new(), ..*self }
    }

    /// Keys that appear from now on are no new columns, and those with arrays or objects are none; their names.
    pub(crate) fn close(&mut self) -> Vec<String> {
        (self.open, self.curious) = (false, false);
        let nested = self.all.iter().filter(|column| column.nested.1).map(|column| column.name.clone()).collect();
        self.all.retain(|column| !column.nested.1);
        self.all.iter_mut().for_each(|column| column.nested.0 = false);
        self.places = self.all.iter().enumerate().map(|(place, column)| (column.name.clone(), place)).collect();
        nested
    }

    /// The keys that have appeared, as far as they are kept.
    pub(crate) fn names_there(&self) -> Vec<&str> {
        let there = self.all.iter().filter(|column| self.open || !column.cells.is_empty());
        there.map(|column| column.name.as_str()).chain(self.others.iter().map(String::as_str)).collect()
    }

    fn place(&mut self, key: &str) -> Option<usize> {
        let place = self.places.get(key).copied();
        if place.is_none() && self.open && self.all.len() < COLUMNS {
            return Some(self.add(key));
        }
        if place.is_none()
            && self.curious
            && self.others.len() < OTHERS
            && !self.others.iter().any(|other| other == key)
        {
            self.others.push(key.into());
        }
        place
    }
}

/// Reads one object into `row` of the columns.
pub(crate) struct LineSeed<'a> {
    pub(crate) columns: &'a mut Columns,
    pub(crate) row: usize,
    /// What is wrong, if it is not the JSON itself.
    pub(crate) problem: &'a mut Option<String>,
    /// Bytes of text that were taken.
    pub(crate) taken: &'a mut usize,
    /// The line, of which numbers are looked up that the parser does not hand out whole.
    pub(crate) line: &'a [u8],
}

impl<'de> DeserializeSeed<'de> for LineSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for LineSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut entries = 0;
        let mut values = Values::of(self.line);
        while let Some(place) = map.next_key_seed(KeySeed(self.columns))? {
            entries += 1;
            let Some(place) = place else {
                if self.columns.open {
                    *self.problem = Some(format!("has more than {COLUMNS} keys in all; name the columns of interest"));
                    return Err(A::Error::custom("too many keys"));
                }
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let column = &mut self.columns.all[place];
            let seed = CellSeed { column, row: self.row, problem: self.problem, taken: self.taken };
            map.next_value_seed(seed)?;
            if let Some(Cell::Float(value)) = column.cells.get(self.row)
                && value.abs() >= LEAST_WIDE
                && let Some(digits) = values.get(entries - 1).filter(|value| is_integer(value.as_bytes()))
            {
                column.widen(self.row, digits);
                *self.taken += digits.len();
            }
        }
        Ok(())
    }
}

/// Finds the column of a key.
struct KeySeed<'a>(&'a mut Columns);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.place(key))
    }
}

/// Reads one value into its column.
struct CellSeed<'a> {
    column: &'a mut Column,
    row: usize,
    problem: &'a mut Option<String>,
    taken: &'a mut usize,
}

impl CellSeed<'_> {
    fn set<E>(self, cell: Cell) -> Result<(), E> {
        self.column.set(self.row, cell);
        Ok(())
    }

    fn nested<E: Error>(self, what: &str) -> Result<(), E> {
        let name = &self.column.name;
        *self.problem = Some(format!(
            "key {name:?} holds {what}; a column holds numbers, true and false, or text (name the columns of \
             interest to leave it out)"
        ));
        Err(E::custom("nested"))
    }
}

impl<'de> DeserializeSeed<'de> for CellSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for CellSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.set(Cell::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.set(Cell::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.set(Cell::Int(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.set(i64::try_from(value).map_or(Cell::Unsigned(value), Cell::Int))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.set(Cell::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        let start = self.column.text.len();
        self.column.text.push_str(value);
        *self.taken += value.len();
        let end = self.column.text.len();
        self.set(Cell::Text(start, end))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        if !self.column.nested.0 {
            return self.nested("an array");
        }
        while array.next_element::<IgnoredAny>()?.is_some() {}
        self.column.nested.1 = true;
        self.set(Cell::Null)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        if !self.column.nested.0 {
            return self.nested("an object");
        }
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.column.nested.1 = true;
        self.set(Cell::Null)
    }
}
