//! Which group each row is in.

use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, max, min, take};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, Schema, UInt64Type};
use arrow::error::ArrowError;
use arrow::row::{RowConverter, Rows, SortField};
use hashbrown::HashMap;

use crate::Error;
use crate::clock::Clock;
use crate::key::{KeyColumn, is_key, no_key};
use crate::numbers::{Mark, Numbers};

/// Encodes the key columns of batches as bytes, one row a key.
#[derive(Debug)]
pub(crate) struct KeyEncoder {
    columns: Vec<String>,
    converter: RowConverter,
    /// Whether a batch had too many keys for codes: the next ones are not tried.
    many: AtomicBool,
}

/// The keys of a batch's rows.
#[derive(Debug)]
pub(crate) struct Keys {
    kind: Kind,
    len: usize,
}

#[derive(Debug)]
enum Kind {
    /// All rows are one group.
    One,
    /// The key of each row as bytes, and its mark.
    Each(Rows, Marks),
    /// The different keys, and which of them each row has.
    Coded(Rows, Marks, Vec<u32>),
}

/// The marks of keys.
#[derive(Debug)]
struct Marks {
    hashes: Vec<u64>,
    /// What all have, mostly.
    whole: Option<u8>,
}

impl Marks {
    fn of(rows: &Rows) -> Self {
        let mut whole = None;
        let mut mixed = false;
        let hash = |key: &[u8]| {
            let mark = Mark::of(key);
            mixed |= *whole.get_or_insert(mark.whole) != mark.whole;
            mark.hash
        };
        let hashes = rows.iter().map(|row| row.data()).map(hash).collect();
        Self { hashes, whole: whole.filter(|_| !mixed) }
    }

    #[inline(always)]
    fn mark(&self, rows: &Rows, row: usize) -> Mark {
        match self.whole {
            Some(whole) => Mark { hash: self.hashes[row], whole },
            None => Mark::of(rows.row(row).data()),
        }
    }
}

impl Keys {
    fn of(rows: Rows, codes: Option<Vec<u32>>) -> Self {
        let marks = Marks::of(&rows);
        match codes {
            None => Self { len: rows.num_rows(), kind: Kind::Each(rows, marks) },
            Some(codes) => Self { len: codes.len(), kind: Kind::Coded(rows, marks, codes) },
        }
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// How many different keys there are, at most.
    pub(crate) fn different(&self) -> usize {
        match &self.kind {
            Kind::One => self.len.min(1),
            Kind::Each(keys, _) | Kind::Coded(keys, ..) => keys.num_rows(),
        }
    }

    /// The part, of a power of two, that each row's key belongs to.
    pub(crate) fn parts(&self, bits: u32) -> Vec<usize> {
        // By the high bits: the table goes by the low ones.
        let part = |hash: &u64| (hash >> (64 - bits)) as usize;
        match &self.kind {
            Kind::One => vec![0; self.len],
            Kind::Each(_, marks) => marks.hashes.iter().map(part).collect(),
            Kind::Coded(_, marks, codes) => codes.iter().map(|&code| part(&marks.hashes[code as usize])).collect(),
        }
    }

    /// The numbers of the keys of these rows, or of all.
    pub(crate) fn numbers(&self, rows: Option<&[u32]>, numbers: &mut Numbers) -> Vec<u32> {
        let len = rows.map_or(self.len, <[u32]>::len);
        let row = |at: usize| rows.map_or(at, |rows| rows[at] as usize);
        match &self.kind {
            Kind::One if len == 0 => Vec::new(),
            Kind::One => vec![numbers.number(Mark::of(&[]), || &[]); len],
            Kind::Each(keys, marks) => {
                let number = |row| numbers.number(marks.mark(keys, row), || keys.row(row).data());
                (0..len).map(row).map(number).collect()
            }
            Kind::Coded(keys, marks, codes) => {
                let mut known: Vec<Option<u32>> = vec![None; keys.num_rows()];
                let number = |at: usize| {
                    let code = codes[row(at)] as usize;
                    let number = || numbers.number(marks.mark(keys, code), || keys.row(code).data());
                    *known[code].get_or_insert_with(number)
                };
                (0..len).map(number).collect()
            }
        }
    }
}

/// Different values of a column up to which its cells are told apart by codes, and different keys.
const CODES: (usize, usize) = (1 << 13, 1 << 20);

/// Whether it is text as codes.
pub(crate) fn is_coded(kind: &DataType) -> bool {
    let DataType::Dictionary(codes, values) = kind else { return false };
    (&**codes, &**values) == (&DataType::Int32, &DataType::Utf8)
}

/// A key column as its own values: text that comes as codes, written out.
fn plain(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if is_coded(column.data_type()) { cast(column, &DataType::Utf8) } else { Ok(column.clone()) }
}

/// The cells of a key column as numbers from 0 on, one for each different cell; `None` where there are many, or another type.
fn codes(column: &ArrayRef) -> Option<(Vec<u32>, usize)> {
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            // Short texts are told apart as integers.
            if texts.offsets().lengths().all(|len| len <= SHORT) {
                let (all, offsets) = (texts.values().as_slice(), texts.offsets());
                let word = |row: usize| {
                    let start = offsets[row] as usize;
                    packed(all, start, offsets[row + 1] as usize - start)
                };
                words(column.nulls(), column.len(), word)
            } else {
                told_apart(column.len(), |row| texts.is_valid(row).then(|| texts.value(row).as_bytes()))
            }
        }
        kind if is_coded(kind) => {
            let texts = column.as_dictionary::<Int32Type>();
            // 0 is what is missing.
            let codes = || match texts.nulls() {
                None => texts.keys().values().iter().map(|&code| code as u32 + 1).collect(),
                Some(_) => texts.keys().iter().map(|code| code.map_or(0, |code| code as u32 + 1)).collect(),
            };
            let values = texts.values();
            (values.len() < CODES.0 && values.null_count() == 0).then(|| (codes(), values.len() + 1))
        }
        DataType::UInt64 => {
            let integers = column.as_primitive::<UInt64Type>().values();
            words(column.nulls(), column.len(), |row| integers[row])
        }
        kind if kind.is_integer() || *kind == DataType::Boolean || Clock::of(kind).is_some() => {
            let column = cast(column, &DataType::Int64).ok()?;
            let integers = column.as_primitive::<Int64Type>().values();
            small(&column).or_else(|| words(column.nulls(), column.len(), |row| integers[row] as u64))
        }
        _ => None,
    }
}

/// Bytes of a text that an integer holds beside their number.
const SHORT: usize = 7;

/// The text that begins there, of [`SHORT`] bytes at most, as an integer: another one for each.
#[inline(always)]
fn packed(all: &[u8], start: usize, len: usize) -> u64 {
    let word = match all[start..].first_chunk() {
        // Eight bytes at once, of which the text's own are kept.
        Some(bytes) => u64::from_le_bytes(*bytes) & ((1 << (8 * len)) - 1),
        None => (0..len).fold(0, |word, at| word | u64::from(all[start + at]) << (8 * at)),
    };
    word | (len as u64) << (8 * SHORT)
}

/// Codes of integers that are near one another: their distances from the least.
fn small(column: &ArrayRef) -> Option<(Vec<u32>, usize)> {
    let integers = column.as_primitive::<Int64Type>();
    let (least, greatest) = (min(integers).unwrap_or_default(), max(integers).unwrap_or_default());
    let range = usize::try_from(greatest.checked_sub(least)?).ok().filter(|&range| range + 2 <= CODES.0)?;
    let code = |integer: Option<i64>| integer.map_or(0, |integer| (integer - least) as u32 + 1);
    Some((integers.iter().map(code).collect(), range + 2))
}

fn told_apart<K: Hash + Eq>(len: usize, cell: impl Fn(usize) -> Option<K>) -> Option<(Vec<u32>, usize)> {
    let mut known: HashMap<Option<K>, u32> = HashMap::new();
    let mut codes = Vec::with_capacity(len);
    for row in 0..len {
        let next = known.len() as u32;
        codes.push(*known.entry(cell(row)).or_insert(next));
        if known.len() > CODES.0 {
            return None;
        }
    }
    Some((codes, known.len()))
}

/// Words that were met last, as a power of two.
const RECENT: u32 = 8;

/// The same of cells that are words. Most are one of those that were met last, which takes no map.
fn words(nulls: Option<&NullBuffer>, len: usize, word: impl Fn(usize) -> u64) -> Option<(Vec<u32>, usize)> {
    let mut known: HashMap<Option<u64>, u32> = HashMap::new();
    let mut recent = vec![(0, u32::MAX); 1 << RECENT];
    let mut codes = Vec::with_capacity(len);
    for row in 0..len {
        let there = nulls.is_none_or(|nulls| nulls.is_valid(row));
        let word = if there { word(row) } else { 0 };
        let slot = &mut recent[(word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - RECENT)) as usize];
        if there && slot.0 == word && slot.1 != u32::MAX {
            codes.push(slot.1);
            continue;
        }
        let next = known.len() as u32;
        let code = *known.entry(there.then_some(word)).or_insert(next);
        if there {
            *slot = (word, code);
        }
        codes.push(code);
        if known.len() > CODES.0 {
            return None;
        }
    }
    Some((codes, known.len()))
}

/// The keys of rows as numbers from 0 on, and a row of each; `None` where there are many.
fn combined(columns: &[ArrayRef]) -> Option<(Vec<u32>, UInt32Array)> {
    let columns = columns.iter().map(codes).collect::<Option<Vec<_>>>()?;
    let all = columns.iter().try_fold(1usize, |all, (_, count)| all.checked_mul(*count))?;
    if all > CODES.1 {
        return None;
    }
    let mut known = vec![u32::MAX; all];
    let mut rows = Vec::new();
    let mut columns = columns.into_iter();
    let (mut codes, _) = columns.next()?;
    for (column, count) in columns {
        codes.iter_mut().zip(column).for_each(|(code, next)| *code = *code * count as u32 + next);
    }
    for (row, place) in (0..).zip(&mut codes) {
        let code = &mut known[*place as usize];
        if *code == u32::MAX {
            *code = rows.len() as u32;
            rows.push(row);
        }
        *place = *code;
    }
    Some((codes, rows.into()))
}

impl KeyEncoder {
    /// Groups by these columns of tables of `schema`.
    pub(crate) fn new(columns: &[String], schema: &Schema) -> Result<Self, Error> {
        let fields = columns.iter().map(|column| {
            let field = schema.field_with_name(column).map_err(|e| Error::input(format!("--by {column}: {e}")))?;
            if !is_key(field.data_type()) {
                return Err(Error::input(format!("column {column:?}: {}", no_key(field.data_type()))));
            }
            Ok(SortField::new(coded(field.data_type())))
        });
        let fields = fields.collect::<Result<Vec<_>, Error>>()?;
        let converter = RowConverter::new(fields).map_err(|e| Error::input(format!("--by: {e}")))?;
        Ok(Self { columns: columns.to_vec(), converter, many: AtomicBool::new(false) })
    }

    /// The keys of a batch's rows.
    pub(crate) fn of(&self, batch: &RecordBatch) -> Result<Keys, Error> {
        if self.columns.is_empty() {
            return Ok(Keys { kind: Kind::One, len: batch.num_rows() });
        }
        let columns = self.columns.iter().map(|column| {
            let array = batch.column_by_name(column).ok_or_else(|| Error::internal(format!("{column} is not read")))?;
            one_zero(array)
        });
        let columns = columns.collect::<Result<Vec<_>, Error>>()?;
        let failed = |e: ArrowError| Error::input(format!("--by: {e}"));
        let few = if self.many.load(Ordering::Relaxed) { None } else { combined(&columns) };
        let Some((codes, rows)) = few else {
            self.many.store(true, Ordering::Relaxed);
            let columns = columns.iter().map(plain).collect::<Result<Vec<_>, _>>();
            let keys = columns.and_then(|columns| self.converter.convert_columns(&columns)).map_err(failed)?;
            return Ok(Keys::of(keys, None));
        };
        // Few keys: each is encoded once.
        let different = columns.iter().map(|column| plain(&take(column, &rows, None)?));
        let different = different.collect::<Result<Vec<_>, _>>();
        let different = different.and_then(|columns| self.converter.convert_columns(&columns)).map_err(failed)?;
        Ok(Keys::of(different, Some(codes)))
    }

    /// The keys that the bytes stand for, by column.
    pub(crate) fn columns<'a>(&self, bytes: impl Iterator<Item = &'a [u8]>) -> Result<Vec<KeyColumn>, Error> {
        if self.columns.is_empty() {
            return Ok(Vec::new());
        }
        let parser = self.converter.parser();
        let columns = self.converter.convert_rows(bytes.map(|row| parser.parse(row)));
        let columns = columns.map_err(|e| Error::internal(format!("a key does not read back: {e}")))?;
        columns.iter().map(KeyColumn::new).collect()
    }
}

/// The type in which keys of a type are encoded.
fn coded(kind: &DataType) -> DataType {
    if kind.is_floating() { DataType::Float64 } else { kind.clone() }
}

/// Floats as f64, with one zero and one NaN.
fn one_zero(array: &ArrayRef) -> Result<ArrayRef, Error> {
    if !array.data_type().is_floating() {
        return Ok(array.clone());
    }
    let wide = arrow::compute::cast(array, &DataType::Float64).map_err(|e| Error::internal(e.to_string()))?;
    let one = |x: f64| if x.is_nan() { f64::NAN } else { x + 0.0 };
    Ok(Arc::new(wide.as_primitive::<Float64Type>().unary::<_, Float64Type>(one)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use arrow::array::{BooleanArray, Date32Array, Int64Array, StringArray, UInt64Array};

    use super::*;

    #[test]
    fn few_keys_are_numbered_as_many_are() {
        let rows = 4000i64;
        let missing = |row: &i64| row % 11 != 3;
        let int =
            |of: fn(i64) -> i64| (0..rows).map(|row| Some(of(row)).filter(|_| missing(&row))).collect::<Int64Array>();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("near", Arc::new(int(|row| row * 7 % 40 - 20))),
            ("far", Arc::new(int(|row| [i64::MIN, -1, 0, i64::MAX][row as usize % 4]))),
            ("many", Arc::new(int(|row| row * 1_000_003))),
            (
                "wide",
                Arc::new(
                    (0..rows as u64).map(|row| (row % 5 != 0).then_some(u64::MAX - row % 3)).collect::<UInt64Array>(),
                ),
            ),
            (
                "text",
                Arc::new(
                    (0..rows).map(|row| (row % 13 != 0).then(|| format!("t{}", row % 9))).collect::<StringArray>(),
                ),
            ),
            (
                "nul",
                Arc::new(
                    (0..rows)
                        .map(|row| Some(["", "\0", "\0\0", "a", "a\0", "seven b"][row as usize % 6]))
                        .collect::<StringArray>(),
                ),
            ),
            (
                "long",
                Arc::new(
                    (0..rows)
                        .map(|row| Some(["", "seven b", "eight by", "eight b"][row as usize % 4]))
                        .collect::<StringArray>(),
                ),
            ),
            (
                "truth",
                Arc::new(
                    (0..rows).map(|row| [None, Some(true), Some(false)][row as usize % 3]).collect::<BooleanArray>(),
                ),
            ),
            (
                "day",
                Arc::new(
                    (0..rows).map(|row| (row % 3 != 0).then_some(row as i32 % 365 - 100)).collect::<Date32Array>(),
                ),
            ),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.iter().map(|(name, column)| (*name, column.clone(), true)),
        );
        let batch = batch.unwrap();
        for (by, few) in [
            (&["near"][..], true),
            (&["far"], true),
            (&["many"], true),
            (&["wide"], true),
            (&["text"], true),
            (&["nul"], true),
            (&["long"], true),
            (&["truth"], true),
            (&["day"], true),
            (&["near", "text", "truth"], true),
            (&["many", "near", "day"], false),
        ] {
            let by: Vec<String> = by.iter().map(|&name| name.to_owned()).collect();
            let groups = KeyEncoder::new(&by, &batch.schema()).unwrap();
            let keys = groups.of(&batch).unwrap();
            assert_eq!(matches!(keys.kind, Kind::Coded(..)), few, "{by:?}");
            let columns: Vec<ArrayRef> = by.iter().map(|name| batch.column_by_name(name).unwrap().clone()).collect();
            let each = Keys::of(groups.converter.convert_columns(&columns).unwrap(), None);
            for rows in [None, Some(&[5, 6, 700, 3999, 3][..])] {
                let (mut one, mut other) = (Numbers::default(), Numbers::default());
                assert_eq!(keys.numbers(rows, &mut one), each.numbers(rows, &mut other), "{by:?}");
                assert!(one.keys().eq(other.keys()), "{by:?}");
            }
            assert_eq!(keys.parts(5), each.parts(5), "{by:?}");
        }
    }
}
