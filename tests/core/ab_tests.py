"""A/B tests made up for other tests: a configuration, and what its variants saw."""

from datetime import UTC, datetime, timedelta

import numpy as np

from pipeline.ab_config import ABTest
from pipeline.config import parse_section
from pipeline.core.abtest.evidence import Cell, Evidence, Period
from pipeline.core.abtest.looks import Look
from pipeline.core.abtest.sums import counts, sums_of
from pipeline.core.abtest.verdict import assess_ab_test

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = timedelta(days=1)
ACCURACY = {
    "metric": "accuracy",
    "kind": "proportion",
    "direction": "higher_is_better",
    "min_effect": 0.02,
    "expected": 0.8,
}
SPENT = {
    "metric": "spent",
    "kind": "mean",
    "direction": "higher_is_better",
    "min_effect": 0.1,
    "expected": 5.0,
    "standard_deviation": 1.0,
}
LATENCY = {"metric": "latency", "kind": "mean", "direction": "lower_is_better", "margin": 0.1}
PLAIN = {
    "split": {"model_a": 50, "model_b": 50},
    "unit": "user",
    "duration": "28d",
    "maturity": "1d",
    "primary": ACCURACY,
    "test": "confidence_sequence",
    "alpha": 0.05,
    "power": 0.8,
    "burn_in": 100,
    "min_samples": 200,
    "mismatch_alpha": 0.001,
    "max_missing_fraction": 0.05,
    "max_faulty_fraction": 0.001,
}


def config(**changes) -> ABTest:
    """A plain A/B test with some keys changed."""
    return parse_section(ABTest, {**PLAIN, **changes}, "configs/ab-test.yaml")


def ones(units: int, right: int, metric: str = "accuracy", **faults) -> Cell:
    """A variant whose metric is 1 for `right` of its units."""
    left_out = sum(faults.get(name, 0) for name in ("missing", "broken", "early"))
    return Cell(units, metrics={metric: counts(units - left_out, right)}, **faults)


def numbers(values, metric: str = "spent", **guardrails) -> Cell:
    """A variant with these outcomes, and those of guardrails."""
    metrics = {metric: sums_of(values)}
    return Cell(len(values), metrics=metrics | {n: sums_of(v) for n, v in guardrails.items()})


def evidence(model_a: Cell, model_b: Cell, basis_points: int = 5_000) -> Evidence:
    """One period."""
    return Evidence((Period(basis_points, model_a, model_b),))


def answer(test: ABTest, *seen: Evidence, is_over: bool = False):
    """What `test` says after looks at `seen`, one a day."""
    looks = [Look(START + (n + 1) * DAY, one) for n, one in enumerate(seen)]
    return assess_ab_test(test, looks, is_over=is_over)


def walks(seed: int, tests: int, looks: int, per_look: int, difference: float = 0.0):
    """Cumulative sums of two variants of normal outcomes with variance 1: y_a, yy_a, y_b, yy_b.

    Each is (tests, looks), after `per_look` outcomes of each variant a look: drawn as sums, which
    are normal, and as sums of squares around their mean, which are chi-square.
    """
    generator = np.random.default_rng(seed)
    found = []
    for shift in (0.0, difference):
        sums = generator.normal(per_look * shift, np.sqrt(per_look), (tests, looks))
        within = generator.chisquare(per_look - 1, (tests, looks))
        squares = within + sums * sums / per_look
        found += [np.cumsum(sums, axis=1), np.cumsum(squares, axis=1)]
    return found
