"""The day inside a window on which a column changed to another unit."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd

from pipeline.config import Schema
from pipeline.ml.incident import Finding
from pipeline.ml.validation.column_profile import Profile, numbers, profile_quantiles
from pipeline.ml.validation.data_profile import DAY
from pipeline.ml.validation.frame_finding import finding, has_times
from pipeline.ml.validation.units import conversions_from
from pipeline.ml.validation.units_change import explaining_conversion

BREAK_DAYS = (7, 14)  # rows of at least and at most so many days are compared around a break
BREAK_SAMPLE_ROWS = 50_000


def check_units_break(frame: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    """No day inside the window at which a column with a declared unit changed to another unit.

    Up to 14 days before each day are compared with up to 14 from it on, at least 7 each, so that
    seasons hardly matter. The day is an estimate, right to about three days. Reads at most 50,000
    rows, evenly over time. Needs no champion.
    """
    if not has_times(frame, "event_time"):
        return
    days, rows = _sample_in_time_order(frame["event_time"])
    names = [n for n, c in schema.columns.items() if n in frame and conversions_from(c.unit)]
    broken = False
    for name in names:
        unit = schema.columns[name].unit
        found = _find_break(days, frame[name].iloc[rows], unit)
        if found is None:
            continue
        broken = True
        day, other = found
        since = frame["event_time"].min().floor("D") + day * DAY
        yield finding(
            "units_break",
            name,
            passed=False,
            found=f"from about {since:%Y-%m-%d} on the values look like {other}",
            expected=f"{unit} throughout",
            rows=int((frame["event_time"] >= since).sum()),
            since=f"{since:%Y-%m-%dT%H:%M:%SZ}",
            mend="look for a release at the source near that day; convert the rows after it",
        )
    if not broken:
        said = f"{len(names)} columns with a known unit keep it"
        yield finding("units_break", passed=True, found=said, expected="one unit throughout")


def _sample_in_time_order(event_times: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """(day number from the first day on, position in the frame) of rows evenly over time."""
    known = int(event_times.notna().sum())
    order = np.argsort(event_times.dt.tz_localize(None).to_numpy(), kind="stable")[:known]
    rows = order[:: max(1, -(-known // BREAK_SAMPLE_ROWS))]
    day = (event_times.iloc[rows].dt.floor("D") - event_times.min().floor("D")) // DAY
    return day.to_numpy(), rows


def _find_break(days: np.ndarray, values: pd.Series, unit: str | None) -> tuple[int, str] | None:
    """(day, unit from then on) of the break that a conversion explains best, or None."""
    least, most = BREAK_DAYS
    last = int(days[-1]) if len(days) else -1
    best: tuple[float, int, str] | None = None

    @cache  # what comes after one day comes before another
    def look(low: int, high: int) -> Profile:
        return profile_quantiles(numbers(values.iloc[low:high]))

    for day in range(least, last - least + 2):
        low, middle, high = np.searchsorted(days, [day - most, day, day + most])
        explained = explaining_conversion(look(low, middle), look(middle, high), unit)
        if explained and (best is None or explained[0] < best[0]):
            best = (explained[0], day, explained[1])
    return best[1:] if best else None
