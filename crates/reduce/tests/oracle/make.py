"""Writes expected.json: what NumPy, SciPy, pandas and scikit-learn make of the data sets of oracle.rs.

Run with the versions that the file names:  python make.py > expected.json
The data are whole numbers from a generator that both languages have, put through operations that round alike.
"""

import json
import sys

import numpy as np
import pandas as pd
import scipy
import sklearn
from scipy import stats
from sklearn import metrics

MASK = (1 << 64) - 1


def unit(n, seed):
    """SplitMix64, as tests/common/mod.rs has it, in [0, 1)."""
    state, out = seed, []
    for _ in range(n):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        out.append(((z ^ (z >> 31)) >> 11) / (1 << 53))
    return np.array(out)


def bell(n, seed):
    """Nearly normal: twelve uniforms less six, added from the left."""
    total = np.zeros(n)
    for i in range(12):
        total = total + unit(n, seed + i)
    return total - 6.0


def heavy(n, seed):
    """A long tail to the right, without a function that libraries round differently."""
    u = unit(n, seed)
    return 1.0 / (1.0 - 0.999 * u)


N = 2500
SETS = {
    "uniform": unit(N, 100) + 0.25,
    "bell": bell(N, 200),
    "heavy": heavy(N, 300),
    "offset": bell(N, 400) + 1e6,
    "whole": np.floor(unit(N, 500) * 50.0) - 10.0,
    "few": np.array([3.0, 1.0, 4.0, 1.0, 5.0]),
}
QS = [0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0]


def number(x):
    """A finite number as such; others cannot be in JSON."""
    x = float(x)
    return x if np.isfinite(x) else None


def of(x):
    n = len(x)
    positive = np.abs(x) + 0.5
    y = 0.5 * x + unit(n, 900)
    w = np.floor(unit(n, 910) * 5.0)  # frequencies, some of them 0
    line = stats.linregress(x, y)
    residual = y - (line.intercept + line.slope * x)
    mean = np.average(x, weights=w)
    spread = np.sum(w * (x - mean) ** 2)
    low, high = np.floor(x.min()), np.ceil(x.max())
    uneven = [low, low + 0.25, low + 1.0, low + 1.5, high]
    times = np.cumsum(unit(n, 920))
    group = np.floor(unit(n, 930) * 7.0).astype(int)
    grouped = pd.DataFrame({"group": group, "x": x}).groupby("group")["x"].agg(["mean", "var", "count"])
    rounded = np.floor(x * 2.0) / 2.0
    counts = pd.Series(rounded).value_counts()
    top = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    halflife = 3.0
    frame = pd.Series(x)
    when = pd.to_datetime((times * 1e9).astype("int64"))
    return {
        "n": n,
        "product": number(np.prod(1.0 + positive / n)),
        "gmean": number(stats.gmean(positive)),
        "hmean": number(stats.hmean(positive)),
        "skew": number(stats.skew(x)),
        "skew_sample": number(stats.skew(x, bias=False)),
        "kurtosis": number(stats.kurtosis(x)),
        "kurtosis_sample": number(stats.kurtosis(x, bias=False)),
        "cov": number(np.cov(x, y)[0, 1]),
        "corr": number(np.corrcoef(x, y)[0, 1]),
        "slope": number(line.slope),
        "intercept": number(line.intercept),
        "r_squared": number(line.rvalue**2),
        "residual_sd": number(np.sqrt(np.sum(residual**2) / (n - 2))),
        "low": low,
        "high": high,
        "uniform_counts": np.histogram(x, bins=16, range=(low, high))[0].tolist(),
        "uneven": uneven,
        "uneven_counts": np.histogram(x, bins=uneven)[0].tolist(),
        "quantiles": [number(q) for q in np.quantile(x, QS)],
        "average": number(mean),
        "weighted_population": number(spread / w.sum()),
        "weighted_frequency": number(np.cov(x, fweights=w.astype(int))),
        "weighted_reliability": number(np.cov(x, aweights=w)),
        "argmin": int(np.argmin(x)),
        "argmax": int(np.argmax(x)),
        "first": number(x[0]),
        "last": number(x[-1]),
        "ptp": number(np.ptp(x)),
        "groups": [[int(k), number(r["mean"]), number(r["var"]), int(r["count"])] for k, r in grouped.iterrows()],
        "top": [[float(value), int(count)] for value, count in top],
        # pandas keeps times in whole nanoseconds, so the Rust test rounds them as here.
        "times": "cumulated unit(n, 920), in whole nanoseconds",
        "ewm": number(frame.ewm(halflife=pd.Timedelta(seconds=halflife), times=pd.Series(when)).mean().iloc[-1]),
    }


def classes():
    truth = np.floor(unit(N, 940) * 4.0).astype(int)
    noise = unit(N, 950)
    guess = np.where(noise < 0.6, truth, np.floor(unit(N, 960) * 4.0).astype(int))
    precision, recall, f1, support = metrics.precision_recall_fscore_support(truth, guess)
    return {
        "accuracy": metrics.accuracy_score(truth, guess),
        "precision": precision.tolist(),
        "recall": recall.tolist(),
        "f1": f1.tolist(),
        "support": support.tolist(),
        "macro_f1": metrics.f1_score(truth, guess, average="macro"),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, guess),
        "matrix": metrics.confusion_matrix(truth, guess).tolist(),
    }


json.dump(
    {
        "made_with": {
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "pandas": pd.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "qs": QS,
        "sets": {name: of(x) for name, x in SETS.items()},
        "classes": classes(),
    },
    sys.stdout,
    indent=1,
)
print()
