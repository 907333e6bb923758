//! Checks the counts in Parquet's delta encodings of byte arrays before they are decoded.
//!
//! The parquet crate takes memory by a count within the page's data, which in a damaged file can be
//! anything. Format: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>, "Delta Encoding".

use parquet::basic::Encoding;

/// Values of a block at most; writers have 128 to some thousands.
const BLOCK: u64 = 1 << 16;
/// Values that a byte may stand for: a block of 128 of no width takes 6 bytes.
const VALUES_PER_BYTE: u64 = 1024;

/// Checks the values of a data page of at most `values` of them.
pub(crate) fn check(encoding: Encoding, data: &[u8], values: u64) -> Result<(), String> {
    let run = |data| run(data, values.min(VALUES_PER_BYTE * (1 + data.len() as u64)));
    match encoding {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => run(data).map(|_| ()),
        // The lengths of the prefixes, then those of the suffixes.
        Encoding::DELTA_BYTE_ARRAY => run(data).and_then(run).map(|_| ()),
        _ => Ok(()),
    }
}

/// Walks over delta-packed integers; what follows them.
fn run(mut data: &[u8], most: u64) -> Result<&[u8], String> {
    let cut = || "its delta-packed lengths are cut".to_string();
    let varint = |data: &mut &[u8]| {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = data.split_first().ok_or_else(cut)?;
            *data = rest;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err("a number in its delta-packed lengths has too many bytes".to_string())
    };
    let (block, parts, count) = (varint(&mut data)?, varint(&mut data)?, varint(&mut data)?);
    varint(&mut data)?;
    if count > most {
        return Err(format!("its delta-packed lengths are {count}, where {most} are possible"));
    }
    if block == 0 || block > BLOCK || parts == 0 || block % parts != 0 {
        return Err(format!("its delta-packed lengths come in blocks of {block} values in {parts} parts"));
    }
    let part = block / parts;
    let mut left = count.saturating_sub(1);
    while left > 0 {
        varint(&mut data)?;
        // At most BLOCK parts, so it fits.
        let (widths, mut rest) = data.split_at_checked(parts as usize).ok_or_else(cut)?;
        for &width in widths {
            if left == 0 {
                break;
            }
            let bytes = (u64::from(width) * part).div_ceil(8) as usize;
            // Writers may leave out the end of the last part.
            rest = rest.get(bytes..).or((left <= part).then_some(&[][..])).ok_or_else(cut)?;
            left = left.saturating_sub(part);
        }
        data = rest;
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three lengths in one block of 128 in four parts, the first part of width 2.
    const LENGTHS: [u8; 18] = [128, 1, 4, 3, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    #[test]
    fn counts_are_held_against_the_page() {
        let check = |data: &[u8], values| check(Encoding::DELTA_LENGTH_BYTE_ARRAY, data, values);
        assert_eq!(check(&LENGTHS, 3), Ok(()));
        assert!(check(&LENGTHS, 2).is_err_and(|what| what.contains("are 3, where 2 are possible")));
        assert!(check(&LENGTHS[..7], 3).is_err_and(|what| what.contains("cut")));
        // 2^42 lengths in a few bytes: what made the decoder ask for 16 TiB.
        let huge = [&[128, 1, 4][..], &[128, 128, 128, 128, 128, 128, 1], &[2]].concat();
        assert!(check(&huge, u32::MAX.into()).is_err_and(|what| what.contains("are 4398046511104")));
        assert!(check(&[0, 1, 3, 0], 3).is_err_and(|what| what.contains("blocks of 0")));
    }

    #[test]
    fn the_suffixes_are_checked_as_the_prefixes_are() {
        let check = |data: &[u8]| check(Encoding::DELTA_BYTE_ARRAY, data, 3);
        assert_eq!(check(&[LENGTHS, LENGTHS].concat()), Ok(()));
        let mut wrong = [LENGTHS, LENGTHS].concat();
        wrong[LENGTHS.len() + 3] = 100;
        assert!(check(&wrong).is_err_and(|what| what.contains("are 100")));
    }
}
