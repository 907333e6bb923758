//! Figures of several runs: mean, spread and confidence over seeds, and whether one setting beats another.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};
use strix_reduce::{Engine, Reducer, Variance};

use crate::Error;
use crate::evaluation::Record;
use crate::run::Manifest;

/// A figure of a run.
struct Metric {
    name: &'static str,
    more_is_better: bool,
    of: fn(&Evaluated) -> f64,
}

/// The metrics that runs are compared by.
const METRICS: [Metric; 6] = [
    Metric { name: "accuracy", more_is_better: true, of: |run| run.2.metrics.accuracy },
    Metric { name: "macro_f1", more_is_better: true, of: |run| run.2.metrics.macro_f1 },
    Metric { name: "images_per_second", more_is_better: true, of: |run| run.2.images_per_second },
    Metric { name: "loss_mean", more_is_better: false, of: |run| run.2.metrics.loss_mean },
    Metric { name: "calibration_error", more_is_better: false, of: |run| run.2.metrics.calibration_error },
    Metric { name: "seconds", more_is_better: false, of: |run| run.1.seconds },
];

/// The confidence of the intervals, and 1 less the chance of a false verdict.
const CONFIDENCE: f64 = 0.95;

/// One metric over several runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The metric.
    pub metric: &'static str,
    /// How many runs.
    pub runs: u64,
    /// Their mean.
    pub mean: f64,
    /// Their sample standard deviation; none of one run.
    pub sd: Option<f64>,
    /// The mean lies this far from the true one at most, with 95 % confidence (Student 1908); none of one run.
    pub confidence: Option<f64>,
}

/// Runs of one setting that differ by their seed alone.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// The network and what is distinct of its runs.
    pub name: String,
    /// Its runs' directories.
    pub runs: Vec<String>,
    /// Each metric.
    pub figures: Vec<Figure>,
}

/// Two groups by one metric.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The metric.
    pub metric: &'static str,
    /// The names of the groups.
    pub groups: [String; 2],
    /// The first one's mean less the second one's.
    pub difference: f64,
    /// The chance of a difference as large between groups that are alike (Welch 1947); none unless both have two runs.
    pub p_value: Option<f64>,
    /// The group that is better with 95 % confidence, if either is.
    pub better: Option<String>,
}

/// A run's name, its record, and its evaluation.
pub type Evaluated = (String, Manifest, Record);

/// Settings, and the runs that have them.
type Setting<'a> = (serde_json::Value, Vec<&'a Evaluated>);

/// Groups runs by their settings, and compares every two groups by every metric.
///
/// # Errors
/// [`Error::Config`] without runs, or when runs were tested on different data.
pub fn compare(runs: &[Evaluated]) -> Result<(Vec<Group>, Vec<Comparison>), Error> {
    let Some((_, first, record)) = runs.first() else {
        return Err(Error::Config("no runs to report on".into()));
    };
    if let Some((name, ..)) = runs.iter().find(|(_, manifest, other)| {
        (&manifest.dataset.name, other.metrics.samples) != (&first.dataset.name, record.metrics.samples)
    }) {
        let what = format!("{name} was tested on other data than {}, so they do not compare", runs[0].0);
        return Err(Error::Config(what));
    }
    let mut groups: Vec<Setting<'_>> = Vec::new();
    for run in runs {
        let mut config = run.1.config.clone();
        config.seed = 0;
        let setting = serde_json::json!([config, run.1.pretrained, run.2.views]);
        match groups.iter_mut().find(|(known, _)| *known == setting) {
            Some((_, members)) => members.push(run),
            None => groups.push((setting, vec![run])),
        }
    }
    let mut summaries = Vec::with_capacity(groups.len());
    let mut states = Vec::with_capacity(groups.len());
    for (at, (_, members)) in groups.iter().enumerate() {
        let letter = char::from_u32('A' as u32 + (at % 26) as u32).unwrap_or('?');
        let moments = METRICS.iter().map(|metric| moments(metric, members)).collect::<Result<Vec<_>, Error>>()?;
        let figures = METRICS.iter().zip(&moments).map(|(metric, moments)| figure(metric.name, moments)).collect();
        summaries.push(Group {
            name: format!("{letter} {}", members[0].1.architecture),
            runs: members.iter().map(|run| run.0.clone()).collect(),
            figures,
        });
        states.push(moments);
    }
    let mut comparisons = Vec::new();
    for (b, other) in summaries.iter().enumerate() {
        for (a, one) in summaries[..b].iter().enumerate() {
            for (at, metric) in METRICS.iter().enumerate() {
                let (one, other) = ((&one.name, &states[a][at]), (&other.name, &states[b][at]));
                comparisons.push(versus(metric.name, metric.more_is_better, one, other));
            }
        }
    }
    Ok((summaries, comparisons))
}

/// Count, mean and sample variance.
type Moments = (u64, f64, Option<f64>);

fn moments(metric: &Metric, members: &[&Evaluated]) -> Result<Moments, Error> {
    let mut reducer = Reducer::new(Variance, &Engine::cpu())?;
    let values: Vec<f64> = members.iter().map(|run| (metric.of)(run)).collect();
    reducer.push(&values)?;
    let moments = reducer.finish();
    Ok((moments.count, moments.mean().unwrap_or(f64::NAN), moments.sample_variance()))
}

fn figure(metric: &'static str, &(runs, mean, variance): &Moments) -> Figure {
    let sd = variance.map(f64::sqrt);
    let confidence = sd.and_then(|sd| {
        let students = StudentsT::new(0.0, 1.0, (runs - 1) as f64).ok()?;
        Some(students.inverse_cdf(0.5 + CONFIDENCE / 2.0) * sd / (runs as f64).sqrt())
    });
    Figure { metric, runs, mean, sd, confidence }
}

fn versus(metric: &'static str, more: bool, one: (&String, &Moments), other: (&String, &Moments)) -> Comparison {
    let ((name, &(n, mean, variance)), (other_name, &(other_n, other_mean, other_variance))) = (one, other);
    let difference = mean - other_mean;
    let p_value = variance.zip(other_variance).and_then(|(v, w)| {
        let (v, w) = (v / n as f64, w / other_n as f64);
        if v + w == 0.0 {
            return Some(if difference == 0.0 { 1.0 } else { 0.0 });
        }
        let freedom = (v + w).powi(2) / (v * v / (n - 1) as f64 + w * w / (other_n - 1) as f64);
        let students = StudentsT::new(0.0, 1.0, freedom).ok()?;
        Some(2.0 * students.cdf(-difference.abs() / (v + w).sqrt()))
    });
    let better = p_value
        .filter(|p| *p < 1.0 - CONFIDENCE)
        .map(|_| if (difference > 0.0) == more { name.clone() } else { other_name.clone() });
    Comparison { metric, groups: [name.clone(), other_name.clone()], difference, p_value, better }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against `scipy.stats.ttest_ind(a, b, equal_var=False)` and `t.interval` of SciPy 1.17 for [0.91, 0.92, 0.93] and
    /// [0.90, 0.905, 0.915, 0.9].
    #[test]
    fn figures_and_verdicts_are_scipys() {
        let moments = |values: &[f64]| {
            let mut reducer = Reducer::new(Variance, &Engine::cpu()).expect("the CPU engine");
            reducer.push(values).expect("numbers");
            let moments = reducer.finish();
            (moments.count, moments.mean().expect("a mean"), moments.sample_variance())
        };
        let (a, b) = (moments(&[0.91, 0.92, 0.93]), moments(&[0.90, 0.905, 0.915, 0.9]));
        let found = figure("accuracy", &a).confidence.expect("three runs");
        assert!((found - 0.024841377117503338).abs() < 1e-9, "{found}");
        let (one, other) = (String::from("A"), String::from("B"));
        let found = versus("accuracy", true, (&one, &a), (&other, &b));
        let p = found.p_value.expect("two groups");
        assert!((p - P_VALUE).abs() < 1e-9, "{p}");
        assert_eq!(found.better, None);
        let far = moments(&[0.5, 0.501, 0.502]);
        assert_eq!(versus("loss_mean", false, (&one, &a), (&other, &far)).better, Some(other.clone()));
        assert_eq!(versus("accuracy", true, (&one, &a), (&other, &far)).better, Some(one));
    }

    const P_VALUE: f64 = 0.10165464392071956;
}
