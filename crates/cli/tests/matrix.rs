//! Every type that a column of Parquet, Arrow IPC or npz may have, by every statistic, whole and by group, with and
//! without nulls. Each cell is held against integers of any size, exact rationals, or texts that arrow's own casts make.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::*;
use common::{Place, mentions};
use half::f16;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

/// The offset of times in UTC.
const UTC: &str = "+00:00";

/// What a type's values are.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Integer,
    Float,
    /// With so many digits after the point.
    Decimal(i8),
    Truth,
    /// Told apart and ordered, and nothing else.
    Label,
    Time,
    Duration,
    Null,
}

/// A type: four values in their order, of which some may be equal, the text of each, and the number of each.
struct Type {
    name: String,
    kind: Kind,
    /// Whether the field says that it holds UUIDs.
    uuid: bool,
    values: ArrayRef,
    texts: Vec<String>,
    numbers: Vec<BigRational>,
}

fn ratio(numerator: impl Into<BigInt>, denominator: impl Into<BigInt>) -> BigRational {
    BigRational::new(numerator.into(), denominator.into())
}

fn numeric<T: ToString>(kind: Kind, values: ArrayRef, texts: [T; 4], numbers: [BigRational; 4]) -> Type {
    let name = values.data_type().to_string();
    Type { name, kind, uuid: false, values, texts: texts.map(|text| text.to_string()).into(), numbers: numbers.into() }
}

fn label(values: ArrayRef, texts: [&str; 4]) -> Type {
    Type { kind: Kind::Label, ..numeric(Kind::Label, values, texts, [0, 1, 2, 3].map(|rank| ratio(rank, 1))) }
}

/// Dates and times, as arrow's casts write them.
fn time(values: ArrayRef) -> Type {
    let texts = arrow::compute::cast(&values, &DataType::Utf8).unwrap();
    let texts: Vec<String> = texts.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect();
    let ticks = arrow::compute::cast(&values, &DataType::Int64).unwrap();
    let numbers = ticks.as_primitive::<Int64Type>().values().iter().map(|&tick| ratio(tick, 1)).collect();
    let name = values.data_type().to_string();
    Type { name, kind: Kind::Time, uuid: false, values, texts, numbers }
}

fn duration(values: ArrayRef) -> Type {
    let ticks = arrow::compute::cast(&values, &DataType::Int64).unwrap();
    let numbers = ticks.as_primitive::<Int64Type>().values().iter().map(|&tick| ratio(tick, 1)).collect();
    let (name, texts) = (values.data_type().to_string(), ["-PT1M", "PT0S", "PT1S", "P1DT1S"].map(String::from).into());
    Type { name, kind: Kind::Duration, uuid: false, values, texts, numbers }
}

/// Makes times of one unit in a zone, of the ticks of seconds, milliseconds, microseconds and nanoseconds.
type Zoned = fn(Option<Arc<str>>, [Vec<i64>; 4]) -> ArrayRef;

fn types() -> Vec<Type> {
    let mut types = Vec::new();
    macro_rules! integers {
        ($($array:ident $integer:ty),*) => {$({
            let values = [<$integer>::MIN, 1, 7, <$integer>::MAX];
            types.push(numeric(Kind::Integer, Arc::new($array::from(values.to_vec())), values, values.map(|x| ratio(x, 1))));
        })*};
    }
    integers!(Int8Array i8, Int16Array i16, Int32Array i32, Int64Array i64, UInt8Array u8, UInt16Array u16, UInt32Array u32, UInt64Array u64);
    // Every sum of these is exact, also in f16.
    let floats = [-2.0, 0.5, 1.5, 64.0];
    let fractions = floats.map(|x: f64| ratio((x * 2.0) as i64, 2));
    let arrays: [ArrayRef; 3] = [
        Arc::new(Float16Array::from(floats.map(f16::from_f64).to_vec())),
        Arc::new(Float32Array::from(floats.map(|x| x as f32).to_vec())),
        Arc::new(Float64Array::from(floats.to_vec())),
    ];
    types.extend(arrays.map(|array| numeric(Kind::Float, array, floats, fractions.clone())));

    let cents = [-5i32, 10, 330, 999_999_999];
    let (texts, numbers) = (["-0.05", "0.10", "3.30", "9999999.99"], cents.map(|x| ratio(x, 100)));
    let arrays: [ArrayRef; 4] = [
        Arc::new(Decimal32Array::from(cents.to_vec()).with_precision_and_scale(9, 2).unwrap()),
        Arc::new(Decimal64Array::from(cents.map(i64::from).to_vec()).with_precision_and_scale(18, 2).unwrap()),
        Arc::new(Decimal128Array::from(cents.map(i128::from).to_vec()).with_precision_and_scale(38, 2).unwrap()),
        Arc::new(
            Decimal256Array::from(cents.map(|x| i256::from_i128(x.into())).to_vec())
                .with_precision_and_scale(76, 2)
                .unwrap(),
        ),
    ];
    types.extend(arrays.map(|array| numeric(Kind::Decimal(2), array, texts, numbers.clone())));
    // Neighbours that f64 does not tell apart, up to the last digit that the types have.
    let far: [i128; 4] = [-(10i128.pow(38) - 1), 9_007_199_254_740_992, 9_007_199_254_740_993, 10i128.pow(38) - 1];
    let array = Decimal128Array::from(far.to_vec()).with_precision_and_scale(38, 0).unwrap();
    types.push(numeric(Kind::Decimal(0), Arc::new(array), far, far.map(|x| ratio(x, 1))));
    let wide = ["-9", "1", "2", "9"].map(|digit| format!("{digit}{}", "0".repeat(74)) + "1");
    let numbers = wide.clone().map(|text| ratio(text.parse::<BigInt>().unwrap(), 1));
    let array = Decimal256Array::from(wide.clone().map(|text| i256::from_string(&text).unwrap()).to_vec());
    let array = array.with_precision_and_scale(76, 0).unwrap();
    types.push(numeric(Kind::Decimal(0), Arc::new(array), wide, numbers));

    let truths = [false, false, true, true];
    types.push(numeric(
        Kind::Truth,
        Arc::new(BooleanArray::from(truths.to_vec())),
        truths,
        truths.map(|x| ratio(i64::from(x), 1)),
    ));

    let words = ["", "a", "ab", "é"];
    let bytes = words.map(str::as_bytes);
    types.extend([
        label(Arc::new(StringArray::from(words.to_vec())), words),
        label(Arc::new(LargeStringArray::from(words.to_vec())), words),
        label(Arc::new(StringViewArray::from(words.to_vec())), words),
        label(Arc::new(BinaryArray::from(bytes.to_vec())), words),
        label(Arc::new(LargeBinaryArray::from(bytes.to_vec())), words),
        label(Arc::new(BinaryViewArray::from(bytes.to_vec())), words),
    ]);
    let raw: [&[u8]; 4] = [b"abc", &[0x80, 0, 1], &[0xff, 0xfe, 0], &[0xff, 0xff, 0xff]];
    let hex = ["abc", "0x800001", "0xfffe00", "0xffffff"];
    types.push(label(Arc::new(FixedSizeBinaryArray::try_from_iter(raw.iter()).unwrap()), hex));
    let ids: [[u8; 16]; 4] = [0u128, 1, 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef, u128::MAX].map(u128::to_be_bytes);
    let uuids = [
        "00000000-0000-0000-0000-000000000000",
        "00000000-0000-0000-0000-000000000001",
        "01234567-89ab-cdef-0123-456789abcdef",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ];
    let array = FixedSizeBinaryArray::try_from_iter(ids.iter()).unwrap();
    types.push(Type { name: "UUID".into(), uuid: true, ..label(Arc::new(array), uuids) });

    let seconds = [-1i64, 0, 951_827_696, 4_102_444_800];
    let of = |per_second: i64| seconds.map(|second| second * per_second).to_vec();
    types.push(time(Arc::new(Date32Array::from(vec![-1, 0, 11_016, 2_932_896]))));
    // By arrow's casts a time of milliseconds, as it is one.
    let days = [-1i64, 0, 11_016, 2_932_896].map(|day| day * 86_400_000).to_vec();
    types.push(Type {
        values: Arc::new(Date64Array::from(days.clone())),
        name: "Date64".into(),
        ..time(Arc::new(TimestampMillisecondArray::from(days)))
    });
    let zoned: [Zoned; 4] = [
        |zone, [ticks, ..]| Arc::new(TimestampSecondArray::from(ticks).with_timezone_opt(zone)),
        |zone, [_, ticks, ..]| Arc::new(TimestampMillisecondArray::from(ticks).with_timezone_opt(zone)),
        |zone, [_, _, ticks, _]| Arc::new(TimestampMicrosecondArray::from(ticks).with_timezone_opt(zone)),
        |zone, [.., ticks]| Arc::new(TimestampNanosecondArray::from(ticks).with_timezone_opt(zone)),
    ];
    for array in zoned {
        let ticks = [1, 1000, 1_000_000, 1_000_000_000].map(of);
        types.push(time(array(None, ticks.clone())));
        // Arrow's casts know zones by their offset alone.
        let utc = time(array(Some(UTC.into()), ticks.clone()));
        let values = array(Some("UTC".into()), ticks);
        types.push(Type { name: values.data_type().to_string(), values, ..utc });
        types.push(time(array(Some(UTC.into()), [1, 1000, 1_000_000, 1_000_000_000].map(of))));
    }
    let day = [0i64, 1, 45_296, 86_399];
    types.push(time(Arc::new(Time32SecondArray::from(day.map(|x| x as i32).to_vec()))));
    types.push(time(Arc::new(Time32MillisecondArray::from(day.map(|x| x as i32 * 1000).to_vec()))));
    types.push(time(Arc::new(Time64MicrosecondArray::from(day.map(|x| x * 1_000_000).to_vec()))));
    types.push(time(Arc::new(Time64NanosecondArray::from(day.map(|x| x * 1_000_000_000).to_vec()))));
    let spans = [-60i64, 0, 1, 86_401];
    let of = |per_second: i64| spans.map(|second| second * per_second).to_vec();
    types.push(duration(Arc::new(DurationSecondArray::from(of(1)))));
    types.push(duration(Arc::new(DurationMillisecondArray::from(of(1000)))));
    types.push(duration(Arc::new(DurationMicrosecondArray::from(of(1_000_000)))));
    types.push(duration(Arc::new(DurationNanosecondArray::from(of(1_000_000_000)))));

    let keys = Int8Array::from(vec![0, 1, 2, 3]);
    let array = DictionaryArray::try_new(keys, Arc::new(StringArray::from(words.to_vec()))).unwrap();
    types.push(label(Arc::new(array), words));
    let numbers = [-3i64, 0, 9_007_199_254_740_993, i64::MAX];
    let array =
        DictionaryArray::try_new(UInt32Array::from(vec![0, 1, 2, 3]), Arc::new(Int64Array::from(numbers.to_vec())))
            .unwrap();
    types.push(numeric(Kind::Integer, Arc::new(array), numbers, numbers.map(|x| ratio(x, 1))));
    let runs = RunArray::try_new(&Int32Array::from(vec![1, 2, 3, 4]), &Int64Array::from(numbers.to_vec())).unwrap();
    types.push(numeric(Kind::Integer, Arc::new(runs), numbers, numbers.map(|x| ratio(x, 1))));
    let nothing = numeric(Kind::Null, Arc::new(NullArray::new(4)), [""; 4], [0; 4].map(|x| ratio(x, 1)));
    types.push(nothing);
    types
}

/// The value of each row, and its group.
const ROWS: [(usize, &str); 7] = [(2, "a"), (0, "b"), (3, "a"), (0, "b"), (1, "a"), (3, "b"), (0, "a")];
/// Rows that are null where there are nulls.
const NULLS: [usize; 2] = [2, 3];

const EVERY: [&str; 8] = ["count", "missing", "min", "max", "first", "last", "distinct", "mode"];
const OF_NUMBERS: [&str; 10] =
    ["sum", "mean", "range", "median", "product", "sample_variance", "population_sd", "arg_min", "arg_max", "skewness"];
const OF_TIMES: [&str; 4] = ["mean", "range", "arg_min", "arg_max"];

fn statistics(kind: Kind) -> Vec<&'static str> {
    let more: &[&str] = match kind {
        Kind::Label => &[],
        Kind::Time => &OF_TIMES,
        Kind::Duration => &["mean", "range", "arg_min", "arg_max", "sum"],
        _ => &OF_NUMBERS,
    };
    EVERY.iter().chain(more).copied().collect()
}

/// What a statistic of these rows is: of each its place, and the place of its value.
fn expected(of: &Type, statistic: &str, rows: &[(usize, Option<usize>)]) -> String {
    let there: Vec<(usize, usize)> = rows.iter().filter_map(|&(row, value)| Some((row, value?))).collect();
    let text = |value: usize| of.texts[value].clone();
    let number = |&(_, value): &(usize, usize)| of.numbers[value].clone();
    let least = there.iter().min_by_key(|&&(row, value)| (&of.numbers[value], row)).copied();
    let greatest = there.iter().max_by_key(|&&(row, value)| (&of.numbers[value], std::cmp::Reverse(row))).copied();
    let sum = there.iter().map(number).fold(BigRational::zero(), |sum, x| sum + x);
    let count = ratio(there.len(), 1);
    let float = |x: BigRational| format!("{:?}", x.to_f64().unwrap());
    let exact = |x: &BigRational| match of.kind {
        Kind::Integer | Kind::Truth => x.to_integer().to_string(),
        Kind::Decimal(scale) => {
            let digits = (x * ratio(BigInt::from(10).pow(scale as u32), 1)).to_integer();
            let padded = format!("{:0>width$}", digits.abs(), width = scale as usize + 1);
            let (whole, fraction) = padded.split_at(padded.len() - scale as usize);
            let point = if fraction.is_empty() { "" } else { "." };
            format!("{}{whole}{point}{fraction}", if digits.is_negative() { "-" } else { "" })
        }
        _ => float(x.clone()),
    };
    match statistic {
        "count" => return there.len().to_string(),
        "missing" => return (rows.len() - there.len()).to_string(),
        "distinct" => {
            return there.iter().map(|&(_, value)| &of.texts[value]).collect::<BTreeSet<_>>().len().to_string();
        }
        _ if there.is_empty() => return String::new(),
        _ => {}
    }
    let mean = &sum / &count;
    let squares = there.iter().map(|item| (number(item) - &mean).pow(2)).fold(BigRational::zero(), |sum, x| sum + x);
    match statistic {
        "min" => text(least.unwrap().1),
        "max" => text(greatest.unwrap().1),
        "first" => text(there[0].1),
        "last" => text(there[there.len() - 1].1),
        "arg_min" => least.unwrap().0.to_string(),
        "arg_max" => greatest.unwrap().0.to_string(),
        "mode" => {
            let mut often: BTreeMap<&BigRational, (usize, usize)> = BTreeMap::new();
            there.iter().for_each(|&(_, value)| {
                let (n, place) = often.entry(&of.numbers[value]).or_default();
                (*n, *place) = (*n + 1, value);
            });
            // Of values that are as frequent the least one.
            let most = often.values().max_by_key(|(n, place)| (*n, std::cmp::Reverse(*place))).unwrap();
            text(most.1)
        }
        "sum" if of.kind == Kind::Duration => span(of, &sum),
        "range" if matches!(of.kind, Kind::Time | Kind::Duration) => {
            span(of, &(number(&greatest.unwrap()) - number(&least.unwrap())))
        }
        "mean" if of.kind == Kind::Duration => span(of, &mean),
        "mean" if of.kind == Kind::Time => moment(of, &mean),
        "sum" => exact(&sum),
        "range" => {
            let range = number(&greatest.unwrap()) - number(&least.unwrap());
            if matches!(of.kind, Kind::Decimal(_) | Kind::Integer) { exact(&range) } else { float(range) }
        }
        "mean" => float(mean),
        "product" => float(there.iter().map(number).fold(ratio(1, 1), |product, x| product * x)),
        "sample_variance" if there.len() < 2 => String::new(),
        "sample_variance" => float(squares / (count - ratio(1, 1))),
        "population_sd" => format!("{:?}", (squares / count).to_f64().unwrap().sqrt()),
        "skewness" => {
            let cubes =
                there.iter().map(|item| (number(item) - &mean).pow(3)).fold(BigRational::zero(), |sum, x| sum + x);
            let n = there.len() as f64;
            if n < 3.0 || squares.is_zero() {
                return if n < 3.0 { String::new() } else { "NaN".into() };
            }
            // The cube and the square root of the square meet in range.
            let ratio = (cubes.clone() * cubes.abs() / (&squares * &squares * &squares)).to_f64().unwrap();
            let population = ratio.abs().sqrt() * ratio.signum() * n.sqrt();
            format!("{:?}", population * (n * (n - 1.0)).sqrt() / (n - 2.0))
        }
        "median" => {
            let mut sorted: Vec<BigRational> = there.iter().map(number).collect();
            sorted.sort();
            let at = (sorted.len() - 1) as f64 / 2.0;
            let nearest = |x: &BigRational| x.to_f64().unwrap();
            let (low, high) = (nearest(&sorted[at.floor() as usize]), nearest(&sorted[at.ceil() as usize]));
            format!("{:?}", low + (high - low) * at.fract())
        }
        other => panic!("{other} has no oracle"),
    }
}

fn per_second(of: &Type) -> (i64, TimeUnit) {
    let unit = match of.values.data_type() {
        DataType::Timestamp(unit, _) | DataType::Time32(unit) | DataType::Time64(unit) | DataType::Duration(unit) => {
            *unit
        }
        DataType::Date64 => TimeUnit::Millisecond,
        _ => TimeUnit::Second,
    };
    let ticks = match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    };
    (ticks, unit)
}

/// A mean of times, rounded to its unit and at most to microseconds, as arrow's casts write it.
fn moment(of: &Type, mean: &BigRational) -> String {
    let (ticks, unit) = per_second(of);
    let day = if *of.values.data_type() == DataType::Date32 { 86_400 } else { 1 };
    let fine = unit.max(TimeUnit::Microsecond);
    let fine_ticks = if fine == TimeUnit::Nanosecond { 1_000_000_000 } else { 1_000_000 };
    let rounded = half_even(&(mean * ratio(day * fine_ticks / ticks, 1)));
    let array = Int64Array::from(vec![rounded]);
    let kind = match of.values.data_type() {
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(fine),
        DataType::Timestamp(_, zone) => DataType::Timestamp(fine, zone.as_ref().map(|_| UTC.into())),
        _ => DataType::Timestamp(fine, None),
    };
    let text = arrow::compute::cast(&arrow::compute::cast(&array, &kind).unwrap(), &DataType::Utf8).unwrap();
    text.as_string::<i32>().value(0).to_owned()
}

fn half_even(x: &BigRational) -> i64 {
    let (floor, rest) = (x.floor(), x - x.floor());
    let up = rest > ratio(1, 2) || (rest == ratio(1, 2) && (floor.to_integer() % 2u8) != BigInt::zero());
    (floor.to_integer() + i64::from(up)).to_i64().unwrap()
}

/// A duration in ISO 8601, of seconds as a rational, rounded as [`moment`] is.
fn span(of: &Type, ticks: &BigRational) -> String {
    let (per, unit) = per_second(of);
    let day = if *of.values.data_type() == DataType::Date32 { 86_400 } else { 1 };
    let fine = if unit == TimeUnit::Nanosecond { 1_000_000_000 } else { 1_000_000 };
    let total = half_even(&(ticks * ratio(day * fine / per, 1)));
    let (seconds, mut fraction) = (total.abs() / fine, total.abs() % fine);
    let mut digits = if fine == 1_000_000 { 6 } else { 9 };
    let mut parts = String::new();
    for (amount, letter) in [(seconds / 86_400, "D"), (seconds / 3600 % 24, "H"), (seconds / 60 % 60, "M")] {
        if letter == "H" {
            parts += "T";
        }
        if amount > 0 {
            parts += &format!("{amount}{letter}");
        }
    }
    while fraction > 0 && fraction % 1000 == 0 {
        (fraction, digits) = (fraction / 1000, digits - 3);
    }
    if fraction > 0 {
        parts += &format!("{}.{fraction:0digits$}S", seconds % 60);
    } else if seconds % 60 > 0 || parts == "T" {
        parts += &format!("{}S", seconds % 60);
    }
    format!("{}P{}", if total < 0 { "-" } else { "" }, parts.trim_end_matches('T'))
}

/// Equal texts, or numbers of which a float rounds at most a few times.
fn agrees(found: &str, expected: &str, rounds: bool) -> bool {
    if found == expected {
        return true;
    }
    let (Ok(a), Ok(b)) = (found.parse::<f64>(), expected.parse::<f64>()) else { return false };
    // A float is written as 2.0 or 2, which are one number.
    a == b || (a.is_nan() && b.is_nan()) || (rounds && (a - b).abs() <= 4e-15 * b.abs().max(1.0))
}

fn write(place: &Place, format: &str, batch: &RecordBatch) -> bool {
    let mut bytes = Vec::new();
    if format == "parquet" {
        let Ok(mut writer) = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None) else {
            return false;
        };
        if writer.write(batch).and_then(|()| writer.close().map(|_| ())).is_err() {
            return false;
        }
    } else {
        let mut writer = arrow::ipc::writer::FileWriter::try_new(&mut bytes, &batch.schema()).unwrap();
        writer.write(batch).and_then(|()| writer.finish()).unwrap();
    }
    place.write(&format!("t.{format}"), bytes);
    true
}

/// Rows of the answer as CSV: by group the values of each statistic.
fn answer(place: &Place, file: &str, names: &[&str], grouped: bool) -> BTreeMap<String, Vec<String>> {
    let stats: Vec<String> = names.iter().map(|name| format!("{name}(x)")).collect();
    let stats = stats.join(",");
    let mut args = vec!["reduce", file, "--stats", &stats, "--csv"];
    if grouped {
        args.extend(["--by", "g"]);
    }
    let out = place.ok(&args);
    let mut reader = csv::ReaderBuilder::new().from_reader(out.as_bytes());
    let row = |record: csv::StringRecord| {
        let mut cells: Vec<String> = record.iter().map(str::to_owned).collect();
        let key = if grouped { cells.remove(0) } else { String::new() };
        (key, cells)
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// Holds an answer against the oracle; the cells that were held.
fn check(
    of: &Type,
    found: &BTreeMap<String, Vec<String>>,
    names: &[&str],
    rows: &[(usize, &str, Option<usize>)],
    what: &str,
) -> usize {
    for (key, values) in found {
        // Places are counted among all rows.
        let part: Vec<(usize, Option<usize>)> = rows
            .iter()
            .filter(|(_, group, _)| key.is_empty() || group == key)
            .map(|&(row, _, value)| (row, value))
            .collect();
        for (name, value) in names.iter().zip(values) {
            let expected = expected(of, name, &part);
            let exact =
                matches!(of.kind, Kind::Decimal(_)) && matches!(*name, "sum" | "range" | "min" | "max" | "mean");
            assert!(
                agrees(value, &expected, !exact),
                "{what}: {name} of {} is {value}, not {expected} ({key})",
                of.name
            );
        }
    }
    found.len() * names.len()
}

#[test]
fn every_type_by_every_statistic() {
    let place = Place::new();
    let (mut cells, mut refused, mut written) = (0, 0, 0);
    for of in types() {
        for format in ["parquet", "arrow"] {
            for nulls in [false, true] {
                let value =
                    |row: usize| (!(nulls && NULLS.contains(&row)) && of.kind != Kind::Null).then_some(ROWS[row].0);
                let rows: Vec<(usize, &str, Option<usize>)> =
                    (0..ROWS.len()).map(|row| (row, ROWS[row].1, value(row))).collect();
                let places = UInt32Array::from_iter(rows.iter().map(|(.., value)| value.map(|value| value as u32)));
                let x = if of.kind == Kind::Null {
                    Arc::new(NullArray::new(ROWS.len()))
                } else {
                    arrow::compute::take(&of.values, &places, None).unwrap()
                };
                let mut field = Field::new("x", x.data_type().clone(), true);
                if of.uuid {
                    field = field.with_metadata(std::collections::HashMap::from([(
                        "ARROW:extension:name".to_owned(),
                        "arrow.uuid".to_owned(),
                    )]));
                }
                let g: ArrayRef = Arc::new(StringArray::from_iter_values(ROWS.iter().map(|(_, group)| group)));
                let schema = Schema::new(vec![field, Field::new("g", DataType::Utf8, true)]);
                let batch = RecordBatch::try_new(Arc::new(schema), vec![x, g]).unwrap();
                if !write(&place, format, &batch) {
                    assert!(
                        format == "parquet"
                            && matches!(of.values.data_type(), DataType::RunEndEncoded(..) | DataType::Null),
                        "{} is not written to {format}",
                        of.name
                    );
                    continue;
                }
                written += 1;
                let names = statistics(of.kind);
                let file = format!("t.{format}");
                for grouped in [false, true] {
                    let what = format!("{format}, nulls {nulls}, grouped {grouped}");
                    cells += check(&of, &answer(&place, &file, &names, grouped), &names, &rows, &what);
                }
                // As a key: as many groups as different values, in their order, the missing ones first.
                let out = place.ok(&["reduce", &file, "--by", "x", "--stats", "count", "--csv"]);
                let mut reader = csv::ReaderBuilder::new().from_reader(out.as_bytes());
                let keys: Vec<(String, String)> =
                    reader.records().map(|r| r.map(|r| (r[0].to_owned(), r[1].to_owned())).unwrap()).collect();
                let mut counts: BTreeMap<Option<BigRational>, (String, usize)> = BTreeMap::new();
                for (.., value) in &rows {
                    let entry = counts.entry(value.map(|value| of.numbers[value].clone())).or_default();
                    *entry = (value.map(|value| of.texts[value].clone()).unwrap_or_default(), entry.1 + 1);
                }
                assert_eq!(keys.len(), counts.len(), "{}: {out}", of.name);
                for ((key, count), (expected, n)) in keys.iter().zip(counts.values()) {
                    assert!(
                        agrees(key, expected, false) && *count == n.to_string(),
                        "{}, {format}: key {key}, not {expected}",
                        of.name
                    );
                }
                cells += keys.len();
                // What a type does not have is refused by its name.
                for name in OF_NUMBERS.iter().filter(|name| !names.contains(name)) {
                    let message = place.fails(3, &["reduce", &file, "--stats", &format!("{name}(x)")]);
                    mentions(&message, &[&file, &format!("{name}(x)"), "\"x\""]);
                    refused += 1;
                }
            }
        }
    }
    // A type that is added or forgotten changes these.
    assert_eq!((written, cells, refused), (208, 9530, 872));
}

#[test]
fn every_type_of_an_npz() {
    let place = Place::new();
    let mut cells = 0;
    let descr = |of: &Type| match of.values.data_type() {
        DataType::Boolean => Some("'|b1'"),
        DataType::Int8 => Some("'|i1'"),
        DataType::UInt8 => Some("'|u1'"),
        DataType::Int16 => Some("'<i2'"),
        DataType::UInt16 => Some("'<u2'"),
        DataType::Int32 => Some("'<i4'"),
        DataType::UInt32 => Some("'<u4'"),
        DataType::Int64 => Some("'<i8'"),
        DataType::UInt64 => Some("'<u8'"),
        DataType::Float16 => Some("'<f2'"),
        DataType::Float32 => Some("'<f4'"),
        DataType::Float64 => Some("'<f8'"),
        _ => None,
    };
    for of in types() {
        let Some(descr) = descr(&of) else { continue };
        let places = UInt32Array::from_iter_values(ROWS.iter().map(|&(value, _)| value as u32));
        let x = arrow::compute::take(&of.values, &places, None).unwrap();
        let data = match x.as_boolean_opt() {
            Some(truths) => truths.values().iter().map(u8::from).collect(),
            None => x.to_data().buffers()[0].as_slice().to_vec(),
        };
        let shape = format!("({},)", ROWS.len());
        let keys: Vec<u8> = ROWS.iter().map(|(_, group)| u8::from(*group == "b")).collect();
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in
            [("x.npy", common::npy(descr, false, &shape, &data)), ("g.npy", common::npy("'|u1'", false, &shape, &keys))]
        {
            archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(&bytes).unwrap();
        }
        place.write("t.npz", archive.finish().unwrap().into_inner());
        let rows: Vec<(usize, &str, Option<usize>)> = ROWS
            .iter()
            .enumerate()
            .map(|(row, &(value, group))| (row, if group == "b" { "1" } else { "0" }, Some(value)))
            .collect();
        let names = statistics(of.kind);
        for grouped in [false, true] {
            cells += check(&of, &answer(&place, "t.npz", &names, grouped), &names, &rows, "npz");
        }
    }
    assert_eq!(cells, 12 * 18 * 3);
}
