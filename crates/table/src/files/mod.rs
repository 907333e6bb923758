//! From files to an answer: arrays through one reducer, tables batch by batch.

mod agree;
mod arrays;
mod observer;
mod patience;
mod tables;
mod widen;

use std::path::PathBuf;

use strix_data::{Format, Source, TableOptions, TableReader};
use strix_reduce::{EngineChoice, EngineReport};

use crate::lane::ItemType;
use crate::{Answer, Error, Question, Reduction, State};

pub(crate) use agree::{agree, open_table};
pub use observer::Observer;

/// The name that the elements of an array go by.
const ELEMENTS: &str = "elements";

/// Files that are reduced to one answer, and how they are read.
#[derive(Debug, Clone)]
pub struct Files {
    pub(crate) sources: Vec<Source>,
    pub(crate) options: TableOptions,
    pub(crate) column: Option<String>,
    engine: EngineChoice,
    crossovers: Option<PathBuf>,
}

impl Files {
    /// These files, in the order of their rows.
    pub fn new<S: Into<Source>>(sources: impl IntoIterator<Item = S>) -> Self {
        Self {
            sources: sources.into_iter().map(Into::into).collect(),
            options: TableOptions::default(),
            column: None,
            engine: EngineChoice::Cpu,
            crossovers: None,
        }
    }

    /// How tables are read: types, missing values, headers, separators and quotes. The columns are chosen by the question.
    pub fn options(mut self, options: TableOptions) -> Self {
        self.options = options;
        self
    }

    /// The column of statistics that name none, by its name or its index from 0; or the array of an `.npz`.
    pub fn column(mut self, column: Option<String>) -> Self {
        self.column = column;
        self
    }

    /// The engine of arrays; the CPU unless another is chosen. Tables are reduced on the CPU.
    pub fn engine(mut self, engine: EngineChoice) -> Self {
        self.engine = engine;
        self
    }

    /// A file that keeps what was measured of this machine's engines, for [`EngineChoice::Auto`].
    pub fn crossovers(mut self, path: Option<PathBuf>) -> Self {
        self.crossovers = path;
        self
    }

    /// Tells what each file is. What can be opened only once, such as a pipe, is opened here.
    ///
    /// # Errors
    /// When there is no file, one cannot be read, is of no known format, or an option is for other formats than these.
    pub fn open(self, observer: &dyn Observer) -> Result<Opened, Error> {
        if self.sources.is_empty() {
            return Err(Error::question("there is no file to reduce"));
        }
        if self.sources.iter().filter(|source| matches!(source, Source::Stdin)).count() > 1 {
            return Err(Error::question("- is standard input, which can be read once"));
        }
        let given = self.options.format;
        let format =
            |source: &Source| patience::opened(source, observer, move |source| strix_data::format_of(source, given));
        let formats = self.sources.iter().map(format).collect::<Result<Vec<_>, _>>()?;
        agree::check_options(&self, &formats)?;
        Ok(Opened { files: self, formats, open: Vec::new() })
    }
}

/// Files whose formats are known.
pub struct Opened {
    pub(crate) files: Files,
    pub(crate) formats: Vec<Format>,
    /// The readers that are open, of files that cannot be opened again or need not be.
    pub(crate) open: Vec<Option<Box<dyn TableReader>>>,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened")
            .field("sources", &self.files.sources)
            .field("formats", &self.formats)
            .finish_non_exhaustive()
    }
}

impl Opened {
    /// Whether the first of them is an array, or may be taken as one: statistics that name no column are of its elements.
    pub fn is_array(&self) -> bool {
        self.formats[0].is_array()
    }

    /// Asks the question of them.
    ///
    /// # Errors
    /// When a file cannot be read, is damaged, or does not hold what the question is of; naming file, line and column.
    pub fn reduce(self, question: &Question, observer: &dyn Observer) -> Result<Outcome, Error> {
        let of_columns = !question.by.is_empty() || question.statistics.iter().any(|s| !s.columns.is_empty());
        if !of_columns && self.is_array() {
            return arrays::reduce(&self.files, question, observer);
        }
        if self.files.engine == EngineChoice::Gpu {
            let what = "the GPU engine takes arrays (.npy, .npz, IDX); tables are reduced on the CPU (--engine cpu)";
            return Err(Error::new(crate::ErrorKind::Device, what));
        }
        tables::reduce(self, question, observer)
    }
}

/// What a reduction of files came to.
#[derive(Debug)]
pub struct Outcome {
    pub(crate) reduced: Reduced,
    pub(crate) report: EngineReport,
    pub(crate) item: Option<ItemType>,
    pub(crate) notes: Vec<String>,
    pub(crate) cancelled: Option<String>,
}

/// The states of tables, or of one array.
#[derive(Debug)]
pub(crate) enum Reduced {
    Rows(Box<Reduction>),
    Elements(Box<State>),
}

impl Outcome {
    /// Rows, or elements of arrays.
    pub fn rows(&self) -> u64 {
        match &self.reduced {
            Reduced::Rows(reduction) => reduction.rows(),
            Reduced::Elements(state) => state.rows(),
        }
    }

    /// NaN that were left out.
    pub fn skipped(&self) -> u64 {
        match &self.reduced {
            Reduced::Rows(reduction) => reduction.skipped(),
            Reduced::Elements(state) => state.skipped(),
        }
    }

    /// Which engine it was, and why.
    pub fn report(&self) -> &EngineReport {
        &self.report
    }

    /// The type of the items of the first column that is aggregated, and the bytes of each.
    pub fn item(&self) -> Option<(String, u64)> {
        self.item.map(|item| (item.name(), item.bytes()))
    }

    /// What was decided in doubt of how the files are to be read.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// After a cancellation, where it stopped.
    pub fn cancelled(&self) -> Option<&str> {
        self.cancelled.as_deref()
    }

    /// The answer.
    ///
    /// # Errors
    /// As [`Reduction::answer`].
    pub fn answer(self) -> Result<Answer, Error> {
        match self.reduced {
            Reduced::Rows(reduction) => reduction.answer(),
            Reduced::Elements(state) => state.answer(),
        }
    }

    /// The state.
    ///
    /// # Errors
    /// As [`Reduction::state`].
    pub fn state(self) -> Result<State, Error> {
        match self.reduced {
            Reduced::Rows(reduction) => reduction.state(),
            Reduced::Elements(state) => Ok(*state),
        }
    }
}
