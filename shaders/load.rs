//! How elements lie in a buffer, and the WGSL that loads them.

/// How elements lie in the input buffer of u32 words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Load {
    /// IEEE binary32, one a word.
    F32,
    /// IEEE binary16, two a word.
    F16,
    /// The upper half of a binary32, two a word.
    BF16,
    /// Unsigned bytes, four a word.
    U8,
    /// Signed bytes, four a word; key = element + 2^7.
    I8,
    /// Unsigned 16-bit, two a word.
    U16,
    /// Signed 16-bit, two a word; key = element + 2^15.
    I16,
    /// Unsigned 32-bit, one a word.
    U32,
    /// Signed 32-bit, one a word; key = element + 2^31.
    I32,
}

impl Load {
    /// Every load there is.
    pub const ALL: [Load; 9] =
        [Load::F32, Load::F16, Load::BF16, Load::U8, Load::I8, Load::U16, Load::I16, Load::U32, Load::I32];

    /// The WGSL of the load; `COLUMN` in it stands for the column's name.
    pub(crate) fn source(self) -> [&'static str; 2] {
        let narrow = include_str!("loads/narrow.wgsl");
        let wide = include_str!("loads/wide.wgsl");
        match self {
            Load::F32 => [include_str!("loads/f32.wgsl"), narrow],
            Load::F16 => [include_str!("loads/f16.wgsl"), narrow],
            Load::BF16 => [include_str!("loads/bf16.wgsl"), narrow],
            Load::U8 => [include_str!("loads/u8.wgsl"), narrow],
            Load::I8 => [include_str!("loads/i8.wgsl"), narrow],
            Load::U16 => [include_str!("loads/u16.wgsl"), narrow],
            Load::I16 => [include_str!("loads/i16.wgsl"), narrow],
            Load::U32 => [include_str!("loads/u32.wgsl"), wide],
            Load::I32 => [include_str!("loads/i32.wgsl"), wide],
        }
    }

    /// Bytes an element takes.
    pub fn element_bytes(self) -> u32 {
        match self {
            Load::F32 | Load::U32 | Load::I32 => 4,
            Load::U8 | Load::I8 => 1,
            Load::F16 | Load::BF16 | Load::U16 | Load::I16 => 2,
        }
    }

    /// Whether the elements are floats, among which there may be NaN and infinities.
    pub fn is_float(self) -> bool {
        matches!(self, Load::F32 | Load::F16 | Load::BF16)
    }

    /// What the load adds to signed elements, so that their keys order as unsigned ones.
    pub fn key_bias(self) -> i64 {
        match self {
            Load::I8 => 1 << 7,
            Load::I16 => 1 << 15,
            Load::I32 => 1 << 31,
            _ => 0,
        }
    }
}
