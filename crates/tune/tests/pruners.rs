//! Which trials are ended, by hand-made reports.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use strix_tune::{Asha, Codes, Direction, Error, Hyperband, Median, Pruner, Spread, State, Trial};

/// A trial that reported these values at the steps from 1 on.
fn trial(number: u64, state: State, reports: &[f64]) -> Trial {
    let value = reports.last().copied().filter(|_| state == State::Complete);
    Trial { number, state, codes: Codes::new(), value, reports: (1..).zip(reports.iter().copied()).collect() }
}

/// A trial that reported these values at every so many steps.
fn at_steps(number: u64, state: State, every: u64, reports: &[f64]) -> Trial {
    let reports = (1..).map(|at| at * every).zip(reports.iter().copied()).collect();
    Trial { reports, ..trial(number, state, &[]) }
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
    // So it does where no step is reported that is a rung.
    let all_five = |number, state, values: &[f64]| at_steps(number, state, 5, values);
    let fives = [all_five(0, State::Complete, &[0.5, 0.5]), all_five(1, State::Complete, &[0.4, 0.4])];
    let ended = |values: &[f64]| rule.ends(&all_five(9, State::Running, values), &fives, Direction::Maximize).unwrap();
    assert!(ended(&[0.3]) && ended(&[0.45]) && !ended(&[0.6]) && ended(&[0.6, 0.3]) && !ended(&[0.6, 0.6]));
    // Step 15 is no later rung than step 10 was, as 9 and 27 are the rungs around them.
    assert!(!ended(&[0.6, 0.6, 0.0]));
    for bad in [Asha { first: 0, factor: 3 }, Asha { first: 1, factor: 1 }] {
        assert!(matches!(bad.ends(&trial(0, State::Running, &[1.0]), &[], Direction::Minimize), Err(Error::Config(_))));
    }
}

/// Optuna's `SuccessiveHalvingPruner`, which writes down what each trial came to at each rung.
struct Optuna {
    first: u64,
    factor: usize,
    /// By rung, what the trials came to that were at it.
    seen: Vec<Vec<f64>>,
}

impl Optuna {
    /// Whether a trial that has gone through `rung` rungs, which is counted on, ends with this report.
    fn ends(&mut self, rung: &mut usize, step: u64, value: f64) -> bool {
        while step >= self.first * (self.factor as u64).pow(*rung as u32) {
            if self.seen.len() == *rung {
                self.seen.push(Vec::new());
            }
            let seen = &mut self.seen[*rung];
            seen.push(value);
            seen.sort_by(f64::total_cmp);
            let last = (seen.len() / self.factor).max(1) - 1;
            if value > seen[last] {
                return true;
            }
            *rung += 1;
        }
        false
    }
}

#[test]
fn halving_ends_whom_optuna_ends() {
    // A report at every step; at every few, which are rungs or not; at so few that the first is at two or three rungs.
    let rules = [(1, 3, 1), (1, 2, 1), (4, 2, 1), (4, 2, 4), (2, 3, 2), (4, 2, 3), (7, 4, 5), (1, 3, 5), (1, 2, 5)];
    for (first, factor, every) in rules {
        let rule = Asha { first, factor };
        let mut oracle = Optuna { first, factor: factor as usize, seen: Vec::new() };
        let mut trials: Vec<Trial> = Vec::new();
        let mut ended = 0;
        for number in 0..60_u64 {
            let (mut rung, mut values) = (0, Vec::new());
            for at in 1..=12_u64 {
                // As random as need be: multiples of the golden ratio, apart from each other.
                values.push((number * 12 + at) as f64 * 0.618_033_988_749_894_9 % 1.0);
                let own = at_steps(number, State::Running, every, &values);
                let theirs = oracle.ends(&mut rung, at * every, values[values.len() - 1]);
                let ours = rule.ends(&own, &trials, Direction::Minimize).unwrap();
                assert_eq!(ours, theirs, "{rule:?}, trial {number}, step {}", at * every);
                if ours {
                    ended += 1;
                    break;
                }
            }
            let state = if values.len() < 12 { State::Pruned } else { State::Complete };
            trials.push(at_steps(number, state, every, &values));
        }
        assert!(ended > 30, "{rule:?} ended {ended}");
    }
}

#[test]
fn a_report_that_comes_late_is_judged_at_every_rung_it_has_passed() {
    // Rungs 1, 2, 4, 8 at once: of 16 trials that report at step 8 alone, ever fewer are among those that go on.
    let rule = Asha { first: 1, factor: 2 };
    let end = |number: u64, trials: &[Trial]| {
        let own = at_steps(number, State::Running, 8, &[number as f64]);
        rule.ends(&own, trials, Direction::Maximize).unwrap()
    };
    // The worse half left at the first rung, of the others the worse half at the second, and so on.
    let state = |number| if number < 15 { State::Pruned } else { State::Complete };
    let trials: Vec<Trial> = (0..16).map(|number| at_steps(number, state(number), 8, &[number as f64])).collect();
    let left: Vec<u64> = (0..16).filter(|number| !end(*number, &trials)).collect();
    assert_eq!(left, [15]);
    // Were there one rung, half would go on.
    let once = Asha { first: 8, factor: 2 };
    let goes_on = |number: &u64| {
        let own = at_steps(*number, State::Running, 8, &[*number as f64]);
        !once.ends(&own, &trials, Direction::Maximize).unwrap()
    };
    assert_eq!((0..16).filter(goes_on).count(), 8);
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
    // As many of those that report at every second step alone, by what they said then.
    let seconds = |number, state, value| at_steps(number, state, 2, &[value; 5]);
    let good: Vec<Trial> = (0..300).map(|number| seconds(number, State::Complete, 0.9)).collect();
    let ended = |reports: usize| -> usize {
        let bad = |number| at_steps(number, State::Running, 2, &vec![0.1; reports]);
        (1000..1300).filter(|number| rule.ends(&bad(*number), &good, Direction::Maximize).unwrap()).count()
    };
    assert_eq!([1, 2, 5].map(ended), [one, three, nine]);
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
