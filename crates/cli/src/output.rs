//! Numbers and tables as text: exact for programs, readable for people.

use serde::Serialize;
use serde_json::value::RawValue;

/// A number as text that reads back as the same value.
pub(crate) trait Numeral {
    /// Decimal digits, the shortest that read back as the same f64 or the exact integer; `NaN`,
    /// `Infinity` and `-Infinity` for what has no digits.
    fn numeral(&self) -> String;
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

/// By its exact value in f64, which reads back right as either type.
impl Numeral for f32 {
    fn numeral(&self) -> String {
        f64::from(*self).numeral()
    }
}

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

/// A statistic's value: digits of any length, or null where there is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Value(pub(crate) Option<String>);

impl Value {
    pub(crate) fn of(number: Option<impl Numeral>) -> Self {
        Self(number.map(|number| number.numeral()))
    }

    /// For a table; a missing value says so.
    pub(crate) fn text(&self) -> &str {
        self.0.as_deref().unwrap_or("no value")
    }
}

/// JSON numbers keep every digit; what is no JSON number (NaN, infinities) is a string.
impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            None => serializer.serialize_none(),
            Some(text) if text.ends_with(|c: char| c.is_ascii_digit()) => {
                RawValue::from_string(text.clone()).map_err(serde::ser::Error::custom)?.serialize(serializer)
            }
            Some(text) => serializer.serialize_str(text),
        }
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
