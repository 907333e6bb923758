//! A worker: one trial after another, until there are none left.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use strix_data::TrainTest;
use strix_train::run::{Place, Run, Status};
use strix_train::training::{self, Features, Job};
use strix_tune::{Claim, Error, Next, State, Stored, Study, best};

use super::PAUSE;
use super::plan::{DIRECTION, Plan};
use super::trial::{End, Pulse, Watch, asked};
use crate::failure::Failure;
use crate::output::percent;

struct Worker<'a> {
    plan: &'a Plan,
    data: &'a TrainTest,
    study: Study,
    pulse: Pulse,
    /// Of a frozen trunk.
    features: Features,
    deadline: Option<Instant>,
}

pub(super) fn work(plan: &Plan, data: &TrainTest, started: Instant) -> Result<(), Failure> {
    let study = plan.open()?;
    let every = Duration::from_secs_f64(plan.args.silence / 5.0);
    let mut worker = Worker {
        plan,
        data,
        study,
        pulse: Pulse::start(plan.open()?, every),
        features: Features::default(),
        deadline: plan.deadline(started),
    };
    while !asked(worker.deadline) {
        match worker.study.next(plan.limit(), |space, trials, number| plan.choose(space, trials, number))? {
            Next::Run(claim) => worker.run(&claim)?,
            Next::Wait => std::thread::sleep(PAUSE),
            Next::Done => break,
        }
    }
    Ok(())
}

/// Where the trials' runs are.
pub(super) fn runs(out: &Path) -> PathBuf {
    out.join("trials")
}

/// Whether a folder has a run that was trained to its end.
pub(super) fn finished(path: &Path) -> bool {
    let manifest = Run::open(path).and_then(|run| run.read_manifest());
    manifest.is_ok_and(|manifest| manifest.status == Status::Finished)
}

impl Worker<'_> {
    fn run(&mut self, claim: &Claim) -> Result<(), Failure> {
        let started = Instant::now();
        self.pulse.of(Some(claim));
        let ended = self.train(claim);
        self.pulse.of(None);
        let what = match ended {
            Ok(what) => what,
            Err(Ended::Store(error)) => return lost(error),
            // The trial is not to blame, and waits for another worker; unless one has it, and made room for its run.
            Err(Ended::Run(failure)) => {
                return match self.study.release(claim) {
                    Ok(()) => Err(failure),
                    Err(error) => lost(error),
                };
            }
        };
        let trials = self.study.trials()?;
        tidy(&self.plan.out, &trials, false)?;
        self.tell(claim, &what, started.elapsed(), &trials)
    }

    /// Trains, and tells how it ended.
    fn train(&mut self, claim: &Claim) -> Result<String, Ended> {
        let path = runs(&self.plan.out).join(claim.number.to_string());
        // What an attempt left whose worker died.
        remove(&path).map_err(Ended::Run)?;
        let config = match self.plan.config(&claim.codes) {
            Ok(config) => config,
            Err(failure) => return self.fail(claim, &failure.to_string()),
        };
        let job = Job {
            config: &config,
            data: self.data,
            substituted: None,
            weights: self.plan.weights.as_ref(),
            features: Some(&self.features),
        };
        let mut watch = Watch {
            study: &mut self.study,
            claim,
            pruner: self.plan.pruner(config.epochs),
            pulse: &self.pulse,
            deadline: self.deadline,
            epochs: config.epochs,
            best: f64::NEG_INFINITY,
            end: None,
        };
        let trained = training::train(&job, &Place::At(path), &mut watch);
        let (best, end) = (watch.best, watch.end);
        use strix_train::Error as Train;
        match (trained, end) {
            (_, Some(End::Store(error))) => Err(Ended::Store(error)),
            (Ok(_), _) => {
                self.study.complete(claim, best)?;
                Ok(percent(best))
            }
            (Err(Train::Interrupted { .. }), Some(End::Pruned)) => {
                self.study.prune(claim)?;
                Ok(format!("{} pruned", percent(best)))
            }
            (Err(Train::Interrupted { .. } | Train::Stopped), _) => {
                self.study.release(claim)?;
                Ok("waits to be run again".into())
            }
            // These are the trial's own fault; the search goes on.
            (Err(error @ (Train::Diverged { .. } | Train::Overflow { .. } | Train::Config(_))), _) => {
                self.fail(claim, &error.to_string())
            }
            (Err(error), _) => Err(Ended::Run(error.into())),
        }
    }

    fn fail(&mut self, claim: &Claim, why: &str) -> Result<String, Ended> {
        self.study.fail(claim, why)?;
        Ok(format!("failed: {why}"))
    }

    fn tell(&self, claim: &Claim, what: &str, took: Duration, trials: &[Stored]) -> Result<(), Failure> {
        let best = match best(trials, DIRECTION) {
            Some(best) if best.trial.number == claim.number => "  best".into(),
            Some(best) => {
                format!("  (best {} of {})", percent(best.trial.value.unwrap_or(f64::NAN)), best.trial.number)
            }
            None => String::new(),
        };
        let values = self.plan.space.values(&claim.codes)?;
        let values: Vec<String> = values.iter().map(|(name, value)| format!("{name} {}", short(value))).collect();
        // A reader of the output that has gone does not end the search.
        let _ = writeln!(
            std::io::stdout(),
            "trial {}  {what}  {:.1} s{best}  {}",
            claim.number,
            took.as_secs_f64(),
            values.join(", ")
        );
        Ok(())
    }
}

/// Goes on without a trial that another worker has, who will end it.
fn lost(error: Error) -> Result<(), Failure> {
    match error {
        Error::Lost(_) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            Ok(())
        }
        error => Err(error.into()),
    }
}

/// Why a trial has no end.
enum Ended {
    Store(Error),
    Run(Failure),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// A value in four digits.
fn short(value: &strix_tune::Value) -> String {
    match value {
        strix_tune::Value::Float(value) if *value != 0.0 && value.abs() < 0.01 => format!("{value:.2e}"),
        strix_tune::Value::Float(value) => format!("{}", (value * 1e4).round() / 1e4),
        other => other.to_string(),
    }
}

fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::Output(format!("{}: cannot remove it: {e}", path.display())))
        }
        _ => Ok(()),
    }
}

/// Removes the runs of trials that have ended, but the best one's; and with `all` those of trials that wait.
pub(super) fn tidy(out: &Path, trials: &[Stored], all: bool) -> Result<(), Failure> {
    let Ok(entries) = std::fs::read_dir(runs(out)) else { return Ok(()) };
    let best = best(trials, DIRECTION).map(|stored| stored.trial.number);
    for entry in entries.flatten() {
        let Some(number) = entry.file_name().to_str().and_then(|name| name.parse::<u64>().ok()) else { continue };
        let state = trials.iter().find(|stored| stored.trial.number == number).map(|stored| stored.trial.state);
        let over = match state {
            Some(State::Complete | State::Pruned | State::Failed) => true,
            Some(State::Waiting) => all,
            Some(State::Running) | None => false,
        };
        // One that is not finished is what another attempt at the best trial left.
        if over && (Some(number) != best || !finished(&entry.path())) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}
