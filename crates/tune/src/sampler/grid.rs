//! Every combination, one after the other.

use super::{Sampler, random_of};
use crate::Error;
use crate::space::{Codes, Space};
use crate::trial::{Direction, Trial};

use rand::seq::SliceRandom;

/// Goes through all combinations of a space whose parameters all have countable values, in an order of its own for each
/// seed, and then through them again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Another seed goes in another order.
    pub seed: u64,
}

/// Combinations that are laid out, at most.
const MOST: usize = 1_000_000;

impl Grid {
    /// All combinations, in the order of the space: a parameter that does not exist under a combination takes no part.
    ///
    /// # Errors
    /// [`Error::Config`] when a parameter takes any number of a range, or there are more than a million combinations.
    pub fn combinations(space: &Space) -> Result<Vec<Codes>, Error> {
        let mut all = vec![Codes::new()];
        for parameter in space.parameters() {
            let name = &parameter.name;
            let size = parameter.domain.size().ok_or_else(|| {
                Error::Config(format!(
                    "a grid has no end of values for {name:?}, which takes any number; give it a step"
                ))
            })?;
            let mut more = Vec::with_capacity(all.len());
            for codes in all {
                if !space.exists(parameter, &codes) {
                    more.push(codes);
                    continue;
                }
                if more.len() + size > MOST {
                    return Err(Error::Config(format!(
                        "a grid of more than {MOST} combinations; give steps to parameters"
                    )));
                }
                more.extend((0..size).map(|at| {
                    let mut codes = codes.clone();
                    codes.insert(name.clone(), parameter.domain.code_at(at));
                    codes
                }));
            }
            all = more;
        }
        Ok(all)
    }
}

impl Sampler for Grid {
    fn choose(&self, space: &Space, _trials: &[Trial], _direction: Direction, number: u64) -> Result<Codes, Error> {
        let mut all = Self::combinations(space)?;
        all.shuffle(&mut random_of(self.seed, 0));
        let at = (number % all.len() as u64) as usize;
        Ok(all.swap_remove(at))
    }
}
