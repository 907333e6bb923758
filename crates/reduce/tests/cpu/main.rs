//! What the aggregators compute on the CPU: one program, as each takes as long to link as to run.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/states.rs"]
mod every;
#[path = "../common/nearest.rs"]
mod nearest;

mod by_key;
mod correctly_rounded;
mod edges;
mod exact;
mod exact_moments;
mod foreign;
mod fused;
mod inputs;
mod laws;
mod laws_exact;
mod laws_rounding;
mod nan_policy;
mod oracle;
mod planner;
mod scale;
mod sketches;
mod states;
mod windows;
