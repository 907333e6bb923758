//! What a NaN among the elements means. The caller decides, and both engines obey alike.

/// The policy for NaN elements.
///
/// It applies to what the aggregators read: through `map_input` to what an item maps to, after `filter` to the items that are
/// kept, in rows of columns to each cell. An item from which any of several aggregators reads a NaN is NaN to all of them.
///
/// ```
/// use strix_reduce::{Combine, Engine, Item, Mean, NanPolicy, Reducer};
///
/// #[derive(Clone)]
/// struct Sale { price: f64 }
/// impl Item for Sale {}
///
/// let mean = Mean.map_input(|sale: &Sale| sale.price);
/// let mut reducer = Reducer::new(mean, &Engine::cpu())?.nan_policy(NanPolicy::Skip);
/// reducer.push(&[Sale { price: 2.0 }, Sale { price: f64::NAN }, Sale { price: 4.0 }])?;
/// assert_eq!(reducer.skipped(), 1);
/// assert_eq!(reducer.finish(), Some(3.0));
/// # Ok::<(), strix_reduce::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
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
