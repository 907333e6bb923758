//! The scale of the loss while gradients are f16 (Micikevicius et al. 2018, arXiv 1710.03740, section 3.2).

use serde::{Deserialize, Serialize};

/// Steps without an overflow after which the scale is doubled.
const PATIENCE: u32 = 2000;

/// What the loss is multiplied by, and the gradients are divided by again: as large as their range allows, so that small
/// gradients are not lost. Its numbers and rule are those of PyTorch's `GradScaler`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LossScale {
    /// A power of two.
    factor: f64,
    /// Steps since it last changed.
    steps: u32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { factor: 65536.0, steps: 0 }
    }
}

impl LossScale {
    /// A power of two, 1 or more.
    pub fn factor(self) -> f64 {
        self.factor
    }

    /// The scale after a step whose gradients were numbers, or were not and so were not used: doubled after 2000 good steps
    /// in a row, or halved; none where even the loss itself, not scaled, overflows.
    pub fn after(self, finite: bool) -> Option<Self> {
        match (finite, self.steps + 1) {
            (true, PATIENCE) => Some(Self { factor: self.factor * 2.0, steps: 0 }),
            (true, steps) => Some(Self { steps, ..self }),
            (false, _) if self.factor > 1.0 => Some(Self { factor: self.factor / 2.0, steps: 0 }),
            (false, _) => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_after_2000_good_steps_in_a_row_and_halves_on_each_overflow() {
        let good = |scale: LossScale, steps: usize| (0..steps).fold(scale, |scale, _| scale.after(true).unwrap());
        let begin = LossScale::default();
        assert_eq!(begin.factor(), 65536.0);
        assert_eq!(good(begin, 1999).factor(), 65536.0);
        assert_eq!(good(begin, 2000).factor(), 131_072.0);
        assert_eq!(good(begin, 4000).factor(), 262_144.0);
        // An overflow begins the count anew.
        let halved = good(begin, 1999).after(false).unwrap();
        assert_eq!(
            (halved.factor(), good(halved, 1999).factor(), good(halved, 2000).factor()),
            (32768.0, 32768.0, 65536.0)
        );
    }

    #[test]
    fn it_ends_where_the_loss_itself_overflows() {
        let scales: Vec<f64> = std::iter::successors(Some(LossScale::default()), |scale| scale.after(false))
            .map(LossScale::factor)
            .collect();
        assert_eq!(scales, (0..=16).rev().map(|power| 2f64.powi(power)).collect::<Vec<_>>());
    }

    #[test]
    fn it_survives_its_own_json() {
        let scale = LossScale::default().after(false).unwrap().after(true).unwrap();
        assert_eq!(serde_json::from_str::<LossScale>(&serde_json::to_string(&scale).unwrap()).unwrap(), scale);
    }
}
