//! A block of items, and what several aggregators read from it, computed once.

use std::cell::OnceCell;
use std::ops::{BitOr, Deref};

use crate::arithmetic::{FloatMoments, FloatSum};

/// A block of items on its way through an aggregator: a slice that remembers what was computed from it.
///
/// The engine hands over at most [`crate::cpu::BLOCK`] items, which stay in the first-level cache. It
/// derefs to the slice, which is all that an aggregator of one's own needs. The built-in ones share
/// their [`Facts`] through it: a mean, a variance and the extremes of f32 cost one loop and not four.
#[derive(Debug)]
pub struct Block<'a, T> {
    items: &'a [T],
    place: u64,
    facts: Facts,
    pub(crate) sum: OnceCell<FloatSum>,
    pub(crate) moments: OnceCell<FloatMoments>,
    pub(crate) extremes: OnceCell<(f32, f32)>,
}

impl<'a, T> Block<'a, T> {
    /// A block of which nobody says what will be asked.
    #[inline(always)]
    pub fn new(items: &'a [T]) -> Self {
        Self::with_facts(items, Facts::NONE)
    }

    /// A block of which these facts will be asked.
    #[inline(always)]
    pub fn with_facts(items: &'a [T], facts: Facts) -> Self {
        Self { items, place: 0, facts, sum: OnceCell::new(), moments: OnceCell::new(), extremes: OnceCell::new() }
    }

    /// The same block at another place.
    #[inline(always)]
    pub fn at(self, place: u64) -> Self {
        Self { place, ..self }
    }

    /// How many items came before the first of these; 0 unless it was said.
    #[inline(always)]
    pub fn place(&self) -> u64 {
        self.place
    }

    /// The items, for as long as the block's owner lives.
    #[inline(always)]
    pub fn items(&self) -> &'a [T] {
        self.items
    }

    /// What will be asked of it.
    #[inline(always)]
    pub fn facts(&self) -> Facts {
        self.facts
    }
}

impl<T> Deref for Block<'_, T> {
    type Target = [T];

    #[inline(always)]
    fn deref(&self) -> &[T] {
        self.items
    }
}

/// Facts of a block that more than one aggregator may read: a set of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts(u8);

impl Facts {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// The sum of the items.
    pub const SUM: Self = Self(1);
    /// Mean and M2 of the items.
    pub const MOMENTS: Self = Self(2);
    /// The least and the greatest item.
    pub const EXTREMES: Self = Self(4);

    /// Whether all of `other` are among them.
    #[inline(always)]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Facts {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
