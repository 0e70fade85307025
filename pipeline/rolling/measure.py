"""The metrics of a plan, asked of the provider that it names.

For Prometheus the queries are those of the manifest. The time of the newest data is asked beside
them, of the series that is counted: without it a server that died keeps its last good figures for
five minutes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from pipeline.adapters.metrics import Metrics
from pipeline.adapters.metrics.records import time_of
from pipeline.core.rollout.observation import Role
from pipeline.errors import ConfigurationError
from pipeline.manifest import RolloutSpec
from pipeline.rollout_metrics import Metric
from pipeline.rollout_status import Sample
from pipeline.rollout_units import render_duration

MS_PER_SECOND = 1_000.0
_SELECTOR = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\{[^{}]*\{version\}[^{}]*\}")


class Query(Protocol):
    """One number of an expression at a time; see pipeline/adapters/prometheus.py."""

    def query(self, expression: str, at: datetime) -> float | None:
        """None where there is no series or no number. Raises OutsideError."""


@dataclass(frozen=True)
class PlannedQueries:
    """Asks Prometheus the queries of the manifest."""

    client: Query

    def measure(self, spec: RolloutSpec, name: str, role: Role, at: datetime) -> Sample:
        """One metric of one version over its window until `at`. Raises OutsideError.

        A newest data of no time that there is, such as the year 10,000, is as good as none.
        """
        metric, version = spec.plan.metrics.queries[name], version_in(spec, role)

        def ask(template: str) -> float | None:
            return self.client.query(filled(template, version, metric.window), at)

        n = ask(metric.count)
        # Where nothing was counted, the scrape says when that was so.
        newest = ask(newest_of(metric) if n else scraped_of(metric))
        asked = metric.events if metric.kind == "proportion" else metric.value
        return Sample(
            metric=name,
            role=role,
            version=version,
            value=_figure(metric, ask(asked or ""), n),
            n=n,
            window=metric.window,
            sampled_at=time_of(newest),
            query=filled(asked or "", version, metric.window),
        )


def of_provider(provider: Callable[[timedelta], Metrics]) -> Callable[..., Sample]:
    """As `PlannedQueries.measure`, for a provider that knows metrics by name: HTTP or a file."""

    def measure(spec: RolloutSpec, name: str, role: Role, at: datetime) -> Sample:
        metric, version = spec.plan.metrics.queries[name], version_in(spec, role)
        metrics = provider(spec.plan.max_age_of(name))
        found = metrics.query(name, version, metric.window, at)
        missing = f"{found.missing} {found.detail}".strip() if found.missing else None
        return Sample(
            metric=name,
            role=role,
            version=found.version,
            value=found.value,
            n=found.n,
            window=metric.window,
            sampled_at=found.sampled_at,
            query=f"{spec.plan.metrics.provider}: {name} of {version}",
            error=missing,
        )

    return measure


def version_in(spec: RolloutSpec, role: Role) -> str:
    """The version's name of the challenger or the champion of `spec`."""
    return spec.version if role == "challenger" else spec.champion_version


def filled(template: str, version: str, window: timedelta) -> str:
    """`template` with {version} and {window} filled in; other braces are the query's own."""
    return template.replace("{version}", version).replace("{window}", render_duration(window))


def newest_of(metric: Metric) -> str:
    """A query of the time of the newest data behind `metric`: the plan's, else of the scrape."""
    return metric.newest or scraped_of(metric)


def scraped_of(metric: Metric) -> str:
    """A query of the time of the newest scrape of what is counted. Raises ConfigurationError."""
    found = _SELECTOR.search(metric.count)
    if found is None:
        fault = 'count: expected a series such as requests_total{model_version="{version}"} in it'
        raise ConfigurationError("metrics", [fault])
    return f"max(timestamp({found[0]}))"


def _figure(metric: Metric, asked: float | None, n: float | None) -> float | None:
    if metric.kind == "proportion":
        return asked / n if asked is not None and n else None
    if asked is None:
        return None
    return asked * MS_PER_SECOND if metric.unit == "s" else asked
