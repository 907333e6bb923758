//! What a NaN among the elements means. The caller decides, and both engines obey alike.

/// The policy for NaN elements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum NanPolicy {
    /// A NaN makes every sum, mean, variance and extreme NaN, and is counted as an element.
    #[default]
    Propagate,
    /// A NaN is left out, and counted apart.
    Skip,
    /// A NaN is an error that names its position.
    Error,
}

impl NanPolicy {
    /// The policies by the name that [`std::str::FromStr`] takes.
    pub const NAMES: [&'static str; 3] = ["propagate", "skip", "error"];
}

impl std::fmt::Display for NanPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::NAMES[*self as usize])
    }
}

impl std::str::FromStr for NanPolicy {
    type Err = crate::Error;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "propagate" => Ok(Self::Propagate),
            "skip" => Ok(Self::Skip),
            "error" => Ok(Self::Error),
            _ => {
                Err(crate::Error::UnknownName { what: "NaN policy", name: name.into(), known: Self::NAMES.join(", ") })
            }
        }
    }
}
