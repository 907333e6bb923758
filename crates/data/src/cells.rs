//! Columns of text cells: which type they have, and the arrays that they make.

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Decimal256Builder, Float64Array, Int64Array, StringBuilder, UInt64Array};
use arrow::datatypes::{DataType, i256};

use crate::ColumnType;
use crate::number::{float, integer_of_64, parsed};

/// The types that a column of text may turn out to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    I64,
    U64,
    Integer,
    F64,
    Bool,
    Text,
}

/// Digits of the longest integers that are numbers and no text.
pub(crate) const INTEGER_DIGITS: u8 = 76;

impl Kind {
    /// In the order in which they are tried.
    const TRIED: [Self; 5] = [Self::I64, Self::U64, Self::Integer, Self::F64, Self::Bool];

    /// The type of a column that was told from its values.
    pub(crate) fn of(evidence: Evidence) -> Self {
        match evidence {
            Evidence::Values(kind) => kind,
            Evidence::None => Self::F64,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::Integer => "integer",
            Self::F64 => "f64",
            Self::Bool => "bool",
            Self::Text => "text",
        }
    }

    /// What one value of the type is called in a message.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::I64 => "an integer of 64 bits (i64)",
            Self::U64 => "an integer from 0 to 2^64 - 1 (u64)",
            Self::Integer => "an integer of up to 76 digits (integer)",
            Self::F64 => "a number (f64)",
            Self::Bool => "true or false (bool)",
            Self::Text => "text",
        }
    }

    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::I64 => DataType::Int64,
            Self::U64 => DataType::UInt64,
            Self::Integer => DataType::Decimal256(INTEGER_DIGITS, 0),
            Self::F64 => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Text => DataType::Utf8,
        }
    }

    /// Whether a cell that is there is of the type.
    pub(crate) fn fits(self, cell: &[u8]) -> bool {
        match self {
            Self::I64 => integer_of_64(cell).is_some(),
            Self::U64 => parsed::<u64>(cell).is_some(),
            Self::Integer => integer(cell).is_some(),
            Self::F64 => float(cell).is_some(),
            Self::Bool => truth(cell.trim_ascii()).is_some(),
            Self::Text => std::str::from_utf8(cell).is_ok(),
        }
    }
}

/// What the first values of a column say about its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Nothing, as there are none.
    None,
    /// They are of that type.
    Values(Kind),
}

/// Whether it is an integer in digits, however long.
pub(crate) fn is_integer(cell: &[u8]) -> bool {
    let digits = cell.strip_prefix(b"-").or(cell.strip_prefix(b"+")).unwrap_or(cell);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// The integer that a text is, of [`INTEGER_DIGITS`] at most.
pub(crate) fn integer(cell: &[u8]) -> Option<i256> {
    let cell = cell.trim_ascii();
    let digits = cell.strip_prefix(b"-").or(cell.strip_prefix(b"+")).unwrap_or(cell);
    let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
    if !is_integer(cell) || digits.len() - zeros > usize::from(INTEGER_DIGITS) {
        return None;
    }
    let value = i256::from_string(std::str::from_utf8(digits).ok()?)?;
    Some(if cell[0] == b'-' { value.wrapping_neg() } else { value })
}

impl From<ColumnType> for Kind {
    fn from(kind: ColumnType) -> Self {
        match kind {
            ColumnType::Bool => Self::Bool,
            ColumnType::I64 => Self::I64,
            ColumnType::U64 => Self::U64,
            ColumnType::Integer => Self::Integer,
            ColumnType::F64 => Self::F64,
            ColumnType::Text => Self::Text,
        }
    }
}

/// Where a cell begins and ends in a text.
pub(crate) type Span = (u32, u32);

/// The cells of one column, where they lie in a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cells<'a> {
    pub(crate) text: &'a [u8],
    /// What does not stand in the text as it is: places in it count on from the text's end.
    pub(crate) rest: &'a [u8],
    pub(crate) spans: &'a [Span],
}

impl<'a> Cells<'a> {
    fn iter(self) -> impl ExactSizeIterator<Item = &'a [u8]> {
        self.spans.iter().map(move |&span| self.at(span))
    }

    #[inline(always)]
    fn at(self, (start, end): Span) -> &'a [u8] {
        let (start, end) = (start as usize, end as usize);
        match start.checked_sub(self.text.len()) {
            None => &self.text[start..end],
            Some(start) => &self.rest[start..end - self.text.len()],
        }
    }

    /// The first type that all cells have which are not missing.
    pub(crate) fn evidence(self, missing: &Missing) -> Evidence {
        if self.iter().all(|cell| missing.is(cell)) {
            return Evidence::None;
        }
        let all = |fit: &dyn Fn(&[u8]) -> bool| self.iter().all(|cell| missing.is(cell.trim_ascii()) || fit(cell));
        // As f64, integers that are longer than others would be equal to them.
        let fits = |kind: &Kind| all(&|cell| kind.fits(cell)) && (*kind != Kind::F64 || !all(&is_integer));
        Evidence::Values(Kind::TRIED.into_iter().find(fits).unwrap_or(Kind::Text))
    }

    /// The cells as an array; of the first that does not fit, its row and what it holds.
    pub(crate) fn array(self, kind: Kind, missing: &Missing) -> Result<ArrayRef, (usize, &'a [u8])> {
        let mut wrong = None;
        macro_rules! array {
            ($array:ty, $parse:expr) => {{
                let parse = |(row, cell): (usize, &'_ [u8])| {
                    let value = $parse(cell);
                    let missing = missing.is(cell.trim_ascii());
                    if value.is_none() && !missing && wrong.is_none() {
                        wrong = Some(row);
                    }
                    value.filter(|_| !missing)
                };
                Arc::new(self.iter().enumerate().map(parse).collect::<$array>()) as ArrayRef
            }};
        }
        let array = match kind {
            Kind::I64 => array!(Int64Array, integer_of_64),
            Kind::U64 => array!(UInt64Array, parsed::<u64>),
            Kind::Integer => {
                let mut wide = Decimal256Builder::with_capacity(self.spans.len()).with_data_type(kind.data_type());
                for (row, cell) in self.iter().enumerate() {
                    match integer(cell) {
                        _ if missing.is(cell.trim_ascii()) => wide.append_null(),
                        Some(value) => wide.append_value(value),
                        None => return Err((row, cell)),
                    }
                }
                Arc::new(wide.finish())
            }
            Kind::F64 => array!(Float64Array, float),
            Kind::Bool => array!(BooleanArray, |cell: &[u8]| truth(cell.trim_ascii())),
            Kind::Text => {
                let bytes = self.spans.iter().map(|&(start, end)| (end - start) as usize).sum();
                let mut text = StringBuilder::with_capacity(self.spans.len(), bytes);
                for (row, cell) in self.iter().enumerate() {
                    match std::str::from_utf8(cell) {
                        _ if missing.is(cell) => text.append_null(),
                        Ok(cell) => text.append_value(cell),
                        Err(_) => return Err((row, cell)),
                    }
                }
                Arc::new(text.finish())
            }
        };
        wrong.map_or(Ok(array), |row| Err((row, self.cell(row))))
    }

    /// The first cell, and its row, that is there and not the text that its number is written as.
    pub(crate) fn other_text(self, kind: Kind, missing: &Missing) -> Option<(usize, &'a [u8])> {
        let numbers = matches!(kind, Kind::I64 | Kind::U64 | Kind::Integer | Kind::F64);
        let other = |cell: &[u8]| !is_own_text(cell, kind) && !missing.is(cell) && Kind::F64.fits(cell);
        self.iter().enumerate().find(|(_, cell)| numbers && other(cell))
    }

    fn cell(self, row: usize) -> &'a [u8] {
        self.at(self.spans[row])
    }
}

/// Significant digits up to which different decimal texts are different numbers as f64 (IEEE 754: 15).
const DIGITS: usize = 15;

/// Whether a number has this text and no other: no zeros that could be left out, no plus sign and no exponent. Of
/// two different such texts, the numbers differ too.
fn is_own_text(cell: &[u8], kind: Kind) -> bool {
    if matches!(cell, b"NaN" | b"inf" | b"-inf") {
        return true;
    }
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    let point = digits.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = digits.split_at(point.unwrap_or(digits.len()));
    let all_digits = |digits: &[u8]| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    if !all_digits(whole) || (whole.len() > 1 && whole[0] == b'0') || cell == b"-0" {
        return false;
    }
    match fraction.strip_prefix(b".") {
        None => kind != Kind::F64 || whole.len() <= DIGITS,
        Some(fraction) => all_digits(fraction) && !fraction.ends_with(b"0") && whole.len() + fraction.len() <= DIGITS,
    }
}

/// Whether a text is one that people write where a value is missing.
pub(crate) fn means_missing(cell: &[u8]) -> bool {
    const WORDS: [&str; 14] =
        ["na", "n/a", "#n/a", "n.a.", "nan", "null", "none", "nil", "missing", "unknown", "-", "--", ".", "?"];
    std::str::from_utf8(cell).is_ok_and(|cell| WORDS.contains(&cell.to_lowercase().as_str()) || cell == "\\N")
}

/// The texts that stand for no value.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) Vec<String>);

impl Missing {
    fn is(&self, cell: &[u8]) -> bool {
        cell.is_empty() || self.0.iter().any(|text| text.as_bytes() == cell)
    }
}

pub(crate) fn truth(cell: &[u8]) -> Option<bool> {
    match cell {
        b"true" | b"True" | b"TRUE" => Some(true),
        b"false" | b"False" | b"FALSE" => Some(false),
        _ => None,
    }
}
