//! Dates and times: integers on the way, which order as they do, and ISO 8601 at the end.

use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};

/// What a column's integers count. Zones are dropped: what is stored is UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Clock {
    /// Days since 1970.
    Date,
    /// Units since 1970, by a clock of no zone.
    Local(Unit),
    /// Units since 1970 in UTC.
    Utc(Unit),
    /// Units since midnight.
    OfDay(Unit),
    /// Units that passed: a duration.
    Elapsed(Unit),
}

/// The length of a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

const DAY: i128 = 86_400;

impl Unit {
    fn of(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::Second => Self::Seconds,
            TimeUnit::Millisecond => Self::Milliseconds,
            TimeUnit::Microsecond => Self::Microseconds,
            TimeUnit::Nanosecond => Self::Nanoseconds,
        }
    }

    /// Ticks of a second.
    fn per_second(self) -> i128 {
        10i128.pow(self.digits() as u32)
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
            DataType::Duration(unit) => Self::Elapsed(Unit::of(*unit)),
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
            Self::Elapsed(unit) => format!("duration[{}]", unit.name()),
        }
    }

    /// ISO 8601 for any integer at all; a fraction of a second only where there is one.
    pub(crate) fn text(self, ticks: i128) -> String {
        match self {
            Self::Date => date(ticks),
            Self::Local(unit) => moment(ticks, unit),
            Self::Utc(unit) => moment(ticks, unit) + "Z",
            Self::OfDay(unit) => time(ticks, unit),
            Self::Elapsed(unit) => duration(ticks, unit),
        }
    }

    /// The mean of ticks that sum to `sum`, rounded once to the unit, but no coarser than to microseconds: that of
    /// two dates may lie between them.
    pub(crate) fn mean(self, sum: i128, count: u64) -> String {
        let unit = match self {
            Self::Date => Unit::Seconds,
            Self::Local(unit) | Self::Utc(unit) | Self::OfDay(unit) | Self::Elapsed(unit) => unit,
        };
        let fine = unit.max(Unit::Microseconds);
        let per_tick = fine.per_second() / unit.per_second() * if self == Self::Date { DAY } else { 1 };
        let count = i128::from(count.max(1));
        // Whole ticks and the rest apart, as their product with a day of microseconds fits in 128 bits.
        let (whole, rest) = (sum.div_euclid(count), sum.rem_euclid(count) * per_tick);
        let (ticks, left) = (whole * per_tick + rest / count, rest % count);
        let ticks = ticks + i128::from(2 * left > count || (2 * left == count && ticks % 2 != 0));
        match self {
            Self::Date | Self::Local(_) => Self::Local(fine),
            Self::Utc(_) => Self::Utc(fine),
            Self::OfDay(_) => Self::OfDay(fine),
            Self::Elapsed(_) => Self::Elapsed(fine),
        }
        .text(ticks)
    }

    /// The time between two ticks, as text.
    pub(crate) fn between(self, least: i64, greatest: i64) -> String {
        let ticks = i128::from(greatest) - i128::from(least);
        match self {
            Self::Date => Self::Elapsed(Unit::Seconds).text(ticks * DAY),
            Self::Local(unit) | Self::Utc(unit) | Self::OfDay(unit) | Self::Elapsed(unit) => {
                Self::Elapsed(unit).text(ticks)
            }
        }
    }
}

fn moment(ticks: i128, unit: Unit) -> String {
    let day = DAY * unit.per_second();
    format!("{}T{}", date(ticks.div_euclid(day)), time(ticks.rem_euclid(day), unit))
}

fn time(ticks: i128, unit: Unit) -> String {
    let seconds = ticks.div_euclid(unit.per_second());
    let clock = format!("{:02}:{:02}:{:02}", seconds.div_euclid(3600), seconds / 60 % 60, seconds % 60);
    clock + &fraction(ticks, unit)
}

/// The part of a second, with its point: of nanoseconds that are whole milliseconds three digits, of none nothing.
fn fraction(ticks: i128, unit: Unit) -> String {
    let (mut fraction, mut digits) = (ticks.rem_euclid(unit.per_second()), unit.digits());
    if fraction == 0 {
        return String::new();
    }
    while fraction % 1000 == 0 {
        fraction /= 1000;
        digits -= 3;
    }
    format!(".{fraction:0digits$}")
}

/// Such as `P1DT2H3M4.500S`: days of 24 hours, and no larger parts, whose lengths differ.
fn duration(ticks: i128, unit: Unit) -> String {
    let sign = if ticks < 0 { "-" } else { "" };
    let ticks = ticks.abs();
    let seconds = ticks / unit.per_second();
    let part = |amount: i128, letter: char| if amount > 0 { format!("{amount}{letter}") } else { String::new() };
    let days = part(seconds / DAY, 'D');
    let mut clock = part(seconds / 3600 % 24, 'H') + &part(seconds / 60 % 60, 'M');
    let fraction = fraction(ticks, unit);
    if seconds % 60 > 0 || !fraction.is_empty() || (clock.is_empty() && days.is_empty()) {
        clock += &format!("{}{fraction}S", seconds % 60);
    }
    let clock = if clock.is_empty() { clock } else { format!("T{clock}") };
    format!("{sign}P{days}{clock}")
}

/// The proleptic Gregorian date of a day since 1970; years of more than four digits carry their sign.
fn date(days: i128) -> String {
    // Days since the first of March of year 0, as the leap day is then the last of its year.
    let days = days + 719_468;
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
            (Clock::Utc(Unit::Nanoseconds), i64::MIN.into(), "1677-09-21T00:12:43.145224192Z"),
            (Clock::OfDay(Unit::Microseconds), 3_723_000_004, "01:02:03.000004"),
            (Clock::Elapsed(Unit::Milliseconds), 93_784_500, "P1DT2H3M4.500S"),
            (Clock::Elapsed(Unit::Seconds), 0, "PT0S"),
            (Clock::Elapsed(Unit::Nanoseconds), -1, "-PT0.000000001S"),
            (Clock::Elapsed(Unit::Seconds), 2 * 86_400, "P2D"),
        ];
        for (clock, ticks, text) in cases {
            assert_eq!(clock.text(ticks), text, "{clock:?} {ticks}");
        }
    }

    #[test]
    fn no_integer_is_too_far() {
        for ticks in [i64::MIN, i64::MAX] {
            let seconds = [Clock::Local, Clock::OfDay, Clock::Elapsed].map(|clock| clock(Unit::Seconds));
            for clock in [Clock::Date].into_iter().chain(seconds) {
                assert!(!clock.text(ticks.into()).is_empty());
                assert!(!clock.mean(i128::from(ticks) << 56, 1 << 56).is_empty());
                assert!(!clock.between(i64::MIN, i64::MAX).is_empty());
            }
        }
    }

    #[test]
    fn means_lie_between_and_round_once() {
        assert_eq!(Clock::Date.mean(1, 2), "1970-01-01T12:00:00");
        assert_eq!(Clock::Date.mean(-1, 3), "1969-12-31T16:00:00");
        assert_eq!(Clock::Utc(Unit::Nanoseconds).mean(3, 2), "1970-01-01T00:00:00.000000002Z");
        assert_eq!(Clock::Utc(Unit::Nanoseconds).mean(1, 2), "1970-01-01T00:00:00Z");
        assert_eq!(Clock::Elapsed(Unit::Seconds).mean(5, 2), "PT2.500S");
        assert_eq!(Clock::OfDay(Unit::Seconds).mean(2, 3), "00:00:00.666667");
        // The mean of one tick is that tick, however far.
        let far = Clock::Local(Unit::Nanoseconds);
        assert_eq!(far.mean(i64::MAX.into(), 1), far.text(i64::MAX.into()));
        assert_eq!(Clock::Date.between(-1, 1), "P2D");
    }
}
