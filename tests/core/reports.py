"""Finished runs for the tests of the report, made of the real result types.

The figures are chosen by hand, and near those of the example's June, December and April.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.config import ComparisonPolicy, Gates, Params, UseCase, load_params, parse_section
from pipeline.core.comparison.compare import FIRST_MODEL, Comparison
from pipeline.core.comparison.delong import DeLong
from pipeline.core.comparison.fairness import FairnessResult, GroupRate
from pipeline.core.comparison.improvement import MetricComparison, improvement_interval
from pipeline.core.comparison.mcnemar import McNemar
from pipeline.core.comparison.scoring import direction, is_higher_better
from pipeline.core.comparison.slices import SliceResult
from pipeline.core.report.inputs import Origin, ReportInputs
from pipeline.domain import Gate, Interval, Verdict
from pipeline.jsonio import render_json
from pipeline.strict_yaml import parse_yaml

PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
ROOT = Path(__file__).parents[2]
COMMIT = "3f2a9c81d0b7e6543210fedcba9876543210abcd"

GATES = """
comparison:
  primary_metric: f1_weighted
  min_improvement: 0.01
  confidence: 0.95
  min_rows: 2000
  non_inferiority: {accuracy: 0.02, f1: 0.05, roc_auc: 0.01, log_loss: 0.02}
  limits: {recall: {min: 0.01}, roc_auc: {min: 0.58}, calibration_error: {max: 0.15}}
  slices: {columns: [carrier, origin], metric: f1_weighted, margin: 0.05, min_rows: 200}
  fairness:
    - {column: origin, max_worsening: {selection_rate: 0.05, fpr: 0.05}, min_rows: 200}
"""

USECASE = UseCase(
    model="flight-delay",
    question="Will this flight arrive more than 15 minutes late?",
    positive="late",
    negative="on time",
    decision_threshold=0.5,
)

# metric, champion, challenger, low and high end of the difference
JUNE = (
    ("accuracy", 0.6773, 0.7292, 0.0070, 0.1033),
    ("f1_weighted", 0.5919, 0.7021, 0.0240, 0.1837),
    ("recall", 0.1770, 0.4480, 0.0912, 0.4130),
    ("f1", 0.2841, 0.5452, 0.0896, 0.4055),
    ("roc_auc", 0.7417, 0.7864, 0.0026, 0.0848),
    ("pr_auc", 0.6343, 0.6817, -0.0099, 0.1282),
    ("log_loss", 0.6230, 0.5481, -0.1266, -0.0251),
    ("calibration_error", 0.1390, 0.0764, -0.1340, 0.0085),
)
DECEMBER = (
    ("accuracy", 0.7517, 0.7318, -0.0439, -0.0018),
    ("f1_weighted", 0.6990, 0.6665, -0.0742, 0.0038),
    ("recall", 0.2702, 0.2034, -0.1721, 0.0188),
    ("f1", 0.3795, 0.2971, -0.1893, 0.0241),
    ("roc_auc", 0.7194, 0.6656, -0.0809, -0.0233),
    ("pr_auc", 0.5271, 0.4462, -0.1038, -0.0365),
    ("log_loss", 0.5286, 0.5644, 0.0123, 0.0622),
    ("calibration_error", 0.0301, 0.0486, -0.0059, 0.0422),
)
APRIL = (
    ("accuracy", 0.6855, 0.6902, -0.0012, 0.0146),
    ("f1_weighted", 0.5712, 0.5941, 0.0004, 0.0551),
    ("recall", 0.0341, 0.0803, 0.0021, 0.1148),
    ("f1", 0.0645, 0.1418, 0.0037, 0.1820),
    ("roc_auc", 0.6367, 0.6259, -0.0584, 0.0405),
    ("pr_auc", 0.4820, 0.4612, -0.0689, 0.0170),
    ("log_loss", 0.6964, 0.6603, -0.0981, 0.0055),
    ("calibration_error", 0.1620, 0.1276, -0.0710, 0.0110),
)


def params() -> Params:
    """The repository's own, as of a fixed time and with a fixed search."""
    found = load_params(ROOT)
    as_of = datetime(2013, 7, 2, tzinfo=UTC)
    return found.model_copy(
        update={
            "collect": found.collect.model_copy(update={"as_of": as_of}),
            "train": found.train.model_copy(update={"search": "halving"}),
        }
    )


def policy() -> ComparisonPolicy:
    """The policy of every case."""
    return parse_section(Gates, parse_yaml(GATES, "gates.yaml"), "gates.yaml").comparison


def passing(**changes: Any) -> ReportInputs:
    """A challenger that is better in every respect."""
    gates = [
        gate("sample size", PASS),
        gate("primary", PASS),
        *(gate(f"non-inferiority: {name}", PASS) for name in policy().non_inferiority),
        *(gate(f"limit: {name}", PASS) for name in policy().limits),
        gate("slices: carrier", PASS),
        gate("slices: origin", PASS),
        gate("fairness: origin, selection_rate", PASS),
        gate("fairness: origin, fpr", PASS),
    ]
    slices = [
        part("carrier", "B6", 0.6190, 0.6772, PASS),
        part("origin", "LGA", 0.608, 0.698, PASS),
    ]
    return inputs(comparison(gates, JUNE, slices, "f1_weighted improves by 0.1105."), **changes)


def failing(**changes: Any) -> ReportInputs:
    """A challenger that is worse, here shown and there not."""
    gates = [
        gate("sample size", PASS),
        gate("non-inferiority: accuracy", INCONCLUSIVE, "A loss of 0.02 is not ruled out."),
        gate("primary", FAIL, "f1_weighted loses 0.0325: the champion stays."),
        gate("non-inferiority: f1", INCONCLUSIVE, "A loss of 0.05 is not ruled out."),
        gate("non-inferiority: roc_auc", FAIL, "A loss of more than 0.01 is shown."),
        gate("non-inferiority: log_loss", INCONCLUSIVE, "A loss of 0.02 is not ruled out."),
        gate("limit: recall", PASS),
        gate("limit: roc_auc", PASS),
        gate("limit: calibration_error", PASS),
        gate("slices: carrier", INCONCLUSIVE, "8 of 10 slices pass. Worst: carrier B6."),
        gate("fairness: origin, selection_rate", PASS),
        gate("fairness: origin, fpr", PASS),
    ]
    slices = [
        part("carrier", "B6", 0.6300, 0.5240, INCONCLUSIVE),
        part("carrier", "UA", 0.6360, 0.6190, PASS),
        part("carrier", "other", 0.8120, 0.8130, None, pooled=("AS", "HA")),
        part("origin", "JFK", 0.7140, 0.6550, INCONCLUSIVE),
    ]
    found = comparison(gates, DECEMBER, slices, "f1_weighted loses 0.0325: the champion stays.")
    return inputs(found, **changes)


def inconclusive(**changes: Any) -> ReportInputs:
    """A challenger that is better, and perhaps worse at ranking."""
    gates = [
        gate("sample size", PASS),
        gate("primary", PASS),
        gate("non-inferiority: accuracy", PASS),
        gate("non-inferiority: f1", PASS),
        gate("non-inferiority: roc_auc", INCONCLUSIVE, "A loss of 0.01 is not ruled out."),
        gate("non-inferiority: log_loss", PASS),
        gate("limit: recall", PASS),
        gate("limit: roc_auc", PASS),
        gate("limit: calibration_error", PASS),
    ]
    slices = [part("origin", "JFK", 0.5600, 0.5742, PASS)]
    found = comparison(gates, APRIL, slices, "roc_auc loses 0.0107, which may be chance.")
    return inputs(found, **changes)


def first(**changes: Any) -> ReportInputs:
    """A model with no champion before it."""
    nan = math.nan
    rows = [(name, nan, challenger, nan, nan) for name, _, challenger, _, _ in JUNE]
    limits = [gate(f"limit: {name}", PASS) for name in ("recall", "roc_auc")]
    gates = [gate("sample size", PASS), FIRST_MODEL, *limits]
    found = comparison(gates, rows, [], FIRST_MODEL.reason, champion=None)
    settings = {"champion": None, "champion_params": None, **changes}
    return inputs(found, **settings)


def gate(name: str, verdict: Verdict, reason: str = "It holds.", rule: str = "") -> Gate:
    """A gate with a rule that suits its name."""
    kind, _, subject = name.partition(": ")
    rules = {
        "sample size": "The holdout has at least 2,000 rows.",
        "primary": "f1_weighted improves by more than 0.01, its interval above 0.",
        "non-inferiority": f"{subject} is shown to lose less than its margin.",
        "limit": f"The challenger's {subject} is within its limit.",
        "slices": f"No {subject} of at least 200 rows loses more than 0.05 of f1_weighted.",
        "fairness": f"The gap of {subject} widens by at most 0.05.",
        "self-test": f"{subject.capitalize()}.",
    }
    return Gate(name, verdict, rule or rules.get(kind, "It is so."), reason, n=8847)


def part(
    column: str,
    value: str,
    champion: float,
    challenger: float,
    verdict: Verdict | None,
    *,
    pooled: tuple[str, ...] = (),
    metric: str = "f1_weighted",
) -> SliceResult:
    """A slice with an interval of 0.05 on either side."""
    difference = round(challenger - champion, 6)
    return SliceResult(
        column=column,
        value=value,
        pooled=pooled,
        metric=metric,  # type: ignore[arg-type]
        n=1562,
        share=0.18,
        champion=champion,
        challenger=challenger,
        difference=difference,
        interval=Interval(difference - 0.05, difference + 0.05, 0.95),
        p_value=0.4,
        p_adjusted=1.0,
        verdict=verdict,
    )


def comparison(
    gates: Sequence[Gate],
    rows: Sequence[tuple[str, float, float, float, float]],
    slices: Sequence[SliceResult],
    summary: str,
    *,
    champion: str | None = "sha256:" + "4d1e" * 16,
    self_test: Sequence[Gate] = (gate("self-test: shuffled labels do not pass", PASS),),
) -> dict[str, Any]:
    """comparison.json as the compare stage writes it, read back."""
    has_champion = champion is not None
    interval = Interval(0.0362, 0.0531, 0.95)
    value = Comparison(
        n=8847,
        draws=2000,
        seed=15,
        blocks=10,
        gates=tuple(gates),
        metrics=tuple(metric_row(*row) for row in rows),
        slices=tuple(slices),
        fairness=fairness() if has_champion else (),
        mcnemar=McNemar(451, 910, "chi-square with continuity correction", 1e-30)
        if has_champion
        else None,
        delong=DeLong(0.7417, 0.7864, 0.0447, 0.0043, interval, 1e-20) if has_champion else None,
    )
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    around = {
        "summary": summary,
        "champion": champion,
        "self_test": self_test if has_champion else (),
        "drift": drift() if has_champion else [],
    }
    return json.loads(render_json(fields | around))


def metric_row(
    metric: str, champion: float, challenger: float, low: float, high: float
) -> MetricComparison:
    """A metric; its own intervals reach 0.03 to either side."""
    difference = round(challenger - champion, 6)
    interval = Interval(low, high, 0.95)
    return MetricComparison(
        metric=metric,  # type: ignore[arg-type]
        higher_is_better=is_higher_better(metric),  # type: ignore[arg-type]
        champion=champion,
        challenger=challenger,
        difference=difference,
        interval=interval,
        improvement=direction(metric) * difference,  # type: ignore[arg-type]
        improvement_interval=improvement_interval(metric, interval),  # type: ignore[arg-type]
        champion_interval=Interval(champion - 0.03, champion + 0.03, 0.95),
        challenger_interval=Interval(challenger - 0.03, challenger + 0.03, 0.95),
    )


def fairness() -> tuple[FairnessResult, ...]:
    """Two gaps over three airports; the last is too small to be judged."""

    def gap(rate: str, before: float, after: float) -> FairnessResult:
        groups = [("EWR", 3162, 0.0610), ("JFK", 3063, 0.0862), ("SWF", 12, 0.5)]
        return FairnessResult(
            column="origin",
            rate=rate,  # type: ignore[arg-type]
            max_worsening=0.05,
            groups=tuple(
                GroupRate(name, n, n, value, value + 0.01, n > 200) for name, n, value in groups
            ),
            champion_gap=before,
            challenger_gap=after,
            worsening=round(after - before, 6),
            interval=Interval(-0.03, 0.09, 0.95),
            p_value=0.8,
            p_adjusted=1.0,
        )

    return gap("selection_rate", 0.0625, 0.0849), gap("fpr", 0.0271, 0.0151)


def drift() -> list[dict[str, Any]]:
    """Four features: stable, drifted twice, and one with too few rows to say."""
    rows = [
        ("seats", 0.004, False),
        ("dewp", 7.82, True),
        ("temp", 8.47, True),
        ("gust", 0.6, None),
    ]
    return [
        {
            "column": name,
            "psi": psi,
            "limit": 0.2,
            "is_drifted": is_drifted,
            "ks": 0.1,
            "js": 0.1,
            "n_reference": 68760.0,
            "n_current": 27100.0,
        }
        for name, psi, is_drifted in rows
    ]


def inputs(found: dict[str, Any], **changes: Any) -> ReportInputs:
    """A run around a comparison; `changes` replace single fields."""
    run = ReportInputs(
        usecase=USECASE,
        params=params(),
        policy=policy(),
        origin=Origin("data_drift", "high", COMMIT),
        collect=_collect(),
        checks={"findings": [_finding("schema", None, "PASS"), _finding("units", "temp", "PASS")]},
        split=_split(),
        train={
            "model_digest": "sha256:" + "9a3c" * 16,
            "model_bytes": 412345,
            "trials": 16,
            "best_score": -0.5123,
            "is_out_of_time": False,
        },
        trials=(
            _trial(0, 9_000, 0.05, -0.53),
            _trial(0, 9_000, 0.2, -0.61),
            _trial(1, 27_000, 0.05, -0.52),
            _trial(1, 27_000, 0.0371, -0.5123),
        ),
        challenger_params={"learning_rate": 0.0371, "max_iter": 150, "max_leaf_nodes": 31},
        details={"slices": [_measured("origin", "EWR", 0.71), _measured("origin", "JFK", 0.64)]},
        latency={"row_p50_ms": 6.1, "row_p95_ms": 7.912, "batch_row_ms": 0.0123, "rows": 500},
        comparison=found,
        timings={
            "collect": {"seconds": 4.21, "peak_memory_mb": 312.4, "cores": 2},
            "train": {"seconds": 148.6, "peak_memory_mb": 1512.9, "cores": 2},
        },
        champion={
            "digest": "sha256:" + "4d1e" * 16,
            "as_of": "2013-04-02T00:00:00Z",
            "approved_by": "maria",
            "reason": "first model",
        },
        champion_params={"learning_rate": 0.05, "max_iter": 150, "warm_start": True},
        package_digest="sha256:" + "77ab" * 16,
    )
    return dataclasses.replace(run, **changes)


def _collect() -> dict[str, Any]:
    return {
        "as_of": "2013-07-02T00:00:00Z",
        "rows": 112479,
        "label_maturity": 0.9688,
        "data_digest": "sha256:" + "c0de" * 16,
        "windows": {
            "history": _window("2013-03-03", "2013-06-01", 84248, 0.972),
            "recent": _window("2013-06-01", "2013-07-01", 28231, 0.959),
        },
    }


def _window(start: str, end: str, rows: int, maturity: float) -> dict[str, Any]:
    return {
        "start": f"{start}T00:00:00Z",
        "end": f"{end}T00:00:00Z",
        "rows": rows,
        "labelled": round(rows * maturity),
        "label_maturity": maturity,
    }


def _split() -> dict[str, Any]:
    train = {"start": "2013-03-03T05:00:00Z", "end": "2013-06-20T23:59:00Z"}
    holdout = {"start": "2013-06-21T05:00:00Z", "end": "2013-06-30T23:59:00Z"}
    return {
        "method": "time",
        "train": {**train, "rows": 100139, "label_rate": 0.2502},
        "holdout": {
            **holdout,
            "rows": 8847,
            "label_rate": 0.3623,
            "digest": "sha256:" + "beef" * 16,
        },
        "set_aside_rows": 0,
    }


def _trial(iteration: int, rows: int, rate: float, score: float) -> dict[str, str]:
    return {
        "iter": f"{iteration}",
        "n_resources": f"{rows}",
        "param_model__learning_rate": f"{rate}",
        "param_model__loss": "log_loss",
        "mean_test_score": f"{score}",
        "std_test_score": "0.02",
    }


def _finding(check: str, column: str | None, severity: str) -> dict[str, Any]:
    return {
        "check": check,
        "column": column,
        "severity": severity,
        "found": "as described",
        "expected": "what the schema says",
    }


def _measured(column: str, value: str, figure: float) -> dict[str, Any]:
    return {
        "column": column,
        "value": value,
        "rows": 3000,
        "metrics": {"f1_weighted": figure},
        "intervals": {"f1_weighted": {"low": figure - 0.05, "high": figure + 0.05}},
    }
