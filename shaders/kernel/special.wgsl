// What NaN and infinities an element is, as bits: 1 NaN, 2 +infinity, 4 -infinity; 0 for all others.
fn special_COLUMN(key: u32) -> u32 {
    if !IS_FLOAT_COLUMN {
        return 0u;
    }
    return u32(is_nan(key)) | (u32(key == KEY_POSITIVE_INFINITY) << 1u) | (u32(key == KEY_NEGATIVE_INFINITY) << 2u);
}
