//! What a kernel left of an output's items, as the host reads it.

use bytemuck::AnyBitPattern;
use strix_shaders::{Layout, Load};

use super::half::Spec;
use crate::{Element, NanPolicy};

/// Which items a kernel saw, by kind. Mirrors `census.wgsl`.
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
    pub(super) const NONE: Self =
        Self { finite: 0, nan: 0, positive_infinite: 0, negative_infinite: 0, first_nan: u32::MAX };

    /// All of them.
    pub fn items(&self) -> u64 {
        u64::from(self.finite)
            + u64::from(self.nan)
            + u64::from(self.positive_infinite)
            + u64::from(self.negative_infinite)
    }

    /// What IEEE addition makes of the NaN and infinities; `None` where there are none.
    pub fn special_sum(&self) -> Option<f64> {
        special_sum(self.nan > 0, self.positive_infinite > 0, self.negative_infinite > 0)
    }
}

/// What IEEE addition makes of NaN and infinities; `None` where there are none.
pub(crate) fn special_sum(nan: bool, positive: bool, negative: bool) -> Option<f64> {
    match (nan, positive, negative) {
        (true, _, _) | (_, true, true) => Some(f64::NAN),
        (_, true, _) => Some(f64::INFINITY),
        (_, _, true) => Some(f64::NEG_INFINITY),
        _ => None,
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

/// What a kernel left of one output in one chunk.
#[derive(Debug)]
pub struct Partial<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) layout: &'a Layout,
    pub(super) loads: &'a [Load],
    /// The output's counters, all parts' in a row.
    pub(super) counters: &'a [u32],
    pub(super) specs: &'a [Spec],
    pub(super) census: Census,
}

impl Partial<'_> {
    /// The partial under a NaN policy, and how many NaN that left out of its census.
    pub(super) fn under(mut self, nan: NanPolicy) -> (Self, u32) {
        let word = |index| self.u32("census", index);
        let mut census = Census {
            finite: word(0),
            nan: word(1),
            positive_infinite: word(2),
            negative_infinite: word(3),
            first_nan: word(4),
        };
        let skipped = if nan == NanPolicy::Skip { std::mem::take(&mut census.nan) } else { 0 };
        self.census = census;
        (self, skipped)
    }

    /// Which items there were, after the NaN policy.
    pub fn census(&self) -> &Census {
        &self.census
    }

    /// The frame of the offsets.
    pub fn frame(&self) -> Frame {
        self.frame_of(0)
    }

    /// The frame of the offsets of the second of each pair.
    ///
    /// # Panics
    /// Where items are no pairs.
    pub fn second_frame(&self) -> Frame {
        self.frame_of(1)
    }

    /// The frame of the offsets of the first of each pair by the second as its weight: `weighed_offset`.
    ///
    /// # Panics
    /// Where items are no pairs.
    pub fn weighed_frame(&self) -> Frame {
        self.frame_of(2)
    }

    fn frame_of(&self, column: usize) -> Frame {
        let at = self.layout.frame_offsets[column];
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

    /// A snippet's State as a struct of its size.
    ///
    /// # Panics
    /// When the kernel has no such snippet, or its State is of another size.
    pub fn state<P: AnyBitPattern>(&self, snippet: &str) -> P {
        let part = self.layout.part(snippet);
        let part = part.unwrap_or_else(|| panic!("the kernel has no snippet {snippet:?}"));
        bytemuck::pod_read_unaligned(&self.bytes[part.offset as usize..][..part.bytes as usize])
    }

    /// The counters of a snippet that counts, by those of its parameters.
    ///
    /// # Panics
    /// When the kernel has no such snippet with such parameters.
    pub fn counts(&self, snippet: &str, parameters: &[u32]) -> &[u32] {
        let mut begin = 0;
        for spec in self.specs {
            let end = begin + spec.counters as usize;
            if spec.snippet.name == snippet && *spec.parameters == *parameters {
                return &self.counters[begin..end];
            }
            begin = end;
        }
        panic!("the kernel has no snippet {snippet:?} with these parameters")
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
        self.loads[0].key_bias().into()
    }

    fn word_at(&self, offset: u32) -> u32 {
        let at = offset as usize;
        bytemuck::pod_read_unaligned(&self.bytes[at..at + 4])
    }
}
