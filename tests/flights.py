"""Real flights, as many as a test needs: a few hundred of four days, or every so many of months.

The four days are a punctual one, two stormy ones, and the one on which the clocks go back.
"""

from functools import cache

import pandas as pd

from pipeline.adapters import bulkload
from pipeline.adapters.nycflights import Source, load_source
from pipeline.adapters.warehouse import connect, writing
from pipeline.usecase import query
from pipeline.usecase.seed import build_tables

DAYS = ("2013-02-12", "2013-06-24", "2013-06-25", "2013-11-03")


@cache
def full_source() -> Source:
    return load_source()


@cache
def sample_source() -> Source:
    """Every fifth flight of each day, with the weather of the day and of the night before."""
    source = full_source()
    days = pd.to_datetime(source.flights[["year", "month", "day"]])
    near = [pd.Timestamp(day) for day in DAYS]
    observed = source.weather["time_hour"].dt.tz_localize(None).dt.normalize()
    late = pd.Timedelta(days=1)
    return Source(
        source.flights[days.isin(near)].iloc[::5].reset_index(drop=True),
        source.weather[observed.isin([*near, *(day + late for day in near)])],
        source.planes,
    )


def sample_tables(label_delay_hours: float = 6) -> dict[str, pd.DataFrame]:
    source = sample_source()
    return build_tables(source.flights, source.weather, source.planes, label_delay_hours)


def thinned_tables(*, months: int, every: int) -> dict[str, pd.DataFrame]:
    """The tables of one flight of `every` in the first `months` of 2013, in its order."""
    source = full_source()
    flights = source.flights[source.flights["month"] <= months].iloc[::every]
    flights = flights.reset_index(drop=True)
    return build_tables(flights, source.weather, source.planes, label_delay_hours=6)


def save_tables(url: str, tables: dict[str, pd.DataFrame]) -> None:
    """Make the warehouse at `url` of these tables."""
    engine = connect(url)
    with writing(engine) as connection:
        bulkload.replace_tables(connection, query.metadata.sorted_tables, tables)
    engine.dispose()
