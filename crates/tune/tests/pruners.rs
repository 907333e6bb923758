//! Which trials are ended, by hand-made reports.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use strix_tune::{Asha, Codes, Direction, Error, Hyperband, Median, Pruner, Spread, State, Trial};

/// A trial that reported these values at the steps from 1 on.
fn trial(number: u64, state: State, reports: &[f64]) -> Trial {
    let value = reports.last().copied().filter(|_| state == State::Complete);
    Trial { number, state, codes: Codes::new(), value, reports: (1..).zip(reports.iter().copied()).collect() }
}

fn complete(curves: &[&[f64]]) -> Vec<Trial> {
    (0..).zip(curves).map(|(number, curve)| trial(number, State::Complete, curve)).collect()
}

fn ends(pruner: &dyn Pruner, trials: &[Trial], reports: &[f64]) -> bool {
    pruner.ends(&trial(100, State::Running, reports), trials, Direction::Maximize).unwrap()
}

#[test]
fn the_median_rule_looks_at_the_best_so_far_and_the_same_step() {
    let trials = complete(&[&[0.1, 0.5], &[0.2, 0.6], &[0.3, 0.7], &[0.4, 0.8], &[0.5, 0.9]]);
    let rule = Median::default();
    assert!(ends(&rule, &trials, &[0.29]) && !ends(&rule, &trials, &[0.31]));
    assert!(ends(&rule, &trials, &[0.4, 0.2]) && !ends(&rule, &trials, &[0.75, 0.2]));
    // Losses are good where they are small.
    let low = trial(100, State::Running, &[0.29]);
    assert!(!rule.ends(&low, &trials, Direction::Minimize).unwrap());
    // Nothing to compare with, too early, too few.
    assert!(!ends(&rule, &trials, &[]) && !ends(&rule, &trials, &[0.0, 0.0, 0.0]));
    assert!(!ends(&Median { warmup: 1, ..rule }, &trials, &[0.0]));
    assert!(!ends(&Median { startup: 6, ..rule }, &trials, &[0.0]));
    assert!(ends(&rule, &trials, &[f64::NAN]));
}

#[test]
fn halving_keeps_the_best_of_three_at_each_rung() {
    let rule = Asha { first: 1, factor: 3 };
    // The first that comes goes on, and then whoever is the best, until a third is more than one.
    assert!(!ends(&rule, &[], &[0.1]));
    let trials = complete(&[&[0.5, 0.5, 0.5], &[0.4, 0.4, 0.6], &[0.3], &[0.2], &[0.1]]);
    assert!(!ends(&rule, &trials, &[0.6]) && !ends(&rule, &trials, &[0.45]) && ends(&rule, &trials, &[0.35]));
    // Step 2 is no rung; step 3 is.
    assert!(!ends(&rule, &trials, &[0.6, 0.0]));
    assert!(ends(&rule, &trials, &[0.6, 0.6, 0.55]) && !ends(&rule, &trials, &[0.6, 0.6, 0.65]));
    assert!(ends(&rule, &trials, &[f64::NAN]));
    // From step 2 on: 2, 6, 18.
    let late = Asha { first: 2, factor: 3 };
    assert!(!ends(&late, &trials, &[0.0]) && ends(&late, &trials, &[0.0, 0.0]) && !ends(&late, &trials, &[0.0; 3]));
    for bad in [Asha { first: 0, factor: 3 }, Asha { first: 1, factor: 1 }] {
        assert!(matches!(bad.ends(&trial(0, State::Running, &[1.0]), &[], Direction::Minimize), Err(Error::Config(_))));
    }
}

#[test]
fn hyperband_has_eager_and_patient_brackets() {
    let rule = Hyperband { first: 1, last: 9, factor: 3 };
    // Of many bad trials at step 1, those of the eager bracket end; at step 9 all do.
    let good: Vec<Trial> = (0..300).map(|number| trial(number, State::Complete, &[0.9; 9])).collect();
    let ended = |steps: usize| -> usize {
        (1000..1300)
            .filter(|number| {
                let bad = trial(*number, State::Running, &vec![0.1; steps]);
                rule.ends(&bad, &good, Direction::Maximize).unwrap()
            })
            .count()
    };
    let [one, two, three, nine] = [1, 2, 3, 9].map(ended);
    assert!(one > 100 && one < three && three < nine && nine == 300 && two == 0, "{one} {two} {three} {nine}");
    let backwards = Hyperband { first: 10, ..rule };
    assert!(backwards.ends(&trial(0, State::Running, &[1.0]), &[], Direction::Minimize).is_err());
}

#[test]
fn the_spread_rule_waits_until_chance_does_not_explain_it() {
    let steady: &[f64] = &[0.80, 0.81, 0.80];
    let trials = complete(&[steady, &[0.5, 0.5, 0.5], &[0.4, 0.4, 0.4]]);
    let rule = Spread::default();
    // As far behind, once steadily and once by leaps.
    assert!(ends(&rule, &trials, &[0.70, 0.71, 0.70]));
    assert!(!ends(&rule, &trials, &[0.50, 0.81, 0.80]));
    assert!(!ends(&rule, &trials, &[0.79, 0.81, 0.80]) && !ends(&rule, &trials, &[0.9, 0.9, 0.9]));
    // Not before the window is full, nor before there are enough to compare with.
    assert!(!ends(&rule, &trials, &[0.1, 0.1]) && !ends(&rule, &trials[..2], &[0.1, 0.1, 0.1]));
    assert!(ends(&rule, &trials, &[0.8, 0.8, f64::NAN]));
    // What the best one lost on its way is no yardstick.
    let best = trial(9, State::Complete, &[f64::NAN, 0.9, 0.9]);
    assert!(!ends(&rule, &[&trials[..], &[best]].concat(), &[0.5, 0.5, 0.5]));
    let blind = Spread { window: 1, ..rule };
    assert!(blind.ends(&trials[0], &trials, Direction::Maximize).is_err());
}
