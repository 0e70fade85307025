"""Rollback conditions: the challenger against the champion, over the same minutes."""

from __future__ import annotations

import math
from datetime import datetime

from pipeline.core.proportions import excess_tail, is_enough
from pipeline.core.rollout.observation import Observation, Role
from pipeline.core.rollout.samples import Reading, Unread, read_sample
from pipeline.core.rollout.wording import CONDITION_NAMES, render_count, render_figure
from pipeline.domain import Gate, Verdict
from pipeline.manifest import RolloutSpec
from pipeline.rollout_config import CONDITIONS

UNJUDGED = "not judged: the champion gets no traffic"


def assess_conditions(
    spec: RolloutSpec, observation: Observation, now: datetime, *, is_champion_serving: bool = True
) -> tuple[tuple[Gate, ...], tuple[Gate, ...]]:
    """The gates of the plan's conditions: those that decide, and those of a dry run.

    Where the champion serves nobody there is nothing of the same minutes to compare with. What it
    did hours ago was another hour's traffic. So each gate says that it is not judged.
    """
    deciding: list[Gate] = []
    dry: list[Gate] = []
    for condition, metric in CONDITIONS.items():
        limit = getattr(spec.plan.rollback_conditions, condition)
        if limit is not None:
            gate = (
                _assess_condition(spec, condition, limit, observation, now)
                if is_champion_serving
                else _unjudged(condition, limit)
            )
            (dry if metric in spec.plan.metrics.dry_run else deciding).append(gate)
    return tuple(deciding), tuple(dry)


def _assess_condition(
    spec: RolloutSpec, condition: str, limit: float, observation: Observation, now: datetime
) -> Gate:
    name = CONDITIONS[condition]
    metric, max_age = spec.plan.metrics.queries[name], spec.plan.max_age_of(name)

    def read(role: Role, version: str) -> Reading | Unread:
        sample = observation.sample(name, role)
        return read_sample(sample, version=version, now=now, max_age=max_age)

    challenger = read("challenger", spec.version)
    champion = read("champion", spec.champion_version)
    if condition == "latency_spike_pct":
        return assess_latency_spike(challenger, champion, limit, metric.min_samples)
    alpha = spec.plan.statistics.condition_alpha
    return assess_difference(challenger, champion, limit, alpha, is_drop="drop" in condition)


def assess_difference(
    challenger: Reading | Unread,
    champion: Reading | Unread,
    limit: float,
    alpha: float,
    *,
    is_drop: bool,
) -> Gate:
    """FAIL iff the share is worse by `limit` or more, and chance would do that by `alpha` at most.

    Never before `MIN_BAD` bad events. `is_drop`: a lower share is worse (accuracy); otherwise a
    higher one is (errors).
    """
    name, rule = _told("accuracy_drop" if is_drop else "error_rate_spike", limit)
    if isinstance(challenger, Unread) or isinstance(champion, Unread):
        return _unread(name, rule, challenger, champion)
    if not (0 <= challenger.value <= 1 and 0 <= champion.value <= 1):
        return Gate(name, Verdict.ERROR, rule, "a share is outside 0 to 1")
    bad, base = _bad(challenger, is_drop), _bad(champion, is_drop)
    worse = bad / challenger.n - base / champion.n
    tail = excess_tail(bad, challenger.n, base, champion.n)
    is_harm = round(worse - limit, 12) >= 0 and tail <= alpha and is_enough(bad)
    return Gate(
        name,
        Verdict.FAIL if is_harm else Verdict.PASS,
        rule,
        f"{render_figure(challenger.value, 'fraction')} of {render_count(challenger.n)} against "
        f"{render_figure(champion.value, 'fraction')} of {render_count(champion.n)}",
        champion=champion.value,
        challenger=challenger.value,
        difference=challenger.value - champion.value,
        n=int(challenger.n),
        p_value=tail,
    )


def assess_latency_spike(
    challenger: Reading | Unread, champion: Reading | Unread, limit_percent: float, min_samples: int
) -> Gate:
    """FAIL iff the p95 is `limit_percent` or more above the champion's, each from `min_samples`."""
    name, rule = _told("latency_spike_pct", limit_percent)
    if isinstance(challenger, Unread) or isinstance(champion, Unread):
        return _unread(name, rule, challenger, champion)
    if min(challenger.n, champion.n) < min_samples:
        n = render_count(min(challenger.n, champion.n))
        return Gate(name, Verdict.INCONCLUSIVE, rule, f"{n} requests: fewer than {min_samples:,}")
    if not (0 < champion.value < math.inf) or challenger.value < 0:
        return Gate(name, Verdict.ERROR, rule, "a latency is no time that can be compared")
    above = challenger.value / champion.value - 1
    is_harm = round(above - limit_percent / 100, 12) >= 0  # 110 ms are 10 % above 100 ms
    return Gate(
        name,
        Verdict.FAIL if is_harm else Verdict.PASS,
        rule,
        f"{render_figure(challenger.value, 'ms')} against {render_figure(champion.value, 'ms')}",
        champion=champion.value,
        challenger=challenger.value,
        difference=challenger.value - champion.value,
        n=int(challenger.n),
    )


def _unjudged(condition: str, limit: float) -> Gate:
    name, rule = _told(condition, limit)
    return Gate(name, Verdict.INCONCLUSIVE, rule, UNJUDGED)


def _told(condition: str, limit: float) -> tuple[str, str]:
    """The name of a condition's gate, and what it asks."""
    name = CONDITION_NAMES[condition]
    if condition == "latency_spike_pct":
        return name, f"less than {limit:g} % above the champion's"
    word = "below" if condition == "accuracy_drop" else "above"
    return name, f"less than {render_figure(limit, 'fraction')} {word} the champion's"


def _bad(reading: Reading, is_drop: bool) -> float:
    return reading.n - reading.events if is_drop else reading.events


def _unread(name: str, rule: str, challenger: Reading | Unread, champion: Reading | Unread) -> Gate:
    """A broken measurement of either is ERROR; no requests at either is nothing to compare yet."""
    unread = {
        who: found
        for who, found in (("challenger", challenger), ("champion", champion))
        if isinstance(found, Unread)
    }
    is_quiet = all(found.is_quiet for found in unread.values())
    reason = "; ".join(f"{who}: {found.reason}" for who, found in unread.items())
    return Gate(name, Verdict.INCONCLUSIVE if is_quiet else Verdict.ERROR, rule, reason)
