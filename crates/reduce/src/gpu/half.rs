//! The host side of a kernel: what an aggregator brings, and how it reads its state back.

use std::sync::Arc;

use strix_shaders::{Layout, Load, Snippet};

use crate::{Element, NanPolicy};

/// Reads an aggregator's state out of a partial.
type Read<S> = Arc<dyn Fn(&Partial<'_>) -> S + Send + Sync>;

/// An aggregator's GPU half: the WGSL of its state, and how to read that state back.
pub struct GpuHalf<S> {
    snippets: Vec<Snippet>,
    read: Read<S>,
}

impl<S: 'static> GpuHalf<S> {
    /// A half of these snippets, read by `read`.
    pub fn new(snippets: Vec<Snippet>, read: impl Fn(&Partial<'_>) -> S + Send + Sync + 'static) -> Self {
        Self { snippets, read: Arc::new(read) }
    }

    /// The same snippets, their state read through `f`.
    pub fn map<R>(self, f: impl Fn(S) -> R + Send + Sync + 'static) -> GpuHalf<R> {
        let read = self.read;
        GpuHalf { snippets: self.snippets, read: Arc::new(move |partial| f(read(partial))) }
    }
}

impl<S> GpuHalf<S> {
    /// The snippets to compose.
    pub fn snippets(&self) -> &[Snippet] {
        &self.snippets
    }

    /// The state in a partial.
    pub fn read(&self, partial: &Partial<'_>) -> S {
        (self.read)(partial)
    }
}

impl<S> std::fmt::Debug for GpuHalf<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.snippets.iter().map(|snippet| snippet.name)).finish()
    }
}

/// Which elements a kernel saw, by kind. Mirrors `census.wgsl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// Neither NaN nor infinite.
    pub finite: u32,
    /// NaN; 0 where the policy skips them.
    pub nan: u32,
    /// +infinity.
    pub positive_infinite: u32,
    /// -infinity.
    pub negative_infinite: u32,
    /// Index of the first NaN of the chunk.
    pub(crate) first_nan: u32,
}

impl Census {
    /// All of them.
    pub fn items(&self) -> u64 {
        u64::from(self.finite)
            + u64::from(self.nan)
            + u64::from(self.positive_infinite)
            + u64::from(self.negative_infinite)
    }

    /// What IEEE addition makes of the NaN and infinities; `None` where there are none.
    pub fn special_sum(&self) -> Option<f64> {
        match (self.nan > 0, self.positive_infinite > 0, self.negative_infinite > 0) {
            (true, _, _) | (_, true, true) => Some(f64::NAN),
            (_, true, _) => Some(f64::INFINITY),
            (_, _, true) => Some(f64::NEG_INFINITY),
            _ => None,
        }
    }
}

/// The frame of reference of a partial's offsets: x = (offset + shift) * 2^exponent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// The power of two that the elements were divided by.
    pub exponent: i32,
    /// What was then subtracted.
    pub shift: f32,
}

impl Frame {
    /// 2^exponent. An f32's exponent is within an f64's range.
    pub fn scale(&self) -> f64 {
        f64::from(self.exponent).exp2()
    }
}

/// What a kernel left of one chunk.
#[derive(Debug)]
pub struct Partial<'a> {
    bytes: &'a [u8],
    layout: &'a Layout,
    load: Load,
    census: Census,
}

impl<'a> Partial<'a> {
    /// The partial, and how many NaN the policy left out of its census.
    pub(crate) fn new(bytes: &'a [u8], layout: &'a Layout, load: Load, nan: NanPolicy) -> (Self, u32) {
        let mut partial = Self {
            bytes,
            layout,
            load,
            census: Census { finite: 0, nan: 0, positive_infinite: 0, negative_infinite: 0, first_nan: u32::MAX },
        };
        let word = |index| partial.u32("census", index);
        let mut census = Census {
            finite: word(0),
            nan: word(1),
            positive_infinite: word(2),
            negative_infinite: word(3),
            first_nan: word(4),
        };
        let skipped = if nan == NanPolicy::Skip { std::mem::take(&mut census.nan) } else { 0 };
        partial.census = census;
        (partial, skipped)
    }

    /// Which elements there were, after the NaN policy.
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// The frame of the offsets.
    pub fn frame(&self) -> Frame {
        let at = self.layout.frame_offset;
        Frame { exponent: self.word_at(at).cast_signed(), shift: f32::from_bits(self.word_at(at + 4)) }
    }

    /// Word `index` of a snippet's State.
    ///
    /// # Panics
    /// When the kernel has no such snippet or its State no such word: a mismatch between an
    /// aggregator's `gpu()` and its WGSL.
    pub fn u32(&self, snippet: &str, index: u32) -> u32 {
        let part = self.layout.part(snippet);
        let part = part.unwrap_or_else(|| panic!("the kernel has no snippet {snippet:?}"));
        assert!(index * 4 < part.bytes, "the State of {snippet:?} has {} bytes, no word {index}", part.bytes);
        self.word_at(part.offset + index * 4)
    }

    /// Word `index` of a snippet's State, as a float.
    ///
    /// # Panics
    /// As [`Partial::u32`].
    pub fn f32(&self, snippet: &str, index: u32) -> f32 {
        f32::from_bits(self.u32(snippet, index))
    }

    /// Words `index` (low) and `index + 1` (high) of a snippet's State, as a u64.
    ///
    /// # Panics
    /// As [`Partial::u32`].
    pub fn u64(&self, snippet: &str, index: u32) -> u64 {
        u64::from(self.u32(snippet, index)) | u64::from(self.u32(snippet, index + 1)) << 32
    }

    /// The element whose key the snippet holds: `None` of nothing, NaN if there was a NaN.
    ///
    /// # Panics
    /// As [`Partial::u32`].
    pub fn extreme<T: Element>(&self, snippet: &str) -> Option<T> {
        if self.census.nan > 0 {
            return T::nan();
        }
        (self.census.items() > 0).then(|| T::from_key(self.u32(snippet, 0)))
    }

    /// What the load added to signed elements, so that their keys order as unsigned ones.
    pub fn key_bias(&self) -> i128 {
        match self.load {
            Load::I8 => 1 << 7,
            Load::I16 => 1 << 15,
            _ => 0,
        }
    }

    fn word_at(&self, offset: u32) -> u32 {
        let at = offset as usize;
        bytemuck::pod_read_unaligned(&self.bytes[at..at + 4])
    }
}
