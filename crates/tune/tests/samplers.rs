//! Choices are in their space, repeatable, and get better.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use strix_tune::{Codes, Direction, Error, Grid, Preset, Random, Sampler, Space, State, Tpe, Trial, Value};

fn trial(number: u64, codes: Codes, value: f64) -> Trial {
    Trial { number, state: State::Complete, codes, value: Some(value), reports: BTreeMap::new() }
}

const SPACE: &str = "
    blocks = { int = [0, 3] }
    layers = { int = [1, 3], when = { blocks = [1, 2] } }
    rate = { float = [1e-4, 1.0], log = true }
    units = { int = [1, 1000], log = true }
    dropout = { float = [0.05, 0.5], step = 0.05 }
    one = { float = [2.0, 2.0] }
    activation = { choice = ['relu', 'selu', 'tanh'] }
    flip = { choice = [true, false] }
";

proptest! {
    /// Whatever came before: also values that are no numbers, and trials of every kind.
    #[test]
    fn every_choice_is_in_the_space(seed: u64, values in prop::collection::vec(any::<f64>(), 0..40)) {
        let space = Space::from_toml(SPACE).unwrap();
        let samplers: [&dyn Sampler; 3] = [&Random { seed }, &Tpe::new(seed), &Tpe { multivariate: false, ..Tpe::new(seed) }];
        for sampler in samplers {
            let mut trials: Vec<Trial> = Vec::new();
            for (number, value) in (0..).zip(&values) {
                let codes = sampler.choose(&space, &trials, Direction::Minimize, number).unwrap();
                prop_assert_eq!(&codes, &sampler.choose(&space, &trials, Direction::Minimize, number).unwrap());
                let existing = space.values(&codes).unwrap();
                prop_assert_eq!(existing.len(), codes.len(), "a parameter was chosen that does not exist: {:?}", codes);
                let state = [State::Complete, State::Complete, State::Pruned, State::Running, State::Failed][number as usize % 5];
                let reports = if number % 3 == 0 { BTreeMap::from([(1, *value)]) } else { BTreeMap::new() };
                let value = Some(*value).filter(|_| state == State::Complete);
                trials.push(Trial { number, state, codes, value, reports });
            }
        }
    }
}

#[test]
fn logarithmic_parameters_are_drawn_by_ratio() {
    let space = Space::from_toml("rate = { float = [1e-4, 1.0], log = true }\nunits = { int = [1, 1000], log = true }")
        .unwrap();
    let codes: Vec<Codes> =
        (0..4000).map(|number| Random { seed: 1 }.choose(&space, &[], Direction::Minimize, number).unwrap()).collect();
    let below = |name: &str, bound: f64| codes.iter().filter(|codes| codes[name] < bound).count() as f64 / 4000.0;
    assert!((below("rate", 1e-2) - 0.5).abs() < 0.03);
    // From 0.5 to 1000.5 by ratio, 31.5 is at 54.5 %.
    assert!((below("units", 31.5) - (63f64).ln() / 2001f64.ln()).abs() < 0.03);
}

#[test]
fn a_grid_has_every_combination_once_and_begins_again() {
    let space = Space::from_toml(
        "blocks = { int = [0, 2] }\nlayers = { int = [1, 3], when = { blocks = 1 } }\nshape = { choice = ['a', 'b'] }",
    )
    .unwrap();
    // (1 + 3 + 1) x 2.
    assert_eq!(Grid::combinations(&space).unwrap().len(), 10);
    let chosen: Vec<String> = (0..20)
        .map(|number| format!("{:?}", Grid { seed: 4 }.choose(&space, &[], Direction::Minimize, number).unwrap()))
        .collect();
    assert_eq!(chosen[..10].iter().collect::<BTreeSet<_>>().len(), 10);
    assert_eq!(chosen[..10], chosen[10..]);
    let endless = Space::from_toml("rate = { float = [0.0, 1.0] }").unwrap();
    assert!(matches!(Grid::combinations(&endless), Err(Error::Config(what)) if what.contains("\"rate\"")));
    let vast = Space::from_toml("a = { int = [1, 2000] }\nb = { int = [1, 2000] }").unwrap();
    assert!(Grid::combinations(&vast).is_err());
}

/// The best of 60 trials, of values that are the better the smaller.
fn best(tpe: Tpe, of: impl Fn(&[(String, Value)]) -> f64, space: &Space, direction: Direction) -> f64 {
    let mut trials = Vec::new();
    for number in 0..60 {
        let codes = tpe.choose(space, &trials, direction, number).unwrap();
        let value = of(&space.values(&codes).unwrap());
        trials.push(trial(number, codes, if direction == Direction::Maximize { -value } else { value }));
    }
    trials.iter().filter_map(|trial| trial.value).map(f64::abs).fold(f64::INFINITY, f64::min)
}

#[test]
fn tpe_finds_a_corner_of_a_conditional_space() {
    let space = Space::from_toml(
        "kind = { choice = ['a', 'b', 'c', 'd'] }\nx = { float = [0.0, 1.0], when = { kind = 'c' } }\ny = { float = [0.0, 1.0] }",
    )
    .unwrap();
    let value = |values: &[(String, Value)]| {
        let number = |value: &Value| match value {
            Value::Float(number) => *number,
            _ => 0.0,
        };
        match &values[0].1 {
            Value::Text(kind) if kind == "c" => (number(&values[2].1) - 0.9).abs() + (number(&values[1].1) - 0.1).abs(),
            _ => 2.0,
        }
    };
    for direction in [Direction::Minimize, Direction::Maximize] {
        let mean = (0..10).map(|seed| best(Tpe::new(seed), value, &space, direction)).sum::<f64>() / 10.0;
        assert!(mean < 0.1, "{mean}");
    }
}

#[test]
fn trials_under_way_keep_others_away() {
    let space = Space::from_toml("x = { float = [0.0, 1.0] }").unwrap();
    let at = |x: f64| Codes::from([("x".to_owned(), x)]);
    // The good ones are around a half.
    let mut trials: Vec<Trial> =
        (0..40).map(|number| trial(number, at(number as f64 / 40.0), (number as f64 / 40.0 - 0.5).abs())).collect();
    let near = |trials: &[Trial], tpe: Tpe| -> usize {
        (100..300)
            .filter(|number| {
                (tpe.choose(&space, trials, Direction::Minimize, *number).unwrap()["x"] - 0.5).abs() < 0.02
            })
            .count()
    };
    let alone = near(&trials, Tpe::new(5));
    let running = |number| Trial { state: State::Running, value: None, ..trial(number, at(0.5), 0.0) };
    trials.extend((40..50).map(running));
    let among = near(&trials, Tpe::new(5));
    let blind = near(&trials, Tpe { constant_liar: false, ..Tpe::new(5) });
    assert!(among < alone / 2 && blind == alone, "{alone} without others, {among} beside ten, {blind} blind to them");
}

#[test]
fn presets_are_as_the_networks_take_them() {
    for preset in [Preset::Fcnn, Preset::ConvStrix, Preset::VggStrix] {
        let space = preset.space();
        for number in 0..200 {
            let codes = Random { seed: 0 }.choose(&space, &[], Direction::Maximize, number).unwrap();
            let values: BTreeMap<String, Value> = space.values(&codes).unwrap().into_iter().collect();
            // Two or three VGGStrix blocks have a single layer, no block has none.
            if preset == Preset::VggStrix {
                assert_eq!(values.contains_key("block-layers"), values["blocks"] == Value::Int(1), "{values:?}");
            }
        }
    }
}

#[test]
fn texts_that_are_no_space_are_refused_where_they_are_wrong() {
    for (text, words) in [
        ("x = { float = [0.0, 1.0]", "TOML parse error at line 1"),
        ("x = { float = [0.0, 1.0], setp = 0.1 }", "\"x\""),
        ("x = { float = [0.0, 1.0], int = [0, 1] }", "one of float"),
        ("x = { log = true }", "one of float"),
        ("x = { choice = [1, 2], log = true }", "neither a step nor a logarithm"),
        ("x = { int = [0, 4], step = 0.5 }", "no whole number"),
        ("x = { int = [4, 0] }", "from 4 to 0"),
        ("x = { int = [0, 1], when = { y = 1 } }", "\"y\", which does not stand before it"),
        ("y = { int = [0, 1] }\nx = { int = [0, 1], when = { y = 1, z = 2 } }", "2 parameters"),
        ("", "no parameters"),
    ] {
        let error = Space::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn what_fails_is_kept_away_from() {
    let space = Space::from_toml("depth = { int = [1, 6] }\nrate = { float = [1e-4, 1.0], log = true }").unwrap();
    let share_of_last = |all_fail: bool| {
        let mut trials: Vec<Trial> = Vec::new();
        for number in 0..80 {
            let codes = Tpe::new(3).choose(&space, &trials, Direction::Minimize, number).unwrap();
            let failed = all_fail || codes["depth"] == 6.0;
            let value = Some((codes["rate"].ln() - 1e-3f64.ln()).powi(2)).filter(|_| !failed);
            let state = if failed { State::Failed } else { State::Complete };
            trials.push(Trial { number, state, codes, value, reports: BTreeMap::new() });
        }
        trials[40..].iter().filter(|trial| trial.codes["depth"] == 6.0).count() as f64 / 40.0
    };
    // By chance one in six would fail.
    let share = share_of_last(false);
    assert!(share < 0.08, "{share}");
    // Where everything fails, nothing is good, and no depth is better than another.
    let share = share_of_last(true);
    assert!(share < 0.4, "{share}");
}
