"""Simulated traffic: seeded counts of requests, errors, labels and latencies, and their windows."""

from __future__ import annotations

import bisect
from datetime import datetime, timedelta

import numpy as np
from scipy import special

from pipeline.core.rollout.observation import Role
from pipeline.manifest import RolloutSpec
from pipeline.rollout_scenario import Behaviour, Scenario
from pipeline.rollout_status import Sample

SPREAD = 0.5  # the standard deviation of log latency: a p95 of 2.3 medians
_Z95 = float(special.ndtri(0.95))


class Traffic:
    """What one model served so far: counts by tick, summed over any window that ends now."""

    def __init__(
        self, scenario: Scenario, spec: RolloutSpec, role: Role, rng: np.random.Generator
    ) -> None:
        """Nothing was served yet."""
        self._scenario, self._rng, self._role = scenario, rng, role
        self._queries = spec.plan.metrics.queries
        self._version = spec.version if role == "challenger" else spec.champion_version
        self._at: list[datetime] = []
        counted = ("requests", "errors", "labelled", "correct")
        self._sums: dict[str, list[float]] = {name: [0.0] for name in counted}

    def serve(self, behaviour: Behaviour, share: float, now: datetime) -> None:
        """One tick of traffic at `share` (0 to 1) of all requests."""
        mean = self._scenario.requests_per_second * share * self._scenario.tick.total_seconds()
        requests = int(self._rng.poisson(mean))
        errors = int(self._rng.binomial(requests, behaviour.error_rate or 0.0))
        # Those without a label are drawn: where all have one, that takes no random number.
        labelled = requests - int(self._rng.binomial(requests, 1 - self._scenario.label_share))
        correct = int(self._rng.binomial(labelled, behaviour.accuracy or 0.0))
        self._at.append(now)
        for name, count in zip(self._sums, (requests, errors, labelled, correct), strict=True):
            self._sums[name].append(self._sums[name][-1] + count)

    def sample(self, name: str, behaviour: Behaviour, now: datetime) -> Sample:
        """The metric `name` of this model over its window until `now`."""
        window = self._queries[name].window
        value, n = self._measure(name, window, behaviour, now)
        is_late = self._queries[name].newest is not None and n > 0
        return Sample(
            metric=name,
            role=self._role,
            version=self._version,
            value=value,
            n=n,
            window=window,
            sampled_at=now - self._scenario.label_delay if is_late else now,
        )

    def _measure(
        self, name: str, window: timedelta, behaviour: Behaviour, now: datetime
    ) -> tuple[float | None, float]:
        if name == "accuracy":
            ends = now - self._scenario.label_delay
            n = self._over("labelled", ends, window)
            return (self._over("correct", ends, window) / n if n else None), n
        n = self._over("requests", now, window)
        if n == 0:
            return None, 0.0
        if name == "error_rate":
            return self._over("errors", now, window) / n, n
        if name == "latency_p95":
            return self._p95(behaviour.latency_p95_ms or 1.0, n), n
        return behaviour.other.get(name), n

    def _p95(self, truth: float, n: float) -> float:
        """A sample p95 of log-normal latencies, by the asymptotics of order statistics.

        David and Nagaraja (2003), "Order statistics", 10.2: normal about the truth, with the
        variance p (1 - p) / n over the squared density there.
        """
        density = float(np.exp(-_Z95 * _Z95 / 2) / np.sqrt(2 * np.pi)) / SPREAD
        error = np.sqrt(0.95 * 0.05 / n) / density
        return float(truth * np.exp(self._rng.normal(0.0, error)))

    def _over(self, name: str, end: datetime, window: timedelta) -> float:
        sums = self._sums[name]
        last = bisect.bisect_right(self._at, end)
        return sums[last] - sums[bisect.bisect_right(self._at, end - window)]
