//! Eight processes work on one study while they are killed at random and others take their places.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

mod common;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Server, open, sqlite};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use strix_tune::{Codes, Direction, Error, Next, Patience, Sampler, Space, State, Study, Tpe};

const WORKERS: usize = 8;
const TRIALS: u64 = 200;
const KILLS: usize = 30;
/// A killed worker's trial is taken up again after this, however often.
const PATIENCE: Patience = Patience { silence: 3.0, deaths: u64::MAX };

fn study(url: &str) -> Study {
    let space = Space::from_toml("[x]\nfloat = [-5.0, 5.0]\n[n]\nint = [1, 9]").unwrap();
    open(url, Direction::Minimize, &space, PATIENCE)
}

fn objective(codes: &Codes) -> f64 {
    codes["x"].powi(2) + codes["n"]
}

/// What the processes are: this test's own program, asked for this one test.
#[test]
#[ignore = "is run by the tests beside it"]
fn a_worker() {
    // Not by them, then.
    let (Ok(url), Ok(log)) = (std::env::var("STRIX_WORKER_STUDY"), std::env::var("STRIX_WORKER_LOG")) else { return };
    let mut study = study(&url);
    let mut log = std::fs::File::options().append(true).create(true).open(log).unwrap();
    loop {
        let claim = match study
            .next(TRIALS, |space, trials, number| Tpe::new(0).choose(space, trials, Direction::Minimize, number))
        {
            Ok(Next::Run(claim)) => claim,
            Ok(Next::Wait) => {
                std::thread::sleep(Duration::from_millis(50));
                continue;
            }
            Ok(Next::Done) => return,
            Err(error) => panic!("{error}"),
        };
        let run = |study: &mut Study| {
            for step in 1..=3 {
                std::thread::sleep(Duration::from_millis(15));
                study.report(&claim, step, objective(&claim.codes) + 1.0 / step as f64)?;
            }
            study.complete(&claim, objective(&claim.codes))
        };
        match run(&mut study) {
            Ok(()) => writeln!(log, "{}", claim.number).unwrap(),
            Err(Error::Lost(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

fn start(url: &str, log: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["a_worker", "--exact", "--ignored", "--nocapture"])
        .env("STRIX_WORKER_STUDY", url)
        .env("STRIX_WORKER_LOG", log)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

fn survive(url: &str) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("finished");
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let mut workers: Vec<Child> = (0..WORKERS).map(|_| start(url, &log)).collect();
    let started = Instant::now();
    let mut kills = 0;
    loop {
        std::thread::sleep(Duration::from_millis(random.random_range(20..120)));
        if kills < KILLS {
            let worker = &mut workers[random.random_range(0..WORKERS)];
            // SIGKILL; one that was done already was not killed in the midst of anything.
            kills += usize::from(worker.try_wait().unwrap().is_none());
            worker.kill().unwrap();
            worker.wait().unwrap();
            *worker = start(url, &log);
        } else if workers.iter_mut().all(|worker| worker.try_wait().unwrap().is_some()) {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(300), "the workers do not come to an end");
    }
    for worker in &mut workers {
        assert!(worker.wait().unwrap().success());
    }
    let trials = study(url).trials().unwrap();
    let numbers: Vec<u64> = trials.iter().map(|stored| stored.trial.number).collect();
    assert_eq!(numbers, (0..TRIALS).collect::<Vec<_>>());
    let mut deaths = 0;
    for stored in &trials {
        let trial = &stored.trial;
        assert_eq!((trial.state, trial.value), (State::Complete, Some(objective(&trial.codes))), "{stored:?}");
        assert_eq!(trial.reports.len(), 3, "{stored:?}");
        deaths += stored.attributes.get("dead_workers").map_or(0, |deaths| deaths.as_u64().unwrap());
    }
    assert!(deaths > 0, "no kill took a worker from its trial");
    // No trial was finished by two workers; one that was killed right after it finished a trial may not have said so.
    let mut finished = BTreeMap::new();
    for line in std::fs::read_to_string(&log).unwrap().lines() {
        *finished.entry(line.parse::<u64>().unwrap()).or_insert(0) += 1;
    }
    assert!(finished.values().all(|times| *times == 1), "{finished:?}");
    assert!(finished.len() + KILLS >= TRIALS as usize, "{} trials were finished", finished.len());
}

#[test]
fn eight_workers_on_sqlite_lose_nothing_to_kills() {
    let folder = tempfile::tempdir().unwrap();
    survive(&sqlite(folder.path()));
}

#[test]
#[ignore = "needs PostgreSQL's programs"]
fn eight_workers_on_postgresql_lose_nothing_to_kills() {
    let server = Server::start();
    survive(&server.url());
}
