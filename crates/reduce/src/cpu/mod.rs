//! The CPU engine: blocks that fit the cache, vector units found at run time, threads.

mod blocks;

pub use blocks::BLOCK;
pub(crate) use blocks::{lift, one_pass, reduce};
