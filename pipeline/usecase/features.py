"""From raw rows to features, one row at a time: the same code trains and serves."""

from __future__ import annotations

import pandas as pd

CATEGORIES = ["carrier", "origin", "dest"]
AS_THEY_ARE = [
    "weekday",
    "distance",
    "departures_in_hour",
    "temp",
    "dewp",
    "humid",
    "wind_speed",
    "precip",
    "pressure",
    "visib",
]


def build_features(rows: pd.DataFrame) -> pd.DataFrame:
    """The features of `rows`, in the same order and with the same index.

    Stateless: a row's features depend on that row alone. Categories come as `category` columns
    (fitting an encoding is the model's part), all others as float64 with NaN for a gap.
    """
    departure = _minute_of_day(rows["sched_dep_time"])
    arrival = _minute_of_day(rows["sched_arr_time"])
    numbers = {name: _number(rows[name]) for name in AS_THEY_ARE} | {
        "minute_of_day": departure,
        # By the clocks of both airports: the offset of time zones is a constant of the route.
        "scheduled_minutes": (arrival - departure) % 1440,
        "seats": _number(rows["plane_seats"]),
        "plane_age": rows["event_time"].dt.year - _number(rows["plane_year"]),
    }
    categories = {name: rows[name].astype("category") for name in CATEGORIES}
    return pd.DataFrame(categories | numbers, index=rows.index)


def _number(column: pd.Series) -> pd.Series:
    """`column` as float64: a nullable integer's gap becomes NaN."""
    return column.astype("float64")


def _minute_of_day(hhmm: pd.Series) -> pd.Series:
    """Minutes since midnight of a clock time written as HHMM: 515 is 5:15, so 315."""
    clock = _number(hhmm)
    return clock // 100 * 60 + clock % 100
