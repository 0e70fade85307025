"""The metrics of a rollout plan: who is asked what, and how many samples make an answer.

The default queries read what the model servers export: counters by `model_version`, and a
histogram of latencies.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from pipeline.config import Count, Section
from pipeline.rollout_units import Duration, MetricName, Unit

Query = Annotated[str, Field(min_length=1, max_length=2_000)]


class Metric(Section):
    """How to measure one metric of one version: `{version}` and `{window}` are filled in.

    A proportion has `events` and `count`; anything else has `value` (in `unit`; s becomes ms) and
    the `count` of requests that it rests on. Below `min_samples` it is never a PASS.

    `newest` gives the time of the newest datum in seconds since 1970, where that is not the time
    of the newest scrape: labels come late. `max_age` is how old that may be; monitoring's own
    without it.
    """

    kind: Literal["proportion", "value"] = "value"
    events: Query | None = None
    value: Query | None = None
    count: Query
    newest: Query | None = None
    max_age: Duration | None = None
    unit: Literal["s", "ms", "fraction", "number"] = "number"
    window: Duration = timedelta(minutes=5)
    min_samples: Count = 300

    @property
    def base_unit(self) -> Unit:
        """The unit of its figures once they are read."""
        if self.kind == "proportion":
            return "fraction"
        return "ms" if self.unit == "s" else self.unit

    @model_validator(mode="after")
    def _has_its_queries(self) -> Self:
        if (self.kind == "proportion") != (self.events is not None):
            raise ValueError("a proportion has events, and nothing else has")
        if (self.kind == "value") != (self.value is not None):
            raise ValueError("a value has value, and a proportion has events instead")
        for query in filter(None, (self.events, self.value, self.count, self.newest)):
            if "{version}" not in query:
                raise ValueError("each query needs {version}: it would measure everyone")
        return self


_LABELS = '{model_version="{version}"}[{window}]'
_REQUESTS = f"sum(increase(model_requests_total{_LABELS}))"
_ERRORS = 'sum(increase(model_requests_total{model_version="{version}",code="5xx"}[{window}]))'
_BUCKETS = f"sum by (le) (rate(model_request_seconds_bucket{_LABELS}))"
DEFAULT_METRICS = {
    "error_rate": Metric(
        kind="proportion",
        events=_ERRORS,
        count=_REQUESTS,
    ),
    "latency_p95": Metric(
        value=f"histogram_quantile(0.95, {_BUCKETS})",
        count=_REQUESTS,
        unit="s",
    ),
    "accuracy": Metric(
        kind="proportion",
        events=f"sum(increase(model_correct_total{_LABELS}))",
        count=f"sum(increase(model_labelled_total{_LABELS}))",
        window=timedelta(hours=1),
    ),
}


def _with_defaults(queries: Any) -> Any:
    return {**DEFAULT_METRICS, **queries} if isinstance(queries, dict) else queries


class MetricsPlan(Section):
    """Who answers, with which queries: they replace or join the default ones.

    The metrics in `dry_run` are measured and never decide.
    """

    provider: Literal["prometheus", "http", "file"] = "prometheus"
    queries: Annotated[dict[MetricName, Metric], BeforeValidator(_with_defaults)] = Field(
        default_factory=lambda: DEFAULT_METRICS
    )
    dry_run: tuple[MetricName, ...] = ()
