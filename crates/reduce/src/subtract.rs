//! Where merging can be undone, and windows over a stream.

use std::collections::VecDeque;

use crate::arithmetic::{IntegerMoments, IntegerSum};
use crate::{Aggregator, Count, Element, Mean, Sum, Variance};

/// An aggregator whose states form a group: a part that was merged in can be taken out again, exactly.
///
/// `subtract(merge(a, b), b)` is `a`, in every bit. That holds for counts, for integer sums, means and
/// variances, for histograms and confusion matrices, and for what is put around them; it does not for floats, whose merging rounds, nor for extremes, which
/// forget. [`Window`] works for those too.
pub trait Subtract<T>: Aggregator<T> {
    /// The state of the items of `whole` that are not in `part`, of which each is in `whole`.
    fn subtract(&self, whole: Self::State, part: Self::State) -> Self::State;
}

impl<T> Subtract<T> for Count {
    fn subtract(&self, whole: u64, part: u64) -> u64 {
        whole - part
    }
}

impl<T: Element<Sum = IntegerSum>> Subtract<T> for Sum {
    fn subtract(&self, whole: Self::State, part: Self::State) -> Self::State {
        super::aggregators::SumState { count: whole.count - part.count, sum: whole.sum.less(part.sum) }
    }
}

impl<T: Element<Sum = IntegerSum>> Subtract<T> for Mean {
    fn subtract(&self, whole: Self::State, part: Self::State) -> Self::State {
        Subtract::<T>::subtract(&Sum, whole, part)
    }
}

impl<T: Element<Moments = IntegerMoments>> Subtract<T> for Variance {
    fn subtract(&self, whole: Self::State, part: Self::State) -> Self::State {
        whole.less(part)
    }
}

macro_rules! tuple {
    ($($aggregator:ident $index:tt),+) => {
        impl<T, $($aggregator: Subtract<T>),+> Subtract<T> for ($($aggregator,)+) {
            fn subtract(&self, whole: Self::State, part: Self::State) -> Self::State {
                ($(self.$index.subtract(whole.$index, part.$index),)+)
            }
        }
    };
}
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);

/// The aggregate of the latest items of a stream: one state in, one state out, for each item.
///
/// Any aggregator will do. States are kept on two stacks (as in "General incremental sliding-window
/// aggregation", Tangwongsan et al., VLDB 2015): each item costs two merges on average, and nothing is ever
/// subtracted, so a window of floats is as right as a pass over its items. Where the states form a group,
/// [`Window::subtracting`] answers in one merge and one subtraction.
///
/// ```
/// # use strix_reduce::{Max, Window};
/// let mut window = Window::new(Max, 3);
/// let highest: Vec<_> = [5, 1, 2, 0, 0].iter().map(|x| window.push(x)).collect();
/// assert_eq!(highest, [Some(5), Some(5), Some(5), Some(2), Some(2)]);
/// ```
pub struct Window<T, A: Aggregator<T>> {
    aggregator: A,
    length: usize,
    pushed: u64,
    parts: Parts<T, A>,
}

enum Parts<T, A: Aggregator<T>> {
    Stacks {
        /// The older half: each state is of its item and of all that came after it in this half.
        old: Vec<A::State>,
        new: Vec<A::State>,
        all_new: A::State,
    },
    Group {
        subtract: fn(&A, A::State, A::State) -> A::State,
        states: VecDeque<A::State>,
        all: A::State,
        item: std::marker::PhantomData<fn(&T)>,
    },
}

impl<T, A: Aggregator<T>> std::fmt::Debug for Window<T, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Window").field("length", &self.length).field("pushed", &self.pushed).finish_non_exhaustive()
    }
}

impl<T, A: Aggregator<T>> Window<T, A> {
    /// A window over the latest `length` items; over the latest one if `length` is 0.
    pub fn new(aggregator: A, length: usize) -> Self {
        let parts = Parts::Stacks { old: Vec::new(), new: Vec::new(), all_new: aggregator.identity() };
        Self { aggregator, length: length.max(1), pushed: 0, parts }
    }

    /// The same where what leaves the window can be subtracted.
    pub fn subtracting(aggregator: A, length: usize) -> Self
    where
        A: Subtract<T>,
    {
        let all = aggregator.identity();
        let (subtract, states) = (A::subtract, VecDeque::new());
        let parts = Parts::Group { subtract, states, all, item: std::marker::PhantomData };
        Self { aggregator, length: length.max(1), pushed: 0, parts }
    }

    /// Takes an item in, lets the oldest go once the window is full, and answers for those in it.
    pub fn push(&mut self, item: &T) -> A::Output {
        let aggregator = &self.aggregator;
        let mut lifted = aggregator.state_of(std::slice::from_ref(item));
        aggregator.shift(&mut lifted, self.pushed);
        self.pushed += 1;
        let merged = |mut a: A::State, b: A::State| {
            aggregator.merge(&mut a, b);
            a
        };
        match &mut self.parts {
            Parts::Stacks { old, new, all_new } => {
                if old.len() + new.len() == self.length {
                    if old.is_empty() {
                        let mut all = aggregator.identity();
                        for state in new.drain(..).rev() {
                            all = merged(state, all);
                            old.push(all.clone());
                        }
                        *all_new = aggregator.identity();
                    }
                    old.pop();
                }
                new.push(lifted.clone());
                aggregator.merge(all_new, lifted);
                let all_old = old.last().cloned().unwrap_or_else(|| aggregator.identity());
                aggregator.finish(merged(all_old, all_new.clone()))
            }
            Parts::Group { subtract, states, all, .. } => {
                let mut state = merged(all.clone(), lifted.clone());
                states.push_back(lifted);
                if states.len() > self.length
                    && let Some(oldest) = states.pop_front()
                {
                    state = subtract(aggregator, state, oldest);
                }
                *all = state.clone();
                aggregator.finish(state)
            }
        }
    }
}
