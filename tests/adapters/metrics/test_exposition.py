"""Counters read from a model server's own /metrics, and what they come to over a window."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.adapters.metrics.exposition import Counts, parse_counts, quantile
from pipeline.serving.metrics import LATENCY_BUCKETS, ServerMetrics

NOW = datetime(2013, 7, 3, 9, tzinfo=UTC)
VERSION = "2013-07-03-05d7a3c35826"


def read(metrics: ServerMetrics, version: str = VERSION) -> Counts:
    return parse_counts(metrics.render().decode(), version, NOW)


def served(*requests: tuple[int, float]) -> ServerMetrics:
    metrics = ServerMetrics("flight-delay", VERSION)
    for status, seconds in requests:
        metrics.count_request(status, seconds)
    return metrics


def test_a_server_that_was_just_started_has_counted_nothing() -> None:
    found = read(served())
    assert found.figures() == {
        "error_rate": (0.0, 0),
        "latency_p95": (0.0, 0),
        "accuracy": (0.0, 0),
    }


def test_only_5xx_are_errors_and_only_what_came_since_is_counted() -> None:
    metrics = served((200, 0.01), (500, 0.01))
    before = read(metrics)
    for status in (200, 200, 404, 503):
        metrics.count_request(status, 0.01)
    metrics.count_labelled(10, 7)
    figures = read(metrics).since(before).figures()
    assert figures["error_rate"] == (0.25, 4)
    assert figures["accuracy"] == (0.7, 10)


def test_the_counters_of_another_version_are_not_taken_for_its_own() -> None:
    assert read(served((500, 0.01)), "2013-08-01-000000000000").requests == 0


def test_a_server_that_began_anew_is_seen() -> None:
    assert read(served()).is_reset(read(served((200, 0.01))))
    assert not read(served((200, 0.01), (200, 0.01))).is_reset(read(served((200, 0.01))))


def test_the_p95_is_within_the_bucket_that_the_true_one_is_in() -> None:
    seconds = np.random.default_rng(24).lognormal(-3, 0.7, 2_000).tolist()
    value, n = read(served(*((200, s) for s in seconds))).figures()["latency_p95"]
    edges = [0.0, *LATENCY_BUCKETS]
    truth = float(np.quantile(seconds, 0.95))
    high = next(edge for edge in edges if edge >= truth)
    low = max(edge for edge in edges if edge < truth)
    assert low * 1_000 <= value <= high * 1_000
    assert n == 2_000


@pytest.mark.parametrize(
    ("buckets", "expected"),
    [
        ([], 0.0),
        ([(1.0, 0.0), (float("inf"), 0.0)], 0.0),
        ([(1.0, 10.0), (2.0, 20.0), (float("inf"), 20.0)], 1.9),
        ([(1.0, 10.0), (float("inf"), 20.0)], 1.0),  # above the last bound nothing is known
    ],
)
def test_a_quantile_is_that_of_prometheus(
    buckets: list[tuple[float, float]], expected: float
) -> None:
    assert quantile(0.95, buckets) == pytest.approx(expected)
