//! Small complete programs on the Strix crates.
//!
//! * `one_pass`: several statistics of chunks in one pass, on the engine that fits;
//! * `own_aggregator`: an aggregator in a dozen lines, checked by the testkit's laws;
//! * `own_buffer`: a buffer that the caller has on the GPU, reduced where it lies.
//!
//! Run one with `cargo run --release --example one_pass`; `tests/run.rs` runs them all.
