"""What the example reads from the warehouse: one row for each scheduled flight, and its labels.

`rows()` and `labels()` are all that the framework asks for. It puts the window and the as-of time
around them, so neither function needs to think about time beyond naming `available_at` honestly.

The flights table has no departure delay, arrival time or air time: what is known only after
departure cannot leak from a table that does not hold it.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ColumnElement,
    DateTime,
    Double,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    and_,
    case,
    select,
)

metadata = MetaData()  # all times are naive UTC

flights = Table(
    "flights",
    metadata,
    Column("id", String, primary_key=True),
    Column("event_time", DateTime, nullable=False),  # scheduled departure
    Column("available_at", DateTime, nullable=False),
    Column("departure_hour", DateTime, nullable=False),  # event_time, floored to the hour
    Column("carrier", String, nullable=False),
    Column("tailnum", String),
    Column("origin", String, nullable=False),
    Column("dest", String, nullable=False),
    Column("sched_dep_time", Integer, nullable=False),  # local, as HHMM
    Column("sched_arr_time", Integer, nullable=False),  # local at the destination, as HHMM
    Column("weekday", Integer, nullable=False),  # local, Monday is 0
    Column("distance", Integer, nullable=False),  # miles
    Index("flights_event_time", "event_time", "id"),
)

flight_labels = Table(
    "flight_labels",
    metadata,
    Column("id", String, primary_key=True),
    Column("available_at", DateTime, primary_key=True),
    Column("label", Integer),  # 1: arrived more than 15 minutes late
    Index("flight_labels_available_at", "available_at"),
)

weather = Table(
    "weather",
    metadata,
    Column("origin", String, primary_key=True),
    Column("departure_hour", DateTime, primary_key=True),  # the hour after the observed one
    Column("available_at", DateTime, nullable=False),
    Column("temp", Double),  # °F
    Column("dewp", Double),  # °F
    Column("humid", Double),  # percent
    Column("wind_speed", Double),  # miles an hour
    Column("precip", Double),  # inches in the hour
    Column("pressure", Double),  # millibar
    Column("visib", Double),  # miles
)

schedules = Table(
    "schedules",
    metadata,
    Column("origin", String, primary_key=True),
    Column("departure_hour", DateTime, primary_key=True),
    Column("available_at", DateTime, nullable=False),
    Column("departures_in_hour", Integer, nullable=False),  # cancelled ones too: it is a plan
)

planes = Table(
    "planes",
    metadata,
    Column("tailnum", String, primary_key=True),
    Column("plane_year", Integer),
    Column("plane_seats", Integer),
)

# What the champion answered: written by whatever serves it, here by scripts/score_rows.py.
flight_predictions = Table(
    "flight_predictions",
    MetaData(),  # apart from the seeded tables: seeding again keeps every answer
    Column("id", String, primary_key=True),
    Column("model", String, primary_key=True),  # the model's digest
    Column("score", Double, nullable=False),  # the probability of being late
    Column("available_at", DateTime, nullable=False),
)

WIND_RECORD_MPH = 253  # the strongest gust ever measured; one reading of 2013 says 1,048


def rows() -> Select:
    """One row for each flight: what was known about it at its scheduled departure.

    Weather and schedule are joined only where they were available when the flight's row was, so a
    late observation never changes a row that was already read.
    """
    wind = case((weather.c.wind_speed <= WIND_RECORD_MPH, weather.c.wind_speed))
    return (
        select(
            *_columns(flights, "id event_time available_at carrier origin dest"),
            *_columns(flights, "sched_dep_time sched_arr_time weekday distance"),
            *_columns(planes, "plane_year plane_seats"),
            *_columns(weather, "temp dewp humid precip pressure visib"),
            wind.label("wind_speed"),
            schedules.c.departures_in_hour,
        )
        .select_from(flights)
        .outerjoin(planes, planes.c.tailnum == flights.c.tailnum)
        .outerjoin(weather, _known_for_the_hour(weather))
        .outerjoin(schedules, _known_for_the_hour(schedules))
    )


def labels() -> Select:
    """Each version of each label; a cancelled or diverted flight never gets one."""
    return select(flight_labels.c.id, flight_labels.c.label, flight_labels.c.available_at)


def predictions() -> Select:
    """Each answer of each model. Optional: without it, no trigger sees the model's performance."""
    return select(*_columns(flight_predictions, "id model score available_at"))


def _columns(table: Table, names: str) -> list[Column]:
    return [table.c[name] for name in names.split()]


def _known_for_the_hour(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.origin == flights.c.origin,
        table.c.departure_hour == flights.c.departure_hour,
        table.c.available_at <= flights.c.available_at,
    )
