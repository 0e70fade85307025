"""What became of a merged retrain: its rollout, its time as champion, and whether it kept its word.

What was promised is the challenger's own figure on the holdout with its interval. Production is
other weeks than the holdout was, and has chance of its own: a figure that both together explain
keeps the promise, and one below says that something differs, the model or the world.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.core.comparison.scoring import is_higher_better
from pipeline.core.report.figures import is_known
from pipeline.core.report.gates import ends
from pipeline.core.triggers.ledger import Event

# f1_weighted hides a rare positive class. All of them are from 0 to 1.
METRICS = ("accuracy", "f1_weighted", "f1", "roc_auc")
OF_THE_RARER_LABEL = frozenset({"f1", "roc_auc"})  # they move with each row of it
MAX_ROWS = 10**12  # of a holdout: more is no count
MIN_CLASS_ROWS = 30  # of the rarer label: with 10, simulated F1 left its interval twice too often


class Kept(StrEnum):
    """What production says of a promise."""

    TOO_EARLY = "too early"
    AS_PROMISED = "as promised"
    BETTER = "better than promised"
    WORSE = "below what was promised"


@dataclass(frozen=True)
class Promise:
    """A metric of the challenger on the holdout, with the ends of its interval (None: unknown).

    `rows` is how many the holdout had; 0 for unknown, as if they were few beside production's.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    rows: int = 0


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
    """Its answers in production: rows answered in [start, end), those with a label, the metrics.

    `positives` of the labelled rows have label 1.
    """

    start: datetime
    end: datetime
    rows: int
    labelled: int
    positives: int
    metrics: Mapping[str, float]

    @property
    def rarer(self) -> int:
        """How many of the labelled rows have the label that fewer of them have."""
        return min(self.positives, self.labelled - self.positives)


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
    n = comparison.get("n")
    known = n if isinstance(n, int) and 0 < n < MAX_ROWS else 0
    return tuple(
        Promise(row["metric"], row["challenger"], *ends(row["challenger_interval"]), known)
        for row in found
        if row is not None and is_known(row["challenger"])
    )


def assess_promise(promise: Promise, measured: Measured | None, min_rows: int) -> Kept:
    """Whether production keeps a promise; both ends of the expected interval are inside it.

    Too early with fewer than `min_rows` labelled rows, or, of a metric of the rarer label, fewer
    than MIN_CLASS_ROWS with it.
    """
    value = measured.metrics.get(promise.metric) if measured else None
    if measured is None or measured.labelled < min_rows or not is_known(value) or value is None:
        return Kept.TOO_EARLY
    expected = expected_interval(promise, measured)
    if expected is None or is_too_rare(promise.metric, measured):
        return Kept.TOO_EARLY
    low, high = expected
    sign = 1 if is_higher_better(promise.metric) else -1  # type: ignore[arg-type]
    if low <= value <= high:
        return Kept.AS_PROMISED
    return Kept.BETTER if (value - high) * sign > 0 else Kept.WORSE


def expected_interval(promise: Promise, measured: Measured) -> tuple[float, float] | None:
    """Where the metric of an unchanged model in an unchanged world would be; None for unknown.

    The interval knows the chance of the n holdout rows. The m labelled rows of production have
    theirs, whose variance is n/m times as large, so each end is sqrt(1 + n/m) times as far from the
    promised figure, at most to 0 and 1: a prediction interval.
    """
    if promise.low is None or promise.high is None or not measured.labelled:
        return None
    wider = math.sqrt(1 + promise.rows / measured.labelled)
    below, above = promise.value - promise.low, promise.high - promise.value
    return max(0.0, promise.value - wider * below), min(1.0, promise.value + wider * above)


def is_too_rare(metric: str, measured: Measured) -> bool:
    """Whether `metric` rests on a label that too few of the measured rows have."""
    return metric in OF_THE_RARER_LABEL and measured.rarer < MIN_CLASS_ROWS


def worst_kept(facts: OutcomeFacts) -> Kept:
    """What is said first: worse before too early, then as promised, then better."""
    order = (Kept.WORSE, Kept.TOO_EARLY, Kept.AS_PROMISED, Kept.BETTER)
    found = [assess_promise(p, facts.measured, facts.min_rows) for p in facts.promises]
    return min(found, key=order.index, default=Kept.TOO_EARLY)


def events_since(events: Sequence[Event], digest: str) -> tuple[Event, ...]:
    """The triggers that fired about the model `digest` as champion, oldest first."""
    return tuple(sorted((e for e in events if e.champion == digest), key=lambda e: e.at))
