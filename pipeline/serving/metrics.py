"""What a model server counts. The metrics of a rollout are read from here, labelled by version.

Every series exists from the start, so that a rate of what never happened is 0 and not absent.
"""

from __future__ import annotations

from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

disable_created_metrics()  # one more series for each, which nothing here reads

CONTENT_TYPE = CONTENT_TYPE_LATEST
CODE_CLASSES = ("2xx", "4xx", "5xx")
# In seconds, with the usual limits of a rollout plan among them: a quantile is only as exact as
# the buckets around it.
LATENCY_BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.075, 0.1),
    *(0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0),
)


class ServerMetrics:
    """The counters of one process that serves the model `version`."""

    def __init__(self, model: str, version: str) -> None:
        self._registry = CollectorRegistry()
        labels = {"model": model, "model_version": version}
        names = tuple(labels)

        def counter(name: str, words: str) -> Counter:
            return Counter(name, words, names, registry=self._registry)

        requests = Counter(
            "model_requests_total",
            "Predictions asked for, by the class of the answer's code",
            (*names, "code"),
            registry=self._registry,
        )
        self._requests = {code: requests.labels(**labels, code=code) for code in CODE_CLASSES}
        self._seconds = Histogram(
            "model_request_seconds",
            "Seconds from a whole request to its answer",
            names,
            buckets=LATENCY_BUCKETS,
            registry=self._registry,
        ).labels(**labels)
        self._rows = counter("model_predictions_total", "Rows answered").labels(**labels)
        self._labelled = counter("model_labelled_total", "Answers whose truth is known").labels(
            **labels
        )
        self._correct = counter("model_correct_total", "Of those, the right ones").labels(**labels)
        self._newest = Gauge(
            "model_newest_outcome_timestamp_seconds",
            "When the newest answer whose truth is known was given; 0 before there is one",
            names,
            registry=self._registry,
        ).labels(**labels)
        self._newest_seconds = 0.0

    def count_request(self, status: int, seconds: float | None = None) -> None:
        """One request for predictions, answered with `status` after `seconds`.

        None where the request did not come whole: how long that took says nothing of the model.
        """
        self._requests[f"{status // 100}xx"].inc()
        if seconds is not None:
            self._seconds.observe(seconds)

    def count_rows(self, rows: int) -> None:
        """`rows` were answered."""
        self._rows.inc(rows)

    def count_labelled(self, labelled: int, correct: int, newest: datetime | None = None) -> None:
        """The truth of `labelled` answers came, and `correct` of them were right.

        `newest` is when the newest of these answers was given.
        """
        if newest is not None:
            self._newest_seconds = max(self._newest_seconds, newest.timestamp())
            self._newest.set(self._newest_seconds)
        self._labelled.inc(labelled)
        self._correct.inc(correct)

    def render(self) -> bytes:
        """All of it as Prometheus text."""
        return generate_latest(self._registry)
