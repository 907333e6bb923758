//! Search spaces as TOML.

use serde::Deserialize;

use crate::Error;
use crate::space::{Condition, Domain, Parameter, Space, Value};

/// One table of the file, named as its parameter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    float: Option<[f64; 2]>,
    int: Option<[i64; 2]>,
    choice: Option<Vec<Value>>,
    #[serde(default)]
    log: bool,
    step: Option<Value>,
    when: Option<toml::Table>,
}

impl Space {
    /// A space as a TOML text has it, a table for each parameter:
    ///
    /// ```
    /// # use strix_tune::Space;
    /// let space = Space::from_toml("
    ///     [learning-rate]
    ///     float = [1e-4, 1.0]
    ///     log = true
    ///     [dropout]
    ///     float = [0.05, 0.5]
    ///     step = 0.05
    ///     [blocks]
    ///     int = [0, 3]
    ///     [block-layers]           # exists with one block
    ///     int = [1, 3]
    ///     when = { blocks = [1] }
    ///     [activation]
    ///     choice = ['relu', 'selu', 'tanh']
    /// ")?;
    /// assert_eq!(space.parameters().len(), 5);
    /// # Ok::<(), strix_tune::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Space`], with the line or the parameter that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        let tables: toml::Table = toml::from_str(text).map_err(|e| Error::Space(e.to_string()))?;
        let parameters = tables.into_iter().map(|(name, table)| {
            parameter(&name, table).map_err(|what| Error::Space(format!("parameter {name:?}: {what}")))
        });
        Self::new(parameters.collect::<Result<_, _>>()?)
    }
}

fn parameter(name: &str, table: toml::Value) -> Result<Parameter, String> {
    let table: Table = table.try_into().map_err(|e: toml::de::Error| e.message().to_owned())?;
    let domain = match (table.float, table.int, table.choice, table.step) {
        (Some([low, high]), None, None, step) => {
            let step = match step {
                None => None,
                Some(Value::Float(step)) => Some(step),
                Some(Value::Int(step)) => Some(step as f64),
                Some(other) => return Err(format!("its step is {other}, which is no number")),
            };
            Domain::Float { low, high, step, log: table.log }
        }
        (None, Some([low, high]), None, step) => {
            let step = match step {
                None => 1,
                Some(Value::Int(step)) => step,
                Some(other) => return Err(format!("its step is {other}, which is no whole number")),
            };
            Domain::Int { low, high, step, log: table.log }
        }
        (None, None, Some(values), None) if !table.log => Domain::Choice(values),
        (None, None, Some(_), _) => return Err("choices have neither a step nor a logarithm".into()),
        _ => return Err("it has one of float = [low, high], int = [low, high] and choice = [..]".into()),
    };
    let when = match table.when {
        None => None,
        Some(when) if when.len() == 1 => when.into_iter().next().map(condition).transpose()?,
        Some(when) => return Err(format!("its condition is on {} parameters, but may be on one", when.len())),
    };
    Ok(Parameter { name: name.into(), domain, when })
}

/// `{ blocks = [2, 3] }`, or `{ blocks = 1 }`.
fn condition((parameter, values): (String, toml::Value)) -> Result<Condition, String> {
    let values = if values.is_array() { values } else { toml::Value::Array(vec![values]) };
    let one_of = values.try_into().map_err(|e: toml::de::Error| format!("its condition: {}", e.message()))?;
    Ok(Condition { parameter, one_of })
}
