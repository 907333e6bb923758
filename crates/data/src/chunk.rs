//! Typed chunks of numbers, and the types they have.

use half::f16;

/// Calls a macro with every number type there is, so that they are listed once; bool is apart, as not
/// every byte is one.
macro_rules! each_number {
    ($call:ident) => {
        $call! {
            F16 f16, F32 f32, F64 f64, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64
        }
    };
}

macro_rules! define {
    ($($variant:ident $number:ident),*) => {
        /// The type of a file's elements.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Dtype {
            $(#[doc = concat!("`", stringify!($number), "`")] $variant,)*
            /// `bool`
            Bool,
        }

        /// Elements of one type, as read from a file.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Chunk {
            $(#[doc = concat!("Elements of type `", stringify!($number), "`.")] $variant(Vec<$number>),)*
            /// Elements of type `bool`.
            Bool(Vec<bool>),
        }

        impl Dtype {
            /// The type's name as Rust spells it, such as `f32`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($number),)* Self::Bool => "bool" }
            }

            /// Bytes an element takes.
            pub fn bytes(self) -> usize {
                match self { $(Self::$variant => size_of::<$number>(),)* Self::Bool => 1 }
            }

            /// An empty chunk of the type.
            pub(crate) fn empty_chunk(self) -> Chunk {
                match self { $(Self::$variant => Chunk::$variant(Vec::new()),)* Self::Bool => Chunk::Bool(Vec::new()) }
            }
        }

        impl Chunk {
            /// The elements' type.
            pub fn dtype(&self) -> Dtype {
                match self { $(Self::$variant(_) => Dtype::$variant,)* Self::Bool(_) => Dtype::Bool }
            }

            /// How many elements there are.
            pub fn len(&self) -> usize {
                match self { $(Self::$variant(items) => items.len(),)* Self::Bool(items) => items.len() }
            }

            /// Whether there is none.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Makes it `len` elements long and hands out their bytes, to be read into; of bools
            /// none, as not every byte is one.
            pub(crate) fn bytes_mut(&mut self, len: usize) -> &mut [u8] {
                match self {
                    $(Self::$variant(items) => {
                        items.resize(len, Default::default());
                        bytemuck::cast_slice_mut(items)
                    })*
                    Self::Bool(_) => &mut [],
                }
            }

            /// Turns every element's bytes around.
            pub(crate) fn swap_bytes(&mut self) {
                match self {
                    $(Self::$variant(items) => {
                        for item in items {
                            let mut bytes = item.to_ne_bytes();
                            bytes.reverse();
                            *item = $number::from_ne_bytes(bytes);
                        }
                    })*
                    Self::Bool(_) => {}
                }
            }
        }
    };
}
each_number!(define);

impl std::fmt::Display for Dtype {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
