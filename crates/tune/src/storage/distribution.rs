//! Domains in the JSON that Optuna keeps beside each parameter.

use serde_json::{Value as Json, json};

use crate::space::{Domain, Value};

/// The JSON of a domain.
pub(super) fn write(domain: &Domain) -> Json {
    match domain {
        Domain::Float { low, high, step, log } => {
            // What no step reaches is not in the domain; Optuna has it end at the last step.
            let high = step.map_or(*high, |_| domain.size().map_or(*high, |size| domain.code_at(size - 1)));
            json!({"name": "FloatDistribution", "attributes": {"step": step, "low": low, "high": high, "log": log}})
        }
        Domain::Int { low, high, step, log } => {
            let high = low + (high - low) / step * step;
            json!({"name": "IntDistribution", "attributes": {"log": log, "step": step, "low": low, "high": high}})
        }
        Domain::Choice(values) => json!({"name": "CategoricalDistribution", "attributes": {"choices": values}}),
    }
}

/// What a parameter's value is outside of the database: of a choice the choice itself, of an integer no fraction.
pub(super) fn outside(distribution: &Json, code: f64) -> Json {
    let attributes = &distribution["attributes"];
    match distribution["name"].as_str() {
        Some("CategoricalDistribution") => attributes["choices"][code as usize].clone(),
        Some("IntDistribution" | "IntUniformDistribution" | "IntLogUniformDistribution") => json!(code as i64),
        _ => json!(code),
    }
}

/// The code in our domain of a value from outside, if it is in it.
pub(super) fn code(domain: &Domain, value: &Json) -> Option<f64> {
    let value = match value {
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => number.as_i64().map(Value::Int).or_else(|| number.as_f64().map(Value::Float))?,
        Json::String(text) => Value::Text(text.clone()),
        _ => return None,
    };
    // A whole number may have lost its point on its way, among choices that are floats, or have been given one.
    domain.code(&value).ok().or_else(|| match value {
        Value::Int(number) => domain.code(&Value::Float(number as f64)).ok(),
        Value::Float(number) if number.fract() == 0.0 => domain.code(&Value::Int(number as i64)).ok(),
        _ => None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;

    #[test]
    fn as_optuna_writes_them() {
        let float = |high, step, log| Domain::Float { low: 0.05, high, step, log };
        assert_eq!(
            write(&float(0.5, None, true)).to_string(),
            r#"{"name":"FloatDistribution","attributes":{"step":null,"low":0.05,"high":0.5,"log":true}}"#
        );
        assert_eq!(write(&float(0.5, Some(0.125), false))["attributes"]["high"], json!(0.425));
        let int = Domain::Int { low: 1, high: 8, step: 2, log: false };
        assert_eq!(
            write(&int).to_string(),
            r#"{"name":"IntDistribution","attributes":{"log":false,"step":2,"low":1,"high":7}}"#
        );
        let choice = Domain::Choice(vec![Value::Text("a".into()), Value::Int(1), Value::Float(2.5), Value::Bool(true)]);
        assert_eq!(
            write(&choice).to_string(),
            r#"{"name":"CategoricalDistribution","attributes":{"choices":["a",1,2.5,true]}}"#
        );
    }

    #[test]
    fn values_go_out_and_find_their_place_in_another_domain() {
        let theirs = json!({"name": "CategoricalDistribution", "attributes": {"choices": ["tanh", null, "relu"]}});
        let ours = Domain::Choice(vec![Value::Text("relu".into()), Value::Text("selu".into())]);
        assert_eq!(code(&ours, &outside(&theirs, 2.0)), Some(0.0));
        assert_eq!(code(&ours, &outside(&theirs, 0.0)), None);
        assert_eq!(code(&ours, &outside(&theirs, 1.0)), None);
        let int = json!({"name": "IntDistribution", "attributes": {"log": false, "step": 1, "low": 0, "high": 9}});
        assert_eq!(outside(&int, 3.0), json!(3));
        assert_eq!(code(&Domain::Int { low: 1, high: 4, step: 1, log: false }, &json!(3)), Some(3.0));
        let floats = Domain::Choice(vec![Value::Float(0.5), Value::Float(1.0)]);
        assert_eq!(code(&floats, &json!(1)), Some(1.0));
        let (ints, whole) = (
            Domain::Choice(vec![Value::Int(16), Value::Int(32)]),
            Domain::Int { low: 1, high: 4, step: 1, log: false },
        );
        assert_eq!((code(&ints, &json!(32.0)), code(&whole, &json!(3.0))), (Some(1.0), Some(3.0)));
        assert_eq!(
            (code(&ints, &json!(32.5)), code(&whole, &json!(2.5)), code(&whole, &json!(1e300))),
            (None, None, None)
        );
    }
}
