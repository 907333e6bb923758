//! How far a reduction of files is, on a terminal; and Ctrl-C, which stops it.

use std::sync::{Mutex, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};
use strix_data::Source;
use strix_table::files::Observer;

use crate::interrupt;

/// A bar for the file that is read; elsewhere than on a terminal nothing is drawn.
#[derive(Default)]
pub(crate) struct Progress(Mutex<Option<ProgressBar>>);

impl Progress {
    fn with(&self, act: impl FnOnce(&mut Option<ProgressBar>)) {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Observer for Progress {
    fn begin(&self, source: &Source, total: Option<u64>) {
        self.with(|bar| *bar = Some(begun(source.to_string(), total)));
    }
    fn progress(&self, done: u64) {
        self.with(|bar| bar.iter().for_each(|bar| bar.set_position(done)));
    }
    fn end(&self) {
        self.with(|bar| bar.take().iter().for_each(ProgressBar::finish_and_clear));
    }
    fn cancelled(&self) -> bool {
        interrupt::requested()
    }
}

fn begun(name: String, total: Option<u64>) -> ProgressBar {
    let Some(total) = total else {
        let style = ProgressStyle::with_template("{msg} {spinner} {human_pos}");
        return ProgressBar::new_spinner()
            .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
            .with_message(name);
    };
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} % {eta}");
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(name)
}
