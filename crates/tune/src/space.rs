//! What may be chosen: typed parameters, each with the values that it may take and the choice under which it exists.
//!
//! A value is known by its *code*, an f64: a float itself, an integer as a float, a choice by its index. Samplers, pruners
//! and stores deal in codes; what a training run is given are [`Value`]s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A value as a program takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// A text.
    Text(String),
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(value) => value.fmt(f),
        }
    }
}

/// The values that a parameter may take.
#[derive(Debug, Clone, PartialEq)]
pub enum Domain {
    /// Numbers from `low` to `high`, both among them; every `step` from `low` on if it is given.
    Float {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// Between two values, where not any number will do.
        step: Option<f64>,
        /// Whether ratios count, not differences. Not together with a step.
        log: bool,
    },
    /// Whole numbers from `low` to `high`, both among them, every `step` from `low` on.
    Int {
        /// The least.
        low: i64,
        /// The greatest.
        high: i64,
        /// Between two values.
        step: i64,
        /// Whether ratios count, not differences. Only with a step of 1.
        log: bool,
    },
    /// One of these, in no order.
    Choice(Vec<Value>),
}

/// Whole numbers beyond this have no code of their own.
const MOST: i64 = 1 << 53;

impl Domain {
    /// Refuses what holds no value, or has no code for some.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Float { low, high, step, log } => {
                if !(low.is_finite() && high.is_finite() && low <= high && (high - low).is_finite()) {
                    return Err(format!(
                        "it goes from {low} to {high}; both are finite, and the first is not the greater"
                    ));
                }
                if *log && *low <= 0.0 {
                    return Err(format!("it is logarithmic and begins at {low}, but must begin above 0"));
                }
                match step {
                    Some(_) if *log => Err("it is logarithmic and has a step; choose one".into()),
                    Some(step) if step.is_nan() || *step <= 0.0 || (*step > high - low && high > low) => {
                        Err(format!("its step is {step}, but must be above 0 and fit between {low} and {high}"))
                    }
                    Some(step) if (high - low) / step > MOST as f64 => {
                        Err(format!("its step is {step}, of which more than 2^53 lie between {low} and {high}"))
                    }
                    _ => Ok(()),
                }
            }
            Self::Int { low, high, step, log } => {
                if low > high || *low < -MOST || *high > MOST {
                    return Err(format!(
                        "it goes from {low} to {high}; the first is not the greater, and both fit in 53 bits"
                    ));
                }
                if *step < 1 || (*step > high - low && high > low) {
                    return Err(format!("its step is {step}, but must be at least 1 and fit between {low} and {high}"));
                }
                match log {
                    true if *low < 1 => {
                        Err(format!("it is logarithmic and begins at {low}, but must begin at 1 or above"))
                    }
                    true if *step != 1 => Err("it is logarithmic and has a step; choose one".into()),
                    _ => Ok(()),
                }
            }
            Self::Choice(values) if values.is_empty() => Err("it has no choices".into()),
            Self::Choice(values) => {
                let twice = values.iter().enumerate().find(|(at, value)| values[..*at].contains(value));
                twice.map_or(Ok(()), |(_, value)| Err(format!("{value} is among its choices twice")))
            }
        }
    }

    /// How many values there are; none of a range of any numbers.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Float { low, high, .. } if low == high => Some(1),
            Self::Float { step: None, .. } => None,
            Self::Float { low, high, step: Some(step), .. } => Some(steps(*low, *high, *step) + 1),
            Self::Int { low, high, step, .. } => Some(((high - low) / step) as usize + 1),
            Self::Choice(values) => Some(values.len()),
        }
    }

    /// The code of the value at `index`, in their order, of a domain that has a size.
    pub(crate) fn code_at(&self, index: usize) -> f64 {
        match self {
            Self::Float { low, high, step, .. } => {
                let code = tidied(low + index as f64 * step.unwrap_or(0.0), low.abs().max(high.abs()));
                code.clamp(*low, *high)
            }
            Self::Int { low, step, .. } => (low + index as i64 * step) as f64,
            Self::Choice(_) => index as f64,
        }
    }

    /// The part of the domain that holds a code alone, which of a choice is its first then.
    fn only(&self, code: f64) -> Self {
        match self {
            Self::Float { log, .. } => Self::Float { low: code, high: code, step: None, log: *log },
            Self::Int { log, .. } => Self::Int { low: code as i64, high: code as i64, step: 1, log: *log },
            Self::Choice(values) => Self::Choice(values.get(code as usize).cloned().into_iter().collect()),
        }
    }

    /// The value of a code.
    ///
    /// # Errors
    /// [`Error::Value`] for a code that is none of this domain.
    pub fn value(&self, code: f64) -> Result<Value, Error> {
        let outside = || Error::Value(format!("{code} is the code of no value in {self}"));
        match self {
            Self::Float { low, high, .. } if (*low..=*high).contains(&code) => Ok(Value::Float(code)),
            Self::Int { low, high, .. } if code.fract() == 0.0 && (*low as f64..=*high as f64).contains(&code) => {
                Ok(Value::Int(code as i64))
            }
            Self::Choice(values) if code.fract() == 0.0 && code >= 0.0 => {
                values.get(code as usize).cloned().ok_or_else(outside)
            }
            _ => Err(outside()),
        }
    }

    /// The code of a value.
    ///
    /// # Errors
    /// [`Error::Value`] for a value that is not in this domain.
    pub fn code(&self, value: &Value) -> Result<f64, Error> {
        let outside = || Error::Value(format!("{value} is not in {self}"));
        let code = match (self, value) {
            (Self::Choice(values), _) => values.iter().position(|other| other == value).map(|at| at as f64),
            (Self::Float { .. }, Value::Float(number)) => Some(*number),
            (Self::Float { .. } | Self::Int { .. }, Value::Int(number)) => Some(*number as f64),
            _ => None,
        };
        let code = code.ok_or_else(outside)?;
        self.value(code).map_err(|_| outside())?;
        Ok(code)
    }
}

/// Steps that fit between two numbers; a last one that falls short by rounding fits.
fn steps(low: f64, high: f64, step: f64) -> usize {
    ((high - low) / step * (1.0 + 1e-9) + 1e-9).floor().max(0.0) as usize
}

/// A number without the noise of the last bits that sums of steps have: 0.3 for three steps of 0.1, in fifteen digits of the
/// greatest number around.
fn tidied(number: f64, greatest: f64) -> f64 {
    let digits = 14 - greatest.max(f64::MIN_POSITIVE).log10().floor() as i32;
    let Ok(digits) = usize::try_from(digits) else { return number };
    format!("{number:.digits$}").parse().unwrap_or(number) + 0.0
}

impl std::fmt::Display for Domain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Float { low, high, step: Some(step), .. } => write!(f, "{low} to {high} by {step}"),
            Self::Float { low, high, .. } => write!(f, "{low} to {high}"),
            Self::Int { low, high, step, .. } => write!(f, "{low} to {high} by {step}"),
            Self::Choice(values) => {
                let values: Vec<String> = values.iter().map(Value::to_string).collect();
                f.write_str(&values.join(" | "))
            }
        }
    }
}

/// Under which choice a parameter exists: another one has one of these values.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The other parameter, which stands before this one.
    pub parameter: String,
    /// The values of it.
    pub one_of: Vec<Value>,
}

/// A parameter of a [`Space`].
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name, once in a space.
    pub name: String,
    /// The values it may take.
    pub domain: Domain,
    /// Under which choice it exists; always, if not given.
    pub when: Option<Condition>,
}

/// The codes of a trial's parameters, by their names: those that exist under its choices.
pub type Codes = BTreeMap<String, f64>;

/// What may be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Space {
    parameters: Vec<Parameter>,
}

impl Space {
    /// A space of these parameters.
    ///
    /// # Errors
    /// [`Error::Space`] when a name comes twice, a domain holds nothing, or a condition is on what does not stand before it.
    pub fn new(parameters: Vec<Parameter>) -> Result<Self, Error> {
        if parameters.is_empty() {
            return Err(Error::Space("it has no parameters".into()));
        }
        for (at, Parameter { name, domain, when }) in parameters.iter().enumerate() {
            let refused = |what: String| Err(Error::Space(format!("parameter {name:?}: {what}")));
            if parameters[..at].iter().any(|other| other.name == *name) {
                return refused("it is there twice".into());
            }
            if let Err(what) = domain.check() {
                return refused(what);
            }
            let Some(Condition { parameter, one_of }) = when else { continue };
            let Some(other) = parameters[..at].iter().find(|other| other.name == *parameter) else {
                return refused(format!("its condition is on {parameter:?}, which does not stand before it"));
            };
            if one_of.is_empty() {
                return refused(format!("its condition on {parameter:?} names no value"));
            }
            if let Some(Err(Error::Value(what))) =
                one_of.iter().map(|value| other.domain.code(value)).find(Result::is_err)
            {
                return refused(format!("its condition on {parameter:?}: {what}"));
            }
        }
        Ok(Self { parameters })
    }

    /// The parameters, each behind the one that its condition is on.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Whether a parameter exists under these choices.
    pub fn exists(&self, parameter: &Parameter, chosen: &Codes) -> bool {
        let Some(Condition { parameter: on, one_of }) = &parameter.when else { return true };
        let other = self.parameters.iter().find(|other| other.name == *on);
        // By codes: 1 and 1.0 are one value of a float.
        other.zip(chosen.get(on)).is_some_and(|(other, code)| {
            one_of.iter().any(|value| other.domain.code(value).is_ok_and(|other| other == *code))
        })
    }

    /// This space where each of these parameters has one value. Codes of the others are what they were.
    pub(crate) fn with_fixed(&self, codes: &Codes) -> Self {
        let mut space = self.clone();
        for Parameter { name, domain, .. } in &mut space.parameters {
            if let Some(code) = codes.get(name) {
                *domain = domain.only(*code);
            }
        }
        space
    }

    /// Parameters with one condition, in the order of the space: they exist together or not at all.
    pub(crate) fn groups(&self) -> Vec<Vec<&Parameter>> {
        let mut groups: Vec<Vec<&Parameter>> = Vec::new();
        for parameter in &self.parameters {
            match groups.iter_mut().find(|group| group[0].when == parameter.when) {
                Some(group) => group.push(parameter),
                None => groups.push(vec![parameter]),
            }
        }
        groups
    }

    /// The values of codes.
    ///
    /// # Errors
    /// [`Error::Value`] when a parameter lacks that exists, or one has a code that is none of its domain's.
    pub fn values(&self, codes: &Codes) -> Result<Vec<(String, Value)>, Error> {
        let existing = self.parameters.iter().filter(|parameter| self.exists(parameter, codes));
        let value = |parameter: &Parameter| {
            let name = &parameter.name;
            let code = codes.get(name).ok_or_else(|| Error::Value(format!("{name:?} has no value")))?;
            Ok((name.clone(), parameter.domain.value(*code)?))
        };
        existing.map(value).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    fn parameter(name: &str, domain: Domain) -> Parameter {
        Parameter { name: name.into(), domain, when: None }
    }

    fn when(mut parameter: Parameter, on: &str, one_of: Vec<Value>) -> Parameter {
        parameter.when = Some(Condition { parameter: on.into(), one_of });
        parameter
    }

    fn float(low: f64, high: f64, step: Option<f64>, log: bool) -> Domain {
        Domain::Float { low, high, step, log }
    }

    fn int(low: i64, high: i64, step: i64, log: bool) -> Domain {
        Domain::Int { low, high, step, log }
    }

    fn words(of: &[&str]) -> Domain {
        Domain::Choice(of.iter().map(|word| Value::Text((*word).into())).collect())
    }

    #[test]
    fn sizes_count_both_ends() {
        assert_eq!(float(0.05, 0.5, Some(0.05), false).size(), Some(10));
        assert_eq!(float(0.0, 0.3, Some(0.1), false).size(), Some(4));
        assert_eq!(float(0.0, 0.35, Some(0.1), false).size(), Some(4));
        assert_eq!(float(2.0, 2.0, None, false).size(), Some(1));
        assert_eq!(float(1e-4, 1.0, None, true).size(), None);
        assert_eq!(int(2, 16, 2, false).size(), Some(8));
        assert_eq!(int(2, 17, 2, false).size(), Some(8));
        assert_eq!(words(&["relu", "tanh"]).size(), Some(2));
    }

    #[test]
    fn every_step_is_a_value_and_a_short_one() {
        for (low, high, step, last) in [
            (0.0, 0.3, 0.1, 0.3),
            (0.0, 0.35, 0.1, 0.3),
            (-0.3, 0.3, 0.1, 0.3),
            (0.05, 0.5, 0.05, 0.5),
            (1e-7, 7e-7, 1e-7, 7e-7),
            (0.1234567890123456, 0.9, 0.1, 0.8234567890123456),
            (1e300, 7e300, 1e300, 7e300),
        ] {
            let domain = float(low, high, Some(step), false);
            let size = domain.size().unwrap();
            assert!((domain.code_at(size - 1) - last).abs() <= 1e-14 * last, "{domain}");
            for at in 0..size {
                let code = domain.code_at(at);
                assert!(domain.value(code).is_ok(), "{code} of {domain}");
            }
        }
        let domain = float(-0.3, 0.35, Some(0.1), false);
        let codes: Vec<String> = (0..7).map(|at| domain.code_at(at).to_string()).collect();
        assert_eq!(codes, ["-0.3", "-0.2", "-0.1", "0", "0.1", "0.2", "0.3"]);
    }

    #[test]
    fn codes_and_values_are_one_another() {
        let domain = words(&["relu", "selu", "tanh"]);
        assert_eq!(domain.value(1.0).unwrap(), Value::Text("selu".into()));
        assert_eq!(domain.code(&Value::Text("tanh".into())).unwrap(), 2.0);
        for bad in [3.0, -1.0, 0.5, f64::NAN] {
            assert!(domain.value(bad).is_err(), "{bad}");
        }
        assert_eq!(int(1, 4, 1, false).value(3.0).unwrap(), Value::Int(3));
        assert!(int(1, 4, 1, false).value(2.5).is_err() && int(1, 4, 1, false).value(5.0).is_err());
        assert_eq!(float(0.0, 1.0, None, false).code(&Value::Int(1)).unwrap(), 1.0);
        assert!(float(0.0, 1.0, None, false).code(&Value::Text("1".into())).is_err());
    }

    #[test]
    fn spaces_that_are_none_are_refused_by_name() {
        let refused = |parameters: Vec<Parameter>, words: &str| {
            let error = Space::new(parameters).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        refused(vec![], "no parameters");
        refused(
            vec![parameter("a", int(1, 2, 1, false)), parameter("a", int(1, 2, 1, false))],
            "\"a\": it is there twice",
        );
        refused(vec![parameter("rate", float(0.0, 1.0, None, true))], "must begin above 0");
        refused(vec![parameter("rate", float(f64::NAN, 1.0, None, false))], "finite");
        refused(vec![parameter("rate", float(1.0, 2.0, Some(0.1), true))], "choose one");
        refused(vec![parameter("rate", float(1.0, 2.0, Some(3.0), false))], "step is 3");
        refused(vec![parameter("rate", float(0.0, 1.0, Some(1e-20), false))], "more than 2^53");
        refused(vec![parameter("n", int(3, 2, 1, false))], "from 3 to 2");
        refused(vec![parameter("n", int(1, 2, 0, false))], "step is 0");
        refused(vec![parameter("n", int(0, 2, 1, true))], "1 or above");
        refused(vec![parameter("n", Domain::Choice(vec![]))], "no choices");
        refused(vec![parameter("n", words(&["x", "x"]))], "twice");
        let layers = |on: &str, value: i64| when(parameter("layers", int(1, 3, 1, false)), on, vec![Value::Int(value)]);
        refused(vec![layers("blocks", 1)], "does not stand before it");
        refused(vec![parameter("blocks", int(0, 3, 1, false)), layers("blocks", 4)], "4 is not in 0 to 3");
    }

    #[test]
    fn conditions_decide_what_exists() {
        let space = Space::new(vec![
            parameter("blocks", int(0, 3, 1, false)),
            when(parameter("layers", int(1, 3, 1, false)), "blocks", vec![Value::Int(1)]),
            parameter("rate", float(1e-4, 1.0, None, true)),
        ])
        .unwrap();
        let codes =
            |blocks: f64| Codes::from([("blocks".into(), blocks), ("layers".into(), 2.0), ("rate".into(), 0.1)]);
        let names = |blocks: f64| -> Vec<String> {
            space.values(&codes(blocks)).unwrap().into_iter().map(|(name, _)| name).collect()
        };
        assert_eq!(names(0.0), ["blocks", "rate"]);
        assert_eq!(names(1.0), ["blocks", "layers", "rate"]);
        assert_eq!(space.groups().iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
        assert!(space.values(&Codes::new()).is_err());
        // A whole number names a float.
        let on_float = Space::new(vec![
            parameter("x", float(0.0, 1.0, Some(0.5), false)),
            when(parameter("y", int(1, 3, 1, false)), "x", vec![Value::Int(1)]),
        ])
        .unwrap();
        let exists = |x: f64| on_float.exists(&on_float.parameters()[1], &Codes::from([("x".into(), x)]));
        assert_eq!([0.5, 1.0].map(exists), [false, true]);
    }
}
