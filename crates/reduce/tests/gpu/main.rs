//! What the kernels compute, on whatever GPU there is: Mesa's software renderer is one.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]
#![cfg(feature = "gpu")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/nearest.rs"]
mod nearest;

mod exact;
mod matrix;
mod pairs;
mod views;
mod whole;
