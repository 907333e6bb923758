//! Numbers and tables as text: exact for programs, readable for people.

use half::f16;
use serde::Serialize;
use serde_json::value::RawValue;
use strix_reduce::aggregators::Bins;

/// What a statistic may be: a number as text that reads back as the same value, a truth value, or text.
pub(crate) trait Numeral {
    /// Decimal digits, the shortest that read back as the same f64 or the exact integer; `NaN`,
    /// `Infinity` and `-Infinity` for what has no digits.
    fn numeral(&self) -> String;

    /// The number as a value.
    fn value(self) -> Value
    where
        Self: Sized,
    {
        Value::Number(self.numeral())
    }
}

impl Numeral for bool {
    fn numeral(&self) -> String {
        self.to_string()
    }
    fn value(self) -> Value {
        Value::Truth(self)
    }
}

impl Numeral for String {
    fn numeral(&self) -> String {
        self.clone()
    }
    fn value(self) -> Value {
        Value::Text(self)
    }
}

impl Numeral for f64 {
    fn numeral(&self) -> String {
        match *self {
            x if x.is_nan() => "NaN".into(),
            f64::INFINITY => "Infinity".into(),
            f64::NEG_INFINITY => "-Infinity".into(),
            x => serde_json::Number::from_f64(x).map_or_else(|| x.to_string(), |number| number.to_string()),
        }
    }
}

macro_rules! narrow_float_numeral {
    ($($float:ty)*) => {$(
        /// By its exact value in f64, which reads back right as either type.
        impl Numeral for $float {
            fn numeral(&self) -> String {
                f64::from(*self).numeral()
            }
        }
    )*};
}
narrow_float_numeral!(f32 f16);

macro_rules! integer_numeral {
    ($($integer:ty)*) => {$(
        impl Numeral for $integer {
            fn numeral(&self) -> String {
                self.to_string()
            }
        }
    )*};
}
integer_numeral!(i8 i16 i32 i64 i128 u8 u16 u32 u64);

/// A statistic's value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// There is none.
    Missing,
    /// Digits of any length, or `NaN`, `Infinity`, `-Infinity`.
    Number(String),
    Truth(bool),
    Text(String),
    /// Values and how often each came at least, and by how much that may be too low.
    Top {
        values: Vec<(Value, u64)>,
        error: u64,
    },
    Histogram(Bins),
}

impl Value {
    pub(crate) fn of(value: Option<impl Numeral>) -> Self {
        value.map_or(Self::Missing, |value| value.value())
    }

    /// For a person; a missing value says so.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Missing => "no value".into(),
            Self::Number(text) | Self::Text(text) => text.clone(),
            Self::Truth(truth) => truth.to_string(),
            Self::Top { values, error } => {
                let values: Vec<String> = values.iter().map(|(value, n)| format!("{} ({n})", value.text())).collect();
                let error = if *error > 0 { format!(" (each +{error} at most)") } else { String::new() };
                values.join(", ") + &error
            }
            Self::Histogram(bins) => {
                let counts: Vec<String> = bins.counts.iter().map(u64::to_string).collect();
                let (low, high) = (bins.edges[0].numeral(), bins.edges[bins.edges.len() - 1].numeral());
                format!("[{low}: {} :{high}]", counts.join(" "))
            }
        }
    }

    /// For a cell of CSV; empty where there is no value, JSON where there are many.
    pub(crate) fn cell(&self) -> String {
        match self {
            Self::Missing => String::new(),
            Self::Top { .. } | Self::Histogram(_) => serde_json::to_string(self).unwrap_or_default(),
            _ => self.text(),
        }
    }
}

/// JSON numbers keep every digit; what is no JSON number (NaN, infinities) is a string.
impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Missing => serializer.serialize_none(),
            Self::Number(text) if text.ends_with(|c: char| c.is_ascii_digit()) => {
                RawValue::from_string(text.clone()).map_err(serde::ser::Error::custom)?.serialize(serializer)
            }
            Self::Number(text) | Self::Text(text) => serializer.serialize_str(text),
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
                let Bins { edges, counts, below, above, nan } = bins;
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

/// 1234567 as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of things: `1 row`, `2,000 rows`.
pub(crate) fn counted(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// A share as a percentage with two decimals.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_as_they_were() {
        for x in [0.1, 1e300, -0.0, 5e-324, 1.0, 9_007_199_254_740_993.0] {
            assert_eq!(x.numeral().parse::<f64>().map(f64::to_bits), Ok(f64::to_bits(x)), "{x}");
        }
        assert_eq!(0.1f32.numeral(), "0.10000000149011612");
        assert_eq!(i128::MAX.numeral(), "170141183460469231731687303715884105727");
    }

    #[test]
    fn json_keeps_digits_and_quotes_what_is_no_number() {
        let json = |value: Value| serde_json::to_string(&value).unwrap_or_default();
        assert_eq!(json(Value::of(Some(i128::MIN))), "-170141183460469231731687303715884105728");
        assert_eq!(json(Value::of(Some(1e300))), "1e+300");
        assert_eq!(json(Value::of(Some(f64::NAN))), "\"NaN\"");
        assert_eq!(json(Value::of(None::<f64>)), "null");
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1000, 47_040_000].map(grouped), ["0", "999", "1,000", "47,040,000"]);
    }
}
