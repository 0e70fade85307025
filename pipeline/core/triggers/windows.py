"""The windows that triggers judge: fixed pieces of time, each with a name that never changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# A Monday: windows of 7 days are calendar weeks, and windows of 24 h are days, all in UTC.
_ANCHOR = datetime(1970, 1, 5, tzinfo=UTC)


@dataclass(frozen=True, order=True)
class Window:
    """The time from `start` (included) to `end` (excluded), both in UTC."""

    start: datetime
    end: datetime

    @property
    def id(self) -> str:
        """The window's name in the ledger: its start and its length in minutes."""
        minutes = (self.end - self.start) // timedelta(minutes=1)
        return f"{self.start:%Y-%m-%dT%H:%MZ}/{minutes}m"

    def is_mature(self, at: datetime, maturity: timedelta) -> bool:
        """Whether every row of the window has had `maturity` of time to get its label at `at`."""
        return self.end + maturity <= at


def end_of(window_id: str) -> datetime:
    """The end of the window with this id. Raises ValueError for what is no window's id."""
    start, _, minutes = window_id.partition("/")
    return datetime.fromisoformat(start) + timedelta(minutes=int(minutes.removesuffix("m")))


def window_of(moment: datetime, length: timedelta) -> Window:
    """The window of `length` that holds `moment`; windows touch and never overlap."""
    start = _ANCHOR + (moment.astimezone(UTC) - _ANCHOR) // length * length
    return Window(start, start + length)


def closed_windows(
    at: datetime,
    length: timedelta,
    *,
    count: int,
    maturity: timedelta = timedelta(0),
    not_before: datetime | None = None,
) -> tuple[Window, ...]:
    """The last `count` windows that are over and mature at `at`, oldest first.

    Windows that start before `not_before` are left out: of a week in which the champion changed,
    neither model owns the figures. `maturity` is how long a label may take.
    """
    last = window_of(at - maturity, length).start
    windows = (Window(last - (k + 1) * length, last - k * length) for k in range(count))
    kept = [w for w in windows if not_before is None or w.start >= not_before]
    return tuple(reversed(kept))
