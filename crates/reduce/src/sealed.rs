//! What keeps a public trait to the types of this crate, so that it may grow without breaking anybody.

/// A type whose arithmetic is this crate's own.
pub trait Sealed {}

macro_rules! sealed {
    ($($own:ty)*) => {$(
        impl Sealed for $own {}
    )*};
}
sealed!(f32 f64 i8 i16 i32 i64 u8 u16 u32 u64 bool String);
#[cfg(feature = "half")]
sealed!(half::f16 half::bf16);
