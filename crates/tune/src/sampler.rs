//! How the next choice of parameters is made.

mod grid;
mod random;
mod tpe;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::Error;
use crate::space::{Codes, Space};
use crate::trial::{Direction, Trial};

pub use grid::Grid;
pub use random::Random;
pub use tpe::Tpe;

/// A way to choose. The same trials, number and seed give the same choice, in every process.
pub trait Sampler {
    /// The codes of trial `number`, knowing the trials before and beside it.
    ///
    /// # Errors
    /// [`Error::Config`] when the sampler does not suit the space.
    fn choose(&self, space: &Space, trials: &[Trial], direction: Direction, number: u64) -> Result<Codes, Error>;
}

/// The random numbers of one trial.
fn random_of(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}
