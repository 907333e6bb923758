//! Line charts and bars as SVG.

use std::fmt::Write;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 52.0;
const BOTTOM: f64 = 34.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 12.0;

/// Colours that are told apart also by colour-blind readers (Okabe and Ito 2008).
const COLOURS: [&str; 3] = ["#0072b2", "#d55e00", "#009e73"];

/// A line through values at 1, 2, 3, ...
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    pub(super) values: Vec<f64>,
}

/// Numbers between `least` and `most` that a scale is marked with: 1, 2 or 5 times a power of ten apart.
fn marks(least: f64, most: f64) -> Vec<f64> {
    let raw = (most - least).max(f64::MIN_POSITIVE) / 4.0;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|by| by * power).into_iter().find(|step| *step >= raw).unwrap_or(raw);
    let first = (least / step).ceil() as i64;
    (first..).map(|at| at as f64 * step).take_while(|mark| *mark <= most + step * 1e-9).collect()
}

/// A number as short as its scale allows.
fn short(value: f64, step: f64) -> String {
    let digits = if step >= 1.0 { 0 } else { (-step.log10()).ceil() as usize };
    format!("{value:.digits$}")
}

/// Lines over epochs.
pub(super) fn lines(title: &str, lines: &[Line<'_>]) -> String {
    let all = || lines.iter().flat_map(|line| &line.values).copied().filter(|value| value.is_finite());
    let (mut least, mut most) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    if least > most {
        return String::new();
    }
    if most - least < 1e-12 {
        (least, most) = (least - 0.5, most + 0.5);
    }
    let (least, most) = (least - 0.04 * (most - least), most + 0.04 * (most - least));
    let count = lines.iter().map(|line| line.values.len()).max().unwrap_or(1);
    let x = |at: usize| LEFT + (WIDTH - LEFT - RIGHT) * at as f64 / (count.max(2) - 1) as f64;
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (most - value) / (most - least);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{title}\">");
    let ticks = marks(least, most);
    let step = if ticks.len() > 1 { ticks[1] - ticks[0] } else { 1.0 };
    for mark in ticks {
        let (at, right, label) = (y(mark), WIDTH - RIGHT, short(mark, step));
        let _ = write!(svg, "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>");
        let _ = write!(svg, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 6.0, at + 4.0);
    }
    let every = count.div_ceil(10).max(1);
    for at in (0..count).step_by(every) {
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            x(at),
            HEIGHT - BOTTOM + 16.0,
            at + 1
        );
    }
    let _ = write!(svg, "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">epoch</text>", WIDTH - RIGHT, HEIGHT - 4.0);
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let points = line.values.iter().enumerate().filter(|(_, value)| value.is_finite());
        let points: Vec<String> = points.map(|(at, value)| format!("{:.1},{:.1}", x(at), y(*value))).collect();
        let path = points.join(" ");
        let _ = write!(svg, "<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>");
        for point in &points {
            let (at, value) = point.split_once(',').unwrap_or_default();
            let _ = write!(svg, "<circle cx=\"{at}\" cy=\"{value}\" r=\"2.5\" fill=\"{colour}\"/>");
        }
    }
    let _ = write!(svg, "</svg><p class=\"key\">");
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let _ = write!(svg, "<span style=\"color:{colour}\">&#9632;</span> {} ", line.name);
    }
    svg.push_str("</p>");
    svg
}

/// A bar from 0 to 1.
pub(super) fn bar(share: f64, colour: usize) -> String {
    let colour = COLOURS[colour % COLOURS.len()];
    let width = 100.0 * share.clamp(0.0, 1.0);
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 100 10\" preserveAspectRatio=\"none\">\
         <rect width=\"{width:.1}\" height=\"10\" fill=\"{colour}\"/></svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_marked_with_round_numbers() {
        assert_eq!(marks(0.0, 1.0), [0.0, 0.5, 1.0]);
        assert_eq!(marks(12.0, 30.0), [15.0, 20.0, 25.0, 30.0]);
        assert_eq!(short(0.25, 0.05), "0.25");
        assert_eq!(short(20.0, 10.0), "20");
    }

    #[test]
    fn a_line_of_one_value_or_of_nan_is_drawn_or_left_out() {
        assert!(lines("t", &[Line { name: "a", values: vec![3.0] }]).contains("circle"));
        assert_eq!(lines("t", &[Line { name: "a", values: vec![f64::NAN] }]), "");
    }
}
