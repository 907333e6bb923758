//! The WGSL of Strix: one tree reduction, one snippet an aggregator, composed into one kernel.
//!
//! This crate knows text and [`naga`], not wgpu: it composes a kernel's source, validates it and
//! reads back where each aggregator's state lies, so that the host decodes what the shader wrote
//! and not what somebody once thought it would write.
//!
//! ```
//! let kernel = strix_shaders::compose(
//!     strix_shaders::Load::F32,
//!     &[strix_shaders::SUM, strix_shaders::MIN],
//!     strix_shaders::DEFAULT_WORKGROUP_BYTES,
//! )?;
//! assert!(kernel.source.contains("fn reduce_tiles"));
//! assert_eq!(kernel.layout.part("sum").unwrap().bytes, 4);
//! # Ok::<(), strix_shaders::ComposeError>(())
//! ```
//!
//! # The contract of a snippet
//!
//! A [`Snippet`] named `sum` defines `SumState` and four functions: `sum_identity()`,
//! `sum_lift(item: Item)`, `sum_merge(a, b)` and `sum_rebase(a, count, by: Move)`. Where a state is large and an item
//! changes little of it, `sum_push(item: Item)` stands in for `sum_lift`: it adds the item to `held.sum`. An `Item` holds
//! the element as an order-preserving key and as an offset from the tile's frame; `rebase` moves a
//! state of `count` finite elements into another frame, in which each offset is
//! `offset * by.scale + by.shift`. A snippet that only looks at keys returns its state unchanged.

mod compose;
mod layout;

pub use compose::{ComposeError, Kernel, compose};
pub use layout::{Layout, Part};

/// Workgroup memory that every WebGPU device offers, in bytes.
pub const DEFAULT_WORKGROUP_BYTES: u32 = 16384;

/// Elements that each invocation of `reduce_tiles` takes in.
pub const ITEMS_PER_INVOCATION: u32 = 128;

/// The GPU half of one aggregator: its State and its algebra, in WGSL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Snippet {
    /// Lower-case name; the prefix of the snippet's functions and, in camel case, of its State.
    pub name: &'static str,
    /// The WGSL text.
    pub source: &'static str,
    /// Whether `lift` reads `Item.offset`, for which each tile must choose a frame first.
    pub needs_frame: bool,
}

/// Sum of f32 elements, as offsets in the frame.
pub const SUM: Snippet = Snippet { name: "sum", source: include_str!("sum.wgsl"), needs_frame: true };
/// First two moments of f32 elements, as offsets in the frame.
pub const VARIANCE: Snippet = Snippet { name: "variance", source: include_str!("variance.wgsl"), needs_frame: true };
/// Least key.
pub const MIN: Snippet = Snippet { name: "min", source: include_str!("min.wgsl"), needs_frame: false };
/// Greatest key.
pub const MAX: Snippet = Snippet { name: "max", source: include_str!("max.wgsl"), needs_frame: false };
/// Exact sum of the keys of integers.
pub const INTEGER_SUM: Snippet =
    Snippet { name: "integer_sum", source: include_str!("integer_sum.wgsl"), needs_frame: false };
/// Exact first two moments of the keys of integers of at most 16 bits.
pub const INTEGER_VARIANCE: Snippet =
    Snippet { name: "integer_variance", source: include_str!("integer_variance.wgsl"), needs_frame: false };

/// Exact sum of f32 elements, in digits of 16 bits and units of 2^-149.
pub const EXACT_SUM: Snippet =
    Snippet { name: "exact_sum", source: include_str!("exact_sum.wgsl"), needs_frame: false };
/// Exact sum of the squares of f32 elements, in digits of 16 bits and units of 2^-298.
pub const EXACT_SQUARES: Snippet =
    Snippet { name: "exact_squares", source: include_str!("exact_squares.wgsl"), needs_frame: false };
/// Digits of [`EXACT_SUM`], the last of which has the sign.
pub const EXACT_SUM_DIGITS: u32 = 20;
/// Digits of [`EXACT_SQUARES`].
pub const EXACT_SQUARES_DIGITS: u32 = 37;

/// How elements lie in the input buffer of u32 words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Load {
    /// IEEE binary32, one a word.
    F32,
    /// Unsigned bytes, four a word.
    U8,
    /// Signed bytes, four a word; key = element + 2^7.
    I8,
    /// Unsigned 16-bit, two a word.
    U16,
    /// Signed 16-bit, two a word; key = element + 2^15.
    I16,
}

impl Load {
    /// Every load there is.
    pub const ALL: [Load; 5] = [Load::F32, Load::U8, Load::I8, Load::U16, Load::I16];

    /// The WGSL that defines `load_key` and `IS_FLOAT`.
    pub fn source(self) -> &'static str {
        match self {
            Load::F32 => include_str!("load_f32.wgsl"),
            Load::U8 => include_str!("load_u8.wgsl"),
            Load::I8 => include_str!("load_i8.wgsl"),
            Load::U16 => include_str!("load_u16.wgsl"),
            Load::I16 => include_str!("load_i16.wgsl"),
        }
    }

    /// Bytes an element takes.
    pub fn element_bytes(self) -> u32 {
        match self {
            Load::F32 => 4,
            Load::U8 | Load::I8 => 1,
            Load::U16 | Load::I16 => 2,
        }
    }

    /// Whether the elements are floats, whose sums need a frame.
    pub fn is_float(self) -> bool {
        self == Load::F32
    }
}
