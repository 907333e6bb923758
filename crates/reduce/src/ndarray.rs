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

use crate::cpu::{self, BLOCK};
use crate::{Aggregator, Error, Item, NanPolicy};

/// Lanes that are read side by side: neighbours in memory for the common row-major array.
const LANES: usize = 16;

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
        let reduced = cpu::reduce(aggregator, items, nan).map_err(|index| Error::Nan { index: index as u64 })?;
        return Ok(aggregator.finish(reduced.state));
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
    A::Output: Send,
    D: RemoveAxis,
{
    if axis.index() >= view.ndim() {
        let what = format!("a view of shape {:?} has no axis {}", view.shape(), axis.index());
        return Err(Error::Parameter(what));
    }
    let lanes: Vec<ArrayView1<'_, T>> = view.lanes(axis).into_iter().collect();
    let groups: Vec<&[ArrayView1<'_, T>]> = lanes.chunks(LANES).collect();
    let states = each(&groups, |group| side_by_side(aggregator, group, nan))?;
    let answers = states.into_iter().flatten().map(|state| aggregator.finish(state)).collect();
    let shape = view.raw_dim().remove_axis(axis);
    // As many answers as lanes, which are as many as the shape has places.
    Array::from_shape_vec(shape, answers).map_err(|e| Error::Parameter(e.to_string()))
}

/// The states of neighbouring lanes, a piece of each at a time.
fn side_by_side<T: Item, A: Aggregator<T>>(
    aggregator: &A,
    lanes: &[ArrayView1<'_, T>],
    nan: NanPolicy,
) -> Result<Vec<A::State>, Error> {
    let length = lanes.first().map_or(0, |lane| lane.len());
    let mut totals: Vec<_> = lanes.iter().map(|_| Total::new(aggregator)).collect();
    let mut pieces: Vec<Vec<T>> = lanes.iter().map(|_| Vec::with_capacity(BLOCK.min(length))).collect();
    for start in (0..length).step_by(BLOCK) {
        let end = length.min(start + BLOCK);
        if lanes.iter().all(|lane| lane.as_slice().is_some()) {
            for (lane, total) in lanes.iter().zip(&mut totals) {
                total.push(aggregator, &lane.as_slice().unwrap_or_default()[start..end], nan)?;
            }
            continue;
        }
        for index in start..end {
            for (lane, piece) in lanes.iter().zip(&mut pieces) {
                piece.push(lane[index].clone());
            }
        }
        for (piece, total) in pieces.iter_mut().zip(&mut totals) {
            total.push(aggregator, piece, nan)?;
            piece.clear();
        }
    }
    Ok(totals.into_iter().map(|total| total.state).collect())
}

/// A state, and how many items led to it.
struct Total<S> {
    state: S,
    items: u64,
}

impl<S> Total<S> {
    fn new<T, A: Aggregator<T, State = S>>(aggregator: &A) -> Self {
        Self { state: aggregator.identity(), items: 0 }
    }

    fn push<T: Item, A: Aggregator<T, State = S>>(
        &mut self,
        aggregator: &A,
        piece: &[T],
        nan: NanPolicy,
    ) -> Result<(), Error> {
        let reduced =
            cpu::reduce(aggregator, piece, nan).map_err(|index| Error::Nan { index: self.items + index as u64 })?;
        let before = std::mem::replace(&mut self.state, aggregator.identity());
        self.state = aggregator.merge(before, aggregator.shift(reduced.state, self.items));
        self.items += piece.len() as u64;
        Ok(())
    }
}

#[cfg(feature = "rayon")]
fn each<G: Sync, R: Send>(groups: &[G], f: impl Fn(&G) -> Result<R, Error> + Sync + Send) -> Result<Vec<R>, Error> {
    use rayon::prelude::*;
    // Of several errors that of the first group, whichever was found first.
    groups.par_iter().map(f).collect::<Vec<_>>().into_iter().collect()
}

#[cfg(not(feature = "rayon"))]
fn each<G, R>(groups: &[G], f: impl Fn(&G) -> Result<R, Error>) -> Result<Vec<R>, Error> {
    groups.iter().map(f).collect()
}
