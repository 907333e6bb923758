//! A study as one page: how the search went, which parameters matter, and where the good values lie.

mod chart;

use std::fmt::Write;

use crate::Error;
use crate::importance::importances;
use crate::space::Space;
use crate::storage::Stored;
use crate::trial::{Direction, State, Trial};

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:66rem;padding:0 1rem;color:#1b1b1b;\
background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}.slices{display:grid;\
grid-template-columns:repeat(auto-fill,minmax(19rem,1fr));gap:1rem}svg{width:100%}svg text{font:11px system-ui,sans-serif;\
fill:#555}.grid{stroke:#e4e4e4}.axis{stroke:#999}.table{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}\
td,th{padding:.2rem .5rem;text-align:right;white-space:nowrap}.best td{font-weight:600}.scale{display:inline-block;width:9rem;\
height:.7rem;vertical-align:middle}@media(prefers-color-scheme:dark){body{background:#161616;color:#e8e8e8}svg text{fill:#aaa}\
.grid{stroke:#333}}";

/// Rows of the table of trials at most; the study itself has all of them.
const ROWS: usize = 200;

/// One HTML file, without a script and without anything from elsewhere: the history, the reports, a line for each trial through all
/// parameters, the parameters' importances, each parameter against the value, and the best trials.
///
/// # Errors
/// [`Error::Value`] when a trial's parameters are none of the space.
pub fn html(title: &str, space: &Space, stored: &[Stored], direction: Direction) -> Result<String, Error> {
    let trials: Vec<Trial> = stored.iter().map(|stored| stored.trial.clone()).collect();
    let count = |state: State| trials.iter().filter(|trial| trial.state == state).count();
    let mut complete: Vec<(&Trial, f64)> = trials
        .iter()
        .filter(|trial| trial.state == State::Complete)
        .filter_map(|trial| Some((trial, trial.value.filter(|value| value.is_finite())?)))
        .collect();
    // Complete ones, and pruned ones by what they reported last.
    let ended = trials.iter().filter(|trial| matches!(trial.state, State::Complete | State::Pruned));
    let ended: Vec<(&Trial, f64)> =
        ended.filter_map(|trial| Some((trial, trial.value.filter(|value| value.is_finite())?))).collect();
    let title = escaped(title);
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{title}</title><style>{STYLE}</style><h1>{title}</h1><p>{} trials: {} complete, {} pruned, {} failed, {} under \
         way or waiting.</p>",
        trials.len(),
        count(State::Complete),
        count(State::Pruned),
        count(State::Failed),
        count(State::Running) + count(State::Waiting)
    );
    if ended.is_empty() {
        page.push_str("<p>No trial has come to a value yet.</p></html>");
        return Ok(page);
    }
    page.push_str(
        "<h2>History</h2><p>The value of each complete trial (dots), the last report of each pruned one (rings), and the best \
         so far (line).</p>",
    );
    page.push_str(&chart::history(&ended, direction));
    if let Some(curves) = chart::curves(&ended, direction) {
        page.push_str("<h2>Curves</h2><p>What each trial reported on its way; pruned ones are grey.</p>");
        page.push_str(&curves);
    }
    page.push_str(
        "<h2>Parallel coordinates</h2><p>Each line is a complete trial, the best ones in front and brightest: \
         <span class=\"scale\" style=\"background:linear-gradient(90deg,#440154,#3b528b,#21918c,#5ec962,#fde725)\"></span> \
         from the worst to the best; pruned ones are grey. A line leaves out what its trial does not have.</p>",
    );
    page.push_str(&chart::parallel(space, &ended, direction));
    page.push_str("<h2>Importances</h2>");
    match importances(space, &trials, direction) {
        Some(mut shares) => {
            page.push_str(
                "<p>How far the values of the best tenth of the trials lie from those of all trials, one parameter at a time, as \
                 shares (PED-ANOVA, arXiv 2304.10255).</p>",
            );
            shares.sort_by(|(_, a), (_, b)| b.total_cmp(a));
            page.push_str(&chart::bars(&shares));
        }
        None => page.push_str("<p>Too few trials have ended to tell.</p>"),
    }
    page.push_str(
        "<h2>Slices</h2><p>The value against each parameter; later trials are darker, rings are pruned ones.</p><div class=\"slices\">",
    );
    for parameter in space.parameters() {
        page.push_str(&chart::slice(parameter, &ended, trials.len()));
    }
    page.push_str("</div><h2>Trials</h2><div class=\"table\"><table><tr><th>trial</th><th>value</th><th>seconds</th>");
    for parameter in space.parameters() {
        let _ = write!(page, "<th>{}</th>", escaped(&parameter.name));
    }
    page.push_str("</tr>");
    complete.sort_by(|(_, a), (_, b)| direction.cost(*a).total_cmp(&direction.cost(*b)));
    for (at, (trial, value)) in complete.iter().take(ROWS).enumerate() {
        let seconds =
            stored.iter().find(|stored| stored.trial.number == trial.number).and_then(|stored| stored.seconds);
        let class = if at == 0 { " class=\"best\"" } else { "" };
        let seconds = seconds.map_or_else(String::new, |seconds| format!("{seconds:.1}"));
        let _ =
            write!(page, "<tr{class}><td>{}</td><td>{}</td><td>{seconds}</td>", trial.number, chart::number(*value));
        for parameter in space.parameters() {
            let cell = match trial.codes.get(&parameter.name) {
                Some(code) => match parameter.domain.value(*code)? {
                    crate::Value::Float(value) => chart::number(value),
                    other => escaped(&other.to_string()),
                },
                None => String::new(),
            };
            let _ = write!(page, "<td>{cell}</td>");
        }
        page.push_str("</tr>");
    }
    page.push_str("</table></div></html>");
    Ok(page)
}

/// Text as HTML shows it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::space::Codes;

    fn stored(number: u64, state: State, reports: &[f64]) -> Stored {
        let value = reports.last().copied().filter(|_| matches!(state, State::Complete | State::Pruned));
        let reports = (1..).zip(reports.iter().copied()).collect();
        let codes = Codes::from([("x".into(), number as f64 / 10.0)]);
        let trial = Trial { number, state, codes, value, reports };
        Stored {
            trial,
            values: BTreeMap::new(),
            started: None,
            ended: None,
            seconds: None,
            attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn a_page_shows_pruned_trials_too() {
        let space = Space::from_toml("x = { float = [0.0, 1.0] }").unwrap();
        let page = |trials: &[Stored]| html("a < b", &space, trials, Direction::Maximize).unwrap();
        let trials = [
            stored(0, State::Complete, &[0.5, 0.7]),
            stored(1, State::Pruned, &[0.4]),
            stored(2, State::Failed, &[f64::NAN]),
            stored(3, State::Complete, &[0.6, f64::NAN, 0.8]),
            stored(4, State::Pruned, &[0.5, 0.6]),
            stored(5, State::Running, &[0.9]),
        ];
        let whole = page(&trials);
        for (words, times) in
            [("a &lt; b", 2), ("<polyline", 4), ("#0072b2", 5), ("stroke=\"#999\" opacity=\"1.00\"", 2)]
        {
            assert_eq!(whole.matches(words).count(), times, "{words}");
        }
        // The best so far is never a pruned one, and of pruned ones alone there is none.
        let pruned = page(&trials[1..2]);
        assert!(pruned.contains("<h2>History") && !pruned.contains("#d55e00") && !pruned.contains("<h2>Curves"));
        assert!(page(&trials[2..3]).contains("No trial has come to a value yet"));
    }
}
