//! Reductions of Arrow arrays and of the columns of record batches; nulls are left out.
//!
//! ```
//! use arrow_array::Float64Array;
//! use strix_reduce::{Count, Engine, Mean, Reducer};
//!
//! let mut reducer = Reducer::<f64, _>::new((Count, Mean), &Engine::cpu())?;
//! reducer.push_array(&Float64Array::from(vec![Some(1.0), None, Some(4.0)]))?;
//! assert_eq!(reducer.missing(), 1);
//! assert_eq!(reducer.finish(), (2, Some(2.5)));
//! # Ok::<(), strix_reduce::Error>(())
//! ```

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};

use crate::{Aggregator, Error, Label, Reducer};

/// An item that an Arrow array holds. Sealed.
pub trait ArrowItem: Label + crate::sealed::Sealed {
    /// The array's values, anything in the place of a null; `None` when they are of another type.
    fn values(array: &dyn Array) -> Option<Cow<'_, [Self]>>;
}

macro_rules! primitive {
    ($($item:ty, $arrow:ident;)*) => {$(
        impl ArrowItem for $item {
            fn values(array: &dyn Array) -> Option<Cow<'_, [Self]>> {
                array.as_primitive_opt::<$arrow>().map(|array| Cow::Borrowed(&array.values()[..]))
            }
        }
    )*};
}
primitive! {
    half::f16, Float16Type;
    f32, Float32Type;
    f64, Float64Type;
    i8, Int8Type;
    i16, Int16Type;
    i32, Int32Type;
    i64, Int64Type;
    u8, UInt8Type;
    u16, UInt16Type;
    u32, UInt32Type;
    u64, UInt64Type;
}

impl ArrowItem for bool {
    fn values(array: &dyn Array) -> Option<Cow<'_, [Self]>> {
        array.as_boolean_opt().map(|array| Cow::Owned(array.values().iter().collect()))
    }
}

impl ArrowItem for String {
    fn values(array: &dyn Array) -> Option<Cow<'_, [Self]>> {
        if let Some(array) = array.as_string_opt::<i32>() {
            return Some(Cow::Owned(array.iter().map(|text| text.unwrap_or_default().to_owned()).collect()));
        }
        let array = array.as_string_opt::<i64>()?;
        Some(Cow::Owned(array.iter().map(|text| text.unwrap_or_default().to_owned()).collect()))
    }
}

impl<T: ArrowItem, A: Aggregator<T>> Reducer<T, A> {
    /// Takes in an array's values; its nulls count as [`Reducer::missing`].
    ///
    /// # Errors
    /// [`Error::Column`] when the array is not of items `T`, and those of [`Reducer::push`].
    pub fn push_array(&mut self, array: &dyn Array) -> Result<(), Error> {
        let values = T::values(array)
            .ok_or_else(|| Error::Column(format!("an array of {} holds no {}", array.data_type(), T::NAME)))?;
        match array.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => self.push(&values),
            Some(nulls) => self.push_masked(&values, |index| nulls.is_valid(index)),
        }
    }

    /// Takes in one column of a batch.
    ///
    /// # Errors
    /// [`Error::Column`] when the batch has no such column or it is not of items `T`, and those of
    /// [`Reducer::push`].
    pub fn push_column(&mut self, batch: &RecordBatch, column: &str) -> Result<(), Error> {
        let array = batch.column_by_name(column).ok_or_else(|| {
            let schema = batch.schema();
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            Error::Column(format!("there is no column {column:?}; there are {}", names.join(", ")))
        })?;
        self.push_array(array)
    }
}
