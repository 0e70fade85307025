"""How much longer: until there is an answer, if things go on as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.ab_config import ABTest
from pipeline.core.abtest.confseq import standard_errors
from pipeline.core.abtest.verdict import Assessment, Reading, Result, seen_by

_FAR = 1_000.0  # times as much as was seen: beyond it the difference is as good as none
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True)
class Wait:
    """`units` more of both variants, about `days` at today's rate; None where neither is known.

    `why` says what is being waited for.
    """

    units: int | None
    days: float | None
    why: str


def how_much_longer(
    test: ABTest, found: Assessment, *, started_at: datetime, ends_at: datetime
) -> Wait:
    """What an inconclusive test still needs, never beyond its end; nothing for any other answer."""
    if found.result is not Result.INCONCLUSIVE:
        return Wait(0, 0.0, "the answer is there")
    now = found.latest
    left = max(ends_at - now.at, timedelta(0)) / timedelta(days=1)
    if not left:
        return Wait(0, 0.0, "nothing: the test is over")
    rate = _units_a_day(now, started_at, test.maturity)
    fewest = min(now.estimate.n_a, now.estimate.n_b)
    units: int | None
    if fewest < test.min_samples:
        share = min(test.split.model_a, test.split.model_b) / 100
        units, why = math.ceil((test.min_samples - fewest) / share), "the minimum of outcomes"
    else:
        units, why = _units_to_decide(test, now), "an answer, if the difference stays as it is"
    days = units / rate if units is not None and rate > 0 else None
    if days is None or days > left:
        return Wait(math.ceil(left * rate) if rate > 0 else None, left, "the end of the test")
    return Wait(units, days, why)


def _units_a_day(now: Reading, started_at: datetime, maturity: timedelta) -> float:
    seconds = (now.at - maturity - started_at).total_seconds()
    return now.n / seconds * _SECONDS_A_DAY if seconds > 0 else 0.0


def _units_to_decide(test: ABTest, now: Reading) -> int | None:
    """More units until the interval leaves 0 out, if difference and spread stay; None for never.

    With m times as much seen, z grows by sqrt(m), the limit only by the root of a logarithm.
    """
    seen, z = seen_by(test, now.estimate), abs(now.estimate.z)
    if not seen or not z > 0:
        return None

    def is_enough(times: float) -> bool:
        return z * math.sqrt(times) >= float(standard_errors(seen * times, test.alpha))

    if is_enough(1.0) or not is_enough(_FAR):
        return None
    low, high = 1.0, _FAR
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return math.ceil(now.n * (high - 1))
