//! The value of a statistic: exact for programs, readable for people.

use half::f16;
use serde::Serialize;
use serde_json::value::RawValue;
use strix_reduce::aggregators::Bins;

macro_rules! from {
    ($($content:ty => $variant:ident),*) => {$(
        impl From<$content> for Value {
            fn from(content: $content) -> Self {
                Self::$variant(content.into())
            }
        }
    )*};
}
// Narrow floats by their exact value in f64, which reads back right as either type.
from!(bool => Truth, String => Text, &str => Text, f64 => Float, f32 => Float, f16 => Float);
from!(
    i8 => Integer, i16 => Integer, i32 => Integer, i64 => Integer, i128 => Integer, u8 => Integer, u16 => Integer,
    u32 => Integer, u64 => Integer
);

/// The value of a statistic or of a key's cell.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// There is none.
    Missing,
    /// An integer, exact.
    Integer(i128),
    /// A floating point number; NaN and infinities too.
    Float(f64),
    /// Decimal digits, with a point, of what neither of them holds.
    Decimal(String),
    /// True or false.
    Truth(bool),
    /// Text, or dates, times and durations as ISO 8601 has them.
    Text(String),
    /// The most frequent values.
    Top {
        /// Values, and how often each came at least.
        values: Vec<(Value, u64)>,
        /// By how much the counts may be too low.
        error: u64,
    },
    /// Counts in bins.
    Histogram(Bins),
}

impl Value {
    /// The value, or that there is none.
    pub fn of(value: Option<impl Into<Self>>) -> Self {
        value.map_or(Self::Missing, Into::into)
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Integer(_) | Self::Float(_) | Self::Decimal(_))
    }

    /// The number nearest to it, if it is one.
    ///
    /// ```
    /// # use strix_table::Value;
    /// assert_eq!(Value::Integer(3).as_f64(), Some(3.0));
    /// assert_eq!(Value::Text("3".into()).as_f64(), None);
    /// ```
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Integer(integer) => Some(*integer as f64),
            Self::Float(float) => Some(*float),
            Self::Decimal(digits) => digits.parse().ok(),
            _ => None,
        }
    }

    /// Text for a person; a missing value says so.
    ///
    /// Numbers are the exact integer, or the shortest digits that read back as the same f64; `NaN`, `Infinity` and `-Infinity`
    /// are what has no digits.
    pub fn text(&self) -> String {
        match self {
            Self::Missing => "no value".into(),
            Self::Integer(integer) => integer.to_string(),
            Self::Float(float) => digits(*float),
            Self::Decimal(text) | Self::Text(text) => text.clone(),
            Self::Truth(truth) => truth.to_string(),
            Self::Top { values, error } => {
                let values: Vec<String> = values.iter().map(|(value, n)| format!("{} ({n})", value.text())).collect();
                let error = if *error > 0 { format!(" (each +{error} at most)") } else { String::new() };
                values.join(", ") + &error
            }
            Self::Histogram(bins) => {
                let counts: Vec<String> = bins.counts.iter().map(u64::to_string).collect();
                let (low, high) = (digits(bins.edges[0]), digits(bins.edges[bins.edges.len() - 1]));
                format!("[{low}: {} :{high}]", counts.join(" "))
            }
        }
    }

    /// Text for a cell of CSV; empty where there is no value, JSON where there are many.
    pub fn cell(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Top { .. } | Self::Histogram(_) => serde_json::to_string(self).unwrap_or_default(),
            _ => self.text(),
        }
    }
}

/// The shortest digits that read back as the same f64.
pub(crate) fn digits(float: f64) -> String {
    match float {
        x if x.is_nan() => "NaN".into(),
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        x => serde_json::Number::from_f64(x).map_or_else(|| x.to_string(), |number| number.to_string()),
    }
}

/// JSON numbers keep every digit; NaN and infinities, which JSON has no numbers for, are strings.
impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = |digits: String, serializer: S| {
            RawValue::from_string(digits).map_err(serde::ser::Error::custom)?.serialize(serializer)
        };
        match self {
            Self::Missing => serializer.serialize_none(),
            Self::Integer(integer) => number(integer.to_string(), serializer),
            Self::Float(float) if float.is_finite() => serializer.serialize_f64(*float),
            Self::Float(float) => serializer.serialize_str(&digits(*float)),
            Self::Decimal(text) => number(text.clone(), serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Truth(truth) => serializer.serialize_bool(*truth),
            Self::Top { values, error } => {
                #[derive(Serialize)]
                struct Counted<'a> {
                    value: &'a Value,
                    count: u64,
                }
                #[derive(Serialize)]
                struct Top<'a> {
                    values: Vec<Counted<'a>>,
                    error: u64,
                }
                let values = values.iter().map(|(value, count)| Counted { value, count: *count }).collect();
                Top { values, error: *error }.serialize(serializer)
            }
            Self::Histogram(bins) => {
                #[derive(Serialize)]
                struct Histogram<'a> {
                    edges: &'a [f64],
                    counts: &'a [u64],
                    below: u64,
                    above: u64,
                    nan: u64,
                }
                let Bins { edges, counts, below, above, nan, .. } = bins;
                Histogram { edges, counts, below: *below, above: *above, nan: *nan }.serialize(serializer)
            }
        }
    }
}

/// Bytes as text: as UTF-8 if they are that, without control characters and not like the other form; else in hexadecimal.
pub(crate) fn bytes_text(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.starts_with("0x") && !text.contains(char::is_control) => text.to_owned(),
        _ => format!("0x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_as_they_were() {
        for x in [0.1, 1e300, -0.0, 5e-324, 1.0, 9_007_199_254_740_993.0] {
            assert_eq!(digits(x).parse::<f64>().map(f64::to_bits), Ok(f64::to_bits(x)), "{x}");
        }
        assert_eq!(Value::from(0.1f32).text(), "0.10000000149011612");
        assert_eq!(Value::from(i128::MAX).text(), "170141183460469231731687303715884105727");
    }

    #[test]
    fn json_keeps_digits_and_quotes_what_it_has_no_numbers_for() {
        let json = |value: Value| serde_json::to_string(&value).unwrap_or_default();
        assert_eq!(json(Value::of(Some(i128::MIN))), "-170141183460469231731687303715884105728");
        assert_eq!(json(Value::of(Some(1e300))), "1e+300");
        assert_eq!(json(Value::of(Some(-0.0))), "-0.0");
        assert_eq!(json(Value::of(Some(f64::NAN))), "\"NaN\"");
        assert_eq!(json(Value::of(None::<f64>)), "null");
    }
}
