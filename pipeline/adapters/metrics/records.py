"""Samples from records that anybody may have written: nothing of them is believed unseen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.adapters.metrics.base import Missing, Sample, judged, no_sample


def sample_of(
    found: Mapping[str, Any], *, version: str, at: datetime, max_age: timedelta
) -> Sample:
    """The sample in `found`: value, n, sampled_at and version, as anybody may have written them."""
    if found.get("value") is None or found.get("sampled_at") is None:
        return no_sample(version, Missing.EMPTY, "no value, or no time of it")
    value, n, sampled_at = found["value"], found.get("n"), time_of(found["sampled_at"])
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_count = n is None or (isinstance(n, int | float) and not isinstance(n, bool) and n >= 0)
    if not is_number or not is_count or sampled_at is None:
        return no_sample(version, Missing.NOT_A_NUMBER, "value, n or sampled_at is no such thing")
    return judged(
        version,
        value=float_of(value),
        n=None if n is None else float_of(n),
        sampled_at=sampled_at,
        found_version=str(found.get("version")),
        at=at,
        max_age=max_age,
    )


def float_of(number: float) -> float:
    """A number of JSON; infinite for an integer of a thousand digits."""
    try:
        return float(number)
    except OverflowError:
        return float("inf")


def time_of(value: Any) -> datetime | None:
    """A time from an ISO text (UTC where it names no zone) or seconds since 1970, else None."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        return datetime.fromtimestamp(value, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
