//! Optuna opens our studies and goes on with them, and we do with Optuna's: on SQLite and on PostgreSQL.
//!
//! `STRIX_PYTHON` names a Python with optuna, optuna-dashboard and psycopg2-binary.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Server, open, space, sqlite};
use serde_json::{Value as Json, json};
use strix_tune::{
    Codes, Direction, Median, Next, Patience, Pruner, Sampler, Space, State, Storage, Stored, Study, Tpe, importances,
};

fn study(url: &str) -> Study {
    open(url, Direction::Minimize, &space(), Patience::default())
}

/// As `objective` in the script.
fn objective(codes: &Codes) -> f64 {
    codes["x"].powi(2) + codes["layers"] + codes.get("tilt").unwrap_or(&0.0)
}

fn optuna(arguments: &[&str]) -> Json {
    let python = std::env::var_os("STRIX_PYTHON").expect("STRIX_PYTHON names a Python with Optuna");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/optuna_study.py");
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.is_empty(), "{arguments:?}: {told}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs trials until there are `limit`.
fn go_on(study: &mut Study, limit: u64) {
    let choose = |space: &Space, trials: &[_], number| Tpe::new(3).choose(space, trials, Direction::Minimize, number);
    while let Next::Run(claim) = study.next(limit, choose).unwrap() {
        let value = objective(&claim.codes);
        let pruned = (1..=3).any(|step| {
            study.report(&claim, step, value + 1.0 / step as f64).unwrap();
            let trials: Vec<_> = study.trials().unwrap().into_iter().map(|stored| stored.trial).collect();
            let own = trials.iter().find(|trial| trial.number == claim.number).unwrap();
            Median::default().ends(own, &trials, Direction::Minimize).unwrap()
        });
        study.note(&claim, "worker", &json!("ours")).unwrap();
        match (pruned, claim.number % 9) {
            (_, 4) => study.complete(&claim, f64::NAN).unwrap(),
            (true, _) => study.prune(&claim).unwrap(),
            (false, _) => study.complete(&claim, value).unwrap(),
        }
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Waiting => "WAITING",
        State::Running => "RUNNING",
        State::Complete => "COMPLETE",
        State::Pruned => "PRUNED",
        State::Failed => "FAIL",
    }
}

/// Asserts that Optuna sees what we see.
fn agree(theirs: &Json, ours: &[Stored], best: &Stored) {
    assert_eq!(theirs["direction"], "MINIMIZE");
    let float = |json: &Json| json.as_str().map(|text| text.parse::<f64>().unwrap());
    assert_eq!(float(&theirs["best"]["value"]), best.trial.value);
    assert_eq!(theirs["best"]["number"], best.trial.number);
    assert_eq!(theirs["best"]["params"], json!(best.values));
    let trials = theirs["trials"].as_array().unwrap();
    assert_eq!(trials.len(), ours.len());
    for (theirs, stored) in trials.iter().zip(ours) {
        let trial = &stored.trial;
        assert_eq!(theirs["number"], trial.number);
        assert_eq!(theirs["state"], word(trial.state), "{theirs}");
        assert_eq!(float(&theirs["value"]), trial.value, "{theirs}");
        assert_eq!(theirs["params"], json!(stored.values));
        assert_eq!(theirs["attributes"], json!(stored.attributes));
        let reports = theirs["reports"].as_object().unwrap();
        assert_eq!(reports.len(), trial.reports.len());
        for (step, value) in &trial.reports {
            assert_eq!(float(&reports[&step.to_string()]), Some(*value));
        }
        let (mine, seconds) = (stored.seconds.unwrap(), theirs["seconds"].as_f64().unwrap());
        assert!((mine - seconds).abs() < 0.002, "{mine} and {seconds} seconds");
    }
}

fn both_ways(url: &str, other: &str) {
    // Begun here, gone on with there, and here again.
    let mut ours = study(url);
    go_on(&mut ours, 25);
    agree(&optuna(&["read", url]), &ours.trials().unwrap(), &ours.best().unwrap().unwrap());
    let theirs = optuna(&["run", url, "15"]);
    let trials = ours.trials().unwrap();
    agree(&theirs, &trials, &ours.best().unwrap().unwrap());
    assert_eq!(trials.len(), 40);
    assert!(trials[25..].iter().all(|stored| stored.trial.value == Some(objective(&stored.trial.codes))));
    go_on(&mut ours, 50);
    agree(&optuna(&["read", url]), &ours.trials().unwrap(), &ours.best().unwrap().unwrap());
    // What waits here is run there, with its parameters.
    let choose = |space: &Space, trials: &[_], number| Tpe::new(3).choose(space, trials, Direction::Minimize, number);
    let Next::Run(claim) = ours.next(51, choose).unwrap() else { panic!("a trial is due") };
    ours.release(&claim).unwrap();
    optuna(&["run", url, "1"]);
    let last = ours.trials().unwrap().remove(50);
    assert_eq!((last.trial.state, last.trial.codes), (State::Complete, claim.codes));

    // What is enqueued there is run here, in its branch.
    assert_eq!(optuna(&["enqueue", url]), 54);
    for (shape, tilt) in [(1.0, Some(&0.25)), (1.0, Some(&0.5)), (0.0, None)] {
        let Next::Run(claim) = ours.next(54, choose).unwrap() else { panic!("a trial waits") };
        assert_eq!((claim.codes["shape"], claim.codes.get("tilt")), (shape, tilt));
        ours.complete(&claim, objective(&claim.codes)).unwrap();
    }

    // The dashboard's page, and what it shows on it.
    let shown = optuna(&["dashboard", url]);
    assert!(shown["page"].as_str().unwrap().contains("<title>Optuna Dashboard"), "{}", shown["page"]);
    let (trials, best) = (ours.trials().unwrap(), ours.best().unwrap().unwrap());
    let page = &shown["study"];
    assert_eq!(page["name"], "study");
    assert_eq!(page["best_trials"][0]["number"], best.trial.number);
    assert_eq!(page["best_trials"][0]["values"], json!([best.trial.value]));
    for (shown, stored) in page["trials"].as_array().unwrap().iter().zip(&trials) {
        assert_eq!(shown["intermediate_values"].as_array().unwrap().len(), stored.trial.reports.len());
        let names: Vec<&str> =
            shown["params"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
        assert!(names.len() == stored.values.len() && names.iter().all(|name| stored.values.contains_key(*name)));
    }

    // Begun there, gone on with here, in the tables that Optuna made.
    optuna(&["run", other, "12"]);
    let mut begun = study(other);
    go_on(&mut begun, 30);
    agree(&optuna(&["read", other]), &begun.trials().unwrap(), &begun.best().unwrap().unwrap());
    assert_eq!(Storage::open(other).unwrap().studies().unwrap(), ["study"]);
}

#[test]
#[ignore = "needs Optuna: STRIX_PYTHON"]
fn importances_are_those_of_optuna() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(folder.path());
    let theirs = optuna(&["importances", &url, "300"]);
    let space = Space::from_toml(
        "
        [x]
        float = [-1.0, 1.0]
        [weak]
        float = [1e-3, 1.0]
        log = true
        [idle]
        int = [1, 9]
        [kind]
        choice = ['a', 'b', 'c']
    ",
    )
    .unwrap();
    let trials = open(&url, Direction::Minimize, &space, Patience::default()).trials().unwrap();
    let trials: Vec<_> = trials.into_iter().map(|stored| stored.trial).collect();
    // Optuna smooths choices much more than we do; numbers are compared among themselves.
    let ours = importances(&space, &trials, Direction::Minimize).unwrap();
    let sum = |of: &dyn Fn(&str) -> f64| ["x", "weak", "idle"].map(of).iter().sum::<f64>();
    let mine = |name: &str| ours.iter().find(|(other, _)| other == name).unwrap().1;
    let there = |name: &str| theirs[name].as_f64().unwrap();
    for name in ["x", "weak", "idle"] {
        let (share, other) = (mine(name) / sum(&mine), there(name) / sum(&there));
        assert!((share - other).abs() < 0.05, "{name}: {share}, and {other} there");
    }
}

#[test]
#[ignore = "needs Optuna: STRIX_PYTHON"]
fn optuna_on_sqlite() {
    let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    both_ways(&sqlite(one.path()), &sqlite(other.path()));
}

#[test]
#[ignore = "needs Optuna: STRIX_PYTHON, and PostgreSQL's programs"]
fn optuna_on_postgresql() {
    let servers = [Server::start(), Server::start()];
    both_ways(&servers[0].url(), &servers[1].url());
}
