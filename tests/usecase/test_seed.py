"""The example's tables: nothing from after departure, and everything at the time it arrived."""

import pandas as pd
import pytest

from pipeline.usecase import query
from pipeline.usecase.seed import build_tables
from tests.flights import full_source, sample_source, sample_tables

# Known only once a flight has left: a model that sees any of these predicts the past.
AFTER_DEPARTURE = {"dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"}


@pytest.fixture(scope="module")
def full_tables() -> dict[str, pd.DataFrame]:
    source = full_source()
    return build_tables(source.flights, source.weather, source.planes, 6)


def flight(**changes: object) -> pd.DataFrame:
    """One flight of the source, UA 1545 on New Year's Day unless `changes` say otherwise."""
    usual = {
        "year": 2013,
        "month": 1,
        "day": 1,
        "sched_dep_time": 515,
        "sched_arr_time": 819,
        "dep_delay": 2.0,
        "arr_delay": 11.0,
        "carrier": "UA",
        "flight": 1545,
        "tailnum": "N14228",
        "origin": "EWR",
        "dest": "IAH",
        "air_time": 227.0,
        "distance": 1400,
        "minute": 15,
        "time_hour": pd.Timestamp("2013-01-01T10:00Z"),
    }
    return pd.DataFrame([usual | changes])


def tables_of(flights: pd.DataFrame, label_delay_hours: float = 6) -> dict[str, pd.DataFrame]:
    source = sample_source()
    return build_tables(flights, source.weather, source.planes, label_delay_hours)


def test_every_table_has_its_columns_and_no_other() -> None:
    tables = sample_tables()
    assert set(tables) == set(query.metadata.tables)
    for name, frame in tables.items():
        assert set(frame) == set(query.metadata.tables[name].c.keys()), name


def test_nothing_that_is_known_only_after_departure_is_stored() -> None:
    for table in query.metadata.tables.values():
        assert not AFTER_DEPARTURE & set(table.c.keys()), table.name
    assert not AFTER_DEPARTURE & {column.name for column in query.rows().selected_columns}


def test_an_id_says_which_flight_it_is() -> None:
    assert tables_of(flight())["flights"]["id"].tolist() == ["2013-01-01-UA-1545-EWR-0515"]


def test_a_flight_is_known_at_its_scheduled_departure_in_utc() -> None:
    row = tables_of(flight())["flights"].iloc[0]
    assert row["event_time"] == row["available_at"] == pd.Timestamp("2013-01-01 10:15")
    assert row["departure_hour"] == pd.Timestamp("2013-01-01 10:00")
    assert row["weekday"] == 1  # a Tuesday


def test_the_weekday_is_new_yorks_where_utc_is_a_day_ahead() -> None:
    late = flight(sched_dep_time=2230, time_hour=pd.Timestamp("2013-01-02T03:00Z"), minute=30)
    assert tables_of(late)["flights"]["weekday"].tolist() == [1]


def test_a_label_is_known_when_the_flight_has_landed_taxied_and_been_reported() -> None:
    label = tables_of(flight(dep_delay=20.0, air_time=100.0), 6)["flight_labels"].iloc[0]
    assert label["available_at"] == pd.Timestamp("2013-01-01 10:15") + pd.Timedelta("2h30min6h")


def test_fifteen_minutes_late_is_on_time_and_sixteen_is_late() -> None:
    flights = pd.concat([flight(flight=1, arr_delay=15.0), flight(flight=2, arr_delay=16.0)])
    assert tables_of(flights)["flight_labels"]["label"].tolist() == [0, 1]


def test_a_cancelled_flight_is_a_row_without_a_label() -> None:
    tables = tables_of(flight(dep_delay=None, arr_delay=None, air_time=None, tailnum=None))
    assert len(tables["flights"]) == 1
    assert len(tables["flight_labels"]) == 0


def test_weather_is_used_by_the_hour_after_it_and_known_when_its_hour_is_over() -> None:
    weather = sample_tables()["weather"]
    first = sample_source().weather.iloc[0]
    row = weather[weather["temp"] == first["temp"]].iloc[0]
    assert row["departure_hour"] == first["time_hour"].tz_localize(None) + pd.Timedelta("1h")
    assert (weather["available_at"] <= weather["departure_hour"]).all()


def test_both_hours_of_the_autumn_clock_change_are_kept() -> None:
    weather = sample_tables()["weather"]
    twice = pd.to_datetime(["2013-11-03 06:00", "2013-11-03 07:00"])  # 01:00 twice in New York
    assert weather["departure_hour"].isin(twice).sum() == 2 * 3


def test_a_schedule_counts_every_departure_of_the_hour_a_day_before(
    full_tables: dict[str, pd.DataFrame],
) -> None:
    schedules, flights = full_tables["schedules"], full_tables["flights"]
    assert schedules["departures_in_hour"].sum() == len(flights)
    lead = schedules["departure_hour"] - schedules["available_at"]
    assert (lead == pd.Timedelta("1D")).all()


def test_the_whole_year_has_unique_keys_and_labels_after_their_events(
    full_tables: dict[str, pd.DataFrame],
) -> None:
    assert len(full_tables["flights"]) == 336_776
    assert len(full_tables["flight_labels"]) == 327_346
    for name, frame in full_tables.items():
        key = [column.name for column in query.metadata.tables[name].primary_key]
        assert not frame.duplicated(key).any(), name
    both = full_tables["flight_labels"].merge(full_tables["flights"], on="id")
    assert len(both) == 327_346
    assert ((both["available_at_x"] - both["event_time"]) > pd.Timedelta("6h")).all()
