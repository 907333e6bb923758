//! Hyper-parameter search: which choices to try next, and which trials to end early.
//!
//! A [`Space`] says what may be chosen. A [`Sampler`] makes the next choice from the trials so far, a [`Pruner`] ends trials
//! that do not look good. Both are functions of what is known, and keep nothing: any number of workers that see the same
//! trials decide alike.
//!
//! ```
//! use strix_tune::{Direction, Sampler, Space, State, Tpe, Trial, Value};
//!
//! let space = Space::from_toml("
//!     [x]
//!     float = [-5.0, 5.0]
//!     [shape]
//!     choice = ['bowl', 'ridge']
//! ")?;
//! let mut trials = Vec::new();
//! for number in 0..60 {
//!     let codes = Tpe::new(0).choose(&space, &trials, Direction::Minimize, number)?;
//!     let values = space.values(&codes)?;
//!     let (Value::Float(x), Value::Text(shape)) = (&values[0].1, &values[1].1) else { unreachable!() };
//!     let value = if shape == "bowl" { x * x } else { 1.0 + x.abs() };
//!     trials.push(Trial { number, state: State::Complete, codes, value: Some(value), reports: Default::default() });
//! }
//! let best = trials.iter().filter_map(|trial| trial.value).fold(f64::INFINITY, f64::min);
//! assert!(best < 0.1);
//! # Ok::<(), strix_tune::Error>(())
//! ```

mod error;
mod importance;
mod presets;
mod pruner;
mod report;
mod sampler;
mod space;
mod storage;
mod text;
mod trial;

pub use error::Error;
pub use importance::importances;
pub use presets::Preset;
pub use pruner::{Asha, Hyperband, Median, Pruner, Spread};
pub use report::html;
pub use sampler::{Grid, Random, Sampler, Tpe};
pub use space::{Codes, Condition, Domain, Parameter, Space, Value};
pub use storage::{Claim, Next, Patience, Storage, Stored, Study, best, token};
pub use trial::{Direction, State, Trial};
