"""What the picture of a replay shows: see pipeline/core/backtest_lanes.py, which makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Lane:
    """One trigger over time: its answers, and the figure that it judged against `limit`."""

    name: str
    moments: tuple[datetime, ...]
    statuses: tuple[str, ...]
    is_new: tuple[bool, ...]
    values: tuple[float | None, ...]
    limit: float | None
    unit: str


@dataclass(frozen=True)
class Bar:
    """One retrain from its start to its decision."""

    label: str
    start: datetime
    end: datetime
    outcome: str
    causes: tuple[str, ...]


@dataclass(frozen=True)
class Timeline:
    """All that is drawn. `every` is the time from one check to the next, `onsets` have names."""

    start: datetime
    end: datetime
    every: timedelta
    lanes: tuple[Lane, ...]
    bars: tuple[Bar, ...]
    onsets: tuple[tuple[datetime, str], ...] = ()
    incidents: tuple[Span, ...] = ()
    held: tuple[Span, ...] = ()
