//! `strix find-rate`: which learning rates train.

use std::io::{IsTerminal, Write};
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use plotters::prelude::*;
use serde_json::json;
use strix_train::model::Weights;
use strix_train::run::write_whole;
use strix_train::training::{Job, RangeTest, RateCurve, find_rate};

use crate::args::FindRate;
use crate::commands::{dataset, settings};
use crate::failure::Failure;
use crate::interrupt;

/// Rows of the table.
const ROWS: usize = 15;

pub(crate) fn run(args: &FindRate) -> Result<(), Failure> {
    let weights = args.settings.network.weights.as_deref().map(Weights::open).transpose()?;
    let config = settings::config(&args.settings, weights.as_ref())?;
    config.device.open()?;
    let loaded = dataset::load_loudly(&args.settings)?;
    let substituted = loaded.substituted.clone();
    let job = Job { config: &config, data: &loaded.data, substituted, weights: weights.as_ref(), features: None };
    let test = RangeTest { least: args.least, most: args.most, steps: args.steps };
    interrupt::listen()?;
    let bar = std::io::stderr().is_terminal().then(|| {
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg} {eta} left");
        ProgressBar::new(test.steps as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    });
    let curve = find_rate(&job, &test, &mut |point| {
        if let Some(bar) = &bar {
            bar.set_message(format!("rate {:.1e} loss {:.4}", point.rate, point.smoothed));
            bar.inc(1);
        }
        !interrupt::requested()
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    tell(&curve, args.json)?;
    if interrupt::requested() {
        return Err(Failure::Interrupted("interrupted; the rates above are those tried until then".into()));
    }
    match &args.plot {
        Some(path) => draw(path, &curve, &config.network.name()),
        None => Ok(()),
    }
}

fn tell(curve: &RateCurve, as_json: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let (steepest, lowest, suggestion) = (curve.steepest(), curve.lowest(), curve.suggestion());
    if as_json {
        let found = json!({
            "points": curve.points,
            "diverged": curve.diverged,
            "steepest": steepest.map(|point| point.rate),
            "lowest": lowest.map(|point| point.rate),
            "suggestion": suggestion,
        });
        serde_json::to_writer(&mut out, &found)?;
        return Ok(writeln!(out)?);
    }
    writeln!(out, "{:>9}  {:>8}", "rate", "loss")?;
    for point in curve.points.iter().step_by(curve.points.len().div_ceil(ROWS).max(1)) {
        writeln!(out, "{:>9.1e}  {:>8.4}", point.rate, point.smoothed)?;
    }
    if let (true, Some(last)) = (curve.diverged, curve.points.last()) {
        writeln!(out, "above {:.1e} the loss left all bounds", last.rate)?;
    }
    match (steepest, lowest, suggestion) {
        (Some(steepest), Some(lowest), Some(suggestion)) => {
            writeln!(out, "\nthe loss fell fastest at {:.1e}, and was least at {:.1e}", steepest.rate, lowest.rate)?;
            writeln!(out, "try --learning-rate {suggestion:.1e}, a tenth of that")?;
        }
        _ => writeln!(out, "\nno rate lowered the loss; try others with --least and --most")?,
    }
    Ok(())
}

/// The curve over the logarithm of the rate.
fn draw(path: &Path, curve: &RateCurve, network: &str) -> Result<(), Failure> {
    let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) else {
        return Err(Failure::Output(format!(
            "{}: there is nothing to draw, as no step had a finite loss",
            path.display()
        )));
    };
    let most = curve.points.iter().map(|point| point.loss).fold(0.0, f64::max);
    let mut svg = String::new();
    let drawn = (|| {
        let root = SVGBackend::with_string(&mut svg, (860, 420)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .margin(16)
            .caption(format!("{network}: loss by learning rate"), ("sans-serif", 20))
            .x_label_area_size(44)
            .y_label_area_size(60)
            .build_cartesian_2d((first.rate..last.rate.max(first.rate * 2.0)).log_scale(), 0.0..most * 1.05)?;
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .x_desc("learning rate")
            .y_desc("cross-entropy")
            .x_label_formatter(&|rate| format!("{rate:.0e}"))
            .label_style(("sans-serif", 13))
            .draw()?;
        let line = |of: fn(&strix_train::training::RatePoint) -> f64| {
            curve.points.iter().map(move |point| (point.rate, of(point))).collect::<Vec<_>>()
        };
        chart.draw_series(LineSeries::new(line(|point| point.loss), RGBColor(190, 205, 220)))?;
        chart.draw_series(LineSeries::new(line(|point| point.smoothed), RGBColor(46, 105, 158).stroke_width(2)))?;
        if let (Some(lowest), Some(suggestion)) = (curve.lowest(), curve.suggestion()) {
            let mark = |rate: f64| vec![(rate, 0.0), (rate, most * 1.05)];
            chart.draw_series(LineSeries::new(mark(lowest.rate), RGBColor(150, 150, 150)))?;
            chart.draw_series(LineSeries::new(mark(suggestion), RGBColor(213, 94, 0)))?;
            let style = ("sans-serif", 13).into_font().color(&RGBColor(213, 94, 0));
            let label = Text::new(format!("suggested {suggestion:.1e}"), (suggestion * 1.1, most * 1.02), style);
            chart.draw_series([label])?;
        }
        root.present()
    })();
    drawn.map_err(|e: DrawingAreaErrorKind<std::io::Error>| Failure::Internal(format!("cannot draw: {e}")))?;
    Ok(write_whole(path, |file| file.write_all(svg.as_bytes()))?)
}
