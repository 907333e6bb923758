//! Reductions of [`ndarray`] views: all elements of any strided view, or along one axis of it.
//!
//! ```
//! use ndarray::{Axis, array};
//! use strix_reduce::{Max, Mean, NanPolicy, ndarray::{reduce, reduce_axis}};
//!
//! let table = array![[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]];
//! assert_eq!(reduce(&Max, table.view(), NanPolicy::Propagate)?, Some(9.0));
//! let columns = reduce_axis(&Mean, table.view(), Axis(0), NanPolicy::Propagate)?;
//! assert_eq!(columns, array![Some(2.5), Some(3.5), Some(6.0)]);
//! # Ok::<(), strix_reduce::Error>(())
//! ```

use ::ndarray::{Array, ArrayView, ArrayView1, Axis, Dimension, RemoveAxis};

use crate::axis::{Lane, Total};
use crate::cpu::{self, BLOCK};
use crate::{Aggregator, Error, Item, NanPolicy};

/// The answer over all elements, in the view's logical order.
///
/// # Errors
/// [`Error::Nan`] under [`NanPolicy::Error`], its index counted in logical order.
pub fn reduce<T, A, D>(aggregator: &A, view: ArrayView<'_, T, D>, nan: NanPolicy) -> Result<A::Output, Error>
where
    T: Item,
    A: Aggregator<T>,
    D: Dimension,
{
    if let Some(items) = view.as_slice() {
        let mut state = aggregator.identity();
        cpu::reduce(aggregator, &mut state, items, 0, nan).map_err(|index| Error::Nan { index: index as u64 })?;
        return Ok(aggregator.finish(state));
    }
    let mut total = Total::new(aggregator);
    let mut piece = Vec::with_capacity(16 * BLOCK);
    for item in view.iter() {
        piece.push(item.clone());
        if piece.len() == piece.capacity() {
            total.push(aggregator, &piece, nan)?;
            piece.clear();
        }
    }
    total.push(aggregator, &piece, nan)?;
    Ok(aggregator.finish(total.state))
}

/// One answer for each lane along `axis`: an array of the view's shape without that axis.
///
/// # Errors
/// [`Error::Nan`] under [`NanPolicy::Error`], its index counted along the lane; [`Error::Parameter`] when
/// the view has no such axis.
pub fn reduce_axis<T, A, D>(
    aggregator: &A,
    view: ArrayView<'_, T, D>,
    axis: Axis,
    nan: NanPolicy,
) -> Result<Array<A::Output, D::Smaller>, Error>
where
    T: Item,
    A: Aggregator<T>,
    D: RemoveAxis,
{
    if axis.index() >= view.ndim() {
        let what = format!("a view of shape {:?} has no axis {}", view.shape(), axis.index());
        return Err(Error::Parameter(what));
    }
    let lanes: Vec<ArrayView1<'_, T>> = view.lanes(axis).into_iter().collect();
    let states = crate::axis::states(aggregator, &lanes, nan)?;
    let answers = states.into_iter().map(|state| aggregator.finish(state)).collect();
    let shape = view.raw_dim().remove_axis(axis);
    // As many answers as lanes, which are as many as the shape has places.
    Array::from_shape_vec(shape, answers).map_err(|e| Error::Parameter(e.to_string()))
}

impl<T: Sync> Lane<T> for ArrayView1<'_, T> {
    fn length(&self) -> usize {
        self.len()
    }
    fn item(&self, index: usize) -> &T {
        &self[index]
    }
    fn slice(&self) -> Option<&[T]> {
        self.as_slice()
    }
}
