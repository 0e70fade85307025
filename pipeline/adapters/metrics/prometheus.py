"""Metrics from Prometheus, by instant queries made from templates.

Each metric has three: its value, how many observations stand behind it, and when the newest was
scraped. Without the last, a server that died keeps its last good numbers for five minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pipeline.adapters.metrics.base import Missing, Sample, filled, judged, no_sample
from pipeline.errors import ConfigurationError

VERSION_LABEL = "model_version"
DEFAULT_MAX_AGE = timedelta(seconds=60)


class Client(Protocol):
    """What is needed of adapters/prometheus.py: its `instant`."""

    def instant(self, expression: str, at: datetime) -> Any:
        """An answer with `series`, pairs of labels and value, or with a `fault`."""


@dataclass(frozen=True)
class Query:
    """PromQL templates with {version} and {window}; each must give one series or none.

    `newest` gives the time of the newest scrape, in seconds since 1970. Braces of PromQL are
    written twice.
    """

    value: str
    n: str
    newest: str


@dataclass(frozen=True)
class PrometheusMetrics:
    """Asks `client`. A sample that is older than `max_age` is stale.

    Where a series carries the label `version_label`, it must be of the version asked for.
    """

    client: Client
    queries: Mapping[str, Query]
    max_age: timedelta = DEFAULT_MAX_AGE
    version_label: str = VERSION_LABEL

    def query(self, name: str, version: str, window: timedelta, at: datetime) -> Sample:
        """See Metrics."""
        if name not in self.queries:
            raise ConfigurationError("metrics", [f"{name!a:.80}: no query for it"])
        asked = self.queries[name]
        found: list[tuple[Mapping[str, str], float]] = []
        for template in (asked.newest, asked.n, asked.value):
            answer = self.client.instant(filled(template, name, version, window), at)
            fault = answer.fault or _too_many(answer.series)
            if fault:
                return no_sample(version, Missing.BAD_ANSWER, fault)
            if not answer.series:
                return no_sample(version, Missing.EMPTY, f"no series for {template}")
            found.append(answer.series[0])
        return self._judged(version, found, at)

    def _judged(
        self, version: str, found: Sequence[tuple[Mapping[str, str], float]], at: datetime
    ) -> Sample:
        (_, newest), (_, n), (_, value) = found
        others = {labels.get(self.version_label, version) for labels, _ in found} - {version}
        return judged(
            version,
            value=value,
            n=n,
            sampled_at=_time(newest),
            found_version=min(others, default=None),
            at=at,
            max_age=self.max_age,
        )


def _too_many(series: Sequence[Any]) -> str | None:
    return f"gave {len(series)} series, expected one" if len(series) > 1 else None


def _time(seconds: float) -> datetime:
    """A time that is none, such as NaN, is the oldest one there is: stale."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _newest(series: str) -> str:
    return f'max by (model_version) (timestamp({series}{{{{model_version="{{version}}"}}}}))'


def _increase(series: str, labels: str = "") -> str:
    chosen = f'{{{{model_version="{{version}}"{labels}}}}}'
    return f"sum by (model_version) (increase({series}{chosen}[{{window}}]))"


# What pipeline/serving exports. The error rate counts 5xx alone: a 4xx is the asker's fault.
SERVED_QUERIES: Mapping[str, Query] = {
    "error_rate": Query(
        value=_increase("model_requests_total", ',code="5xx"')
        + " / "
        + _increase("model_requests_total"),
        n=_increase("model_requests_total"),
        newest=_newest("model_requests_total"),
    ),
    "latency_p95_ms": Query(
        value="1000 * histogram_quantile(0.95, sum by (model_version, le) (increase("
        'model_request_seconds_bucket{{model_version="{version}"}}[{window}])))',
        n=_increase("model_request_seconds_count"),
        newest=_newest("model_request_seconds_count"),
    ),
    "accuracy": Query(
        value=_increase("model_correct_total") + " / " + _increase("model_labelled_total"),
        n=_increase("model_labelled_total"),
        newest=_newest("model_labelled_total"),
    ),
}
