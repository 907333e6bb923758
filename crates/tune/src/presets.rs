//! The spaces that the networks of strix-train are searched in; the names are those of `strix train`'s options.

use crate::space::{Condition, Domain, Parameter, Space, Value};

/// A network whose space is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Dense layers alone.
    Fcnn,
    /// Blocks of convolutions.
    ConvStrix,
    /// Pretrained VGG19 blocks, and blocks of one's own or none.
    VggStrix,
}

fn ints(values: &[i64]) -> Vec<Value> {
    values.iter().copied().map(Value::Int).collect()
}

fn words(values: &[&str]) -> Domain {
    Domain::Choice(values.iter().map(|word| Value::Text((*word).into())).collect())
}

fn int(low: i64, high: i64, step: i64) -> Domain {
    Domain::Int { low, high, step, log: false }
}

impl Preset {
    /// The network's name, as `strix train --model` has it.
    pub fn model(self) -> &'static str {
        match self {
            Self::Fcnn => "fcnn",
            Self::ConvStrix => "convstrix",
            Self::VggStrix => "vggstrix",
        }
    }

    /// What may be chosen of it.
    pub fn space(self) -> Space {
        let always = |name: &str, domain| Parameter { name: name.into(), domain, when: None };
        let batches: &[i64] = if self == Self::Fcnn { &[16, 32, 64, 128] } else { &[16, 32, 64] };
        let mut parameters = vec![
            always("batch-size", Domain::Choice(ints(batches))),
            always("learning-rate", Domain::Float { low: 1e-4, high: 1.0, step: None, log: true }),
            always("dropout", Domain::Float { low: 0.05, high: 0.5, step: Some(0.05), log: false }),
            always("activation", words(&["relu", "selu", "tanh"])),
            always("optimizer", words(&["adam", "adamax", "nadam", "rms-prop"])),
            always("dense-width", Domain::Choice(ints(&[512, 768, 1024, 1536]))),
            always("dense-layers", if self == Self::Fcnn { int(2, 16, 2) } else { int(1, 4, 1) }),
        ];
        match self {
            Self::Fcnn => {}
            Self::ConvStrix => {
                parameters.extend([always("blocks", int(2, 6, 1)), always("block-layers", int(1, 3, 1))]);
            }
            // Two or three blocks have one layer each, which is what a block has without being asked.
            Self::VggStrix => parameters.extend([
                always("blocks", int(0, 3, 1)),
                Parameter {
                    name: "block-layers".into(),
                    domain: int(1, 3, 1),
                    when: Some(Condition { parameter: "blocks".into(), one_of: ints(&[1]) }),
                },
            ]),
        }
        Space::new(parameters).unwrap_or_else(|error| unreachable!("{error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_a_space() {
        let sizes = [Preset::Fcnn, Preset::ConvStrix, Preset::VggStrix].map(|preset| preset.space().parameters().len());
        assert_eq!(sizes, [7, 9, 9]);
    }
}
