//! Arrays: one stream of elements of one type, on the CPU or the GPU.

use half::f16;
use strix_data::{Chunk, ChunkReader, Dtype, Source};
use strix_reduce::arithmetic::Accumulator;
use strix_reduce::{Boxed, Element, Engine, Reducer};

use super::{ELEMENTS, Files, Observer, Outcome, Reduced, patience};
use crate::lane::ItemType;
use crate::plan::Plan;
use crate::statistic::{self, Family, Readout, Statistic};
use crate::{Error, Question, State, Value};

/// The elements of a chunk, as the type that they have.
trait Typed: Element {
    const ITEM: ItemType;
    fn of(chunk: &Chunk) -> Option<&[Self]>;
    fn choose(family: Family) -> Result<Option<Boxed<Self, Readout>>, strix_reduce::Error>;
}

macro_rules! typed {
    ($($variant:ident $number:ident $choose:ident),*) => {$(
        impl Typed for $number {
            const ITEM: ItemType = ItemType::$variant;
            fn of(chunk: &Chunk) -> Option<&[Self]> {
                match chunk {
                    Chunk::$variant(items) => Some(items),
                    _ => None,
                }
            }
            fn choose(family: Family) -> Result<Option<Boxed<Self, Readout>>, strix_reduce::Error> {
                statistic::$choose(family)
            }
        }
    )*};
}
typed!(
    Bool bool truth, F16 f16 element, F32 f32 element, F64 f64 element, I8 i8 element, I16 i16 element, I32 i32 element,
    I64 i64 element, U8 u8 element, U16 u16 element, U32 u32 element, U64 u64 element
);

/// Statistics over all elements of all the files.
pub(super) fn reduce(files: &Files, question: &Question, observer: &dyn Observer) -> Result<Outcome, Error> {
    let first = open(files, &files.sources[0], observer)?;
    macro_rules! by_type {
        ($($variant:ident $number:ident),*) => {
            match first.dtype() { $(Dtype::$variant => of_type::<$number>(files, question, observer, first)),* }
        };
    }
    by_type!(Bool bool, F16 f16, F32 f32, F64 f64, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64)
}

fn open(files: &Files, source: &Source, observer: &dyn Observer) -> Result<Box<dyn ChunkReader>, Error> {
    let (column, format) = (files.column.clone(), files.options.format);
    patience::opened(source, observer, move |source| strix_data::open(source, column.as_deref(), format))
}

fn of_type<T: Typed + Into<Value>>(
    files: &Files,
    question: &Question,
    observer: &dyn Observer,
    first: Box<dyn ChunkReader>,
) -> Result<Outcome, Error>
where
    T::Sum: Accumulator<T>,
{
    let sources = &files.sources;
    let mut statistics = question.statistics.clone();
    let mut families: Vec<Family> = Vec::new();
    let mut aggregators = Vec::new();
    for statistic in &mut statistics {
        if statistic.family == Family::Rows {
            return Err(Error::question(format!("{}: an array has no missing elements", statistic.text)));
        }
        if statistic.family == Family::Items {
            statistic.family = Family::Count;
        }
        statistic.columns = vec![ELEMENTS.into()];
        if !families.contains(&statistic.family) {
            families.push(statistic.family);
            let aggregator = T::choose(statistic.family)?;
            // What is not for these elements is refused, with its reason, by the plan.
            aggregators.extend(aggregator);
        }
    }
    let plan = Plan::new(statistics, question.exact, |_| Ok(T::ITEM))?;
    let mut reducer = Reducer::<T, _>::new(aggregators, &engine(files)?)?.nan_policy(question.nan);

    let mut cancelled = None;
    let mut first = Some(first);
    'files: for (file, source) in sources.iter().enumerate() {
        let mut reader = match first.take() {
            Some(first) => first,
            None => open(files, source, observer)?,
        };
        let placed =
            |s: &&Statistic| matches!(s.family, Family::ArgMin | Family::ArgMax | Family::First | Family::Last);
        if !reader.is_c_order()
            && let Some(statistic) = plan.statistics.iter().find(placed)
        {
            return Err(Error::input(format!(
                "{source}: is in Fortran order, whose places are not those that {} tells; save it in C order \
                 (numpy.ascontiguousarray)",
                statistic.text
            )));
        }
        observer.begin(source, reader.elements());
        let before = reducer.pushed();
        while let Some(chunk) = reader.next_chunk()? {
            let items = T::of(chunk).ok_or_else(|| other_type(&sources[0], source, chunk.dtype(), T::NAME))?;
            reducer.push(items).map_err(|error| in_file(error, source, before))?;
            observer.progress(reducer.pushed() - before);
            if observer.cancelled() {
                let read = reducer.pushed() - before;
                cancelled = Some(format!("after {read} elements of {source}, file {} of {}", file + 1, sources.len()));
                break 'files;
            }
        }
        observer.end();
    }
    let state = State {
        by: Vec::new(),
        nan: question.nan,
        asked: question.asked,
        rows: reducer.pushed(),
        skipped: reducer.skipped(),
        plan,
        groups: vec![(Vec::new(), vec![reducer.state().clone()])],
    };
    Ok(Outcome {
        reduced: Reduced::Elements(Box::new(state)),
        report: reducer.report(),
        item: Some(T::ITEM),
        notes: Vec::new(),
        cancelled,
    })
}

/// The engine that was chosen.
fn engine(files: &Files) -> Result<Engine, Error> {
    let engine = Engine::select(files.engine)?;
    #[cfg(feature = "gpu")]
    let engine = {
        use strix_reduce::gpu::Planner;
        engine.planned(files.crossovers.as_deref().map_or_else(Planner::new, Planner::at))
    };
    Ok(engine)
}

fn other_type(first: &Source, source: &Source, found: Dtype, expected: &str) -> Error {
    Error::input(format!(
        "{source}: holds {found}, but {first} holds {expected}; files that merge into one answer have one type"
    ))
}

/// Says which file a NaN is in, and where; `before` elements came from earlier files.
fn in_file(error: strix_reduce::Error, source: &Source, before: u64) -> Error {
    match error {
        strix_reduce::Error::Nan { index } => {
            let index = index - before;
            Error::input(format!(
                "{source}: element {index} (from 0) is NaN; --nan skip leaves NaN out, --nan propagate lets it through"
            ))
        }
        error => error.into(),
    }
}
