//! Every value as likely as any other, by ratio where a parameter is logarithmic.

use rand::{Rng, RngExt};

use super::{Sampler, random_of};
use crate::Error;
use crate::space::{Codes, Domain, Space};
use crate::trial::{Direction, Trial};

/// Chooses without looking at what came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Random {
    /// Another seed makes other choices.
    pub seed: u64,
}

impl Sampler for Random {
    fn choose(&self, space: &Space, _trials: &[Trial], _direction: Direction, number: u64) -> Result<Codes, Error> {
        let mut random = random_of(self.seed, number);
        let mut codes = Codes::new();
        for parameter in space.parameters() {
            if space.exists(parameter, &codes) {
                codes.insert(parameter.name.clone(), draw(&parameter.domain, &mut random));
            }
        }
        Ok(codes)
    }
}

/// A code of the domain.
pub(super) fn draw(domain: &Domain, random: &mut impl Rng) -> f64 {
    match domain {
        Domain::Float { low, high, step: None, log: false } => random.random_range(*low..=*high),
        Domain::Float { low, high, log: true, .. } => {
            random.random_range(low.ln()..=high.ln()).exp().clamp(*low, *high)
        }
        // Each whole number as the half-open stretch around it.
        Domain::Int { low, high, log: true, .. } => {
            let (from, to) = ((*low as f64 - 0.5).ln(), (*high as f64 + 0.5).ln());
            random.random_range(from..=to).exp().round().clamp(*low as f64, *high as f64)
        }
        _ => domain.code_at(random.random_range(0..domain.size().unwrap_or(1))),
    }
}
