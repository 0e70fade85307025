"""Whether today's traffic can show the harm that a plan is to catch, in the time that it has.

A stage that cannot see its harm only looks safe. The harm is one that the plan must catch: a rate
as far beyond its limit as the champion is within it, twice a spike or a drop, and a p95 limit that
10 % of the requests exceed. If one window of the stage cannot show it with `POWER`, the answer says
how long window and stage would have to be.

Sources: the exact power of a one-sided binomial test (Fleiss, Levin and Paik 2003, "Statistical
methods for rates and proportions", 2.5); for a p95, that the number of requests above a quantile is
binomial whatever the distribution (David and Nagaraja 2003, "Order statistics", 7.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
from scipy import special

from pipeline.core.proportions import MIN_BAD, excess_tail
from pipeline.core.rollout.wording import render_length, render_metric, render_percent
from pipeline.rollout_config import Criterion, PlannedStage, RolloutPlan

POWER = 0.99  # of a hundred harmful challengers one is seen later than planned
SLOW_SHARE = 0.10  # a latency harm: twice the 5 % of requests that a p95 allows are above the limit
_MOST = 10**9
_MANY_BAD = 2_000  # failures: with more, the normal approximation errs less than the search's steps
_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(9)  # of a normal distribution's moments
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


@dataclass(frozen=True)
class Today:
    """What serves today: requests a second in all, the champion's figures, and its labels.

    `label_share` of the answers get a label, `label_delay` later.
    """

    requests_per_second: float
    error_rate: float
    accuracy: float
    label_share: float = 1.0
    label_delay: timedelta = timedelta(0)


@dataclass(frozen=True)
class Detection:
    """One thing that a stage watches: what it needs to be seen, and what there is.

    `needed` samples show the harm with `POWER`; the window and the stage have `available`.
    `enough` is how long both would have to be, None where no length is enough: see `why_never`.
    """

    stage: int
    watches: str
    harm: str
    needed: int | None
    available: int
    enough: timedelta | None
    why_never: str = "no traffic shows it"

    @property
    def is_detectable(self) -> bool:
        """Whether the stage would see it in time."""
        return self.needed is not None and self.available >= self.needed

    def __str__(self) -> str:
        head = f"stage {self.stage}: {self.watches} {self.harm}: "
        if self.is_detectable:
            return f"{head}seen with {self.needed:,} of {self.available:,} samples"
        if self.needed is None or self.enough is None:
            return f"{head}{self.why_never}"
        return (
            f"{head}needs {self.needed:,} samples and has {self.available:,}: "
            f"a stage and window of {render_length(self.enough)} would show it"
        )


@dataclass(frozen=True)
class _Question:
    plan: RolloutPlan
    stage: PlannedStage
    today: Today


def assess_detectability(plan: RolloutPlan, today: Today) -> tuple[Detection, ...]:
    """Every stage with traffic against what may end it or hold it up.

    But for `latency_spike_pct`, which compares two p95: what it can show depends on how latencies
    are spread, which nobody knows beforehand.
    """
    return tuple(
        detection
        for stage in plan.stages
        if stage.weight_percent > 0 or stage.is_mirror
        for detection in _of_stage(plan, stage, today)
    )


def needed_for_rate(limit: float, harm: float, alpha: float, power: float) -> int | None:
    """The least n with which a test of "at most `limit`" at `alpha` shows a true rate of `harm`.

    None where harm <= limit. Exact but for the saw-tooth of counts: a few samples more than the
    least n can have a little less power.
    """
    return _needed(lambda n: _power_of_rate(n, limit, harm, alpha), power) if harm > limit else None


def needed_for_excess(
    base: float, excess: float, alpha: float, power: float, champion_ratio: float
) -> int | None:
    """The least n of the challenger's that shows `excess` above a champion's rate of `base`.

    The champion has `champion_ratio` times as many samples. The point estimate has to reach the
    excess as well, so the harm that is planned for is twice as much. Where few fail, the normal
    approximation promises too much at a small `alpha`: then it is where a search begins, in steps
    of 2 %, for what the exact test shows. So the answer is the least but for a few per cent.
    """
    if champion_ratio <= 0 or not 0 < base + 2 * excess < 1:
        return None
    n = _by_approximation(base, excess, alpha, power, champion_ratio)
    while n * (base + 2 * excess) < _MANY_BAD:
        if _power_of_excess(n, base, excess, alpha, champion_ratio) >= power:
            break
        n += n // 50 + 1
    return n


def _by_approximation(
    base: float, excess: float, alpha: float, power: float, champion_ratio: float
) -> int:
    """Normal approximation of the difference of two proportions (Fleiss, Levin and Paik, 4.3)."""
    worse = base + 2 * excess
    pooled = (worse + champion_ratio * base) / (1 + champion_ratio)
    under_null = math.sqrt(pooled * (1 - pooled) * (1 + 1 / champion_ratio))
    under_harm = math.sqrt(worse * (1 - worse) + base * (1 - base) / champion_ratio)
    z_alpha, z_power = -special.ndtri(alpha), special.ndtri(power)
    by_test = ((z_alpha * under_null + z_power * under_harm) / (worse - base)) ** 2
    by_point = (z_power * under_harm / (worse - base - excess)) ** 2
    return math.ceil(max(by_test, by_point))


def needed_for_quantile(quantile: float, slow_share: float, power: float) -> int | None:
    """The least n whose sample quantile is above a limit that `slow_share` of requests exceed.

    It is where more than (1 - quantile) n requests do: a binomial count. None where slow_share is
    not above 1 - quantile.
    """
    share = 1 - quantile
    if slow_share <= share:
        return None
    return _needed(lambda n: _tail(math.floor(share * n) + 1, n, slow_share), power)


def _of_stage(plan: RolloutPlan, stage: PlannedStage, today: Today) -> list[Detection]:
    ask = _Question(plan, stage, today)
    found = [_criterion(ask, criterion) for criterion in stage.criteria]
    weight = stage.weight_percent
    ratio = 1.0 if stage.is_mirror else (100 - weight) / weight
    conditions, alpha = plan.rollback_conditions, plan.statistics.condition_alpha
    for metric, limit, base in (
        ("error_rate", conditions.error_rate_spike, today.error_rate),
        ("accuracy", conditions.accuracy_drop, 1 - today.accuracy),
    ):
        if limit is not None and ratio > 0:
            needed = needed_for_excess(base, limit, alpha, POWER, ratio)
            harm = f"worse by {render_percent(200 * limit)} than the champion"
            found.append(_detection(ask, metric, harm, needed))
    return [detection for detection in found if detection is not None]


def _criterion(ask: _Question, criterion: Criterion) -> Detection | None:
    """The harm is as far beyond the limit as the champion is within it.

    None for metrics of one's own, of which nothing is known.
    """
    today, name = ask.today, criterion.metric
    if name == "latency_p95":
        needed = needed_for_quantile(0.95, SLOW_SHARE, POWER)
        harm = f"over its limit for {render_percent(100 * SLOW_SHARE)} of requests"
        return _detection(ask, name, harm, needed)
    if name not in ("error_rate", "accuracy"):
        return None
    is_max = criterion.bound == "max"
    limit = criterion.limit if is_max else 1 - criterion.limit
    healthy = today.error_rate if name == "error_rate" else 1 - today.accuracy
    worse = min(limit + max(limit - healthy, 0.0), 1.0)
    needed = needed_for_rate(limit, worse, ask.plan.statistics.criterion_alpha, POWER)
    harm, now = (
        f"at {render_percent(round(100 * (share if is_max else 1 - share), 2))}"
        for share in (worse, healthy)
    )
    detection = _detection(ask, name, harm, needed)
    if healthy <= limit:
        return detection
    return replace(detection, why_never=f"the champion itself fails this criterion, {now}")


def _detection(ask: _Question, name: str, harm: str, needed: int | None) -> Detection:
    metric = ask.plan.metrics.queries[name]
    is_labelled = name == "accuracy"
    at_least = None if needed is None else max(needed, metric.min_samples)
    rate = ask.today.requests_per_second * _share(ask.stage, is_labelled=is_labelled)
    rate *= ask.today.label_share if is_labelled else 1.0
    delay = ask.today.label_delay if is_labelled else timedelta(0)
    enough = None
    if at_least is not None and rate > 0:
        enough = _round_up(timedelta(seconds=at_least / rate) + delay)
    return Detection(
        stage=ask.stage.number,
        watches=render_metric(name),
        harm=harm,
        needed=at_least,
        available=_available(ask, metric.window, is_labelled=is_labelled),
        enough=enough,
    )


def _available(ask: _Question, window: timedelta, *, is_labelled: bool) -> int:
    """How many samples the window holds at the end of the stage, if every stage takes its time.

    A label that comes late is of an answer of an earlier stage.
    """
    end = sum((s.duration for s in ask.plan.stages[: ask.stage.number]), timedelta(0))
    until = end - ask.today.label_delay if is_labelled else end
    since, start, served = until - window, timedelta(0), 0.0
    for stage in ask.plan.stages:
        overlap = min(until, start + stage.duration) - max(since, start)
        served += max(overlap.total_seconds(), 0.0) * _share(stage, is_labelled=is_labelled)
        start += stage.duration
    served *= ask.today.requests_per_second
    return math.floor(served * (ask.today.label_share if is_labelled else 1.0))


def _share(stage: PlannedStage, *, is_labelled: bool) -> float:
    """Which part of the requests the challenger sees; what nobody got is never labelled."""
    return float(not is_labelled) if stage.is_mirror else stage.weight_percent / 100


def _power_of_rate(n: int, limit: float, harm: float, alpha: float) -> float:
    return _tail(_critical(n, limit, alpha), n, harm)


def _power_of_excess(
    n: int, base: float, excess: float, alpha: float, champion_ratio: float
) -> float:
    """The chance that Fisher's test shows twice the `excess`, and that as much is seen.

    Exact for each count of the champion's failures; over these, which are nearly normal, by
    Gauss-Hermite quadrature (Abramowitz and Stegun 1964, 25.4.46).
    """
    m = max(round(champion_ratio * n), 1)
    spread = math.sqrt(m * base * (1 - base))
    counts = [min(max(round(m * base + spread * node), 0), m) for node in _NODES]
    least = [_least_excess(n, count, m, excess, alpha) for count in counts]
    powers = [_tail(count, n, base + 2 * excess) for count in least]
    return math.fsum(_WEIGHTS * powers)


def _least_excess(n: int, base_bad: int, base_n: int, excess: float, alpha: float) -> int:
    """The least count of `n` that is a FAIL against `base_bad` of `base_n`."""
    low, high = max(MIN_BAD, math.ceil(round(n * (base_bad / base_n + excess), 9))), n + 1
    while low < high:
        middle = (low + high) // 2
        if excess_tail(middle, n, base_bad, base_n) <= alpha:
            high = middle
        else:
            low = middle + 1
    return low


def _critical(n: int, limit: float, alpha: float) -> int:
    """The least count that is a FAIL: a rate of `limit` has it with a chance of `alpha` at most."""
    low = MIN_BAD if limit > 0 else 1
    high = max(n + 1, low)
    while low < high:
        middle = (low + high) // 2
        if _tail(middle, n, limit) <= alpha:
            high = middle
        else:
            low = middle + 1
    return low


def _tail(count: int, n: int, rate: float) -> float:
    """P(X >= count) for X ~ Binomial(n, rate), and a count of 1 or more."""
    return float(special.betainc(count, n - count + 1, rate)) if count <= n else 0.0


def _needed(power_of: Callable[[int], float], power: float) -> int | None:
    """The least n with this power, by doubling and halving."""
    high = 8
    while power_of(high) < power:
        high *= 2
        if high > _MOST:
            return None
    low = high // 2
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power_of(middle) >= power else (middle + 1, high)
    return low


def _round_up(length: timedelta) -> timedelta:
    return timedelta(minutes=math.ceil(length / timedelta(minutes=1)))
