"""What became of a merged retrain: its rollout, its time as champion, and whether it kept its word.

What was promised is the challenger's own figure on the holdout with its interval. Production is
other weeks than the holdout was, so a figure inside the interval keeps the promise, and one below
it says that something differs: the model, or the world.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.core.comparison.scoring import is_higher_better
from pipeline.core.report.figures import is_known
from pipeline.core.report.gates import ends
from pipeline.core.triggers.ledger import Event

METRICS = ("accuracy", "f1_weighted", "f1", "roc_auc")  # f1_weighted hides a rare positive class


class Kept(StrEnum):
    """What production says of a promise."""

    TOO_EARLY = "too early"
    AS_PROMISED = "as promised"
    BETTER = "better than promised"
    WORSE = "below what was promised"


@dataclass(frozen=True)
class Promise:
    """A metric of the challenger on the holdout, with the ends of its interval (None: unknown)."""

    metric: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Transition:
    """One step of the rollout, as its record tells it."""

    at: datetime
    phase: str
    weight_percent: float
    reason: str


@dataclass(frozen=True)
class Served:
    """When the challenger was champion; `until` and `successor` are None while it is."""

    since: datetime
    until: datetime | None = None
    successor: str | None = None


@dataclass(frozen=True)
class Measured:
    """Its answers in production: rows answered in [start, end), those with a label, the metrics."""

    start: datetime
    end: datetime
    rows: int
    labelled: int
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class OutcomeFacts:
    """Everything that the comment says. `unmeasured` says why there is no `measured`.

    `events` are the triggers that spoke of this model while it was champion. `min_rows` labelled
    rows are needed to judge (>=).
    """

    model: str
    challenger: str
    promises: tuple[Promise, ...]
    min_rows: int
    transitions: tuple[Transition, ...] = ()
    served: Served | None = None
    events: tuple[Event, ...] = ()
    measured: Measured | None = None
    unmeasured: str = ""


def promises_of(comparison: Mapping[str, Any]) -> tuple[Promise, ...]:
    """The promises in a comparison.json; a metric without a known figure promised nothing."""
    rows = {row["metric"]: row for row in comparison["metrics"]}
    found = (rows.get(metric) for metric in METRICS)
    return tuple(
        Promise(row["metric"], row["challenger"], *ends(row["challenger_interval"]))
        for row in found
        if row is not None and is_known(row["challenger"])
    )


def assess_promise(promise: Promise, measured: Measured | None, min_rows: int) -> Kept:
    """Whether production keeps a promise; both ends of the interval are inside it."""
    value = measured.metrics.get(promise.metric) if measured else None
    if measured is None or measured.labelled < min_rows or not is_known(value) or value is None:
        return Kept.TOO_EARLY
    low, high = promise.low, promise.high
    sign = 1 if is_higher_better(promise.metric) else -1  # type: ignore[arg-type]
    if low is None or high is None:
        return Kept.TOO_EARLY
    if low <= value <= high:
        return Kept.AS_PROMISED
    return Kept.BETTER if (value - high) * sign > 0 else Kept.WORSE


def worst_kept(facts: OutcomeFacts) -> Kept:
    """What is said first: worse before too early, then as promised, then better."""
    order = (Kept.WORSE, Kept.TOO_EARLY, Kept.AS_PROMISED, Kept.BETTER)
    found = [assess_promise(p, facts.measured, facts.min_rows) for p in facts.promises]
    return min(found, key=order.index, default=Kept.TOO_EARLY)


def events_since(events: Sequence[Event], digest: str) -> tuple[Event, ...]:
    """The triggers that fired about the model `digest` as champion, oldest first."""
    return tuple(sorted((e for e in events if e.champion == digest), key=lambda e: e.at))
