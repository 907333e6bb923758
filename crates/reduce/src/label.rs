//! What can be told apart, ordered, hashed and stored: numbers, truth values and text.

use std::cmp::Ordering;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

use crate::Item;

/// An item with a total order, a hash that is the same on every machine, and a stored form.
///
/// Floats: -0 and 0 are one value here, and any NaN is one NaN, which the order puts last.
pub trait Label: Item + PartialEq + std::fmt::Debug + Serialize + DeserializeOwned {
    /// The type's name, such as `f32`: stored states carry it.
    const NAME: &'static str;

    /// XXH3 (64 bits) of the canonical value's little-endian bytes.
    fn hash64(&self) -> u64;

    /// The total order.
    fn order(&self, other: &Self) -> Ordering;

    /// The one among equal values that stands for all of them.
    #[must_use]
    fn canonical(self) -> Self {
        self
    }
}

macro_rules! integer_label {
    ($($integer:ident)*) => {$(
        impl Label for $integer {
            const NAME: &'static str = stringify!($integer);

            #[inline(always)]
            fn hash64(&self) -> u64 {
                xxh3_64(&self.to_le_bytes())
            }
            #[inline(always)]
            fn order(&self, other: &Self) -> Ordering {
                self.cmp(other)
            }
        }
    )*};
}
integer_label!(u8 i8 u16 i16 u32 i32 u64 i64);

macro_rules! float_label {
    ($($float:ident)*) => {$(
        impl Label for $float {
            const NAME: &'static str = stringify!($float);

            #[inline(always)]
            fn hash64(&self) -> u64 {
                xxh3_64(&self.canonical().to_le_bytes())
            }
            #[inline(always)]
            fn order(&self, other: &Self) -> Ordering {
                self.partial_cmp(other).unwrap_or_else(|| self.is_nan().cmp(&other.is_nan()))
            }
            #[inline(always)]
            fn canonical(self) -> Self {
                if self.is_nan() {
                    $float::NAN
                } else if self.to_bits() << 1 == 0 {
                    $float::from_bits(0)
                } else {
                    self
                }
            }
        }
    )*};
}
float_label!(f32 f64);
#[cfg(feature = "half")]
use half::{bf16, f16};
#[cfg(feature = "half")]
float_label!(f16 bf16);

impl Label for bool {
    const NAME: &'static str = "bool";

    #[inline(always)]
    fn hash64(&self) -> u64 {
        xxh3_64(&[u8::from(*self)])
    }
    #[inline(always)]
    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

impl Label for String {
    const NAME: &'static str = "text";

    fn hash64(&self) -> u64 {
        xxh3_64(self.as_bytes())
    }
    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_numbers_hash_alike() {
        assert_eq!(0.0f64.hash64(), (-0.0f64).hash64());
        assert_eq!(f32::NAN.hash64(), (-f32::NAN).hash64());
        assert_ne!(1u8.hash64(), 2u8.hash64());
        assert_eq!(f64::NAN.order(&f64::INFINITY), Ordering::Greater);
        assert_eq!((0.0f64.order(&-0.0), (-f64::NAN).order(&f64::NAN)), (Ordering::Equal, Ordering::Equal));
        assert!((-0.0f32).canonical().is_sign_positive());
    }

    #[test]
    fn hashes_are_those_of_the_published_xxh3() {
        // python: xxhash.xxh3_64_intdigest(b"strix"), and of b"".
        assert_eq!(String::new().hash64(), 0x2d06_8005_38d3_94c2);
    }
}
