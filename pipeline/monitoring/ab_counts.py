"""What a metrics provider counted of one version between two moments: answers and outcomes.

The metrics are those of the rollout plan, so that a test and a rollout measure alike: a proportion
has a query of its events and one of what they are counted of. Answers are what `error_rate` is
counted of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pipeline.adapters.metrics.base import Metrics, Missing
from pipeline.errors import OutsideError
from pipeline.rollout_metrics import Metric

ANSWERS = "error_rate"


@dataclass(frozen=True)
class Counted:
    """Of `n` outcomes `ones` were so."""

    n: int
    ones: int


class Counts(Protocol):
    """A provider."""

    @property
    def is_now_only(self) -> bool:
        """Whether it can tell of no moment that has passed."""

    def count(self, metric: str, version: str, start: datetime, end: datetime) -> Counted:
        """What was counted after `start` and up to `end`; nothing where there is no series.

        Raises OutsideError where the provider cannot tell.
        """


class Query(Protocol):
    """See pipeline/adapters/prometheus.py."""

    def query(self, expression: str, at: datetime) -> float | None:
        """The number at a time; None where there is no series."""


@dataclass(frozen=True)
class PrometheusCounts:
    """Increases of counters; `increase` reads between scrapes, so figures are rounded."""

    client: Query
    queries: Mapping[str, Metric]
    is_now_only: bool = False

    def count(self, metric: str, version: str, start: datetime, end: datetime) -> Counted:
        """See Counts."""
        window = f"{max(1, round((end - start).total_seconds()))}s"
        asked = self.queries[metric]
        n, ones = (
            self.client.query(
                template.replace("{version}", version).replace("{window}", window), end
            )
            for template in (asked.count, asked.events or asked.count)
        )
        return _counted(n or 0.0, ones or 0.0)


@dataclass(frozen=True)
class HttpCounts:
    """A service of JSON, which knows metrics by name and speaks of now alone."""

    provider: Callable[[timedelta], Metrics]  # by the age that a sample may have
    is_now_only: bool = True

    def count(self, metric: str, version: str, start: datetime, end: datetime) -> Counted:
        """See Counts."""
        window = end - start
        found = self.provider(window).query(metric, version, window, end)
        if found.missing is Missing.EMPTY:
            return Counted(0, 0)
        if found.value is None or found.n is None:
            why = f"{found.missing or 'no n'} {found.detail}".strip()
            raise OutsideError(f"metrics: {metric} of {version}: {why}. Look again later.")
        return _counted(found.n, found.value * found.n)


def _counted(n: float, ones: float) -> Counted:
    """Whole numbers; what is read between scrapes may be a little more than there was."""
    whole = max(0, round(n))
    return Counted(whole, min(whole, max(0, round(ones))))
