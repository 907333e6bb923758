//! Numbers as text writes them.

/// The integer that a text is.
#[inline(always)]
pub(crate) fn integer_of_64(text: &[u8]) -> Option<i64> {
    match short(text) {
        Some(Short { digits, fraction: None, negative }) => Some(if negative { -digits } else { digits }),
        _ => parsed(text),
    }
}

/// The number that a text is, or the nearest one.
#[inline(always)]
pub(crate) fn float(text: &[u8]) -> Option<f64> {
    let Some(Short { digits, fraction, negative }) = short(text) else { return parsed(text) };
    // Both are f64 as they are, so that the quotient is the nearest one to the decimal (Clinger, "How to read floating point
    // numbers accurately", 1990).
    let value = digits as f64 / TENS[fraction.unwrap_or(0)];
    Some(if negative { -value } else { value })
}

/// What [`std::str::FromStr`] reads, with blanks around it.
pub(crate) fn parsed<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

/// Digits of a short number at most: any that many are an integer below 2^53.
const DIGITS: usize = 15;

/// The powers of ten that f64 holds, of those that a short number is divided by.
const TENS: [f64; DIGITS + 1] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// A number of a few digits.
struct Short {
    digits: i64,
    /// How many of them follow the point, if there is one.
    fraction: Option<usize>,
    negative: bool,
}

/// The number, if it is a short one, such as -12.50, and nothing else.
#[inline(always)]
fn short(text: &[u8]) -> Option<Short> {
    let (negative, number) = match text {
        [b'-', number @ ..] => (true, number),
        _ => (false, text),
    };
    // The point beside the digits.
    if number.len() > DIGITS + 1 {
        return None;
    }
    let (mut digits, mut fraction) = (0, None);
    for (left, &byte) in (0..number.len()).rev().zip(number) {
        match byte {
            b'0'..=b'9' => digits = 10 * digits + i64::from(byte - b'0'),
            b'.' if fraction.is_none() => fraction = Some(left),
            _ => return None,
        }
    }
    let count = number.len() - usize::from(fraction.is_some());
    (1..=DIGITS).contains(&count).then_some(Short { digits, fraction, negative })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_numbers_are_read_as_long_ones() {
        let mut texts: Vec<String> = [
            "",
            "-",
            ".",
            "-.",
            "0",
            "-0",
            "-0.0",
            "1.",
            ".5",
            "-.5",
            "+5",
            "1.2.3",
            "1e5",
            "inf",
            "nan",
            "--1",
            " 7 ",
            "1 2",
            "007",
            "0.1",
            "0.3",
            "123456789012345",
            "1234567890123456",
            "9007199254740993",
            "0.000000000000001",
            "0.00000000000001",
            "999999999999.999",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
        ]
        .map(String::from)
        .into();
        let mut state = 1u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (digits, point) = ((state >> 8) % 10u64.pow((state % 18) as u32 + 1), (state >> 40) as usize % 17);
            let mut text = digits.to_string();
            if point < text.len() {
                text.insert(point, '.');
            }
            texts.push(if state >> 63 == 1 { format!("-{text}") } else { text });
        }
        for text in &texts {
            let bits = |x: Option<f64>| x.map(f64::to_bits);
            assert_eq!(bits(float(text.as_bytes())), bits(text.trim().parse().ok()), "{text:?}");
            assert_eq!(integer_of_64(text.as_bytes()), text.trim().parse().ok(), "{text:?}");
        }
    }
}
