//! What can be reduced: items, and the numeric elements among them.

use crate::arithmetic::{Accumulator, Compensated, FloatMoments, IntegerMoments, IntegerSum, Moments};
#[cfg(feature = "gpu")]
use crate::gpu::Upload;

/// Anything that a [`crate::Reducer`] takes. Implement it for a type of your own to reduce that;
/// the provided methods say "never NaN, CPU only".
pub trait Item: Clone + Send + Sync + 'static {
    /// Whether the item is a missing number, to which the [`crate::NanPolicy`] applies.
    #[inline(always)]
    fn is_nan(&self) -> bool {
        false
    }

    /// How the items lie on a GPU, if they can. `None` keeps them on the CPU.
    #[cfg(feature = "gpu")]
    fn upload(_items: &[Self]) -> Option<Upload<'_>> {
        None
    }
}

impl<A: Item, B: Item> Item for (A, B) {
    #[inline(always)]
    fn is_nan(&self) -> bool {
        self.0.is_nan() || self.1.is_nan()
    }
}

/// A number that the built-in aggregators take: f32, f64 and the integers of 8 to 64 bits.
///
/// Sealed by its associated types: the arithmetic behind a sum is chosen by the element.
pub trait Element: Item + Copy + PartialEq + std::fmt::Debug {
    /// The type's name as Rust spells it, such as `f32`.
    const NAME: &'static str;
    /// How sums of the type are held.
    type Sum: Accumulator<Self>;
    /// How first and second moments of the type are held.
    type Moments: Moments<Self>;

    /// The lesser of the two: NaN if either is, and -0 below +0 (IEEE 754-2019 `minimum`).
    fn lesser(self, other: Self) -> Self;
    /// The greater of the two: NaN if either is, and +0 above -0 (IEEE 754-2019 `maximum`).
    fn greater(self, other: Self) -> Self;
    /// The least of a block, `None` of an empty one; as by folding [`Element::lesser`].
    fn least(block: &[Self]) -> Option<Self>;
    /// The greatest of a block, `None` of an empty one; as by folding [`Element::greater`].
    fn greatest(block: &[Self]) -> Option<Self>;

    /// The element that a kernel's order-preserving key stands for.
    #[cfg(feature = "gpu")]
    fn from_key(_key: u32) -> Self;
    /// The canonical NaN, for the types that have one.
    #[cfg(feature = "gpu")]
    fn nan() -> Option<Self>;
}

macro_rules! float_element {
    ($float:ident, $bits:ident, $signed:ident, $from_key:expr $(, upload $load:ident)?) => {
        impl Item for $float {
            #[inline(always)]
            fn is_nan(&self) -> bool {
                $float::is_nan(*self)
            }
            $(#[cfg(feature = "gpu")]
            fn upload(items: &[Self]) -> Option<Upload<'_>> {
                Some(Upload { load: strix_shaders::Load::$load, bytes: bytemuck::cast_slice(items) })
            })?
        }

        impl Element for $float {
            const NAME: &'static str = stringify!($float);
            type Sum = Compensated;
            type Moments = FloatMoments;

            #[inline(always)]
            fn lesser(self, other: Self) -> Self {
                Self::least(&[self, other]).unwrap_or($float::NAN)
            }
            #[inline(always)]
            fn greater(self, other: Self) -> Self {
                Self::greatest(&[self, other]).unwrap_or($float::NAN)
            }
            #[inline(always)]
            fn least(block: &[Self]) -> Option<Self> {
                extreme(block, $signed::MAX, $signed::min)
            }
            #[inline(always)]
            fn greatest(block: &[Self]) -> Option<Self> {
                extreme(block, $signed::MIN, $signed::max)
            }
            #[cfg(feature = "gpu")]
            fn from_key(key: u32) -> Self {
                let from_key: fn(u32) -> $float = $from_key;
                from_key(key)
            }
            #[cfg(feature = "gpu")]
            fn nan() -> Option<Self> {
                Some($float::NAN)
            }
        }

        impl Ordered for $float {
            type Key = $signed;
            #[inline(always)]
            fn key(self) -> $signed {
                // Flips the magnitude of negatives, so that signed integers order as the floats do.
                let bits = self.to_bits() as $signed;
                bits ^ (((bits >> ($bits::BITS - 1)) as $bits) >> 1) as $signed
            }
            #[inline(always)]
            fn from_ordered(key: $signed) -> Self {
                $float::from_bits((key ^ (((key >> ($bits::BITS - 1)) as $bits) >> 1) as $signed) as $bits)
            }
            const QUIET_NAN: Self = $float::NAN;
        }
    };
}

/// Floats as integers of the same order: integer minima vectorise and need no case for -0.
trait Ordered: Copy + PartialEq {
    type Key: Copy;
    const QUIET_NAN: Self;
    fn key(self) -> Self::Key;
    fn from_ordered(key: Self::Key) -> Self;
}

#[inline(always)]
fn extreme<F: Ordered>(block: &[F], identity: F::Key, pick: fn(F::Key, F::Key) -> F::Key) -> Option<F> {
    let mut best = identity;
    let mut nan = false;
    for &x in block {
        #[expect(clippy::eq_op, reason = "only a NaN differs from itself")]
        let is_nan = x != x;
        nan |= is_nan;
        best = pick(best, x.key());
    }
    match (block.is_empty(), nan) {
        (true, _) => None,
        (_, true) => Some(F::QUIET_NAN),
        _ => Some(F::from_ordered(best)),
    }
}

macro_rules! integer_element {
    ($($integer:ident, $from_key:expr $(, upload $load:ident)?;)*) => {$(
        impl Item for $integer {
            $(#[cfg(feature = "gpu")]
            fn upload(items: &[Self]) -> Option<Upload<'_>> {
                Some(Upload { load: strix_shaders::Load::$load, bytes: bytemuck::cast_slice(items) })
            })?
        }

        impl Element for $integer {
            const NAME: &'static str = stringify!($integer);
            type Sum = IntegerSum;
            type Moments = IntegerMoments;

            #[inline(always)]
            fn lesser(self, other: Self) -> Self {
                self.min(other)
            }
            #[inline(always)]
            fn greater(self, other: Self) -> Self {
                self.max(other)
            }
            #[inline(always)]
            fn least(block: &[Self]) -> Option<Self> {
                block.iter().copied().min()
            }
            #[inline(always)]
            fn greatest(block: &[Self]) -> Option<Self> {
                block.iter().copied().max()
            }
            #[cfg(feature = "gpu")]
            fn from_key(key: u32) -> Self {
                let from_key: fn(u32) -> $integer = $from_key;
                from_key(key)
            }
            #[cfg(feature = "gpu")]
            fn nan() -> Option<Self> {
                None
            }
        }
    )*};
}

float_element!(f32, u32, i32, |key| f32::from_bits(if key >> 31 == 1 { key & 0x7fff_ffff } else { !key }), upload F32);
// f64 has no load on the GPU, so no key of it ever comes back.
float_element!(f64, u64, i64, |_| f64::NAN);

// The wider integers have no load on the GPU, so no key of them ever comes back.
integer_element! {
    u8, |key| key as u8, upload U8;
    i8, |key| (key ^ 0x80) as i8, upload I8;
    u16, |key| key as u16, upload U16;
    i16, |key| (key ^ 0x8000) as i16, upload I16;
    u32, |key| key;
    i32, |key| key as i32;
    u64, |key| key.into();
    i64, |key| key.into();
}
