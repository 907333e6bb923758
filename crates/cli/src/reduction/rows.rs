//! Tables: batches read by one thread, lifted by all, and merged in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

use arrow::array::RecordBatch;
use rayon::prelude::*;
use strix_data::{Source, TableReader};
use strix_reduce::{Engine, EngineChoice, EngineReport};

use super::types::{Agreed, agree, item_type, open_table};
use super::{Outcome, bar, patience};
use crate::args::Reduce;
use crate::failure::Failure;
use crate::interrupt;
use crate::statistic::Statistic;
use crate::table::{Groups, Plan, States};

/// Batches that wait, or are worked on, at most: what bounds the memory.
const BATCHES: usize = 4;

/// Statistics by group over all rows of all the files.
pub(crate) fn reduce_tables(
    args: &Reduce,
    sources: &[Source],
    mut statistics: Vec<Statistic>,
) -> Result<Outcome, Failure> {
    let Agreed { schema, options, mut open } = agree(args, sources, &mut statistics)?;
    let in_first = |failure| in_file(&sources[0], failure);
    let plan = Plan::new(statistics, args.exact, |column| item_type(&schema, column)).map_err(in_first)?;
    let groups = Groups::new(&args.by, &schema).map_err(in_first)?;
    let engine = engine(args)?;
    let work = Work { args, plan: &plan, groups: &groups, engine: &engine };

    let mut states = States::default();
    let mut interrupted = None;
    for (file, source) in sources.iter().enumerate() {
        let reader = match open[file].take() {
            Some(reader) => reader,
            None => open_table(source, &options)?,
        };
        let before = states.rows;
        work.file(source, reader, &mut states).map_err(|failure| in_file(source, failure))?;
        if interrupt::requested() {
            let rows = states.rows - before;
            interrupted = Some(format!("after {rows} rows of {source}, file {} of {}", file + 1, sources.len()));
            break;
        }
    }
    let (rows, skipped) = (states.rows, states.skipped);
    let mut sorted = states.sorted(&groups)?;
    if sorted.is_empty() && args.by.is_empty() {
        // Nothing read is one group of nothing.
        sorted.push((Vec::new(), plan.identity()));
    }
    let fallback = (args.engine == EngineChoice::Auto).then(|| "tables are reduced there".to_owned());
    let report = EngineReport { engine: "cpu", adapter: None, fallback, plan: None };
    let item = plan.item_types().first().map(|(_, item)| *item);
    Ok(Outcome { plan, by: args.by.clone(), groups: sorted, rows, skipped, report, item, interrupted })
}

/// Rows are gathered and grouped on the CPU; only arrays go to the GPU.
fn engine(args: &Reduce) -> Result<Engine, Failure> {
    if args.engine == EngineChoice::Gpu {
        let what = "the GPU engine takes arrays (.npy, .npz, IDX); tables are reduced on the CPU (--engine cpu)";
        return Err(Failure::Device(what.into()));
    }
    Ok(Engine::cpu())
}

struct Work<'a> {
    args: &'a Reduce,
    plan: &'a Plan,
    groups: &'a Groups,
    engine: &'a Engine,
}

impl Work<'_> {
    /// Merges a file's rows into the states, up to its end or Ctrl-C.
    fn file(&self, source: &Source, mut reader: Box<dyn TableReader>, states: &mut States) -> Result<(), Failure> {
        let (done, total) = reader.progress();
        let progress = bar(source.to_string(), total);
        let read = Arc::new(AtomicU64::new(done));
        let first = states.rows;
        let (send, receive) = sync_channel(BATCHES);
        let sent = read.clone();
        std::thread::spawn(move || {
            loop {
                let batch = reader.next_batch();
                sent.store(reader.progress().0, Ordering::Relaxed);
                let last = !matches!(batch, Ok(Some(_)));
                // Nobody listens any more after an error or Ctrl-C.
                if send.send(batch).is_err() || last {
                    return;
                }
            }
        });
        let mut ended = false;
        while !ended && !interrupt::requested() {
            let mut batches: Vec<RecordBatch> = Vec::new();
            // Waits for one batch, and takes the others that are there.
            let mut next = patience::next(&receive);
            while let Some(batch) = next {
                match batch? {
                    Some(batch) => batches.push(batch),
                    None => ended = true,
                }
                next = if ended || batches.len() == BATCHES { None } else { receive.try_recv().ok() };
            }
            ended |= batches.is_empty();
            self.take(&batches, states, first)?;
            progress.set_position(read.load(Ordering::Relaxed));
        }
        progress.finish_and_clear();
        Ok(())
    }

    /// Lifts batches side by side and merges them in order, so that the bits do not depend on the threads.
    fn take(&self, batches: &[RecordBatch], states: &mut States, first: u64) -> Result<(), Failure> {
        let mut row = states.rows - first;
        let starts: Vec<u64> = batches
            .iter()
            .map(|batch| {
                let start = row;
                row += batch.num_rows() as u64;
                start
            })
            .collect();
        let lift = |(batch, &start): (&RecordBatch, &u64)| {
            self.plan.lift(batch, self.groups, self.engine, self.args.nan, start)
        };
        let parts: Vec<_> = batches.par_iter().zip(&starts).map(lift).collect();
        for part in parts {
            states.take(self.plan, part?);
        }
        Ok(())
    }
}

fn in_file(source: &Source, failure: Failure) -> Failure {
    match failure {
        Failure::Input(what) if !what.starts_with(&source.to_string()) => Failure::Input(format!("{source}: {what}")),
        other => other,
    }
}
