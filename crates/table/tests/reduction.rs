//! What others link: questions as text and typed, batches, states, progress, cancellation and bounds.
#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use strix_data::Source;
use strix_table::files::{Files, Observer};
use strix_table::{Answer, ErrorKind, Question, Reduction, State, Statistic, Value};

/// Rows of a few columns, some cells missing.
fn batch(rows: std::ops::Range<i64>) -> RecordBatch {
    let ids: ArrayRef =
        Arc::new(rows.clone().map(|row| (row % 11 != 5).then_some(row * 7919 % 100_003)).collect::<Int64Array>());
    let few: ArrayRef = Arc::new(rows.clone().map(|row| Some(format!("g{}", row % 7))).collect::<StringArray>());
    let number: ArrayRef = Arc::new(
        rows.clone().map(|row| (row % 13 != 0).then_some((row % 1000) as f64 / 8.0)).collect::<Float64Array>(),
    );
    let small: ArrayRef = Arc::new(rows.map(|row| Some((row % 50) as i32 - 20)).collect::<Int32Array>());
    RecordBatch::try_from_iter_with_nullable([
        ("id", ids, true),
        ("few", few, true),
        ("x", number, true),
        ("n", small, true),
    ])
    .unwrap()
}

fn cells(answer: &Answer) -> Vec<Vec<String>> {
    (0..answer.len()).map(|group| answer.row(group).map(|value| value.cell()).collect()).collect()
}

/// The answer over the rows cut in pieces.
fn reduced(question: &Question, rows: i64, piece: i64) -> Answer {
    let mut reduction = Reduction::new(question, &batch(0..1).schema()).unwrap();
    let batches: Vec<RecordBatch> =
        (0..rows).step_by(piece as usize).map(|at| batch(at..rows.min(at + piece))).collect();
    for batches in batches.chunks(3) {
        reduction.push_all(&batches.iter().collect::<Vec<_>>()).unwrap();
    }
    assert_eq!(reduction.rows(), rows as u64);
    reduction.answer().unwrap()
}

#[test]
fn a_typed_question_is_the_one_in_text() {
    let typed = Question::new([
        Statistic::rows(),
        Statistic::count("x"),
        Statistic::sum("n"),
        Statistic::mean("x"),
        Statistic::min("few"),
        Statistic::max("n"),
        Statistic::sample_sd("x"),
        Statistic::quantile("x", 0.25).unwrap(),
        Statistic::distinct("id"),
        Statistic::top("few", 2).unwrap(),
    ]);
    let text = "count, count(x), sum(n), mean(x), min(few), max(n), sample_sd(x), quantile(x, 0.25), distinct(id), top(few, 2)";
    let (typed, text) = (typed.unwrap().by(["n"]).unwrap(), Question::parse(text).unwrap().by_list("n").unwrap());
    assert_eq!(typed.statistics(), text.statistics());
    let answer = reduced(&typed, 5000, 999);
    assert_eq!(answer.statistics(), reduced(&text, 5000, 999).statistics());
    assert_eq!(answer.len(), 50);
    // Every tenth row of 50 groups: 100 rows each, less those of which x is missing.
    assert_eq!(answer.value(0, 0), Value::Integer(100));
    assert_eq!(answer.key(0).collect::<Vec<_>>(), [Value::Integer(-20)]);
}

#[test]
fn cut_anywhere_the_answer_is_one() {
    // Few groups, whose batches are merged; and many, whose rows are dealt out.
    for by in [&[][..], &["few"], &["id"], &["few", "n", "id"]] {
        let question =
            Question::parse("count, sum(n), min(x), max(x), distinct(n), first(n), last(n), arg_max(x), missing(x)");
        let question = question.unwrap().by(by.iter().copied()).unwrap();
        let whole = cells(&reduced(&question, 20_000, 20_000));
        for piece in [611, 5000] {
            assert_eq!(cells(&reduced(&question, 20_000, piece)), whole, "{by:?} in pieces of {piece}");
        }
    }
    // Against what a loop over the rows finds.
    let question = Question::parse("count, sum(n)").unwrap().by(["id"]).unwrap();
    let mut expected = std::collections::BTreeMap::new();
    for row in 0..20_000i64 {
        let key = (row % 11 != 5).then_some(row * 7919 % 100_003);
        let (count, sum) = expected.entry(key).or_insert((0i128, 0i128));
        (*count, *sum) = (*count + 1, *sum + i128::from(row % 50 - 20));
    }
    let answer = reduced(&question, 20_000, 3000);
    let found = (0..answer.len()).map(|group| answer.row(group).collect::<Vec<_>>());
    let expected = expected.into_iter().map(|(key, (count, sum))| vec![Value::of(key), count.into(), sum.into()]);
    assert!(found.eq(expected));
}

#[test]
fn states_of_parts_merge_to_the_whole() {
    for by in [&[][..], &["few"], &["id"]] {
        let question = Question::parse("count, mean(n), distinct(few), first(x), p50(n)").unwrap();
        let question = question.by(by.iter().copied()).unwrap();
        let part = |rows: std::ops::Range<i64>| {
            let mut reduction = Reduction::new(&question, &batch(0..1).schema()).unwrap();
            reduction.push(&batch(rows)).unwrap();
            State::from_bytes(&reduction.state().unwrap().to_bytes().unwrap()).unwrap()
        };
        let merged = part(0..700).merge(part(700..3000)).unwrap();
        assert_eq!(merged.rows(), 3000);
        assert_eq!(cells(&merged.answer().unwrap()), cells(&reduced(&question, 3000, 3000)), "{by:?}");
    }
}

#[test]
fn what_does_not_fit_is_an_error_of_its_kind() {
    let schema = batch(0..1).schema();
    let kind = |question: Result<Question, strix_table::Error>| {
        question
            .and_then(|question| Reduction::new(&question, &schema))
            .err()
            .map(|error| (error.kind(), error.to_string()))
    };
    for (stats, by, expected, words) in [
        ("mean(y)", "n", ErrorKind::Input, "there is no column \"y\""),
        ("mean(few)", "n", ErrorKind::Input, "holds text"),
        ("mean", "n", ErrorKind::Question, "names no column"),
        ("meen(x)", "n", ErrorKind::Question, "did you mean mean?"),
        ("count", "z", ErrorKind::Input, "z"),
        ("count", "count", ErrorKind::Question, "called \"count\""),
    ] {
        let (kind, message) = kind(Question::parse(stats).and_then(|question| question.by([by]))).unwrap();
        assert!(kind == expected && message.contains(words), "{stats} by {by}: {kind:?}: {message}");
    }
    // A batch of other types than those it began with.
    let question = Question::parse("sum(x)").unwrap();
    let mut reduction = Reduction::new(&question, &schema).unwrap();
    let other: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let error = reduction.push(&RecordBatch::try_from_iter([("x", other)]).unwrap()).unwrap_err();
    assert!(error.kind() == ErrorKind::Input && error.to_string().contains("Int64"), "{error}");
    // States of other questions.
    let state = |stats: &str| Reduction::new(&Question::parse(stats).unwrap(), &schema).unwrap().state().unwrap();
    assert_eq!(state("sum(x)").merge(state("mean(x)")).unwrap_err().kind(), ErrorKind::Input);
}

#[test]
fn groups_beyond_the_memory_are_refused() {
    let question = Question::parse("count").unwrap().by(["id"]).unwrap();
    let mut reduction = Reduction::new(&question.clone().memory(Some(1 << 20)), &batch(0..1).schema()).unwrap();
    let error = reduction.push(&batch(0..1000)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Memory);
    assert!(error.to_string().starts_with("910 groups take"), "{error}");
    // States that are large before they hold anything are refused before they are made.
    let bins = Question::parse("histogram(x, 0, 1, 1048576)").unwrap().by(["id"]).unwrap().memory(Some(2 << 30));
    let mut reduction = Reduction::new(&bins, &batch(0..1).schema()).unwrap();
    let error = reduction.push(&batch(0..1000)).unwrap_err();
    assert!(error.to_string().contains("need 7.63 GB more"), "{error}");
}

/// Counts what it hears, and stops after so many bytes or rows.
struct Counter {
    begun: AtomicU64,
    ended: AtomicU64,
    done: AtomicU64,
    stop: AtomicBool,
}

impl Observer for Counter {
    fn begin(&self, _source: &Source, _total: Option<u64>) {
        self.begun.fetch_add(1, Ordering::Relaxed);
    }
    fn progress(&self, done: u64) {
        self.done.fetch_max(done, Ordering::Relaxed);
    }
    fn end(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
    fn cancelled(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

#[test]
fn callers_hear_of_progress_and_stop_it() {
    let text: String =
        std::iter::once("k,x\n".to_owned()).chain((0..5000).map(|row| format!("{},{row}\n", row % 3))).collect();
    let source = |name: &str| Source::Memory { name: name.into(), bytes: text.as_bytes().into() };
    let question = Question::parse("sum(x)").unwrap().by(["k"]).unwrap();
    let counter = |stop| Counter { begun: 0.into(), ended: 0.into(), done: 0.into(), stop: AtomicBool::new(stop) };
    let heard = counter(false);
    let outcome =
        Files::new([source("a.csv"), source("b.csv")]).open(&heard).unwrap().reduce(&question, &heard).unwrap();
    assert_eq!((outcome.rows(), outcome.cancelled()), (10_000, None));
    assert_eq!((heard.begun.into_inner(), heard.ended.into_inner()), (2, 2));
    assert_eq!(heard.done.into_inner(), text.len() as u64);
    let opened = Files::new([source("a.csv"), source("b.csv")]).open(&()).unwrap();
    match opened.reduce(&question, &counter(true)) {
        Ok(outcome) => assert!(outcome.rows() < 10_000 && outcome.cancelled().is_some()),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled),
    }
}
