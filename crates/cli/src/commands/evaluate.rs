//! `strix evaluate`: a run's model on the test images.

use std::io::Write;
use std::path::Path;

use serde_json::json;
use strix_train::evaluation::{self, Evaluation, Tested};
use strix_train::run::{Manifest, Run, write_whole};

use crate::args::Evaluate;
use crate::commands::{dataset, settings};
use crate::failure::Failure;
use crate::output::percent;

pub(crate) fn run(args: &Evaluate) -> Result<(), Failure> {
    let run = Run::open(&args.run)?;
    let manifest = run.read_manifest()?;
    let data = dataset::of_run(&manifest, &args.place)?;
    let test = &data.test;
    let evaluation = evaluation::evaluate(&run, test, settings::device(args.device), args.views)?;
    let tested = Tested::new(&manifest, &data);
    run.write_evaluation(&evaluation, test, args.views, &tested)?;
    warn_of_differences(&manifest, &tested);
    if let Some(path) = &args.predictions {
        write_predictions(path, &evaluation, test.classes.len())?;
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &as_json(&evaluation, &test.classes, &tested))?;
        return Ok(writeln!(out)?);
    }
    let metrics = &evaluation.metrics;
    writeln!(out, "{}, {} test images", tested.name, metrics.samples)?;
    writeln!(out, "accuracy {}", percent(metrics.accuracy))?;
    writeln!(
        out,
        "loss mean {:.4}, variance {:.4}, max {:.4}",
        metrics.loss_mean, metrics.loss_variance, metrics.loss_max
    )?;
    writeln!(out, "mean F1 {:.4}, calibration error {:.4}\n", metrics.macro_f1, metrics.calibration_error)?;
    let width = test.classes.iter().map(String::len).max().unwrap_or(0).max("class".len());
    writeln!(out, "{:<width$}  precision  recall      f1  support", "class")?;
    for (class, name) in test.classes.iter().enumerate() {
        let confusion = &evaluation.confusion;
        let share = |share: Option<f64>| share.map_or("-".into(), |share| format!("{share:.4}"));
        writeln!(
            out,
            "{name:<width$}  {:>9}  {:>6}  {:>6}  {:>7}",
            share(confusion.precision(class)),
            share(confusion.recall(class)),
            share(confusion.f1(class)),
            confusion.support(class)
        )?;
    }
    Ok(writeln!(out, "\nreport: {}", args.run.join("report.html").display())?)
}

/// Figures on other images than those of the training may be meant, but are never to be taken for the others.
fn warn_of_differences(manifest: &Manifest, tested: &Tested) {
    if tested.differences.is_empty() {
        return;
    }
    let (now, then, what) = (&tested.name, &manifest.dataset.name, tested.differences.join("; "));
    dataset::warn(&format!("these are not the pictures of the training: {now} has {what} (trained on {then})."));
    dataset::warn(if tested.as_trained(manifest) {
        "the test images are those of before."
    } else {
        "images that were trained on may be among those to test on."
    });
}

fn as_json(evaluation: &Evaluation, classes: &[String], tested: &Tested) -> serde_json::Value {
    let Evaluation { metrics, confusion, .. } = evaluation;
    let class = |(class, name): (usize, &String)| {
        json!({
            "name": name,
            "precision": confusion.precision(class),
            "recall": confusion.recall(class),
            "f1": confusion.f1(class),
            "support": confusion.support(class),
        })
    };
    let row = |label| (0..classes.len()).map(|predicted| confusion.count(label, predicted)).collect::<Vec<_>>();
    json!({
        "dataset": tested.name,
        "differences": tested.differences,
        "samples": metrics.samples,
        "accuracy": metrics.accuracy,
        "loss": metrics.loss_mean,
        "loss_variance": metrics.loss_variance,
        "loss_max": metrics.loss_max,
        "macro_f1": metrics.macro_f1,
        "calibration_error": metrics.calibration_error,
        "classes": classes.iter().enumerate().map(class).collect::<Vec<_>>(),
        "confusion": (0..classes.len()).map(row).collect::<Vec<_>>(),
    })
}

fn write_predictions(path: &Path, evaluation: &Evaluation, classes: usize) -> Result<(), Failure> {
    write_whole(path, |file| {
        let mut csv = csv::Writer::from_writer(file);
        let header = ["index", "label", "predicted"].map(String::from);
        csv.write_record(header.into_iter().chain((0..classes).map(|class| format!("p{class}"))))?;
        for prediction in &evaluation.predictions {
            let start = [prediction.index, prediction.label.into(), prediction.predicted.into()];
            let probabilities = prediction.probabilities.iter().map(f32::to_string);
            csv.write_record(start.iter().map(usize::to_string).chain(probabilities))?;
        }
        csv.flush()
    })?;
    Ok(())
}
