//! Tables: batches read by one thread, lifted by all, and merged in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

use arrow::array::RecordBatch;
use rayon::prelude::*;
use strix_data::{Format, Source, TableReader};
use strix_reduce::{EngineChoice, EngineReport};

use super::types::{agree, item_type};
use super::{Outcome, bar, patience};
use crate::args::Reduce;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::counted;
use crate::statistic::Statistic;
use crate::table::{Groups, Plan, States};

/// Batches that wait, or are worked on, at most: what bounds the memory.
const BATCHES: usize = 4;

/// Statistics by group over all rows of all the files.
pub(crate) fn reduce_tables(
    args: &Reduce,
    sources: &[Source],
    formats: &[Format],
    mut statistics: Vec<Statistic>,
    open: Vec<Option<Box<dyn TableReader>>>,
) -> Result<Outcome, Failure> {
    let mut agreed = agree(args, sources, formats, &mut statistics, open)?;
    let in_first = |failure| in_file(&sources[0], failure);
    let types = agreed.types();
    let plan = Plan::new(statistics, args.exact, |column| item_type(&types, column)).map_err(in_first)?;
    let groups = Groups::new(&agreed.by, &agreed.schema).map_err(in_first)?;
    refuse_gpu(args)?;
    let work = Work { args, plan: &plan, groups: &groups };

    let mut states = States::default();
    let mut interrupted = None;
    let mut absent: Option<Vec<(String, Failure)>> = None;
    for (file, source) in sources.iter().enumerate() {
        let reader = agreed.reader(file, source)?;
        let before = states.rows;
        let missing = work.file(source, reader, &mut states).map_err(|failure| in_file(source, failure))?;
        absent = Some(match absent {
            None => missing,
            // A key that one file lacks may be in another.
            Some(mut before) => {
                before.retain(|(name, _)| missing.iter().any(|(other, _)| other == name));
                before
            }
        });
        if interrupt::requested() {
            let rows = states.rows - before;
            let rows = counted(rows, "row");
            interrupted = Some(format!("after {rows} of {source}, file {} of {}", file + 1, sources.len()));
            break;
        }
    }
    if let (None, Some((_, failure))) = (&interrupted, absent.unwrap_or_default().into_iter().next()) {
        return Err(failure);
    }
    let (rows, skipped) = (states.rows, states.skipped);
    let mut sorted = states.sorted(&plan, &groups)?;
    if sorted.is_empty() && args.by.is_empty() {
        // Nothing read is one group of nothing.
        sorted.push((Vec::new(), plan.identity()));
    }
    let fallback = (args.engine == EngineChoice::Auto).then(|| "tables are reduced there".to_owned());
    let report = EngineReport { engine: "cpu", adapter: None, fallback, plan: None };
    let item = plan.item_types().first().map(|(_, item)| *item);
    let by = args.by.clone();
    Ok(Outcome { plan, by, groups: sorted, rows, skipped, report, item, interrupted, notes: agreed.notes })
}

/// Rows are gathered and grouped on the CPU; only arrays go to the GPU.
fn refuse_gpu(args: &Reduce) -> Result<(), Failure> {
    if args.engine == EngineChoice::Gpu {
        let what = "the GPU engine takes arrays (.npy, .npz, IDX); tables are reduced on the CPU (--engine cpu)";
        return Err(Failure::Device(what.into()));
    }
    Ok(())
}

struct Work<'a> {
    args: &'a Reduce,
    plan: &'a Plan,
    groups: &'a Groups,
}

impl Work<'_> {
    /// Merges a file's rows into the states, up to its end or Ctrl-C; the columns that no row had, and what an error
    /// says of each.
    fn file(
        &self,
        source: &Source,
        mut reader: Box<dyn TableReader>,
        states: &mut States,
    ) -> Result<Vec<(String, Failure)>, Failure> {
        let (done, total) = reader.progress();
        let progress = bar(source.to_string(), total);
        let read = Arc::new(AtomicU64::new(done));
        let first = states.rows;
        let (send, receive) = sync_channel(BATCHES);
        let sent = read.clone();
        let reading = std::thread::spawn(move || {
            let mut next_row = 0;
            loop {
                let batch = reader.next_batch().map(|batch| {
                    batch.map(|batch| {
                        let first_row = reader.first_row().unwrap_or(next_row);
                        next_row = first_row + batch.num_rows() as u64;
                        (first_row, batch)
                    })
                });
                sent.store(reader.progress().0, Ordering::Relaxed);
                let last = !matches!(batch, Ok(Some(_)));
                // Nobody listens any more after an error or Ctrl-C.
                if send.send(batch).is_err() || last {
                    return reader.absent();
                }
            }
        });
        let (mut ended, mut whole) = (false, false);
        while !ended && !interrupt::requested() {
            let mut batches: Vec<(u64, RecordBatch)> = Vec::new();
            // Waits for one batch, and takes the others that are there.
            let mut next = patience::next(&receive);
            while let Some(batch) = next {
                match batch? {
                    Some(batch) => batches.push(batch),
                    None => (ended, whole) = (true, true),
                }
                next = if ended || batches.len() == BATCHES { None } else { receive.try_recv().ok() };
            }
            ended |= batches.is_empty();
            self.take(&batches, states, first)?;
            progress.set_position(read.load(Ordering::Relaxed));
        }
        progress.finish_and_clear();
        if !whole {
            // The reader may wait for its source for ever.
            return Ok(Vec::new());
        }
        let absent = reading.join().map_err(|_| Failure::Internal(format!("the reader of {source} is gone")))?;
        Ok(absent.into_iter().map(|(name, error)| (name, error.into())).collect())
    }

    /// Takes batches in, each with the row of the file with which it begins; `first` rows came before the file.
    fn take(&self, batches: &[(u64, RecordBatch)], states: &mut States, first: u64) -> Result<(), Failure> {
        let read = |(row, batch): &(u64, RecordBatch)| {
            self.plan.read_batch(batch, self.groups, self.args.nan, *row).map(|read| (first + row, read))
        };
        let batches: Vec<_> = batches.par_iter().map(read).collect();
        states.take(self.plan, &batches.into_iter().collect::<Result<Vec<_>, _>>()?);
        Ok(())
    }
}

fn in_file(source: &Source, failure: Failure) -> Failure {
    match failure {
        Failure::Input(what) if !what.starts_with(&source.to_string()) => Failure::Input(format!("{source}: {what}")),
        other => other,
    }
}
