//! The CPU engine: blocks that fit the cache, vector units found at run time, threads.

mod blocks;
mod each;
mod groups;

pub use blocks::BLOCK;
pub(crate) use blocks::{lift, one_pass, reduce};
pub(crate) use each::{each, each_mut};
pub use groups::in_groups;
pub(crate) use groups::{lift_into, lift_rows};
