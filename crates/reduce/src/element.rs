//! What can be reduced: items, and the numeric elements among them.

use crate::Label;
use crate::arithmetic::{Accumulator, Float, FloatMoments, FloatSum, IntegerMoments, IntegerSum, Moments, fused};
use crate::block::Block;
#[cfg(feature = "gpu")]
use crate::gpu::Load;
use crate::sealed::Sealed;
#[cfg(feature = "gpu")]
use std::borrow::Cow;

/// Anything that a [`crate::Reducer`] takes. Implement it for a type of your own to reduce that;
/// the provided methods say "never NaN, CPU only".
pub trait Item: Clone + Send + Sync + 'static {
    /// Whether the item is a missing number, to which the [`crate::NanPolicy`] applies.
    #[inline(always)]
    fn is_nan(&self) -> bool {
        false
    }

    /// How the items lie on a GPU: one load, or two of pairs. None keeps them on the CPU.
    #[cfg(feature = "gpu")]
    fn loads() -> Vec<Load> {
        vec![]
    }

    /// The items' bytes in that column, as its load reads them (little-endian).
    #[cfg(feature = "gpu")]
    fn column(_items: &[Self], _column: usize) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[])
    }
}

impl<T: Item> Item for Option<T> {
    #[inline(always)]
    fn is_nan(&self) -> bool {
        self.as_ref().is_some_and(Item::is_nan)
    }
}

impl<T: Item, const N: usize> Item for [T; N] {
    #[inline(always)]
    fn is_nan(&self) -> bool {
        self.iter().any(Item::is_nan)
    }
}

impl Item for String {}

impl<A: Item, B: Item> Item for (A, B) {
    #[inline(always)]
    fn is_nan(&self) -> bool {
        self.0.is_nan() || self.1.is_nan()
    }

    #[cfg(feature = "gpu")]
    fn loads() -> Vec<Load> {
        match (&A::loads()[..], &B::loads()[..]) {
            ([first], [second]) => vec![*first, *second],
            _ => vec![],
        }
    }
    /// A copy, as nothing says how a tuple lies in memory.
    #[cfg(feature = "gpu")]
    fn column(items: &[Self], column: usize) -> Cow<'_, [u8]> {
        if column == 0 {
            let first: Vec<A> = items.iter().map(|item| item.0.clone()).collect();
            return Cow::Owned(A::column(&first, 0).into_owned());
        }
        let second: Vec<B> = items.iter().map(|item| item.1.clone()).collect();
        Cow::Owned(B::column(&second, 0).into_owned())
    }
}

/// A number that the built-in aggregators take: f32, f64, the integers of 8 to 64 bits, bool as 0 and 1,
/// and with the feature `half` f16 and bf16.
///
/// Sealed: it is of these types alone, and may grow. The arithmetic behind a sum is chosen by the element.
pub trait Element: Label + Copy + Sealed {
    /// How sums of the type are held.
    type Sum: Accumulator<Self>;
    /// How first and second moments of the type are held.
    type Moments: Moments<Self>;

    /// The lesser of the two: NaN if either is, and -0 below +0 (IEEE 754-2019 `minimum`).
    fn lesser(self, other: Self) -> Self;
    /// The greater of the two: NaN if either is, and +0 above -0 (IEEE 754-2019 `maximum`).
    fn greater(self, other: Self) -> Self;
    /// The least of a block, `None` of an empty one; as by folding [`Element::lesser`].
    fn least(block: &Block<'_, Self>) -> Option<Self>;
    /// The greatest of a block, `None` of an empty one; as by folding [`Element::greater`].
    fn greatest(block: &Block<'_, Self>) -> Option<Self>;

    /// The element as the nearest f64.
    fn to_f64(self) -> f64;
    /// The element less `center`, rounded once where the element is no f64.
    fn deviation(self, center: f64) -> f64;
    /// The element less another, as f64, rounded once.
    fn less(self, other: Self) -> f64;
    /// Whether both are the same bits, or NaN.
    fn same(&self, other: &Self) -> bool;
    /// The mean of a block to about the last digit; NaN of nothing.
    fn mean_of(block: &Block<'_, Self>) -> f64;

    /// The element that a kernel's order-preserving key stands for.
    #[cfg(feature = "gpu")]
    fn from_key(_key: u32) -> Self;
    /// The least and the greatest key of a number: outside of them are NaN.
    #[cfg(feature = "gpu")]
    const KEYS: (u32, u32);
    /// The canonical NaN, for the types that have one.
    #[cfg(feature = "gpu")]
    fn nan() -> Option<Self>;
}

/// The items as they lie in memory.
macro_rules! load {
    ($load:ident) => {
        #[cfg(feature = "gpu")]
        fn loads() -> Vec<Load> {
            vec![Load::$load]
        }
        #[cfg(feature = "gpu")]
        fn column(items: &[Self], _column: usize) -> Cow<'_, [u8]> {
            Cow::Borrowed(bytemuck::cast_slice(items))
        }
    };
}

macro_rules! float_element {
    ($float:ident, $bits:ident, $signed:ident, $from_key:expr $(, upload $load:ident)? $(, fused $fused:path)?) => {
        impl Item for $float {
            #[inline(always)]
            fn is_nan(&self) -> bool {
                $float::is_nan(*self)
            }
            $(load!($load);)?
        }

        impl Element for $float {
            type Sum = FloatSum;
            type Moments = FloatMoments;

            #[inline(always)]
            fn lesser(self, other: Self) -> Self {
                extreme(&[self, other], $signed::MAX, $signed::min).unwrap_or($float::NAN)
            }
            #[inline(always)]
            fn greater(self, other: Self) -> Self {
                extreme(&[self, other], $signed::MIN, $signed::max).unwrap_or($float::NAN)
            }
            #[inline(always)]
            fn least(block: &Block<'_, Self>) -> Option<Self> {
                $(if let Some(extremes) = $fused(block) {
                    return Some(extremes.0);
                })?
                extreme(block, $signed::MAX, $signed::min)
            }
            #[inline(always)]
            fn greatest(block: &Block<'_, Self>) -> Option<Self> {
                $(if let Some(extremes) = $fused(block) {
                    return Some(extremes.1);
                })?
                extreme(block, $signed::MIN, $signed::max)
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self.into()
            }
            #[inline(always)]
            fn deviation(self, center: f64) -> f64 {
                f64::from(self) - center
            }
            #[inline(always)]
            fn less(self, other: Self) -> f64 {
                f64::from(self) - f64::from(other)
            }
            #[inline(always)]
            fn same(&self, other: &Self) -> bool {
                self.to_bits() == other.to_bits() || (self.is_nan() && other.is_nan())
            }
            #[inline(always)]
            fn mean_of(block: &Block<'_, Self>) -> f64 {
                <$float as Float>::sum(block).divided_by(block.len() as u64)
            }
            #[cfg(feature = "gpu")]
            fn from_key(key: u32) -> Self {
                let from_key: fn(u32) -> $float = $from_key;
                from_key(key)
            }
            #[cfg(feature = "gpu")]
            const KEYS: (u32, u32) = (0x007f_ffff, 0xff80_0000);
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
            $(load!($load);)?
        }

        impl Element for $integer {
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
            fn least(block: &Block<'_, Self>) -> Option<Self> {
                block.iter().copied().min()
            }
            #[inline(always)]
            fn greatest(block: &Block<'_, Self>) -> Option<Self> {
                block.iter().copied().max()
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn deviation(self, center: f64) -> f64 {
                if size_of::<Self>() < 8 {
                    return self as f64 - center;
                }
                // In integers first: two of 64 bits may differ in digits that no f64 holds.
                let whole = center.trunc();
                (i128::from(self) - whole as i128) as f64 - (center - whole)
            }
            #[inline(always)]
            fn less(self, other: Self) -> f64 {
                (i128::from(self) - i128::from(other)) as f64
            }
            #[inline(always)]
            fn same(&self, other: &Self) -> bool {
                self == other
            }
            #[inline(always)]
            fn mean_of(block: &Block<'_, Self>) -> f64 {
                <IntegerSum as Accumulator<Self>>::of(block).mean(block.len() as u64)
            }
            #[cfg(feature = "gpu")]
            fn from_key(key: u32) -> Self {
                let from_key: fn(u32) -> $integer = $from_key;
                from_key(key)
            }
            #[cfg(feature = "gpu")]
            const KEYS: (u32, u32) = (0, if size_of::<Self>() < 4 { (1 << (8 * size_of::<Self>())) - 1 } else { u32::MAX });
            #[cfg(feature = "gpu")]
            fn nan() -> Option<Self> {
                None
            }
        }
    )*};
}

float_element!(f32, u32, i32, of_key, upload F32, fused fused::extremes);
/// The f32 of an order-preserving key.
#[cfg(feature = "gpu")]
fn of_key(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & 0x7fff_ffff } else { !key })
}
// f64 has no load on the GPU, so no key of it ever comes back.
float_element!(f64, u64, i64, |_| f64::NAN);

// The widest integers have no load on the GPU, so no key of them ever comes back.
integer_element! {
    u8, |key| key as u8, upload U8;
    i8, |key| (key ^ 0x80) as i8, upload I8;
    u16, |key| key as u16, upload U16;
    i16, |key| (key ^ 0x8000) as i16, upload I16;
    u32, |key| key, upload U32;
    i32, |key| (key ^ 0x8000_0000) as i32, upload I32;
    u64, |key| key.into();
    i64, |key| key.into();
}

#[cfg(feature = "half")]
use half::{bf16, f16};
// Kernels widen the half floats to f32, which holds them exactly.
#[cfg(feature = "half")]
float_element!(f16, u16, i16, |key| f16::from_f32(of_key(key)), upload F16);
#[cfg(feature = "half")]
float_element!(bf16, u16, i16, |key| bf16::from_f32(of_key(key)), upload BF16);

impl Item for bool {
    load!(U8);
}

/// As the numbers 0 and 1: a sum counts what is true, a mean is its share.
impl Element for bool {
    type Sum = IntegerSum;
    type Moments = IntegerMoments;

    #[inline(always)]
    fn lesser(self, other: Self) -> Self {
        self & other
    }
    #[inline(always)]
    fn greater(self, other: Self) -> Self {
        self | other
    }
    #[inline(always)]
    fn least(block: &Block<'_, Self>) -> Option<Self> {
        block.iter().copied().min()
    }
    #[inline(always)]
    fn greatest(block: &Block<'_, Self>) -> Option<Self> {
        block.iter().copied().max()
    }
    #[inline(always)]
    fn to_f64(self) -> f64 {
        self.into()
    }
    #[inline(always)]
    fn deviation(self, center: f64) -> f64 {
        f64::from(self) - center
    }
    #[inline(always)]
    fn less(self, other: Self) -> f64 {
        f64::from(self) - f64::from(other)
    }
    #[inline(always)]
    fn same(&self, other: &Self) -> bool {
        self == other
    }
    #[inline(always)]
    fn mean_of(block: &Block<'_, Self>) -> f64 {
        <IntegerSum as Accumulator<Self>>::of(block).mean(block.len() as u64)
    }
    #[cfg(feature = "gpu")]
    fn from_key(key: u32) -> Self {
        key != 0
    }
    #[cfg(feature = "gpu")]
    const KEYS: (u32, u32) = (0, 1);
    #[cfg(feature = "gpu")]
    fn nan() -> Option<Self> {
        None
    }
}
