//! An answer as a picture: histograms as bars, means of groups with error bars.

use std::path::Path;

use plotters::prelude::*;

use strix_table::{Answer, Value};

use crate::failure::Failure;

/// Pixels of a panel.
const PANEL: (u32, u32) = (860, 360);

/// Panels one above the other at most; a picture of more helps nobody.
const MOST_PANELS: usize = 24;

/// Groups beside one another at most.
const MOST_GROUPS: usize = 200;

const BAR: RGBColor = RGBColor(46, 105, 158);

/// The mean of each group, and half the width of its 95 % confidence interval.
#[derive(Debug, Clone)]
pub(crate) struct GroupedMean {
    /// What is on the axis: `mean(price)`.
    pub(crate) title: String,
    /// The group, its mean and half the width of its error bar.
    pub(crate) groups: Vec<(String, f64, f64)>,
}

/// Draws every histogram of the answer, and these means, as an SVG.
///
/// # Errors
/// [`Failure::Output`] when there is nothing to draw or no axis for it, [`Failure::Usage`] when there is too much.
pub(crate) fn plot(path: &Path, answer: &Answer, means: &[GroupedMean]) -> Result<Vec<u8>, Failure> {
    let histograms = (0..answer.len()).flat_map(|group| {
        let key: Vec<String> = answer.key(group).map(|cell| cell.text()).collect();
        let values = (0..answer.statistics().len()).map(move |statistic| answer.value(group, statistic));
        answer.statistics().iter().zip(values).filter_map(move |(name, value)| match value {
            Value::Histogram(bins) => Some((titled(name, &key), bins)),
            _ => None,
        })
    });
    let histograms: Vec<_> = histograms.collect();
    let means: Vec<&GroupedMean> = means.iter().filter(|mean| !mean.groups.is_empty()).collect();
    let panels = histograms.len() + means.len();
    if panels == 0 {
        return Err(Failure::Output(format!("{}: there is nothing to draw, as no group has a mean", path.display())));
    }
    if panels > MOST_PANELS {
        let what = format!("--plot: {panels} histograms are more than the {MOST_PANELS} that a picture shows");
        return Err(Failure::Usage(what));
    }
    if let Some(mean) = means.iter().find(|mean| mean.groups.len() > MOST_GROUPS) {
        let what =
            format!("--plot: {} groups are more than the {MOST_GROUPS} that fit beside one another", mean.groups.len());
        return Err(Failure::Usage(what));
    }
    for (title, bins) in &histograms {
        check_axis(title, bins.edges[0], bins.edges[bins.edges.len() - 1])?;
    }
    for mean in &means {
        let (low, high) = axis(mean);
        check_axis(&mean.title, low, high)?;
    }
    let mut svg = String::new();
    let drawn = (|| {
        let root = SVGBackend::with_string(&mut svg, (PANEL.0, PANEL.1 * panels as u32)).into_drawing_area();
        root.fill(&WHITE)?;
        let areas = root.split_evenly((panels, 1));
        for (area, (title, bins)) in areas.iter().zip(&histograms) {
            histogram(area, title, bins)?;
        }
        for (area, mean) in areas[histograms.len()..].iter().zip(&means) {
            grouped_mean(area, mean)?;
        }
        root.present()
    })();
    drawn.map_err(|e| Failure::Internal(format!("cannot draw: {e}")))?;
    Ok(svg.into_bytes())
}

/// The ends of the axis of means: a little beyond the error bars, and of some length.
fn axis(mean: &GroupedMean) -> (f64, f64) {
    let low = mean.groups.iter().map(|(_, mean, half)| mean - half).fold(f64::INFINITY, f64::min);
    let high = mean.groups.iter().map(|(_, mean, half)| mean + half).fold(f64::NEG_INFINITY, f64::max);
    let largest = low.abs().max(high.abs());
    // Means that differ by less are one on any picture.
    let room = if high - low > largest * 1e-9 { (high - low) * 0.08 } else { largest.max(1e-9) * 0.1 };
    (low - room, high + room)
}

/// Refuses an axis along which f64 cannot step.
fn check_axis(title: &str, low: f64, high: f64) -> Result<(), Failure> {
    let length = high - low;
    if (1e-290..1e290).contains(&length) && length > low.abs().max(high.abs()) * 1e-12 {
        return Ok(());
    }
    Err(Failure::Output(format!("--plot: an axis from {low:e} to {high:e} cannot be drawn, for {title}")))
}

fn titled(name: &str, key: &[String]) -> String {
    if key.is_empty() { name.to_owned() } else { format!("{name}, {}", key.join(", ")) }
}

type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn histogram(area: &Area<'_>, title: &str, bins: &strix_reduce::aggregators::Bins) -> Drawn {
    let edges = &bins.edges;
    let highest = bins.counts.iter().copied().max().unwrap_or_default().max(1) as f64;
    let outside = bins.below + bins.above;
    let title = if outside > 0 { format!("{title} ({outside} outside)") } else { title.to_owned() };
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .caption(title, ("sans-serif", 20))
        .x_label_area_size(36)
        .y_label_area_size(76)
        .build_cartesian_2d(edges[0]..edges[edges.len() - 1], 0.0..highest * 1.05)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .y_desc("count")
        .y_label_formatter(&|count| format!("{count:.0}"))
        .label_style(("sans-serif", 13))
        .draw()?;
    chart.draw_series(bins.counts.iter().enumerate().map(|(bin, &count)| {
        let mut bar = Rectangle::new([(edges[bin], 0.0), (edges[bin + 1], count as f64)], BAR.filled());
        bar.set_margin(0, 0, 1, 0);
        bar
    }))?;
    Ok(())
}

fn grouped_mean(area: &Area<'_>, mean: &GroupedMean) -> Drawn {
    let groups = &mean.groups;
    let (low, high) = axis(mean);
    let places = (0..(groups.len() as i32 - 1).max(0)).into_segmented();
    let label = |place: &SegmentValue<i32>| match place {
        SegmentValue::CenterOf(group) => groups.get(*group as usize).map_or(String::new(), |group| group.0.clone()),
        _ => String::new(),
    };
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .caption(format!("{}, with its 95 % confidence interval", mean.title), ("sans-serif", 20))
        .x_label_area_size(36)
        .y_label_area_size(76)
        .build_cartesian_2d(places, low..high)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_labels(groups.len().clamp(1, 20))
        .x_label_formatter(&label)
        .label_style(("sans-serif", 13))
        .draw()?;
    chart.draw_series(groups.iter().enumerate().map(|(group, (_, mean, half))| {
        let place = SegmentValue::CenterOf(group as i32);
        ErrorBar::new_vertical(place, mean - half, *mean, mean + half, BAR.filled(), 10)
    }))?;
    Ok(())
}
