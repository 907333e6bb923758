//! The kernels that put elements in the order of their groups, and that plan a segmented reduction.

use crate::{ComposeError, DEFAULT_WORKGROUP_BYTES, ITEMS_PER_INVOCATION, Load, SHORT, source::Source};

/// Values that a workgroup of [`scan`] takes.
pub const SCAN_BLOCK: u32 = 64 * 16;
/// Elements that a workgroup of [`sort`] takes.
pub const SORT_TILE: u32 = 64 * 32;
/// Values of a digit of [`sort`], and its bits.
pub const DIGITS: u32 = 16;
/// Bits of a digit.
pub const DIGIT_BITS: u32 = 4;

/// Entry points `scan_blocks` and `add_totals`.
///
/// # Errors
/// [`ComposeError::Invalid`], which would be a bug.
pub fn scan() -> Result<String, ComposeError> {
    checked("scan", &[("order/scan.wgsl", include_str!("order/scan.wgsl"))], None)
}

/// Entry point `plan_tiles`, for tiles of that many elements.
///
/// # Errors
/// [`ComposeError::Invalid`], which would be a bug.
pub fn plan(tile: u32) -> Result<String, ComposeError> {
    let constants = format!("const TILE: u32 = {tile}u;\nconst SHORT: u32 = {SHORT}u;\n");
    checked("plan", &[("constants", &constants), ("order/plan.wgsl", include_str!("order/plan.wgsl"))], None)
}

/// Entry points `count_digits` and `scatter`, for keys of that load.
///
/// # Errors
/// [`ComposeError::Invalid`], which would be a bug.
pub fn sort(keys: Load) -> Result<String, ComposeError> {
    checked("sort", &[("order/sort.wgsl", include_str!("order/sort.wgsl"))], Some(keys))
}

/// Entry point `group_bounds`, for keys of that load.
///
/// # Errors
/// [`ComposeError::Invalid`], which would be a bug.
pub fn bounds(keys: Load) -> Result<String, ComposeError> {
    checked("bounds", &[("order/bounds.wgsl", include_str!("order/bounds.wgsl"))], Some(keys))
}

/// Every kernel of this module fits a device of the least workgroup memory.
const _: () = assert!(4 * (64 * DIGITS + DIGITS) <= DEFAULT_WORKGROUP_BYTES && ITEMS_PER_INVOCATION > 0);

fn checked(name: &str, parts: &[(&str, &str)], keys: Option<Load>) -> Result<String, ComposeError> {
    let mut source = Source::default();
    for (part, text) in parts {
        source.push(part, text);
    }
    if let Some(keys) = keys {
        source.push("kernel/numbers.wgsl", include_str!("kernel/numbers.wgsl"));
        for text in keys.source() {
            source.push("the load", &text.replace("COLUMN", "first"));
        }
    }
    match source.validate() {
        Ok(_) => Ok(source.text),
        Err(message) => Err(ComposeError::Invalid { snippets: name.into(), message }),
    }
}
