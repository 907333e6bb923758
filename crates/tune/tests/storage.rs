//! What a store keeps and refuses, on SQLite and, with `--ignored`, on PostgreSQL.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use std::time::Duration;

use common::{Server, open, space, sqlite};
use serde_json::json;
use strix_tune::{
    Claim, Codes, Direction, Error, Grid, Next, Patience, Random, Sampler, Space, State, Storage, Study, Tpe, Trial,
};

fn random(space: &Space, trials: &[Trial], number: u64) -> Result<Codes, Error> {
    Random { seed: 7 }.choose(space, trials, Direction::Minimize, number)
}

fn claim(study: &mut Study) -> Claim {
    match study.next(100, random).unwrap() {
        Next::Run(claim) => claim,
        other => panic!("{other:?} where a trial is due"),
    }
}

/// Silence that counts as death in a test, and a pause that is longer.
const SILENCE: f64 = 1.0;
const LONGER: Duration = Duration::from_millis(1500);

fn all_of_it(url: &str) {
    let patience = Patience { silence: SILENCE, deaths: 2 };
    let fresh = || open(url, Direction::Minimize, &space(), patience);
    let (mut one, mut other) = (fresh(), fresh());

    // What is written is read back, by another connection.
    let first = claim(&mut one);
    for (step, value) in [(1, 0.5), (2, f64::NAN), (3, f64::INFINITY), (4, f64::NEG_INFINITY), (5, 1.0 / 3.0)] {
        one.report(&first, step, value).unwrap();
    }
    one.report(&first, 1, 0.25).unwrap();
    one.note(&first, "seconds an epoch", &json!([1.5, null])).unwrap();
    one.complete(&first, 0.1 + 0.2).unwrap();
    let stored = other.trials().unwrap().remove(0);
    assert_eq!((stored.trial.number, stored.trial.state, stored.trial.value), (0, State::Complete, Some(0.1 + 0.2)));
    assert_eq!(stored.trial.codes, first.codes);
    let reports: Vec<String> = stored.trial.reports.values().map(f64::to_string).collect();
    assert_eq!(reports, ["0.25", "NaN", "inf", "-inf", "0.3333333333333333"]);
    assert_eq!(stored.attributes["seconds an epoch"], json!([1.5, null]));
    assert_eq!(stored.values["layers"], json!(first.codes["layers"] as i64));
    assert!(stored.seconds.unwrap() >= 0.0 && stored.started.unwrap() <= stored.ended.unwrap());

    // Claims differ; a trial ends once.
    let (second, third) = (claim(&mut one), claim(&mut other));
    assert_eq!((second.number, third.number), (1, 2));
    one.report(&second, 1, 3.0).unwrap();
    one.report(&second, 2, 2.0).unwrap();
    one.prune(&second).unwrap();
    assert!(matches!(one.complete(&second, 1.0), Err(Error::Lost(1))));
    other.complete(&third, f64::NAN).unwrap();
    let fourth = claim(&mut one);
    one.complete(&fourth, f64::INFINITY).unwrap();
    let ends: Vec<_> =
        one.trials().unwrap().into_iter().map(|stored| (stored.trial.state, stored.trial.value)).collect();
    assert_eq!(ends[1..], [(State::Pruned, Some(2.0)), (State::Failed, None), (State::Complete, Some(f64::INFINITY))]);
    assert_eq!(one.trials().unwrap()[2].attributes["failure"], json!("its value is not a number"));
    assert_eq!(one.best().unwrap().unwrap().trial.number, 0);

    // One that is let go waits, and is what it was for who takes it up.
    let fifth = claim(&mut one);
    one.report(&fifth, 1, 9.0).unwrap();
    one.release(&fifth).unwrap();
    let waiting = one.trials().unwrap().remove(4);
    assert_eq!((waiting.trial.state, waiting.trial.reports.len()), (State::Waiting, 0));
    let again = claim(&mut other);
    assert_eq!((again.number, &again.codes), (fifth.number, &fifth.codes));
    assert!(matches!(one.report(&fifth, 1, 1.0), Err(Error::Lost(4))));

    // Silence is death, the second time for good; a pulse is none.
    std::thread::sleep(LONGER);
    let third_try = claim(&mut one);
    assert_eq!((third_try.number, &third_try.codes), (4, &fifth.codes));
    assert!(matches!(other.alive(&again), Err(Error::Lost(4))));
    for _ in 0..6 {
        std::thread::sleep(LONGER / 6);
        one.alive(&third_try).unwrap();
    }
    let sixth = claim(&mut other);
    assert_eq!(sixth.number, 5, "a living worker's trial was taken");
    other.complete(&sixth, 4.0).unwrap();
    std::thread::sleep(LONGER);
    assert_eq!(claim(&mut other).number, 6);
    let dead = other.trials().unwrap().remove(4);
    assert_eq!((dead.trial.state, &dead.attributes["dead_workers"]), (State::Failed, &json!(2)));
    assert_eq!(dead.attributes["failure"], json!("2 workers died of it"));

    // At the limit there is nothing to do but to wait for who runs, and then nothing.
    assert_eq!(one.next(7, random).unwrap(), Next::Wait);
    std::thread::sleep(LONGER);
    assert!(matches!(one.next(7, random).unwrap(), Next::Run(Claim { number: 6, .. })));
    std::thread::sleep(LONGER);
    assert_eq!(one.next(7, random).unwrap(), Next::Done);

    // What failed in choosing leaves no trial.
    let failing = one.next(100, |_, _, _| Err(Error::Config("no choice".into())));
    assert_eq!(failing.unwrap_err().to_string(), "no choice");
    assert_eq!(one.trials().unwrap().len(), 7);

    // What is agreed on first stays.
    assert_eq!(one.agree_on("setting", &json!({"epochs": 10})).unwrap(), json!({"epochs": 10}));
    assert_eq!(other.agree_on("setting", &json!({"epochs": 20})).unwrap(), json!({"epochs": 10}));

    // Another direction, another space.
    let opposite = Storage::open(url).unwrap().study("study", Direction::Maximize, &space(), patience).unwrap_err();
    assert!(opposite.to_string().contains("\"study\" is to minimize, but this is to maximize"), "{opposite}");
    let smaller = Space::from_toml("[x]\nfloat = [-5.0, 5.0]\n[shape]\nchoice = ['ridge', 'dome']").unwrap();
    let mut study = open(url, Direction::Minimize, &smaller, patience);
    for stored in study.trials().unwrap() {
        let ridge = stored.values["shape"] == json!("ridge");
        assert_eq!(stored.trial.codes.get("shape"), ridge.then_some(&0.0), "by its value, not by its place");
    }
    assert_eq!(Storage::open(url).unwrap().studies().unwrap(), ["study"]);
}

#[test]
fn sqlite_keeps_studies() {
    let folder = tempfile::tempdir().unwrap();
    all_of_it(&sqlite(folder.path()));
}

#[test]
fn an_address_says_how_long_to_wait_and_nothing_that_is_not_known() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite(folder.path());
    drop(Storage::open(&format!("{url}?timeout=2.5")).unwrap());
    let writer = rusqlite::Connection::open(folder.path().join("study.db")).unwrap();
    writer.execute_batch("BEGIN IMMEDIATE").unwrap();
    let told = |query: &str| Storage::open(&format!("{url}?{query}")).unwrap_err().to_string();
    // At once.
    let locked = told("timeout=0");
    assert!(locked.contains("locked"), "{locked}");
    for (query, words) in [
        ("mode=memory&cache=shared", "\"mode=memory\" behind its ? is not known"),
        ("timeout=5&check_same_thread=false", "\"check_same_thread=false\""),
        ("timeout", "timeout=SECONDS"),
        ("b/study.db", "\"b/study.db\""),
        ("timeout=", "timeout is \"\""),
        ("timeout=long", "timeout is \"long\""),
        ("timeout=-1", "0 to 1000000 seconds"),
        ("timeout=NaN", "0 to 1000000 seconds"),
        ("timeout=1e300", "0 to 1000000 seconds"),
    ] {
        let told = told(query);
        assert!(told.contains(words), "{query}: {told}");
    }
    // No file was made of a part of an address.
    let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(files.iter().all(|name| !name.to_string_lossy().contains('?')), "{files:?}");
}

#[test]
fn a_file_may_have_any_name() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["what?mode=memory", ":memory:", "file:study.db", "100%25.db"] {
        let path = folder.path().join(name);
        drop(Storage::file(&path).unwrap().study("study", Direction::Minimize, &space(), Patience::default()).unwrap());
        assert_eq!(Storage::file(&path).unwrap().studies().unwrap(), ["study"]);
        assert!(path.is_file(), "{name}");
    }
}

/// Lets trial `number` of the study in a file wait with these parameters, as Optuna's `enqueue_trial` does.
fn enqueue(file: &std::path::Path, number: u64, fixed: &serde_json::Value) {
    let database = rusqlite::Connection::open(file).unwrap();
    let sql = "INSERT INTO trials (number, study_id, state) VALUES (?1, 1, 'WAITING')";
    database.execute(sql, [i64::try_from(number).unwrap()]).unwrap();
    let id = database.last_insert_rowid();
    let sql = "INSERT INTO trial_system_attributes (trial_id, key, value_json) VALUES (?1, 'fixed_params', ?2)";
    database.execute(sql, (id, fixed.to_string())).unwrap();
}

/// Runs what was enqueued so.
fn enqueued(
    study: &mut Study,
    file: &std::path::Path,
    number: u64,
    fixed: &serde_json::Value,
    by: &dyn Sampler,
) -> Codes {
    enqueue(file, number, fixed);
    let choose = |space: &Space, trials: &[Trial], number| by.choose(space, trials, Direction::Minimize, number);
    let Next::Run(claim) = study.next(1000, choose).unwrap() else { panic!("a trial waits") };
    assert_eq!(claim.number, number);
    // All that exists has a value of the space.
    assert_eq!(study.space().values(&claim.codes).unwrap().len(), claim.codes.len());
    study.complete(&claim, number as f64).unwrap();
    claim.codes
}

#[test]
fn enqueued_parameters_are_kept_and_decide_their_branch() {
    let folder = tempfile::tempdir().unwrap();
    let mut study = open(&sqlite(folder.path()), Direction::Minimize, &space(), Patience::default());
    let samplers: [&dyn Sampler; 2] = [&Random { seed: 1 }, &Tpe { startup: 4, ..Tpe::new(1) }];
    let mut run = |number: u64, fixed: &serde_json::Value| {
        enqueued(&mut study, &folder.path().join("study.db"), number, fixed, samplers[number as usize / 3 % 2])
    };
    for round in 0..8 {
        let both = run(3 * round, &json!({"shape": "ridge", "tilt": 0.25, "x": 1.5}));
        assert_eq!((both["shape"], both["tilt"], both["x"]), (1.0, 0.25, 1.5));
        // Ridge, whatever its tilt; what has a tilt is a ridge.
        assert_eq!(run(3 * round + 1, &json!({"shape": "ridge", "layers": 3}))["shape"], 1.0);
        let tilted = run(3 * round + 2, &json!({"tilt": 0.5}));
        assert_eq!((tilted["shape"], tilted["tilt"]), (1.0, 0.5));
    }
}

#[test]
fn a_trial_enqueued_with_what_the_space_does_not_have_fails_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("study.db");
    let mut study = open(&sqlite(folder.path()), Direction::Minimize, &space(), Patience::default());
    let wrong = [
        (json!({"shape": "dome", "x": -1}), "\"shape\" is \"dome\", which is not in bowl | ridge"),
        (json!({"x": -1, "other": 3}), "the space has no parameter \"other\""),
        (json!({"shape": "bowl", "tilt": 0.5}), "\"tilt\" does not exist beside its other values"),
    ];
    for (number, (fixed, _)) in (0..).zip(&wrong) {
        enqueue(&file, number, fixed);
    }
    // What comes next is another trial.
    let claim = claim(&mut study);
    assert_eq!(claim.number, 3);
    for (trial, (_, why)) in study.trials().unwrap().iter().zip(wrong) {
        assert_eq!(trial.trial.state, State::Failed);
        let said = trial.attributes["failure"].as_str().unwrap();
        assert!(said.ends_with(why), "{said}");
    }
}

#[test]
fn an_enqueued_parameter_decides_all_that_it_stands_under() {
    let folder = tempfile::tempdir().unwrap();
    let text = "
        a = { int = [0, 9] }
        b = { choice = ['u', 'v'], when = { a = [2, 3] } }
        c = { float = [0.0, 1.0], step = 0.5, when = { b = 'v' } }
        d = { int = [1, 5], when = { a = [3, 4] } }
        e = { int = [1, 5], when = { a = 7 } }
    ";
    let space = Space::from_toml(text).unwrap();
    let mut study = open(&sqlite(folder.path()), Direction::Minimize, &space, Patience::default());
    let mut run = |number: u64, fixed: serde_json::Value| {
        enqueued(&mut study, &folder.path().join("study.db"), number, &fixed, &Grid { seed: 0 })
    };
    // Where both exist.
    for number in 0..4 {
        let codes = run(number, json!({"b": "u", "d": 1}));
        assert_eq!((codes["a"], codes["b"], codes["d"]), (3.0, 0.0, 1.0));
    }
    // Under each of two in turn, by the number.
    let under: Vec<f64> = (4..8)
        .map(|number| {
            let codes = run(number, json!({"c": 0.5}));
            assert_eq!((codes["b"], codes["c"]), (1.0, 0.5));
            codes["a"]
        })
        .collect();
    assert_eq!(under, [2.0, 3.0, 2.0, 3.0]);
}

#[test]
fn trials_of_optunas_workers_are_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let patience = Patience { silence: 0.2, deaths: 9 };
    let mut study = open(&sqlite(folder.path()), Direction::Minimize, &space(), patience);
    let silent = claim(&mut study);
    std::thread::sleep(Duration::from_millis(400));
    let again = claim(&mut study);
    assert_eq!(again.number, 0);
    study.release(&again).unwrap();
    // It waits, and is taken up as Optuna does it.
    let database = rusqlite::Connection::open(folder.path().join("study.db")).unwrap();
    database.execute("UPDATE trials SET state = 'RUNNING'", []).unwrap();
    database
        .execute("INSERT INTO trial_heartbeats (trial_id, heartbeat) SELECT trial_id, '2020-01-01' FROM trials", [])
        .unwrap();
    for of_the_past in [&silent, &again] {
        assert!(matches!(study.complete(of_the_past, 1.0), Err(Error::Lost(0))));
    }
    // However silent it is, it is not ours to bury, nor to wait for.
    assert_eq!(study.next(1, random).unwrap(), Next::Done);
    assert_eq!(study.trials().unwrap()[0].trial.state, State::Running);
}

#[test]
#[ignore = "needs PostgreSQL's programs"]
fn postgresql_keeps_studies_and_comes_back() {
    let server = Server::start();
    all_of_it(&server.url());
    let mut study = open(&server.url(), Direction::Minimize, &space(), Patience::default());
    let before = claim(&mut study);
    server.restart();
    study.report(&before, 1, 1.0).unwrap();
    study.complete(&before, 1.0).unwrap();
    let nobody = server.url().replace("strix@", "nobody:secret@");
    let refused = Storage::open(&nobody).unwrap_err().to_string();
    assert!(refused.contains("nobody:***@127.0.0.1") && refused.contains("does not exist"), "{refused}");
    assert!(!refused.contains("secret"), "{refused}");
}

#[test]
#[ignore = "needs PostgreSQL's programs"]
fn postgresql_is_spoken_to_in_secret() {
    let server = Server::start();
    let [authority, stranger] = server.encrypt().map(|file| file.display().to_string().replace('/', "%2F"));
    let by_name = server.url().replace("127.0.0.1", "localhost");
    let opened = |url: &str, query: String| match Storage::open(&format!("{url}?{query}")) {
        Ok(_) => "opened".to_owned(),
        Err(error) => error.to_string(),
    };
    for (url, query, told) in [
        (&by_name, String::new(), "opened"),
        (&by_name, "sslmode=disable".into(), "no encryption"),
        (&by_name, "sslmode=require".into(), "opened"),
        (&by_name, format!("sslmode=require&sslrootcert={stranger}"), "UnknownIssuer"),
        (&server.url(), format!("sslmode=verify-ca&sslrootcert={authority}"), "opened"),
        (&by_name, format!("sslmode=verify-full&sslrootcert={authority}"), "opened"),
        (&server.url(), format!("sslmode=verify-full&sslrootcert={authority}"), "not valid for name"),
        (&by_name, format!("sslmode=verify-full&sslrootcert={stranger}"), "UnknownIssuer"),
        (&by_name, "sslmode=verify-full&sslrootcert=system".into(), "UnknownIssuer"),
    ] {
        let came = opened(url, query.clone());
        assert!(came.contains(told), "{url}?{query}: {came}");
    }
    // A connection that was lost is encrypted again.
    let url = format!("{by_name}?sslmode=verify-full&sslrootcert={authority}");
    let mut study = open(&url, Direction::Minimize, &space(), Patience::default());
    let before = claim(&mut study);
    server.restart();
    study.complete(&before, 1.0).unwrap();
}

#[test]
fn addresses_are_shown_without_their_passwords() {
    for (url, shown) in [
        ("sqlite:///a/study.db", "sqlite:///a/study.db"),
        ("sqlite:////a/by:me@home/study.db?timeout=9", "sqlite:////a/by:me@home/study.db?timeout=9"),
        ("postgresql://me@host/d", "postgresql://me@host/d"),
        ("postgresql://me:secret@host:5432/d", "postgresql://me:***@host:5432/d"),
        ("postgresql://me:sec@ret@host/d?sslmode=require", "postgresql://me:***@host/d?sslmode=require"),
        ("host=h user=me password=secret", "an address without ://"),
        ("postgresql://host/d?user=me&password=secret", "postgresql://host/d?user=me&password=***"),
    ] {
        assert_eq!(Storage::shown(url), shown);
    }
}

#[test]
fn what_is_no_study_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |url: &str, words: &str| {
        let error = Storage::open(url).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    };
    refused("study.db", "sqlite:///FILE");
    refused("mysql://root@localhost/x", "no storage is called mysql");
    refused("sqlite://study.db", "sqlite:///FILE");
    refused("sqlite:///", "sqlite:///FILE");
    refused("sqlite:///:memory:", "seen by one connection alone");
    refused("sqlite+pysqlite:///:memory:", "sqlite:///FILE");
    refused(&format!("sqlite:///{}/none/study.db", folder.path().display()), "unable to open");
    let path = folder.path().join("text.db");
    std::fs::write(&path, "this is a text, and by no means a database of anything, however long it goes on").unwrap();
    refused(&format!("sqlite:///{}", path.display()), "not a database");
    // Another version of the schema.
    let url = sqlite(folder.path());
    drop(Storage::open(&url).unwrap());
    let database = rusqlite::Connection::open(folder.path().join("study.db")).unwrap();
    database.execute("UPDATE alembic_version SET version_num = 'v9.0.0.a'", []).unwrap();
    refused(&url, "version 12, revision v9.0.0.a, but this program knows version 12, revision v3.2.0.a");
    database.execute("DROP TABLE alembic_version", []).unwrap();
    refused(&url, "revision none");
    // A name that is none.
    let folder = tempfile::tempdir().unwrap();
    let unnamed =
        Storage::open(&sqlite(folder.path())).unwrap().study("", Direction::Minimize, &space(), Patience::default());
    assert!(unnamed.unwrap_err().to_string().contains("1 to 512 characters"));
}
