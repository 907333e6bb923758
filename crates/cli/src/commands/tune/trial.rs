//! One training of a study: reported epoch by epoch, and ended where it is not worth going on with.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use strix_train::run::EpochRecord;
use strix_train::training::Observer;
use strix_tune::{Claim, Error, Pruner, Study};

use super::plan::DIRECTION;
use crate::interrupt;

/// Says that this worker is alive while it has a trial, from a thread and a connection of its own.
pub(super) struct Pulse {
    shared: Arc<Mutex<Shared>>,
    ends: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    claim: Option<Claim>,
    /// The last trial that was found to be another's.
    lost: Option<Claim>,
}

impl Pulse {
    pub(super) fn start(mut study: Study, every: Duration) -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (ends, end) = mpsc::channel();
        let theirs = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            while end.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
                let claim = theirs.lock().unwrap_or_else(PoisonError::into_inner).claim.clone();
                // Of a store that cannot be reached the worker itself will hear.
                if let Some(claim) = claim
                    && let Err(Error::Lost(_)) = study.alive(&claim)
                {
                    theirs.lock().unwrap_or_else(PoisonError::into_inner).lost = Some(claim);
                }
            }
        });
        Self { shared, ends: Some(ends), thread: Some(thread) }
    }

    /// From now on for this trial, or for none.
    pub(super) fn of(&self, claim: Option<&Claim>) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).claim = claim.cloned();
    }

    fn lost(&self, claim: &Claim) -> bool {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).lost.as_ref() == Some(claim)
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.ends = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Why a training was stopped.
#[derive(Debug)]
pub(super) enum End {
    Pruned,
    /// The user or the clock.
    Asked,
    /// Another worker has the trial, or the store cannot be written.
    Store(Error),
}

/// Watches a training.
pub(super) struct Watch<'a> {
    pub(super) study: &'a mut Study,
    pub(super) claim: &'a Claim,
    pub(super) pruner: Option<Box<dyn Pruner>>,
    pub(super) pulse: &'a Pulse,
    pub(super) deadline: Option<Instant>,
    pub(super) epochs: usize,
    /// The best validation accuracy so far.
    pub(super) best: f64,
    pub(super) end: Option<End>,
}

impl Watch<'_> {
    fn heard(&mut self, record: &EpochRecord) -> Result<bool, Error> {
        self.study.report(self.claim, record.epoch as u64, record.validation.accuracy)?;
        let Some(pruner) = self.pruner.as_ref().filter(|_| record.epoch < self.epochs) else { return Ok(false) };
        let trials: Vec<_> = self.study.trials()?.into_iter().map(|stored| stored.trial).collect();
        match trials.iter().find(|trial| trial.number == self.claim.number) {
            Some(own) => pruner.ends(own, &trials, DIRECTION),
            None => Err(Error::Lost(self.claim.number)),
        }
    }
}

impl Observer for Watch<'_> {
    fn epoch(&mut self, record: &EpochRecord, _best: bool) {
        self.best = self.best.max(record.validation.accuracy);
        match self.heard(record) {
            Ok(false) => {}
            Ok(true) => self.end = Some(End::Pruned),
            Err(error) => self.end = Some(End::Store(error)),
        }
    }

    /// A trial is short, and is run anew where its worker dies.
    fn checkpoint(&mut self, _since_last: Duration) -> bool {
        false
    }

    fn stop(&mut self) -> bool {
        if self.end.is_none() && self.pulse.lost(self.claim) {
            self.end = Some(End::Store(Error::Lost(self.claim.number)));
        }
        if self.end.is_none() && asked(self.deadline) {
            self.end = Some(End::Asked);
        }
        self.end.is_some()
    }
}

/// Whether the user or the clock wants an end.
pub(super) fn asked(deadline: Option<Instant>) -> bool {
    interrupt::requested() || deadline.is_some_and(|deadline| Instant::now() >= deadline)
}
