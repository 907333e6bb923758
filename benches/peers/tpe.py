"""Optuna's TPESampler and RandomSampler on the functions of ../../crates/tune/benches/tpe.rs, in the same numbers."""

import math
import statistics

import optuna

TRIALS, SEEDS = 100, 30
optuna.logging.set_verbosity(optuna.logging.ERROR)


def xs(trial, count, low, high):
    return [trial.suggest_float(f"x{at}", low, high) for at in range(count)]


def sphere(trial):
    return sum(x * x for x in xs(trial, 5, -5, 5))


def branin(trial):
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    ridge = y - 5.1 / (4 * math.pi**2) * x * x + 5 / math.pi * x - 6
    return ridge**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


ALPHA = [1.0, 1.2, 3.0, 3.2]
A = [[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]]
P = [
    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
]


def hartmann6(trial):
    x = xs(trial, 6, 0, 1)
    return -sum(a * math.exp(-sum(w * (v - p) ** 2 for w, v, p in zip(A[i], x, P[i]))) for i, a in enumerate(ALPHA))


def rastrigin(trial):
    return sum(10 + x * x - 10 * math.cos(2 * math.pi * x) for x in xs(trial, 4, -5.12, 5.12))


def mixed(trial):
    optimizer = trial.suggest_categorical("optimizer", ["adam", "sgd", "nadam", "rms-prop"])
    activation = trial.suggest_categorical("activation", ["relu", "selu", "tanh"])
    rate = math.log10(trial.suggest_float("rate", 1e-5, 1, log=True))
    width = trial.suggest_int("width", 64, 1536, step=64)
    offset, best = {"adam": (0, -3), "sgd": (0.1, -1), "nadam": (0.05, -3.5), "rms-prop": (0.3, -2)}[optimizer]
    return offset + {"relu": 0, "selu": 0.05, "tanh": 0.1}[activation] + 0.2 * (rate - best) ** 2 + ((width - 640) / 512) ** 2


def conditional(trial):
    kind = trial.suggest_categorical("kind", ["flat", "deep", "wide"])
    if kind == "flat":
        return 0.5 + (trial.suggest_float("width", 0, 1) - 0.3) ** 2
    if kind == "deep":
        depth, rate = trial.suggest_int("depth", 1, 8), math.log10(trial.suggest_float("rate", 1e-5, 1, log=True))
        return 0.05 * abs(depth - 4) + 0.1 * (rate + 2.5) ** 2
    return 0.2 + abs(trial.suggest_float("share", 0, 1) - 0.8)


def best(function, sampler):
    study = optuna.create_study(sampler=sampler)
    study.optimize(function, n_trials=TRIALS)
    return study.best_value


print(f"Optuna {optuna.__version__}, mean best of {TRIALS} trials over {SEEDS} seeds (standard error)")
functions = {"sphere": sphere, "Branin": branin, "Hartmann-6": hartmann6, "Rastrigin": rastrigin}
functions |= {"mixed": mixed, "conditional": conditional}
for name, function in functions.items():
    shown = []
    for sampler in [optuna.samplers.TPESampler, optuna.samplers.RandomSampler]:
        values = [best(function, sampler(seed=seed)) for seed in range(SEEDS)]
        shown.append(f"{statistics.mean(values):.5f} ({statistics.stdev(values) / SEEDS**0.5:.5f})")
    print(f"{name:<12} {shown[0]:>22} {shown[1]:>22}", flush=True)
