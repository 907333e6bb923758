//! The WGSL of Strix: one tree reduction, one snippet an aggregator, composed into one kernel.
//!
//! This crate knows text and [`naga`], not wgpu: it composes a kernel's source, validates it and
//! reads back where each aggregator's state lies, so that the host decodes what the shader wrote
//! and not what somebody once thought it would write.
//!
//! ```
//! use strix_shaders::{Load, MIN, Recipe, SUM};
//!
//! let kernel = Recipe::new(&[Load::F32], &[SUM.into(), MIN.into()]).compose()?;
//! assert!(kernel.source.contains("fn reduce_pieces"));
//! assert_eq!(kernel.layout.part("sum").unwrap().bytes, 4);
//! # Ok::<(), strix_shaders::ComposeError>(())
//! ```
//!
//! # The contract of a snippet
//!
//! A [`Snippet`] named `sum` defines `SumState` and three functions: `sum_identity()`, `sum_lift(item: Item)` and
//! `sum_merge(a, b)`. Where a state is large and an item changes little of it, `sum_push(item: Item)` stands in for
//! `sum_lift`: it adds the item to `held.sum`. An `Item` holds
//! the element as an order-preserving `key`, its `place`, and its `offset` from the piece's frame; of pairs also
//! `second_key`, `second_bits`, `second_offset`, `second_scaled` and `weighed_offset` (`kernel/two_columns.wgsl`).
//!
//! One that reads offsets has a fourth function, `sum_rebase(a, count, by: Move)`, which moves a
//! state of `count` finite elements into another frame, in which each offset is
//! `offset * by.scale + by.shift`; over pairs it also takes the second column's `Move`. One over (value, weight) pairs
//! ([`Snippet::over_weights`]) reads `weighed_offset` and is moved by the `Move` of that frame, so that a value which
//! weighs nothing does not move the frame; its State has a `weight`, the sum of `second_scaled`.
//!
//! One that counts into bins has no state: its one function, `histogram_index(item: Item)`, says which of its
//! `HISTOGRAM_COUNTERS` counters goes up by one. Its parameters begin at `parameters[HISTOGRAM_PARAMETERS]`.

mod compose;
mod error;
mod layout;
mod load;
pub mod order;
mod snippets;
mod source;

pub use compose::{Binding, Kernel, Part, Recipe, Shape, Taker};
pub use error::ComposeError;
pub use layout::{Layout, Member, PartLayout};
pub use load::Load;
pub use snippets::*;

/// Workgroup memory that every WebGPU device offers, in bytes.
pub const DEFAULT_WORKGROUP_BYTES: u32 = 16384;

/// Elements that each invocation takes in of a piece that a workgroup takes.
pub const ITEMS_PER_INVOCATION: u32 = 128;

/// Elements of the longest segment that one invocation takes alone.
pub const SHORT: u32 = 1024;

/// What a device does with numbers: entry point `probe`, operands at binding 0, answers at binding 1.
pub const PROBE: &str = include_str!("probe.wgsl");
