"""What a model server counts, read from its /metrics, and what was counted between two readings.

For users without Prometheus: see pipeline/rolling/recorder.py. Only the series that
pipeline/serving/metrics.py exports are read.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

MS_PER_SECOND = 1_000.0
_SERIES = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\{([^}]*)\} ([^ ]+)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Counts:
    """The counters of one version at the time `at`.

    `buckets` are pairs of an upper bound in seconds and how many requests took at most that long.
    """

    at: datetime
    requests: float = 0.0
    errors: float = 0.0
    labelled: float = 0.0
    correct: float = 0.0
    buckets: tuple[tuple[float, float], ...] = ()

    def since(self, before: Counts) -> Counts:
        """What was counted after `before`."""
        earlier = dict(before.buckets)
        return Counts(
            at=self.at,
            requests=self.requests - before.requests,
            errors=self.errors - before.errors,
            labelled=self.labelled - before.labelled,
            correct=self.correct - before.correct,
            buckets=tuple((le, n - earlier.get(le, 0.0)) for le, n in self.buckets),
        )

    def is_reset(self, before: Counts) -> bool:
        """Whether the server began anew after `before`: a counter never goes back."""
        earlier = dict(before.buckets)
        counters = (
            (self.requests, before.requests),
            (self.errors, before.errors),
            (self.labelled, before.labelled),
            (self.correct, before.correct),
            *((count, earlier.get(bound, 0.0)) for bound, count in self.buckets),
        )
        return any(now < then for now, then in counters)

    def figures(self) -> dict[str, tuple[float, int]]:
        """Metric -> value and the count that it rests on; 0 of 0 where nothing was counted."""
        return {
            "error_rate": (_share(self.errors, self.requests), round(self.requests)),
            "latency_p95": (quantile(0.95, self.buckets) * MS_PER_SECOND, round(self.requests)),
            "accuracy": (_share(self.correct, self.labelled), round(self.labelled)),
        }


def parse_counts(text: str, version: str, at: datetime) -> Counts:
    """The counters of `version` in Prometheus' text format.

    Series of other versions are left out: a server that serves another one has counted nothing.
    Raises ValueError for what no counter can be (NaN, infinite, negative, no number), LookupError
    for a bucket without a bound.
    """
    sums = dict.fromkeys(("requests", "errors", "labelled", "correct"), 0.0)
    buckets: dict[float, float] = {}
    for name, labels, value in _series(text, version):
        match name:
            case "model_requests_total":
                sums["requests"] += value
                sums["errors"] += value if labels.get("code") == "5xx" else 0.0
            case "model_labelled_total":
                sums["labelled"] += value
            case "model_correct_total":
                sums["correct"] += value
            case "model_request_seconds_bucket":
                bound = float(labels["le"])
                buckets[bound] = buckets.get(bound, 0.0) + value
    return Counts(at, **sums, buckets=tuple(sorted(buckets.items())))


def quantile(q: float, buckets: Iterable[tuple[float, float]]) -> float:
    """The `q` quantile of cumulative `buckets`, by a straight line within the one it falls in.

    As Prometheus' histogram_quantile: above the last finite bound it is that bound. 0.0 where
    nothing was counted.
    """
    known = list(buckets)
    total = known[-1][1] if known else 0.0
    below, counted = 0.0, 0.0
    for bound, count in known:
        if total > 0 and count >= q * total:
            if math.isinf(bound):
                return below
            return below + (bound - below) * (q * total - counted) / (count - counted)
        below, counted = bound, count
    return 0.0


def _series(text: str, version: str) -> Iterable[tuple[str, dict[str, str], float]]:
    for line in text.splitlines():
        found = _SERIES.fullmatch(line)
        if found is not None:
            labels = dict(_LABEL.findall(found[2]))
            if labels.get("model_version") == version:
                yield found[1], labels, _count(found[3])


def _count(text: str) -> float:
    found = float(text)
    if not 0 <= found < math.inf:
        raise ValueError(f"found a counter at {text}")
    return found


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
