//! Tables: batches read by one thread, lifted by all, and merged in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

use arrow::array::RecordBatch;
use strix_data::{Source, TableReader};
use strix_reduce::{EngineChoice, EngineReport};

use super::{Observer, Opened, Outcome, Reduced, agree, patience};
use crate::{Error, Question, Reduction};

/// Batches that wait, or are worked on, at most: what bounds the memory.
const BATCHES: usize = 4;

/// Statistics by group over all rows of all the files.
pub(super) fn reduce(opened: Opened, question: &Question, observer: &dyn Observer) -> Result<Outcome, Error> {
    let Opened { files, formats, open } = opened;
    let sources = &files.sources;
    let mut question = question.clone();
    let mut agreed = agree(&files, &formats, &question.by, &mut question.statistics, open, observer)?;
    let called = std::mem::replace(&mut question.by, agreed.by.clone());
    let reduction = Reduction::new(&question, &agreed.schema).map_err(|error| error.within(&sources[0]))?;
    let mut reduction = reduction.called(&called);
    let mut cancelled = None;
    let mut absent: Option<Vec<(String, Error)>> = None;
    for (file, source) in sources.iter().enumerate() {
        let reader = agreed.reader(file, source, observer)?;
        let before = reduction.rows();
        let missing = rows_of(source, reader, &mut reduction, observer).map_err(|error| error.within(source))?;
        absent = Some(match absent {
            None => missing,
            // A key that one file lacks may be in another.
            Some(mut before) => {
                before.retain(|(name, _)| missing.iter().any(|(other, _)| other == name));
                before
            }
        });
        if observer.cancelled() {
            let rows = reduction.rows() - before;
            let s = if rows == 1 { "" } else { "s" };
            cancelled = Some(format!("after {rows} row{s} of {source}, file {} of {}", file + 1, sources.len()));
            break;
        }
    }
    if let (None, Some((_, error))) = (&cancelled, absent.unwrap_or_default().into_iter().next()) {
        return Err(error);
    }
    let fallback = (files.engine == EngineChoice::Auto).then(|| "tables are reduced there".to_owned());
    let report = EngineReport::cpu(fallback);
    let item = reduction.first_item();
    Ok(Outcome { reduced: Reduced::Rows(Box::new(reduction)), report, item, notes: agreed.notes, cancelled })
}

/// Takes a file's rows in, up to its end or a cancellation; the columns that no row had, and what an error says of each.
fn rows_of(
    source: &Source,
    mut reader: Box<dyn TableReader>,
    reduction: &mut Reduction,
    observer: &dyn Observer,
) -> Result<Vec<(String, Error)>, Error> {
    let (done, total) = reader.progress();
    observer.begin(source, total);
    let read = Arc::new(AtomicU64::new(done));
    let first = reduction.rows();
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
            // Nobody listens any more after an error or a cancellation.
            if send.send(batch).is_err() || last {
                return reader.absent();
            }
        }
    });
    let (mut ended, mut whole) = (false, false);
    while !ended && !observer.cancelled() {
        let mut batches: Vec<(u64, RecordBatch)> = Vec::new();
        // Waits for one batch, and takes the others that are there.
        let mut next = patience::next(&receive, observer);
        while let Some(batch) = next {
            match batch? {
                Some(batch) => batches.push(batch),
                None => (ended, whole) = (true, true),
            }
            next = if ended || batches.len() == BATCHES { None } else { receive.try_recv().ok() };
        }
        ended |= batches.is_empty();
        let placed: Vec<_> = batches.iter().map(|(row, batch)| (*row, first + row, batch)).collect();
        reduction.take(&placed)?;
        observer.progress(read.load(Ordering::Relaxed));
    }
    observer.end();
    if !whole {
        // The reader may wait for its source for ever.
        return Ok(Vec::new());
    }
    let absent = reading.join().map_err(|_| Error::internal(format!("the reader of {source} is gone")))?;
    Ok(absent.into_iter().map(|(name, error)| (name, error.into())).collect())
}
