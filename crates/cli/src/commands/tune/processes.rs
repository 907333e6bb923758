//! Several workers on one machine, each a process: one that is killed takes nobody with it, and each has random numbers and a
//! share of the processor of its own.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::plan::Plan;
use super::trial::asked;
use crate::args;
use crate::failure::Failure;
use crate::interrupt;

/// Workers that are replaced after they were killed, for each job.
const REPLACED: usize = 10;

pub(super) fn run(plan: &Plan, started: Instant) -> Result<(), Failure> {
    let jobs = usize::from(plan.args.jobs);
    let mut workers: Vec<Child> = (0..jobs).map(|_| start(plan, jobs, started)).collect::<Result<_, _>>()?;
    let mut left = REPLACED * jobs;
    let mut failed = None;
    while !workers.is_empty() {
        std::thread::sleep(Duration::from_millis(50));
        if interrupt::requested() {
            // The end of their input tells those that have not heard of it.
            workers.iter_mut().for_each(|worker| drop(worker.stdin.take()));
        }
        let mut going = Vec::new();
        for mut worker in workers {
            match worker.try_wait()? {
                None => going.push(worker),
                // It had no time left.
                Some(status) if killed(status) && asked(plan.deadline(started)) => {}
                Some(status) if killed(status) && left > 0 => {
                    left -= 1;
                    going.push(start(plan, jobs, started)?);
                }
                Some(status) if status.success() => {}
                Some(status) => failed = Some(status),
            }
        }
        workers = going;
    }
    match failed.filter(|_| !interrupt::requested()) {
        None => Ok(()),
        Some(status) => {
            let what = format!("a worker ended with {status}; what it said stands above");
            Err(match status.code() {
                Some(2) => Failure::Usage(what),
                Some(3) => Failure::Input(what),
                Some(4) => Failure::Device(what),
                Some(5) => Failure::Output(what),
                _ => Failure::Internal(what),
            })
        }
    }
}

fn killed(status: ExitStatus) -> bool {
    status.code().is_none()
}

fn start(plan: &Plan, jobs: usize, started: Instant) -> Result<Child, Failure> {
    let failed = |e: std::io::Error| Failure::Internal(format!("cannot start a worker: {e}"));
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command
        .arg("tune")
        .args(args::without(&plan.options, &["--jobs", "--out", "--storage", "--study", "--timeout"]))
        .args(["--worker", "--out"])
        .arg(&plan.out)
        .arg(format!("--study={}", plan.name))
        .stdin(Stdio::piped());
    match &plan.args.storage {
        // Not among the arguments, which everybody on the machine can read.
        Some(url) => command.env("STRIX_STORAGE", url),
        None => command.env_remove("STRIX_STORAGE"),
    };
    if let Some(deadline) = plan.deadline(started) {
        let left = deadline.saturating_duration_since(Instant::now()).as_secs_f64();
        command.arg(format!("--timeout={}", left.max(f64::MIN_POSITIVE)));
    }
    if std::env::var_os("RAYON_NUM_THREADS").is_none() {
        let threads = std::thread::available_parallelism().map_or(1, |threads| (threads.get() / jobs).max(1));
        command.env("RAYON_NUM_THREADS", threads.to_string());
    }
    command.spawn().map_err(failed)
}
