"""When the calendar asks for a retrain: due once a period, however late or often it is looked at.

A schedule is a set of moments. The period that counts is the latest moment that is not after `at`;
it is due if the last retrain that the calendar asked for, and the champion's own training, are
older. Missed periods therefore become one, and a second look at the same period finds it done.

Wall-clock times become moments as PEP 495 reads them with fold=0: a time that the clocks skip in
spring is as late after the gap as it stood in it (02:30 becomes 03:30), and a time that occurs
twice in autumn counts the first time only.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from cronsim import CronSim

from pipeline.errors import ConfigurationError
from pipeline.trigger_config import WEEKDAYS, ScheduledTrigger

# Samoa left out a whole day in 2011. Two wall times further apart than this never swap.
_LARGEST_SHIFT = timedelta(hours=25)


def due_period(schedule: ScheduledTrigger, at: datetime, since: datetime) -> datetime | None:
    """The moment (UTC) for which a retrain is due at `at`, or None.

    `since` is the latest of: the period that was last consumed, and the champion's training.
    Due where since < moment <= at, and then for the latest such moment only.
    Both times need a zone; raises ConfigurationError where one has none.
    """
    _needs_zone(since)
    moment = latest_moment(schedule, at)
    return moment if moment > since else None


def latest_moment(schedule: ScheduledTrigger, at: datetime) -> datetime:
    """The latest scheduled moment (UTC) not after `at`, however long ago."""
    _needs_zone(at)
    local = at.astimezone(schedule.timezone).replace(tzinfo=None)
    walls = _walls_before(schedule, local + _LARGEST_SHIFT)
    wall, best = next(walls), None
    while best is None or wall >= local - _LARGEST_SHIFT:
        moment = _moment(schedule, wall)
        if moment <= at and (best is None or moment > best):
            best = moment
        wall = next(walls)
    return best


def next_moment(schedule: ScheduledTrigger, at: datetime) -> datetime:
    """The first scheduled moment (UTC) after `at`, for people to read."""
    _needs_zone(at)
    local = at.astimezone(schedule.timezone).replace(tzinfo=None)
    walls = _walls_after(schedule, local - _LARGEST_SHIFT)
    wall, best = next(walls), None
    while best is None or wall <= local + _LARGEST_SHIFT:
        moment = _moment(schedule, wall)
        if moment > at and (best is None or moment < best):
            best = moment
        wall = next(walls)
    return best


def period_id(moment: datetime) -> str:
    """The name of a period in the ledger: its moment in UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _moment(schedule: ScheduledTrigger, wall: datetime) -> datetime:
    return wall.replace(tzinfo=schedule.timezone, fold=0).astimezone(UTC)


def _walls_before(schedule: ScheduledTrigger, wall: datetime) -> Iterator[datetime]:
    """Scheduled wall-clock times before `wall`, latest first, naive."""
    if schedule.cron is not None:
        return CronSim(schedule.cron, wall, reverse=True)
    days = _days_back(schedule, wall.date())
    at_time = schedule.time or time()
    return (found for day in days if (found := datetime.combine(day, at_time)) < wall)


def _walls_after(schedule: ScheduledTrigger, wall: datetime) -> Iterator[datetime]:
    """Scheduled wall-clock times after `wall`, earliest first, naive."""
    if schedule.cron is not None:
        return CronSim(schedule.cron, wall)
    days = _days_on(schedule, wall.date())
    at_time = schedule.time or time()
    return (found for day in days if (found := datetime.combine(day, at_time)) > wall)


def _days_back(schedule: ScheduledTrigger, day: date) -> Iterator[date]:
    if schedule.day_of_week is not None:
        day -= timedelta(days=(day.weekday() - WEEKDAYS.index(schedule.day_of_week)) % 7)
        return (day - timedelta(days=7 * weeks) for weeks in count())
    month = day.year * 12 + day.month - 1
    return (_day_in_month(month - back, schedule.day_of_month) for back in count())


def _days_on(schedule: ScheduledTrigger, day: date) -> Iterator[date]:
    if schedule.day_of_week is not None:
        day += timedelta(days=(WEEKDAYS.index(schedule.day_of_week) - day.weekday()) % 7)
        return (day + timedelta(days=7 * weeks) for weeks in count())
    month = day.year * 12 + day.month - 1
    return (_day_in_month(month + on, schedule.day_of_month) for on in count())


def _day_in_month(month: int, day: int | None) -> date:
    """Day `day` of the month counted from year 0, or its last day where there is no such day."""
    year, index = divmod(month, 12)
    last = calendar.monthrange(year, index + 1)[1]
    return date(year, index + 1, min(day or last, last))


def _needs_zone(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise ConfigurationError("schedule", [f"found {moment} without a zone, expected UTC"])
