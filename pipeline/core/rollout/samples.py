"""Whether a sample may be believed at all: what is wrong with it, in words, or nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.core.inert import printable
from pipeline.core.rollout.wording import render_length
from pipeline.rollout_status import Sample

MAX_CHARS = 200
MAX_COUNT = 1e15  # a million requests a second for 30 years; beyond it whole numbers get lost
CLOCK_SKEW = timedelta(
    minutes=1
)  # servers agree on the time to about a second; a minute is a fault


@dataclass(frozen=True)
class Reading:
    """A sample that may be believed: `value` may still be infinite, `n` may still be too few."""

    value: float
    n: float

    @property
    def events(self) -> float:
        """Of a proportion: how many of `n` it counts."""
        return self.value * self.n


@dataclass(frozen=True)
class Unread:
    """No figure, and why. `is_quiet` where there was just nothing to measure."""

    reason: str
    is_quiet: bool = False


def read_sample(
    sample: Sample | None, *, version: str, now: datetime, max_age: timedelta
) -> Reading | Unread:
    """What `sample` says of `version`, or why it says nothing.

    A failed query, no series, another version, data older than `max_age` or from the future, and
    a NaN that rests on requests and a count that is NaN, negative or above `MAX_COUNT` are faults
    of the measurement. No request at all is none: it is quiet.
    """
    if sample is None:
        return Unread("nobody measured it")
    if (fault := _fault(sample, version) or _staleness(sample, now, max_age)) is not None:
        return Unread(fault)
    if sample.n is None or not 0 <= sample.n <= MAX_COUNT:
        return Unread("no count of what it rests on")
    if sample.n == 0:
        return Unread("no request yet", is_quiet=True)
    if sample.value is None or math.isnan(sample.value):
        return Unread(f"no figure, although {sample.n:,.0f} requests were counted")
    return Reading(sample.value, sample.n)


def _fault(sample: Sample, version: str) -> str | None:
    if sample.error is not None:
        return f"the query failed: {printable(sample.error, MAX_CHARS)}"
    if sample.version != version:
        return f"it measured {printable(sample.version, MAX_CHARS) or 'nothing'}, not {version}"
    return None


def _staleness(sample: Sample, now: datetime, max_age: timedelta) -> str | None:
    if sample.sampled_at is None:
        return "no time of its newest data"
    age = now - sample.sampled_at
    if age > max_age:
        return f"stale: its newest data is {render_length(age)} old"
    return "its data is from the future" if -age > CLOCK_SKEW else None
