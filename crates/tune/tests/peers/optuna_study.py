"""What Optuna makes of a study, for tests/optuna.rs: `read URL`, `run URL TRIALS`, `enqueue URL`,
`importances URL TRIALS` or `dashboard URL`.

Needs optuna, optuna-dashboard and psycopg2-binary from PyPI. Whatever Optuna warns of is an error.
"""

import json
import logging
import math
import socket
import subprocess
import sys
import time
import urllib.request
import warnings

warnings.simplefilter("error")
import optuna  # noqa: E402

NAME = "study"


class Strict(logging.Handler):
    def emit(self, record):
        if record.levelno >= logging.WARNING:
            sys.exit(f"Optuna warns: {record.getMessage()}")


optuna.logging.disable_default_handler()
optuna.logging.get_logger("optuna").addHandler(Strict())


def alchemy(url):
    return url.replace("postgresql://", "postgresql+psycopg2://")


def objective(trial):
    x = trial.suggest_float("x", -5.0, 5.0)
    layers = trial.suggest_int("layers", 1, 7, step=2)
    shape = trial.suggest_categorical("shape", ["bowl", "ridge"])
    value = x * x + layers
    if shape == "ridge":
        value += trial.suggest_float("tilt", 1e-3, 1.0, log=True)
    for step in range(1, 4):
        trial.report(value + 1 / step, step)
    return value


def read(url):
    study = optuna.load_study(study_name=NAME, storage=alchemy(url))
    trials = [
        {
            "number": trial.number,
            "state": trial.state.name,
            "value": None if trial.value is None else repr(trial.value),
            "params": trial.params,
            "reports": {step: repr(value) for step, value in trial.intermediate_values.items()},
            "attributes": trial.user_attrs,
            "seconds": trial.duration.total_seconds() if trial.duration else None,
        }
        for trial in study.trials
    ]
    best = {"value": repr(study.best_value), "params": study.best_params, "number": study.best_trial.number}
    return {"direction": study.direction.name, "best": best, "trials": trials}


def run(url, trials):
    study = optuna.create_study(study_name=NAME, storage=alchemy(url), direction="minimize", load_if_exists=True)
    study.optimize(objective, n_trials=trials)
    return read(url)


def enqueue(url):
    study = optuna.load_study(study_name=NAME, storage=alchemy(url))
    for params in [{"x": 1.5, "shape": "ridge", "tilt": 0.25}, {"tilt": 0.5}, {"shape": "bowl"}]:
        study.enqueue_trial(params)
    return len(study.trials)


def matters(trial):
    x = trial.suggest_float("x", -1.0, 1.0)
    weak = trial.suggest_float("weak", 1e-3, 1.0, log=True)
    trial.suggest_int("idle", 1, 9)
    kind = trial.suggest_categorical("kind", ["a", "b", "c"])
    return (x - 0.3) ** 2 + 0.02 * abs(math.log(weak)) + 0.3 * (kind != "b")


def importances(url, trials):
    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(study_name=NAME, storage=alchemy(url), sampler=sampler)
    study.optimize(matters, n_trials=trials)
    with warnings.catch_warnings():
        # The evaluator is marked as experimental.
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator()
        return optuna.importance.get_param_importances(study, evaluator=evaluator)


def dashboard(url):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-c", "from optuna_dashboard._cli import main; main()", alchemy(url), "--port", port],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                page = urllib.request.urlopen(f"http://127.0.0.1:{port}/dashboard/studies/1").read().decode()
                break
            except OSError:
                time.sleep(0.1)
        study = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies/1"))
    finally:
        server.terminate()
        server.wait()
    return {"page": page, "study": study}


if __name__ == "__main__":
    _, what, url, *more = sys.argv
    answer = {"read": read, "run": run, "enqueue": enqueue, "importances": importances, "dashboard": dashboard}[what](
        url, *map(int, more)
    )
    print(json.dumps(answer))
