"""Simulated holdouts and policies for the tests of the comparison."""

import numpy as np

from pipeline.config import ComparisonPolicy, parse_section
from pipeline.core.comparison.holdout import Holdout

POLICY = {
    "primary_metric": "f1_weighted",
    "min_improvement": 0.01,
    "confidence": 0.95,
    "min_rows": 1_000,
    "non_inferiority": {"roc_auc": 0.02, "log_loss": 0.05},
    "limits": {"roc_auc": {"min": 0.58}, "calibration_error": {"max": 0.3}},
    "slices": {"columns": ["airport"], "metric": "f1_weighted", "margin": 0.05, "min_rows": 200},
    "fairness": [
        {
            "column": "airport",
            "max_worsening": {"selection_rate": 0.05, "tpr": 0.1, "fpr": 0.05},
            "min_rows": 200,
        }
    ],
}


def policy(**changes) -> ComparisonPolicy:
    return parse_section(ComparisonPolicy, POLICY | changes, "test policy")


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def holdout(
    n: int = 4_000,
    *,
    seed: int = 0,
    champion_noise: float = 1.0,
    challenger_noise: float = 1.0,
    shared_noise: float = 0.0,
    blocks: int | None = None,
) -> Holdout:
    """Labels from a logistic model; each model sees the truth through noise of its own."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 2, n)
    y = (rng.random(n) < logistic(truth)).astype(int)
    shared = rng.normal(0, 1, n) * shared_noise
    champion = logistic(truth + shared + rng.normal(0, 1, n) * champion_noise)
    challenger = logistic(truth + shared + rng.normal(0, 1, n) * challenger_noise)
    airport = rng.choice(["EWR", "JFK", "LGA"], n)
    days = None if blocks is None else np.arange(n) * blocks // n
    return Holdout(y, champion, challenger, 0.5, {"airport": airport}, days)


def few_positives(n: int = 6_000, *, seed: int = 0) -> Holdout:
    """One row in twenty is positive; the champion calls many more so, the challenger ranks better.

    The columns are those of the shipped policy.
    """
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 1.5, n)
    luck = truth + rng.logistic(0, 1, n)
    y = (luck > np.quantile(luck, 0.95)).astype(int)
    champion = logistic(truth - 2.5 + rng.normal(0, 1.5, n))
    challenger = logistic(truth - 4.5 + rng.normal(0, 0.3, n))
    columns = {"carrier": rng.choice(["B6", "UA"], n), "origin": rng.choice(["EWR", "JFK"], n)}
    return Holdout(y, champion, challenger, 0.5, columns)
