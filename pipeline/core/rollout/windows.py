"""Deploy windows: when traffic may grow. Going back never asks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from pipeline.rollout_config import DeployWindow
from pipeline.trigger_config import WEEKDAYS

_DAYS_AHEAD = 8  # each window comes again within a week


def is_open(windows: Sequence[DeployWindow], at: datetime) -> bool:
    """Whether `at` is within one of `windows`; without windows it always is. The end is not in."""
    return not windows or any(_contains(window, at) for window in windows)


def next_open(windows: Sequence[DeployWindow], at: datetime) -> datetime:
    """The first moment (UTC) not before `at` that is within one of `windows`."""
    if is_open(windows, at):
        return at
    starts = [start for window in windows for start in _starts(window, at) if start >= at]
    # An hour that the clocks skip can swallow a start: then it opens as the clocks have jumped.
    return min((s for s in starts if is_open(windows, s)), default=min(starts))


def time_open(windows: Sequence[DeployWindow], since: datetime, until: datetime) -> timedelta:
    """How much of the time from `since` until `until` is within `windows`; all of it without any.

    0 where `until` is not after `since`. In the hours that clocks skip or repeat it is as good as
    a clock on the wall.
    """
    total, counted = timedelta(0), since  # windows may overlap: no time counts twice
    spans = _spans(windows, since, until) if windows else [(since, until)]
    for opens, closes in sorted(spans):
        start, end = max(opens, counted), min(closes, until)
        total += max(end - start, timedelta(0))
        counted = max(counted, end)
    return total


def _spans(
    windows: Sequence[DeployWindow], since: datetime, until: datetime
) -> list[tuple[datetime, datetime]]:
    """When each of `windows` opens and closes (UTC), on each of its days from first to last."""
    spans = []
    for window in windows:
        first, last = (at.astimezone(window.timezone).date() for at in (since, until))
        days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
        spans += [_span(window, day) for day in days if _is_day(window, day)]
    return spans


def _span(window: DeployWindow, day: date) -> tuple[datetime, datetime]:
    opens, closes = (
        datetime.combine(day, at, window.timezone).astimezone(UTC)
        for at in (window.start, window.end)
    )
    return opens, closes


def _contains(window: DeployWindow, at: datetime) -> bool:
    local = at.astimezone(window.timezone)
    return _is_day(window, local.date()) and window.start <= local.time() < window.end


def _starts(window: DeployWindow, at: datetime) -> list[datetime]:
    today = at.astimezone(window.timezone).date()
    days = [today + timedelta(days=i) for i in range(_DAYS_AHEAD)]
    return [
        datetime.combine(day, window.start, window.timezone).astimezone(UTC)
        for day in days
        if _is_day(window, day)
    ]


def _is_day(window: DeployWindow, day: date) -> bool:
    return WEEKDAYS[day.weekday()] in window.days
