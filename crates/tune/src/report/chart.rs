//! The pictures of a study as SVG.

use std::fmt::Write;

use super::escaped;
use crate::importance::place;
use crate::space::{Domain, Parameter, Space, Value};
use crate::trial::{Direction, State, Trial};

/// A part of a picture's plane, in its own units.
struct Frame {
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

const WIDE: Frame = Frame { width: 980.0, height: 300.0, left: 60.0, right: 20.0, top: 12.0, bottom: 34.0 };
const SMALL: Frame = Frame { width: 320.0, height: 220.0, left: 52.0, right: 12.0, top: 10.0, bottom: 40.0 };

impl Frame {
    fn x(&self, share: f64) -> f64 {
        self.left + (self.width - self.left - self.right) * share
    }

    fn y(&self, share: f64) -> f64 {
        self.height - self.bottom - (self.height - self.top - self.bottom) * share
    }

    fn open(&self, label: &str) -> String {
        format!("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", self.width, self.height, escaped(label))
    }
}

/// A number in five digits.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (0.001..1e6).contains(&size) {
        let digits = (4 - size.max(1e-3).log10().floor() as i32).clamp(0, 6) as usize;
        let text = format!("{value:.digits$}");
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        }
    } else {
        let text = format!("{value:.3e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// From the least to the greatest value, with some room. A search's worst values say little: what lies beyond three times the
/// spread of the middle half is drawn at the edge.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    let (lower, upper) = (at(0.25), at(0.75));
    let reach = 3.0 * (upper - lower);
    let (mut least, mut most) = (at(0.0), at(1.0));
    if reach > 0.0 {
        (least, most) = (least.max(lower - reach), most.min(upper + reach));
    }
    let room = if most > least { 0.05 * (most - least) } else { 0.5 * least.abs().max(1e-3) };
    (least - room, most + room)
}

/// Marks 1, 2 or 5 times a power of ten apart.
fn marks(least: f64, most: f64) -> Vec<f64> {
    let raw = (most - least).max(f64::MIN_POSITIVE) / 5.0;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|by| by * power).into_iter().find(|step| *step >= raw).unwrap_or(raw);
    let first = (least / step).ceil() as i64;
    (first..).map(|at| at as f64 * step).take_while(|mark| *mark <= most).take(20).collect()
}

fn values_axis(svg: &mut String, frame: &Frame, least: f64, most: f64) {
    for mark in marks(least, most) {
        let y = frame.y((mark - least) / (most - least));
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\">{}</text>",
            frame.left,
            frame.width - frame.right,
            frame.left - 6.0,
            y + 4.0,
            number(mark)
        );
    }
}

/// Whole numbers along a wide picture, and what they count.
fn counts_axis(svg: &mut String, of: &str, first: f64, last: f64) {
    for mark in marks(first, last).into_iter().filter(|mark| mark.fract() == 0.0) {
        let at = WIDE.x((mark - first) / (last - first));
        let _ = write!(svg, "<text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{mark}</text>", WIDE.height - 16.0);
    }
    let (right, bottom) = (WIDE.width - WIDE.right, WIDE.height - 2.0);
    let _ = write!(svg, "<text x=\"{right}\" y=\"{bottom}\" text-anchor=\"end\">{of}</text>");
}

/// A mark at a place for a trial: a dot for a complete one, a ring for a pruned one.
fn mark(svg: &mut String, trial: &Trial, value: f64, [x, y]: [f64; 2], opacity: f64) {
    let style = match trial.state {
        State::Pruned => "fill=\"none\" stroke=\"#999\"",
        _ => "fill=\"#0072b2\"",
    };
    let _ = write!(
        svg,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\" {style} opacity=\"{opacity:.2}\"><title>trial {}: {}</title></circle>",
        trial.number,
        number(value)
    );
}

/// The colour, width and opacity of each trial's line, from the worst to the best, pruned ones before all.
fn lines<'a>(
    ended: &'a [(&'a Trial, f64)],
    direction: Direction,
) -> impl Iterator<Item = (&'a Trial, f64, String)> + 'a {
    let pruned = |trial: &Trial| trial.state == State::Pruned;
    let mut ordered = ended.to_vec();
    ordered.sort_by(|(a, x), (b, y)| pruned(b).cmp(&pruned(a)).then(direction.cost(*y).total_cmp(&direction.cost(*x))));
    let behind = ordered.iter().filter(|(trial, _)| pruned(trial)).count();
    let complete = (ordered.len() - behind).max(1) as f64;
    ordered.into_iter().enumerate().map(move |(at, (trial, value))| {
        let style = |colour: &str, width: f64, opacity: f64| {
            format!("fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width:.1}\" opacity=\"{opacity:.2}\"")
        };
        if at < behind {
            return (trial, value, style("#999", 0.8, 0.3));
        }
        let rank = (at + 1 - behind) as f64 / complete;
        (trial, value, style(&colour(rank), 0.8 + 1.2 * rank, 0.25 + 0.7 * rank))
    })
}

/// Reports by step, a line for each trial; none where nothing was reported twice.
pub(super) fn curves(ended: &[(&Trial, f64)], direction: Direction) -> Option<String> {
    let finite = |trial: &Trial| -> Vec<(u64, f64)> {
        trial.reports.iter().map(|(step, value)| (*step, *value)).filter(|(_, value)| value.is_finite()).collect()
    };
    let steps = || ended.iter().flat_map(|(trial, _)| finite(trial));
    let (first, last) = (steps().map(|(step, _)| step).min()?, steps().map(|(step, _)| step).max()?);
    if first == last {
        return None;
    }
    let (least, most) = range(steps().map(|(_, value)| value));
    let x = |step: u64| WIDE.x((step - first) as f64 / (last - first) as f64);
    let y = |value: f64| WIDE.y(((value - least) / (most - least)).clamp(0.0, 1.0));
    let mut svg = WIDE.open("reports by step");
    values_axis(&mut svg, &WIDE, least, most);
    counts_axis(&mut svg, "step", first as f64, last as f64);
    for (trial, value, style) in lines(ended, direction) {
        let points: Vec<String> =
            finite(trial).into_iter().map(|(step, value)| format!("{:.1},{:.1}", x(step), y(value))).collect();
        let _ = write!(
            svg,
            "<polyline points=\"{}\" {style}><title>trial {}: {}</title></polyline>",
            points.join(" "),
            trial.number,
            number(value)
        );
    }
    svg.push_str("</svg>");
    Some(svg)
}

/// Values by the number of the trial, and the best so far as a line.
pub(super) fn history(ended: &[(&Trial, f64)], direction: Direction) -> String {
    let complete = || ended.iter().filter(|(trial, _)| trial.state == State::Complete);
    let (least, most) = range(ended.iter().map(|(_, value)| *value));
    let last = ended.iter().map(|(trial, _)| trial.number).max().unwrap_or(0).max(1) as f64;
    let x = |trial: &Trial| WIDE.x(trial.number as f64 / last);
    let y = |value: f64| WIDE.y(((value - least) / (most - least)).clamp(0.0, 1.0));
    let mut svg = WIDE.open("values by trial");
    values_axis(&mut svg, &WIDE, least, most);
    counts_axis(&mut svg, "trial", 0.0, last);
    let mut best = f64::INFINITY;
    let mut path = String::new();
    for (trial, value) in complete() {
        if direction.cost(*value) < best {
            if path.is_empty() {
                let _ = write!(path, "M{:.1} {:.1}", x(trial), y(*value));
            }
            best = direction.cost(*value);
            let _ = write!(path, "H{:.1}V{:.1}", x(trial), y(*value));
        }
    }
    if !path.is_empty() {
        let _ = write!(
            svg,
            "<path d=\"{path}H{:.1}\" fill=\"none\" stroke=\"#d55e00\" stroke-width=\"2\"/>",
            WIDE.width - WIDE.right
        );
    }
    for (trial, value) in ended {
        mark(&mut svg, trial, *value, [x(trial), y(*value)], 1.0);
    }
    svg.push_str("</svg>");
    svg
}

/// The ends of a domain, and each value of one with few.
fn ticks(domain: &Domain) -> Vec<(f64, String)> {
    let text = |value: Value| match value {
        Value::Float(value) => number(value),
        other => other.to_string(),
    };
    let named = |code: f64| domain.value(code).map_or_else(|_| number(code), text);
    let codes: Vec<f64> = match (domain.size(), domain) {
        (Some(size), _) if size <= 8 => (0..size).map(|at| domain.code_at(at)).collect(),
        (Some(size), Domain::Float { step: Some(_), .. } | Domain::Int { .. } | Domain::Choice(_)) => {
            [0, size / 2, size - 1].map(|at| domain.code_at(at)).to_vec()
        }
        (_, Domain::Float { low, high, log: true, .. }) => {
            let (first, last) = (low.log10().ceil() as i32, high.log10().floor() as i32);
            let tens: Vec<f64> = (first..=last).map(|power| 10f64.powi(power)).collect();
            if tens.len() >= 2 { tens } else { vec![*low, *high] }
        }
        (_, Domain::Float { low, high, .. }) => marks(*low, *high),
        _ => Vec::new(),
    };
    codes.into_iter().map(|code| (place(domain, code), named(code))).collect()
}

/// The colour of a rank from the worst, 0, to the best, 1 (viridis).
fn colour(rank: f64) -> String {
    const STOPS: [[f64; 3]; 5] =
        [[68.0, 1.0, 84.0], [59.0, 82.0, 139.0], [33.0, 145.0, 140.0], [94.0, 201.0, 98.0], [253.0, 231.0, 37.0]];
    let at = rank.clamp(0.0, 1.0) * 4.0;
    let (from, to) = (STOPS[at.floor() as usize], STOPS[at.ceil() as usize]);
    let [r, g, b] = [0, 1, 2].map(|part| (from[part] + (to[part] - from[part]) * at.fract()).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// An axis for the value and each parameter, and a line through them for each trial.
pub(super) fn parallel(space: &Space, ended: &[(&Trial, f64)], direction: Direction) -> String {
    let frame = Frame { left: 44.0, right: 70.0, top: 30.0, bottom: 12.0, ..WIDE };
    let (least, most) = range(ended.iter().map(|(_, value)| *value));
    let axes = space.parameters().len();
    let x = |axis: usize| frame.x(axis as f64 / axes.max(1) as f64);
    let mut svg = frame.open("a line for each trial");
    for (trial, value, style) in lines(ended, direction) {
        let mut path = format!("M{:.1} {:.1}", x(0), frame.y(((value - least) / (most - least)).clamp(0.0, 1.0)));
        for (axis, parameter) in space.parameters().iter().enumerate() {
            if let Some(code) = trial.codes.get(&parameter.name) {
                let _ = write!(path, "L{:.1} {:.1}", x(axis + 1), frame.y(place(&parameter.domain, *code)));
            }
        }
        let _ =
            write!(svg, "<path d=\"{path}\" {style}><title>trial {}: {}</title></path>", trial.number, number(value));
    }
    let mut axis = |at: usize, name: &str, ticks: &[(f64, String)]| {
        let (x, top) = (x(at), if at.is_multiple_of(2) { 12.0 } else { 24.0 });
        let _ = write!(
            svg,
            "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\"/><text x=\"{x:.1}\" y=\"{top}\" \
             text-anchor=\"middle\">{}</text>",
            frame.top,
            frame.height - frame.bottom,
            escaped(name)
        );
        for (place, text) in ticks {
            let _ =
                write!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", x + 4.0, frame.y(*place) + 4.0, escaped(text));
        }
    };
    let values = marks(least, most);
    let values: Vec<_> = values.iter().map(|mark| ((mark - least) / (most - least), number(*mark))).collect();
    axis(0, "value", &values);
    for (at, parameter) in space.parameters().iter().enumerate() {
        axis(at + 1, &parameter.name, &ticks(&parameter.domain));
    }
    svg.push_str("</svg>");
    svg
}

/// Shares as bars, each with its name.
pub(super) fn bars(shares: &[(String, f64)]) -> String {
    const ROW: f64 = 22.0;
    let height = ROW * shares.len() as f64 + 6.0;
    let mut svg = format!("<svg viewBox=\"0 0 980 {height}\" role=\"img\" aria-label=\"importances\">");
    for (at, (name, share)) in shares.iter().enumerate() {
        let y = ROW * at as f64 + 4.0;
        let width = 660.0 * share;
        let _ = write!(
            svg,
            "<text x=\"190\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect x=\"200\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"15\" fill=\"#0072b2\"/><text x=\"{:.1}\" y=\"{:.1}\">{share:.3}</text>",
            y + 12.0,
            escaped(name),
            206.0 + width,
            y + 12.0
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The values of trials by one parameter.
pub(super) fn slice(parameter: &Parameter, ended: &[(&Trial, f64)], trials: usize) -> String {
    let (least, most) = range(ended.iter().map(|(_, value)| *value));
    let mut svg = SMALL.open(&parameter.name);
    values_axis(&mut svg, &SMALL, least, most);
    let ticks = ticks(&parameter.domain);
    let crowded = ticks.len() > 4;
    for (at, (place, text)) in ticks.iter().enumerate() {
        let y = SMALL.height - if crowded && at % 2 == 1 { 14.0 } else { 26.0 };
        let _ =
            write!(svg, "<text x=\"{:.1}\" y=\"{y}\" text-anchor=\"middle\">{}</text>", SMALL.x(*place), escaped(text));
    }
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
        SMALL.width - SMALL.right,
        SMALL.height - 4.0,
        escaped(&parameter.name)
    );
    for (trial, value) in ended {
        let Some(code) = trial.codes.get(&parameter.name) else { continue };
        let x = SMALL.x(place(&parameter.domain, *code));
        let y = SMALL.y(((value - least) / (most - least)).clamp(0.0, 1.0));
        mark(&mut svg, trial, *value, [x, y], 0.3 + 0.7 * (trial.number + 1) as f64 / trials.max(1) as f64);
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_true() {
        for (value, text) in [
            (0.0, "0"),
            (0.9012345, "0.90123"),
            (32.0, "32"),
            (1e-4, "1e-4"),
            (1.5e-7, "1.5e-7"),
            (-2.5, "-2.5"),
            (1234.56, "1234.6"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn one_value_and_outliers_have_a_range() {
        let (least, most) = range([0.9].into_iter());
        assert!(least < 0.9 && most > 0.9);
        let (least, most) = range((0..100).map(|at| if at == 99 { 1e9 } else { f64::from(at) }));
        assert!(least < 0.0 && most > 99.0 && most < 400.0);
        assert_eq!((colour(0.0), colour(1.0)), ("#440154".into(), "#fde725".into()));
    }
}
