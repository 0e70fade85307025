"""A finished run as the quality gates see it, good in every respect, and ways to spoil it."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from pipeline.core.comparison.selftest import CLAIMS
from pipeline.core.quality.assessment import assess_quality
from pipeline.core.quality.facts import (
    CHECKS,
    COLLECT,
    COMPARISON,
    METRICS,
    REGISTRATION,
    REHEARSAL,
    SPLIT,
    TIMINGS,
    TRAIN,
    Facts,
    LockFacts,
    Monitoring,
    PackageFacts,
    PlanFacts,
    Request,
)
from pipeline.core.quality.gates import Item
from pipeline.core.quality.model import PACKAGE
from pipeline.core.quality.readiness import TRAIN_ROWS
from pipeline.core.report.inputs import ReportInputs
from pipeline.core.triggers.ledger import Event, Retrain, RetrainState
from pipeline.domain import Verdict
from pipeline.gates_config import QualityPolicy
from pipeline.trigger_config import TriggerConfig, load_triggers
from tests.core import reports

MODEL = "flight-delay"
CHAMPION = "sha256:" + "4d1e" * 16
CHALLENGER = "sha256:" + "77ab" * 16
OTHER = "sha256:" + "00ff" * 16
AT = datetime(2013, 7, 2, tzinfo=UTC)
RETRAIN_ID = "flight-delay-0004"
LOCKED = {PACKAGE: "a" * 32 + ".dir", COMPARISON: "b" * 32}


@cache
def _run() -> ReportInputs:
    return reports.passing()


@cache
def _triggers() -> TriggerConfig:
    return load_triggers(reports.ROOT)


def event(**changes: Any) -> Event:
    """Drift of the champion's data, consumed by the retrain."""
    found = Event(MODEL, CHAMPION, "data_drift", "w1", "high", "It drifted.", AT, RETRAIN_ID)
    return replace(found, **changes)


def retrain(**changes: Any) -> Retrain:
    """The retrain that trains now."""
    found = Retrain(RETRAIN_ID, MODEL, CHAMPION, RetrainState.RUNNING, AT, AT)
    return replace(found, **changes)


def comparison() -> dict[str, Any]:
    """The comparison of a challenger that passed, with every trial of the gates."""
    found = copy.deepcopy(_run().comparison)
    found["gates"].insert(0, {"name": "inputs", "verdict": "PASS", "reason": "As expected."})
    found["self_test"] = [{"name": f"self-test: {claim}", "verdict": "PASS"} for claim in CLAIMS]
    return found


def documents() -> dict[str, Any]:
    """Every document of a finished run that was registered and rehearsed."""
    run = _run()
    return copy.deepcopy(
        {
            COLLECT: run.collect,
            CHECKS: run.checks,
            SPLIT: run.split,
            TRAIN: run.train,
            METRICS: {name: challenger for name, _, challenger, _, _ in reports.JUNE},
            COMPARISON: comparison(),
            TIMINGS: run.timings,
            REGISTRATION: {
                "model": MODEL,
                "version": 7,
                "run_id": "run-1",
                "uri": "https://mlflow.example",
                "digest": CHALLENGER,
            },
            REHEARSAL: {
                "challenger": CHALLENGER,
                "champion": CHAMPION,
                "verdict": "PASS",
                "steps": [{"name": "it merges", "verdict": "PASS", "reason": "Merged."}],
            },
        }
    )


def facts(**changes: Any) -> Facts:
    """A run that passes every item; `changes` replace single fields."""
    run = _run()
    found = Facts(
        model=MODEL,
        version="2013-07-02-77ab77ab77ab",
        at=AT,
        params=run.params,
        min_label_coverage=0.9,
        comparison_policy=run.policy,
        policy=QualityPolicy(),
        triggers=_triggers(),
        champion=CHAMPION,
        documents=documents(),
        request=Request(RETRAIN_ID, retrain(), (event(),)),
        lock=LockFacts(LOCKED, LOCKED, train_reads=(TRAIN_ROWS, "pipeline/ml/search.py")),
        package=PackageFacts(CHALLENGER, 100_139, "sha256:" + "c0de" * 16, AT),
        plan=PlanFacts(("accuracy", "error_rate")),
        monitoring=Monitoring("Prometheus", {"accuracy": 0.8, "error_rate": 0.0}),
        approvals={"ml_lead": ("ada",), "product_owner": ("grace",)},
        members={"ml_lead": ("ada",), "product_owner": ("grace",)},
    )
    return replace(found, **changes)


def with_document(path: str, **changes: Any) -> Facts:
    """The run with keys of one document replaced."""
    found = documents()
    return facts(documents={**found, path: {**found[path], **changes}})


def without_document(path: str) -> Facts:
    """The run without one of its documents."""
    return facts(documents={name: value for name, value in documents().items() if name != path})


def item(found: Facts, name: str) -> Item:
    """One item of the assessment."""
    return next(item for item in assess_quality(found).items if item.name == name)


def says(found: Facts, name: str) -> tuple[Verdict, str]:
    """The verdict and the reason of one item."""
    answered = item(found, name)
    return answered.verdict, answered.reason
