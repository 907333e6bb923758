//! Figures of several runs: mean, spread and confidence over seeds, and whether one setting beats another.
//!
//! Runs of equal seeds share their split, first weights and order of images, so two settings are compared by the differences
//! of such pairs (Student 1908) where two seeds or more agree, else as independent samples (Welch 1947). All comparisons of a
//! report are corrected together for their number (Holm 1979).

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
    /// The seeds whose runs were compared in pairs, others being left out; none where fewer than two agree.
    pub paired_seeds: Option<Vec<u64>>,
    /// The first one's mean less the second one's, over the pairs where there are any.
    pub difference: f64,
    /// The chance of a difference as large between groups that are alike; none unless both have two runs, and where nothing
    /// scatters by which to tell it.
    pub p_value: Option<f64>,
    /// The same, corrected for the number of comparisons.
    pub adjusted_p_value: Option<f64>,
    /// The group that is better, if either is: with 95 % confidence in all such verdicts together.
    pub better: Option<String>,
}

/// A run's name, its record, and its evaluation.
pub type Evaluated = (String, Manifest, Record);

/// Settings, and the runs that have them.
type Setting<'a> = (serde_json::Value, Vec<&'a Evaluated>);

/// Groups runs by their settings and data, and compares every two groups by every metric.
///
/// # Errors
/// [`Error::Config`] without runs, when runs were tested on different data, and when two are the same experiment: of one
/// setting and one seed.
pub fn compare(runs: &[Evaluated]) -> Result<(Vec<Group>, Vec<Comparison>), Error> {
    let Some(first) = runs.first() else {
        return Err(Error::Config("no runs to report on".into()));
    };
    if let Some(other) = runs.iter().find(|run| !tested_alike(first, run)) {
        let what = format!("{} was tested on other data than {}, so they do not compare", other.0, first.0);
        return Err(Error::Config(what));
    }
    let groups = grouped(runs)?;
    let mut summaries = Vec::with_capacity(groups.len());
    for (at, (_, members)) in groups.iter().enumerate() {
        let of = |metric: &Metric| moments(&values(metric, members)).map(|moments| figure(metric.name, &moments));
        summaries.push(Group {
            name: format!("{} {}", letters(at), members[0].1.architecture),
            runs: members.iter().map(|run| run.0.clone()).collect(),
            figures: METRICS.iter().map(of).collect::<Result<_, Error>>()?,
        });
    }
    let mut comparisons = Vec::new();
    for (b, (_, others)) in groups.iter().enumerate() {
        for (a, (_, ones)) in groups[..b].iter().enumerate() {
            for metric in &METRICS {
                let names = [summaries[a].name.clone(), summaries[b].name.clone()];
                comparisons.push(versus(metric, names, ones, others)?);
            }
        }
    }
    let adjusted = holm(&comparisons.iter().map(|comparison| comparison.p_value).collect::<Vec<_>>());
    for (comparison, p) in comparisons.iter_mut().zip(adjusted) {
        comparison.adjusted_p_value = p;
        if p.is_none_or(|p| p >= 1.0 - CONFIDENCE) {
            comparison.better = None;
        }
    }
    Ok((summaries, comparisons))
}

/// A, B, ... Z, AA, AB and so on.
fn letters(at: usize) -> String {
    let last = char::from(b'A' + (at % 26) as u8);
    if at < 26 { last.into() } else { letters(at / 26 - 1) + &last.to_string() }
}

/// Whether two runs were tested on the same images, as far as their evaluations tell.
fn tested_alike(one: &Evaluated, other: &Evaluated) -> bool {
    let samples = |run: &Evaluated| run.2.metrics.samples;
    let images = match (&one.2.tested, &other.2.tested) {
        (Some(one), Some(other)) => one.sha256 == other.sha256,
        _ => one.1.dataset.name == other.1.dataset.name,
    };
    images && samples(one) == samples(other)
}

/// The runs of each setting.
fn grouped(runs: &[Evaluated]) -> Result<Vec<Setting<'_>>, Error> {
    let mut groups: Vec<Setting<'_>> = Vec::new();
    for run in runs {
        let (name, manifest, record) = run;
        let mut config = manifest.config.clone();
        config.seed = 0;
        let data = (&manifest.dataset.checksums, &manifest.dataset.classes);
        let setting = serde_json::json!([config, manifest.pretrained, manifest.versions, data, record.views]);
        let Some((_, members)) = groups.iter_mut().find(|(known, _)| *known == setting) else {
            groups.push((setting, vec![run]));
            continue;
        };
        if let Some((same, ..)) = members.iter().find(|member| seed(member) == seed(run)) {
            return Err(Error::Config(format!(
                "{same} and {name} have the same settings, data and seed {}, which makes them one experiment; count it \
                 once, or train again with another --seed",
                seed(run)
            )));
        }
        members.push(run);
    }
    Ok(groups)
}

fn seed(run: &Evaluated) -> u64 {
    run.1.config.seed
}

fn values(metric: &Metric, members: &[&Evaluated]) -> Vec<f64> {
    members.iter().map(|run| (metric.of)(run)).collect()
}

/// Count, mean and sample variance.
type Moments = (u64, f64, Option<f64>);

fn moments(values: &[f64]) -> Result<Moments, Error> {
    let mut reducer = Reducer::new(Variance, &Engine::cpu())?;
    reducer.push(values)?;
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

/// Two groups by one metric; the better one is the one ahead, until the correction for all comparisons has its say.
fn versus(
    metric: &Metric,
    groups: [String; 2],
    ones: &[&Evaluated],
    others: &[&Evaluated],
) -> Result<Comparison, Error> {
    let partner = |one: &Evaluated| others.iter().find(|other| seed(other) == seed(one)).copied();
    let pairs: Vec<(&Evaluated, &Evaluated)> = ones.iter().filter_map(|&one| Some((one, partner(one)?))).collect();
    let (difference, p_value, paired_seeds) = if pairs.len() >= 2 {
        let differences: Vec<f64> = pairs.iter().map(|(one, other)| (metric.of)(one) - (metric.of)(other)).collect();
        let (difference, p_value) = paired(&differences)?;
        (difference, p_value, Some(pairs.iter().map(|(one, _)| seed(one)).collect()))
    } else {
        let (difference, p_value) = welch(&moments(&values(metric, ones))?, &moments(&values(metric, others))?);
        (difference, p_value, None)
    };
    let ahead = usize::from((difference > 0.0) != metric.more_is_better);
    let better = Some(groups[ahead].clone());
    Ok(Comparison { metric: metric.name, groups, paired_seeds, difference, p_value, adjusted_p_value: None, better })
}

/// The mean of differences, and its p-value.
fn paired(differences: &[f64]) -> Result<(f64, Option<f64>), Error> {
    let (n, mean, variance) = moments(differences)?;
    Ok((mean, variance.and_then(|variance| p_value(mean, variance / n as f64, (n - 1) as f64))))
}

/// The difference of two means of independent samples, and its p-value.
fn welch(&(n, mean, variance): &Moments, &(other_n, other_mean, other_variance): &Moments) -> (f64, Option<f64>) {
    let difference = mean - other_mean;
    let p_value = variance.zip(other_variance).and_then(|(v, w)| {
        let (v, w) = (v / n as f64, w / other_n as f64);
        let freedom = (v + w).powi(2) / (v * v / (n - 1) as f64 + w * w / (other_n - 1) as f64);
        p_value(difference, v + w, freedom)
    });
    (difference, p_value)
}

/// How likely a mean is as far from 0 where the true one is 0: by its squared standard error, of so many degrees of freedom.
/// None where nothing scatters, up to rounding, but the mean is not 0.
fn p_value(mean: f64, squared_error: f64, freedom: f64) -> Option<f64> {
    if squared_error.sqrt() <= 1e-12 * mean.abs() {
        return (mean == 0.0).then_some(1.0);
    }
    let t = mean.abs() / squared_error.sqrt();
    let students = StudentsT::new(0.0, 1.0, freedom).ok().filter(|_| t.is_finite())?;
    Some(2.0 * students.cdf(-t))
}

/// P-values, each corrected for the number of all that there are, so that with 95 % confidence no verdict is false (Holm 1979).
fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut known: Vec<(usize, f64)> = p_values.iter().enumerate().filter_map(|(at, p)| Some((at, (*p)?))).collect();
    known.sort_by(|(_, a), (_, b)| a.total_cmp(b));
    let mut adjusted = vec![None; p_values.len()];
    let mut least = 0.0_f64;
    for (rank, &(at, p)) in known.iter().enumerate() {
        least = least.max(p * (known.len() - rank) as f64).min(1.0);
        adjusted[at] = Some(least);
    }
    adjusted
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should say where")]
mod tests {
    use super::*;
    use crate::batch::Preparation;
    use crate::config::{DenseConfig, NetworkConfig, TrainConfig};
    use crate::metrics::PassMetrics;
    use crate::run::DatasetRecord;
    use crate::training::Sets;

    /// Against `scipy.stats.ttest_ind(a, b, equal_var=False)` and `t.interval` of SciPy 1.17 for [0.91, 0.92, 0.93] and
    /// [0.90, 0.905, 0.915, 0.9].
    #[test]
    fn figures_and_unpaired_tests_are_scipys() {
        let a = moments(&[0.91, 0.92, 0.93]).unwrap();
        let found = figure("accuracy", &a).confidence.unwrap();
        assert!((found - 0.024841377117503338).abs() < 1e-9, "{found}");
        let (difference, p) = welch(&a, &moments(&[0.90, 0.905, 0.915, 0.9]).unwrap());
        assert!((difference - 0.015).abs() < 1e-12 && (p.unwrap() - 0.10165464392071956).abs() < 1e-9, "{p:?}");
        // Of one run there is neither spread nor interval, and nothing to compare.
        let one = moments(&[0.9]).unwrap();
        assert_eq!((figure("accuracy", &one).sd, figure("accuracy", &one).confidence), (None, None));
        assert_eq!(welch(&a, &one).1, None);
    }

    /// Against what `scipy.stats.ttest_rel` is defined by, in 30 digits: for three pairs
    /// P = 1 - t / sqrt(t^2 + 2) = 1 - 8 / sqrt(66), for five the incomplete beta function.
    #[test]
    fn paired_tests_are_those_of_the_differences() {
        let differences = |ones: &[f64], others: &[f64]| -> Vec<f64> {
            ones.iter().zip(others).map(|(one, other)| one - other).collect()
        };
        let (difference, p) = paired(&differences(&[0.91, 0.92, 0.93], &[0.90, 0.905, 0.915])).unwrap();
        assert!((difference - 0.04 / 3.0).abs() < 1e-12 && (p.unwrap() - (1.0 - 8.0 / 66f64.sqrt())).abs() < 1e-9);
        let (ones, others) = ([0.91, 0.92, 0.93, 0.925, 0.917], [0.905, 0.922, 0.921, 0.919, 0.908]);
        let p = paired(&differences(&ones, &others)).unwrap().1.unwrap();
        assert!((p - 0.055_230_019_675_527_35).abs() < 1e-9, "{p}");
        let p = welch(&moments(&ones).unwrap(), &moments(&others).unwrap()).1.unwrap();
        assert!((p - 0.303_934_017_217_456_3).abs() < 1e-9, "{p}");
        // Where all pairs are apart alike, nothing tells how much of it is chance.
        assert_eq!(paired(&differences(&[0.9, 0.8], &[0.7, 0.6])).unwrap().1, None);
        assert_eq!(paired(&[0.0, 0.0]).unwrap().1, Some(1.0));
        assert_eq!(paired(&[f64::NAN, 0.0]).unwrap().1, None);
    }

    /// R's `p.adjust(c(0.04, 0.01, 0.03, 0.02, 0.05), "holm")`.
    #[test]
    fn many_comparisons_are_corrected_for() {
        let found = holm(&[Some(0.04), None, Some(0.01), Some(0.03), Some(0.02), Some(0.05)]);
        assert_eq!(found[1], None);
        for (found, expected) in found.iter().flatten().zip([0.09_f64, 0.05, 0.09, 0.08, 0.09]) {
            assert!((found - expected).abs() < 1e-15, "{found} {expected}");
        }
        assert_eq!(holm(&[Some(0.7), Some(0.8)]), [Some(1.0), Some(1.0)]);
    }

    fn run(name: &str, epochs: usize, seed: u64, accuracy: f64) -> Evaluated {
        let network = NetworkConfig::Fcnn(DenseConfig::default());
        let config = TrainConfig { epochs, seed, ..TrainConfig::recipe(network) };
        let data = strix_data::garments::draw(50, 10, 0);
        let dataset = DatasetRecord::new(&data, &Sets::new(&config, &data).unwrap(), None);
        let preparation = Preparation::of(&data.train, 28).unwrap();
        let metrics = PassMetrics {
            samples: 10,
            loss_mean: 1.0 - accuracy,
            loss_variance: 0.0,
            loss_max: 1.0,
            accuracy,
            macro_f1: accuracy,
            calibration_error: 0.1,
        };
        let record = Record { metrics, views: false, images_per_second: 100.0, confusion: Vec::new(), tested: None };
        (name.into(), Manifest::begin(&config, dataset, preparation, None, 1), record)
    }

    #[test]
    fn equal_seeds_are_paired_and_equal_experiments_refused() {
        // Seeds differ far more than settings do, which is what pairs are for.
        let of = |setting: usize, seeds: &[u64], ahead: f64| -> Vec<Evaluated> {
            let run = |&seed: &u64| {
                let scatter = [0.0, 2e-4, -1e-4, 1e-4, -2e-4][seed as usize % 5] * setting as f64;
                let accuracy = 0.5 + seed as f64 / 20.0 + ahead + scatter;
                run(&format!("{setting}-{seed}"), setting, seed, accuracy)
            };
            seeds.iter().map(run).collect()
        };
        let (groups, comparisons) = compare(&[of(2, &[1, 2, 3, 4], 0.01), of(3, &[4, 3, 2, 9], 0.0)].concat()).unwrap();
        assert_eq!(groups.iter().map(|group| group.runs.len()).collect::<Vec<_>>(), [4, 4]);
        let accuracy = &comparisons[0];
        assert_eq!((accuracy.metric, accuracy.paired_seeds.as_deref()), ("accuracy", Some(&[2, 3, 4][..])));
        assert_eq!(accuracy.better.as_ref(), Some(&groups[0].name));
        // Three metrics have a spread to tell by: the least P counts as often as there are comparisons.
        let known: Vec<f64> = comparisons.iter().filter_map(|comparison| comparison.p_value).collect();
        let least = known.iter().copied().fold(1.0, f64::min);
        let adjusted = comparisons.iter().filter_map(|comparison| comparison.adjusted_p_value).fold(1.0, f64::min);
        assert!((adjusted - known.len() as f64 * least).abs() < 1e-12 && known.len() > 1);
        // Other seeds make no pairs, and so wide a scatter no verdict.
        let (_, comparisons) = compare(&[of(2, &[1, 3, 5], 0.01), of(3, &[2, 4, 6], 0.0)].concat()).unwrap();
        assert_eq!((&comparisons[0].paired_seeds, &comparisons[0].better), (&None, &None));

        let twice = compare(&[of(2, &[1, 2], 0.0), of(2, &[1], 0.0)].concat()).unwrap_err().to_string();
        assert!(twice.contains("2-1 and 2-1") && twice.contains("one experiment"), "{twice}");
    }
}
