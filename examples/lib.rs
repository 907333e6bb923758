//! Small complete programs on the Strix crates.
//!
//! * `one_pass`: several statistics of chunks in one pass, on the engine that fits;
//! * `own_aggregator`: an aggregator in a dozen lines, checked by the testkit's laws;
//! * `own_buffer`: a buffer that the caller has on the GPU, reduced where it lies;
//! * `own_device`: a reduction among the commands of a program with its own device, its results read by another kernel;
//! * `own_kernel`: an aggregator of one's own in WGSL, held to the laws and to its CPU half;
//! * `saved_state`: states stored, read again and merged;
//! * `tables`: batches of one day and another by group, and their states as one.
//!
//! Run one with `cargo run --release --example one_pass`; `tests/run.rs` runs them all.
