//! Arrays: one stream of elements of one type, on the CPU or the GPU.

use etcetera::BaseStrategy;
use half::f16;
use strix_data::{Chunk, ChunkReader, Dtype, Source};
use strix_reduce::arithmetic::Accumulator;
use strix_reduce::gpu::Planner;
use strix_reduce::{Boxed, Element, Engine, Error, Reducer};

use super::{ELEMENTS, Outcome, bar, patience};
use crate::args::Reduce;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Numeral;
use crate::statistic::{self, Family, Readout, Statistic};
use crate::table::{ItemType, Plan};

/// The elements of a chunk, as the type that they have.
trait Typed: Element {
    const ITEM: ItemType;
    fn of(chunk: &Chunk) -> Option<&[Self]>;
    fn choose(family: Family) -> Result<Option<Boxed<Self, Readout>>, Error>;
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
            fn choose(family: Family) -> Result<Option<Boxed<Self, Readout>>, Error> {
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
pub(crate) fn reduce_arrays(args: &Reduce, sources: &[Source], statistics: Vec<Statistic>) -> Result<Outcome, Failure> {
    let first = open(args, &sources[0])?;
    macro_rules! by_type {
        ($($variant:ident $number:ident),*) => {
            match first.dtype() { $(Dtype::$variant => reduce::<$number>(args, sources, statistics, first)),* }
        };
    }
    by_type!(Bool bool, F16 f16, F32 f32, F64 f64, I8 i8, I16 i16, I32 i32, I64 i64, U8 u8, U16 u16, U32 u32, U64 u64)
}

fn open(args: &Reduce, source: &Source) -> Result<Box<dyn ChunkReader>, Failure> {
    let (column, format) = (args.column.clone(), args.format);
    patience::opened(source, move |source| strix_data::open(source, column.as_deref(), format))
}

fn reduce<T: Typed + Numeral>(
    args: &Reduce,
    sources: &[Source],
    mut statistics: Vec<Statistic>,
    first: Box<dyn ChunkReader>,
) -> Result<Outcome, Failure>
where
    T::Sum: Accumulator<T>,
{
    let mut families: Vec<Family> = Vec::new();
    let mut aggregators = Vec::new();
    for statistic in &mut statistics {
        if statistic.family == Family::Rows {
            return Err(Failure::Usage(format!("{}: an array has no missing elements", statistic.text)));
        }
        statistic.columns = vec![ELEMENTS.into()];
        if !families.contains(&statistic.family) {
            families.push(statistic.family);
            let aggregator = T::choose(statistic.family)?;
            // What is not for these elements is refused, with its reason, by the plan.
            aggregators.extend(aggregator);
        }
    }
    let plan = Plan::new(statistics, args.exact, |_| Ok(T::ITEM))?;
    let engine = Engine::select(args.engine)?.planned(planner());
    let mut reducer = Reducer::<T, _>::new(aggregators, &engine)?.nan_policy(args.nan);

    let mut interrupted = None;
    let mut first = Some(first);
    'files: for (file, source) in sources.iter().enumerate() {
        let mut reader = match first.take() {
            Some(first) => first,
            None => open(args, source)?,
        };
        let placed =
            |s: &&Statistic| matches!(s.family, Family::ArgMin | Family::ArgMax | Family::First | Family::Last);
        if !reader.is_c_order()
            && let Some(statistic) = plan.statistics.iter().find(placed)
        {
            return Err(Failure::Input(format!(
                "{source}: is in Fortran order, whose places are not those that {} tells; save it in C order \
                 (numpy.ascontiguousarray)",
                statistic.text
            )));
        }
        let progress = bar(source.to_string(), reader.elements());
        let before = reducer.pushed();
        while let Some(chunk) = reader.next_chunk()? {
            let items = T::of(chunk).ok_or_else(|| other_type(&sources[0], source, chunk.dtype(), T::NAME))?;
            reducer.push(items).map_err(|error| in_file(error, source, before))?;
            progress.inc(items.len() as u64);
            if interrupt::requested() {
                let read = reducer.pushed() - before;
                interrupted =
                    Some(format!("after {read} elements of {source}, file {} of {}", file + 1, sources.len()));
                break 'files;
            }
        }
        progress.finish_and_clear();
    }
    Ok(Outcome {
        plan,
        by: Vec::new(),
        rows: reducer.pushed(),
        skipped: reducer.skipped(),
        report: reducer.report(),
        item: Some(T::ITEM),
        notes: Vec::new(),
        groups: vec![(Vec::new(), vec![reducer.state().clone()])],
        interrupted,
    })
}

/// Measurements of both engines are made once a machine, and kept with what the machine can make again.
fn planner() -> Planner {
    match etcetera::choose_base_strategy() {
        Ok(base) => Planner::at(&base.cache_dir().join("strix/crossovers.tsv")),
        Err(_) => Planner::new(),
    }
}

fn other_type(first: &Source, source: &Source, found: Dtype, expected: &str) -> Failure {
    Failure::Input(format!(
        "{source}: holds {found}, but {first} holds {expected}; files that merge into one answer have one type"
    ))
}

/// Says which file a NaN is in, and where; `before` elements came from earlier files.
fn in_file(error: Error, source: &Source, before: u64) -> Failure {
    match error {
        Error::Nan { index } => {
            let index = index - before;
            Failure::Input(format!(
                "{source}: element {index} (from 0) is NaN; --nan skip leaves NaN out, --nan propagate lets it through"
            ))
        }
        error => error.into(),
    }
}
