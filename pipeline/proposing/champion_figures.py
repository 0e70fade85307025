"""Whether the metrics provider can be asked for what a rollout plan judges by.

Asked for the champion: it serves, so it must have figures. What it has none for, a stage could
never pass with.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from pipeline.adapters.prometheus import Prometheus
from pipeline.core.quality.facts import Monitoring, PlanFacts
from pipeline.errors import OutsideError
from pipeline.rollout_config import RolloutPlan
from pipeline.rollout_metrics import Metric


def ask_monitoring(
    plan: RolloutPlan,
    asked: PlanFacts,
    version: str | None,
    environment: Mapping[str, str],
    at: datetime,
) -> Monitoring:
    """The champion's (`version`) figure of each metric that is `asked` for, at the time `at`.

    The provider's address and token are PROMETHEUS_URL and PROMETHEUS_TOKEN. Without an address,
    with another provider, or before there is a champion, nothing is asked.
    """
    url = environment.get("PROMETHEUS_URL")
    if not url or plan.metrics.provider != "prometheus" or version is None:
        return Monitoring()
    provider = Prometheus(url, environment.get("PROMETHEUS_TOKEN"))
    figures = {
        name: _figure(provider, plan.metrics.queries[name], version, at) for name in asked.metrics
    }
    return Monitoring("Prometheus", figures)


def _figure(provider: Prometheus, metric: Metric, version: str, at: datetime) -> float | str | None:
    """A number, None for no data, or why the question failed."""
    try:
        count = provider.query(_filled(metric.count, version, metric.window), at)
        query = metric.events or metric.value or metric.count
        found = provider.query(_filled(query, version, metric.window), at)
    except OutsideError as error:
        return str(error)
    if found is None or not count:
        return None
    return found / count if metric.events else found


def _filled(query: str, version: str, window: timedelta) -> str:
    seconds = int(window.total_seconds())
    return query.replace("{version}", version).replace("{window}", f"{seconds}s")
