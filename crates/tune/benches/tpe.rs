//! The mean of the best values that TPE and random choice find in 100 trials, over 30 seeds, on six functions; docs/tuning.md
//! of the repository has Optuna's beside them: cargo bench -p strix-tune --bench tpe
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs, reason = "a bench talks to a person")]

use std::collections::BTreeMap;
use std::f64::consts::PI;

use strix_reduce::{Engine, Reducer, Variance};
use strix_tune::{Direction, Random, Sampler, Space, State, Tpe, Trial, Value};

const TRIALS: u64 = 100;
const SEEDS: u64 = 30;

type Values = BTreeMap<String, Value>;

struct Function {
    name: &'static str,
    space: &'static str,
    of: fn(&Values) -> f64,
}

fn number(values: &Values, name: &str) -> f64 {
    match values[name] {
        Value::Float(number) => number,
        Value::Int(number) => number as f64,
        _ => unreachable!("{name} is a number"),
    }
}

fn text<'a>(values: &'a Values, name: &str) -> &'a str {
    match &values[name] {
        Value::Text(text) => text,
        _ => unreachable!("{name} is a text"),
    }
}

fn coordinates(values: &Values, count: usize) -> Vec<f64> {
    (0..count).map(|at| number(values, &format!("x{at}"))).collect()
}

fn sphere(values: &Values) -> f64 {
    coordinates(values, 5).iter().map(|x| x * x).sum()
}

fn branin(values: &Values) -> f64 {
    let [x, y] = [number(values, "x"), number(values, "y")];
    (y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0).powi(2) + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos() + 10.0
}

fn hartmann6(values: &Values) -> f64 {
    const ALPHA: [f64; 4] = [1.0, 1.2, 3.0, 3.2];
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const P: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let x = coordinates(values, 6);
    let term = |row: usize| {
        let inside: f64 = (0..6).map(|at| A[row][at] * (x[at] - P[row][at]).powi(2)).sum();
        ALPHA[row] * (-inside).exp()
    };
    -(0..4).map(term).sum::<f64>()
}

fn rastrigin(values: &Values) -> f64 {
    coordinates(values, 4).iter().map(|x| 10.0 + x * x - 10.0 * (2.0 * PI * x).cos()).sum()
}

/// A learning curve of a kind: the best optimizer has its own best rate and width.
fn mixed(values: &Values) -> f64 {
    let (rate, width) = (number(values, "rate").log10(), number(values, "width"));
    let (offset, best) = match text(values, "optimizer") {
        "adam" => (0.0, -3.0),
        "sgd" => (0.1, -1.0),
        "nadam" => (0.05, -3.5),
        _ => (0.3, -2.0),
    };
    let activation = match text(values, "activation") {
        "relu" => 0.0,
        "selu" => 0.05,
        _ => 0.1,
    };
    offset + activation + 0.2 * (rate - best).powi(2) + ((width - 640.0) / 512.0).powi(2)
}

/// Each number of blocks has parameters of its own.
fn conditional(values: &Values) -> f64 {
    match text(values, "kind") {
        "flat" => 0.5 + (number(values, "width") - 0.3).powi(2),
        "deep" => {
            let (depth, rate) = (number(values, "depth"), number(values, "rate").log10());
            0.05 * (depth - 4.0).abs() + 0.1 * (rate + 2.5).powi(2)
        }
        _ => 0.2 + (number(values, "share") - 0.8).abs(),
    }
}

const FUNCTIONS: [Function; 6] = [
    Function {
        name: "sphere",
        space: "x0.float = [-5.0, 5.0]\nx1.float = [-5.0, 5.0]\nx2.float = [-5.0, 5.0]\nx3.float = [-5.0, 5.0]\nx4.float = [-5.0, 5.0]",
        of: sphere,
    },
    Function { name: "Branin", space: "x.float = [-5.0, 10.0]\ny.float = [0.0, 15.0]", of: branin },
    Function {
        name: "Hartmann-6",
        space: "x0.float = [0.0, 1.0]\nx1.float = [0.0, 1.0]\nx2.float = [0.0, 1.0]\nx3.float = [0.0, 1.0]\nx4.float = [0.0, 1.0]\nx5.float = [0.0, 1.0]",
        of: hartmann6,
    },
    Function {
        name: "Rastrigin",
        space: "x0.float = [-5.12, 5.12]\nx1.float = [-5.12, 5.12]\nx2.float = [-5.12, 5.12]\nx3.float = [-5.12, 5.12]",
        of: rastrigin,
    },
    Function {
        name: "mixed",
        space: "optimizer.choice = ['adam', 'sgd', 'nadam', 'rms-prop']\nactivation.choice = ['relu', 'selu', 'tanh']\nrate = { float = [1e-5, 1.0], log = true }\nwidth = { int = [64, 1536], step = 64 }",
        of: mixed,
    },
    Function {
        name: "conditional",
        space: "kind.choice = ['flat', 'deep', 'wide']\nwidth = { float = [0.0, 1.0], when = { kind = 'flat' } }\ndepth = { int = [1, 8], when = { kind = 'deep' } }\nrate = { float = [1e-5, 1.0], log = true, when = { kind = 'deep' } }\nshare = { float = [0.0, 1.0], when = { kind = 'wide' } }",
        of: conditional,
    },
];

fn best(function: &Function, space: &Space, sampler: &dyn Sampler) -> f64 {
    let mut trials = Vec::new();
    for number in 0..TRIALS {
        let codes = sampler.choose(space, &trials, Direction::Minimize, number).unwrap();
        let values = space.values(&codes).unwrap().into_iter().collect();
        let value = Some((function.of)(&values));
        trials.push(Trial { number, state: State::Complete, codes, value, reports: BTreeMap::new() });
    }
    trials.iter().filter_map(|trial| trial.value).fold(f64::INFINITY, f64::min)
}

/// Mean and standard error over the seeds.
fn over_seeds(of: impl Fn(u64) -> f64) -> (f64, f64) {
    let mut reducer = Reducer::new(Variance, &Engine::cpu()).unwrap();
    reducer.push(&(0..SEEDS).map(of).collect::<Vec<f64>>()).unwrap();
    let moments = reducer.finish();
    (moments.mean().unwrap(), moments.sample_sd().unwrap() / (SEEDS as f64).sqrt())
}

fn main() {
    println!("mean best of {TRIALS} trials over {SEEDS} seeds (standard error)");
    println!("{:<12} {:>22} {:>22} {:>22}", "", "TPE", "one by one", "random");
    for function in &FUNCTIONS {
        let space = Space::from_toml(function.space).unwrap();
        let figures = [
            over_seeds(|seed| best(function, &space, &Tpe::new(seed))),
            over_seeds(|seed| best(function, &space, &Tpe { multivariate: false, ..Tpe::new(seed) })),
            over_seeds(|seed| best(function, &space, &Random { seed })),
        ];
        let shown = figures.map(|(mean, error)| format!("{mean:.5} ({error:.5})"));
        println!("{:<12} {:>22} {:>22} {:>22}", function.name, shown[0], shown[1], shown[2]);
    }
}
