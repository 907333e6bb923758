//! The networks.

mod conv_strix;

pub use conv_strix::ConvStrix;
