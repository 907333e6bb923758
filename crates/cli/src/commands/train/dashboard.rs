//! Curves and a forecast at the foot of the terminal, redrawn while a run trains.
//!
//! What was printed before stays above them. They need no keys and leave the terminal as it was, however the process ends.

use std::io::{self, IsTerminal, Stderr};
use std::time::{Duration, Instant};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, LegendPosition};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use strix_train::run::EpochRecord;

use crate::output::percent;

/// Rows with charts, and without, where the terminal is too small for them.
const ROWS: (u16, u16) = (16, 2);

/// A terminal that charts fit into, columns and rows.
const LEAST: (u16, u16) = (64, 28);

/// Between two pictures.
const PAUSE: Duration = Duration::from_millis(100);

/// Told apart also by colour-blind readers (Okabe and Ito 2008); a terminal of few colours takes its nearest.
const TRAIN: Color = Color::Rgb(86, 180, 233);
const VALIDATION: Color = Color::Rgb(230, 159, 0);

/// How far a run has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    pub(super) epochs: usize,
    pub(super) epoch: usize,
    pub(super) step: usize,
    pub(super) steps: usize,
    pub(super) images_a_step: usize,
    /// The mean loss of the epoch so far, by the epochs gone by then.
    pub(super) running: Vec<(f64, f64)>,
    pub(super) done: Vec<EpochRecord>,
}

/// The dashboard, on a terminal that it fits.
pub(super) struct Dashboard {
    terminal: Terminal<CrosstermBackend<Stderr>>,
    drawn: Option<Instant>,
    pace: Pace,
}

/// Since when the steps of the epoch under way are timed, and from which epoch and step on.
struct Pace {
    since: Instant,
    from: (usize, usize),
}

impl Dashboard {
    /// None where standard error is no terminal, or one that tells nothing of its size or place.
    pub(super) fn open() -> Option<Self> {
        let stderr = io::stderr();
        if !stderr.is_terminal() || std::env::var("TERM").is_ok_and(|term| term == "dumb") {
            return None;
        }
        let (columns, rows) = ratatui::crossterm::terminal::size().ok()?;
        let large = columns >= LEAST.0 && rows >= LEAST.1;
        let viewport = Viewport::Inline(if large { ROWS.0 } else { ROWS.1 });
        let terminal = Terminal::with_options(CrosstermBackend::new(stderr), TerminalOptions { viewport }).ok()?;
        Some(Self { terminal, drawn: None, pace: Pace { since: Instant::now(), from: (0, 0) } })
    }

    /// Prints a line above the dashboard.
    pub(super) fn print(&mut self, text: &str) -> io::Result<()> {
        let rows = text.chars().count().div_ceil(usize::from(self.terminal.size()?.width).max(1)).max(1) as u16;
        self.terminal.insert_before(rows, |buffer| {
            use ratatui::widgets::{Paragraph, Widget, Wrap};
            Paragraph::new(text).wrap(Wrap { trim: false }).render(buffer.area, buffer);
        })
    }

    /// Draws, if the last picture is not too young.
    pub(super) fn draw(&mut self, progress: &Progress) {
        if self.pace.from.0 != progress.epoch {
            self.pace = Pace { since: Instant::now(), from: (progress.epoch, progress.step) };
        }
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < PAUSE) {
            return;
        }
        let pace = &self.pace;
        // A terminal that went away does not end the training.
        let _ = self.terminal.draw(|frame| picture(frame, progress, pace));
        self.drawn = Some(Instant::now());
    }
}

impl Drop for Dashboard {
    fn drop(&mut self) {
        let _ = self.terminal.clear();
        let area = self.terminal.get_frame().area();
        let _ = self.terminal.set_cursor_position(area.as_position());
    }
}

fn picture(frame: &mut Frame<'_>, progress: &Progress, pace: &Pace) {
    let area = frame.area();
    let [charts, gauge, status] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(1), Constraint::Length(1)]).areas(area);
    if charts.height > 3 {
        let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(charts);
        loss(frame, left, progress);
        accuracy(frame, right, progress);
    }
    let all = (progress.epochs * progress.steps).max(1);
    let done = progress.epoch.saturating_sub(1) * progress.steps + progress.step;
    let share = (done as f64 / all as f64).clamp(0.0, 1.0);
    let bar = Gauge::default().gauge_style(Style::new().fg(TRAIN)).ratio(share).use_unicode(true);
    frame.render_widget(bar, gauge);
    frame.render_widget(Line::from(words(progress, pace.since.elapsed(), pace.from.1)), status);
    // A cursor that is shown needs no one to bring it back.
    frame.set_cursor_position(Position::new(area.x, area.bottom().saturating_sub(1)));
}

/// Where the run stands and how long it takes, `elapsed` after the step `from` of its epoch.
fn words(progress: &Progress, elapsed: Duration, from: usize) -> String {
    let Progress { epoch, epochs, step, steps, images_a_step, .. } = *progress;
    let mut words = format!("epoch {epoch}/{epochs}  step {step}/{steps}");
    if let Some((_, loss)) = progress.running.last() {
        words += &format!("  loss {loss:.4}");
    }
    if let Some(last) = progress.done.last() {
        words += &format!("  validation {}", percent(last.validation.accuracy));
    }
    let passed = step.saturating_sub(from);
    if passed > 0 && elapsed.as_secs_f64() > 0.2 {
        let a_step = elapsed.as_secs_f64() / passed as f64;
        let epoch_left = a_step * (steps - step.min(steps)) as f64;
        let whole = progress.done.last().map_or(a_step * steps as f64, |last| last.seconds);
        let run_left = epoch_left + whole * (epochs - epoch.min(epochs)) as f64;
        words += &format!(
            "  {:.0} images/s  {} left, {} in all",
            images_a_step as f64 / a_step,
            clock(epoch_left),
            clock(run_left)
        );
    }
    words
}

/// Seconds as minutes, or hours, and seconds.
fn clock(seconds: f64) -> String {
    let seconds = seconds.round() as u64;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

type Points = Vec<(f64, f64)>;

/// One value an epoch.
fn by_epoch(progress: &Progress, of: impl Fn(&EpochRecord) -> f64) -> Points {
    progress.done.iter().map(|record| (record.epoch as f64, of(record))).collect()
}

fn loss(frame: &mut Frame<'_>, area: Rect, progress: &Progress) {
    let validation = by_epoch(progress, |record| record.validation.loss_mean);
    let names = LegendPosition::TopRight;
    chart(frame, area, progress, ("loss", names), [&progress.running, &validation], |value| format!("{value:.2}"));
}

fn accuracy(frame: &mut Frame<'_>, area: Rect, progress: &Progress) {
    let train = by_epoch(progress, |record| 100.0 * record.train.accuracy);
    let validation = by_epoch(progress, |record| 100.0 * record.validation.accuracy);
    let names = LegendPosition::BottomRight;
    chart(frame, area, progress, ("accuracy", names), [&train, &validation], |value| format!("{value:.1} %"));
}

/// Both lines over the epochs; their names are where the curves leave room.
fn chart(
    frame: &mut Frame<'_>,
    area: Rect,
    progress: &Progress,
    (title, names): (&str, LegendPosition),
    [train, validation]: [&Points; 2],
    label: impl Fn(f64) -> String,
) {
    let values = || train.iter().chain(validation).map(|(_, value)| *value).filter(|value| value.is_finite());
    let (mut least, mut most) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if least > most {
        (least, most) = (0.0, 1.0);
    }
    if most - least < 1e-9 {
        (least, most) = (least - 0.5, most + 0.5);
    }
    let line = |name: &'static str, points, colour| {
        let style = Style::new().fg(colour);
        Dataset::default().name(name).data(points).style(style).graph_type(GraphType::Line).marker(Marker::Braille)
    };
    let lines = vec![line("train", train, TRAIN), line("validation", validation, VALIDATION)];
    let epochs = progress.epochs.max(1) as f64;
    let x = Axis::default().bounds([0.0, epochs]).labels(["0".into(), format!("epoch {}", progress.epochs)]);
    let y = Axis::default().bounds([least, most]).labels([label(least), label((least + most) / 2.0), label(most)]);
    let chart = Chart::new(lines)
        .block(Block::bordered().title(title))
        .legend_position(Some(names))
        .hidden_legend_constraints((Constraint::Ratio(1, 2), Constraint::Ratio(1, 2)));
    frame.render_widget(chart.x_axis(x).y_axis(y), area);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use ratatui::backend::TestBackend;
    use strix_train::metrics::PassMetrics;

    use super::*;

    fn record(epoch: usize, loss: f64, accuracy: f64) -> EpochRecord {
        let pass = PassMetrics {
            samples: 1000,
            loss_mean: loss,
            loss_variance: 0.1,
            loss_max: 3.0,
            accuracy,
            macro_f1: accuracy,
            calibration_error: 0.01,
        };
        EpochRecord {
            epoch,
            train: pass,
            validation: pass,
            train_seconds: 9.0,
            seconds: 10.0,
            images_per_second: 100.0,
            learning_rate: 1e-3,
            gradient_norm_mean: 1.0,
            gradient_norm_max: 2.0,
        }
    }

    fn progress() -> Progress {
        Progress {
            epochs: 5,
            epoch: 3,
            step: 50,
            steps: 100,
            images_a_step: 128,
            running: vec![(0.5, 2.0), (1.0, 1.0), (2.5, f64::NAN), (2.5, 0.5)],
            done: vec![record(1, 1.0, 0.6), record(2, 0.6, 0.8)],
        }
    }

    fn drawn(columns: u16, rows: u16, progress: &Progress) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        let pace = Pace { since: Instant::now(), from: (3, 50) };
        terminal.draw(|frame| picture(frame, progress, &pace)).unwrap();
        terminal.backend().to_string()
    }

    #[test]
    fn a_large_terminal_has_charts_and_a_small_one_the_words() {
        let large = drawn(100, 16, &progress());
        for words in ["loss", "accuracy", "validation", "epoch 5", "80.0 %", "epoch 3/5  step 50/100", "loss 0.5000"] {
            assert!(large.contains(words), "{words}:\n{large}");
        }
        assert!(large.contains('⠁') || large.chars().any(|c| ('\u{2801}'..='\u{28ff}').contains(&c)), "{large}");
        let small = drawn(100, 2, &progress());
        assert!(small.contains("epoch 3/5") && !small.contains("accuracy"), "{small}");
        // Before the first step, and in a corner, there is nothing to fall over.
        drawn(100, 16, &Progress::default());
        drawn(3, 1, &progress());
    }

    #[test]
    fn the_forecast_is_by_the_steps_so_far_and_the_epochs_before() {
        // 25 steps in 5 seconds: 0.2 a step, 640 images/s, 10 seconds to the end of the epoch, then two of 10.
        let words = words(&progress(), Duration::from_secs(5), 25);
        assert!(words.ends_with("640 images/s  0:10 left, 0:30 in all"), "{words}");
        assert_eq!([clock(59.6), clock(3725.0)], ["1:00", "1:02:05"]);
    }
}
