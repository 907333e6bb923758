//! Dates and times: integers on the way, which order as they do, and ISO 8601 at the end.

use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

/// What a column's integers count. Zones are dropped: what is stored is UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Clock {
    /// Days since 1970.
    Date,
    /// Units since 1970, by a clock of no zone.
    Local(Unit),
    /// Units since 1970 in UTC.
    Utc(Unit),
    /// Units since midnight.
    OfDay(Unit),
}

/// The length of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

const DAY: i64 = 86_400;

impl Unit {
    fn of(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::Second => Self::Seconds,
            TimeUnit::Millisecond => Self::Milliseconds,
            TimeUnit::Microsecond => Self::Microseconds,
            TimeUnit::Nanosecond => Self::Nanoseconds,
        }
    }

    /// Digits after the point of a second.
    fn digits(self) -> usize {
        3 * self as usize
    }

    fn name(self) -> &'static str {
        ["s", "ms", "us", "ns"][self as usize]
    }
}

impl Clock {
    /// The clock of a column, if it holds dates or times.
    pub(crate) fn of(column: &DataType) -> Option<Self> {
        Some(match column {
            DataType::Date32 => Self::Date,
            DataType::Date64 => Self::Local(Unit::Milliseconds),
            DataType::Timestamp(unit, None) => Self::Local(Unit::of(*unit)),
            DataType::Timestamp(unit, Some(_)) => Self::Utc(Unit::of(*unit)),
            DataType::Time32(unit) | DataType::Time64(unit) => Self::OfDay(Unit::of(*unit)),
            _ => return None,
        })
    }

    /// What the integers are, for messages and signatures.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Date => "date".into(),
            Self::Local(unit) => format!("timestamp[{}]", unit.name()),
            Self::Utc(unit) => format!("timestamp[{}, UTC]", unit.name()),
            Self::OfDay(unit) => format!("time[{}]", unit.name()),
        }
    }

    /// ISO 8601 for any integer at all; a fraction of a second only where there is one.
    pub(crate) fn text(self, ticks: i64) -> String {
        match self {
            Self::Date => date(ticks),
            Self::Local(unit) => moment(ticks, unit),
            Self::Utc(unit) => moment(ticks, unit) + "Z",
            Self::OfDay(unit) => time(ticks, unit),
        }
    }
}

fn moment(ticks: i64, unit: Unit) -> String {
    let day = DAY * 10i64.pow(unit.digits() as u32);
    format!("{}T{}", date(ticks.div_euclid(day)), time(ticks.rem_euclid(day), unit))
}

fn time(ticks: i64, unit: Unit) -> String {
    let second = 10i64.pow(unit.digits() as u32);
    let (seconds, mut fraction) = (ticks.div_euclid(second), ticks.rem_euclid(second));
    let mut text = format!("{:02}:{:02}:{:02}", seconds.div_euclid(3600), seconds / 60 % 60, seconds % 60);
    if fraction > 0 {
        let mut digits = unit.digits();
        // Of nanoseconds that are whole milliseconds, three digits.
        while fraction % 1000 == 0 {
            fraction /= 1000;
            digits -= 3;
        }
        text += &format!(".{fraction:0digits$}");
    }
    text
}

/// The proleptic Gregorian date of a day since 1970; years of more than four digits carry their sign.
fn date(days: i64) -> String {
    // Days since the first of March of year 0, as the leap day is then the last of its year.
    let days = i128::from(days) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = era * 400 + year_of_era + i128::from(month <= 2);
    match year {
        0..=9999 => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:+05}-{month:02}-{day:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_as_iso_8601_has_them() {
        let cases = [
            (Clock::Date, 0, "1970-01-01"),
            (Clock::Date, 11_016, "2000-02-29"),
            (Clock::Date, -1, "1969-12-31"),
            (Clock::Date, 2_932_896, "9999-12-31"),
            (Clock::Date, 2_932_897, "+10000-01-01"),
            (Clock::Date, -719_528, "0000-01-01"),
            (Clock::Date, -719_529, "-0001-12-31"),
            (Clock::Local(Unit::Seconds), 951_827_696, "2000-02-29T12:34:56"),
            (Clock::Utc(Unit::Milliseconds), -1, "1969-12-31T23:59:59.999Z"),
            (Clock::Utc(Unit::Nanoseconds), 1_500_000_000, "1970-01-01T00:00:01.500Z"),
            (Clock::Utc(Unit::Nanoseconds), i64::MIN, "1677-09-21T00:12:43.145224192Z"),
            (Clock::OfDay(Unit::Microseconds), 3_723_000_004, "01:02:03.000004"),
        ];
        for (clock, ticks, text) in cases {
            assert_eq!(clock.text(ticks), text, "{clock:?} {ticks}");
        }
    }

    #[test]
    fn no_integer_is_too_far() {
        for ticks in [i64::MIN, i64::MAX] {
            for clock in [Clock::Date, Clock::Local(Unit::Seconds), Clock::OfDay(Unit::Seconds)] {
                assert!(!clock.text(ticks).is_empty());
            }
        }
    }
}
