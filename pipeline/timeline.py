"""The picture of a replay as values: core/backtest/lanes.py makes, ml/plot_triggers.py draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Lane:
    """One trigger over time: what it answered at each moment, and the figure that it judged.

    `statuses` are QUIET, WARN, UNKNOWN or FIRED; `is_new` marks the first check of each firing.
    `values` are None where nothing could be judged, or where the trigger judges no figure;
    `limit` is what they are judged by, and `unit` says in a few words what they are.
    """

    name: str
    moments: tuple[datetime, ...]
    statuses: tuple[str, ...]
    is_new: tuple[bool, ...]
    values: tuple[float | None, ...]
    limit: float | None
    unit: str


@dataclass(frozen=True)
class Bar:
    """One retrain from its start to its decision; `outcome` is WON, LOST or open."""

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
