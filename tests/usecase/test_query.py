"""The example's query: known before departure, cheap to window, and as the schema says."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.adapters import bulkload
from pipeline.adapters.warehouse import connect, read_rows, writing
from pipeline.config import load_schema
from pipeline.domain import Verdict
from pipeline.ml.validation.schema import check_schema
from pipeline.pointintime import point_in_time
from pipeline.usecase import query
from tests.flights import sample_tables

ROOT = Path(__file__).parents[2]
START, END = datetime(2013, 1, 1, tzinfo=UTC), datetime(2014, 1, 1, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    engine = connect(f"sqlite:///{tmp_path / 'warehouse.db'}")
    with writing(engine) as connection:
        bulkload.replace_tables(connection, query.metadata.sorted_tables, sample_tables())
    return engine


def read(engine: sa.Engine, as_of: datetime = END) -> pd.DataFrame:
    options = {"as_of": as_of, "start": START, "end": END, "chunk_rows": 100_000}
    return pd.concat(read_rows(engine, query.rows(), query.labels(), **options))


def test_each_flight_comes_once_with_the_weather_of_the_last_full_hour(engine: sa.Engine) -> None:
    rows, tables = read(engine).set_index("id"), sample_tables()
    assert len(rows) == len(tables["flights"])
    weather = tables["weather"].set_index(["origin", "departure_hour"])
    for flight in tables["flights"].iloc[::40].itertuples():
        seen = weather.loc[(flight.origin, flight.departure_hour)]
        assert rows.loc[flight.id, "temp"] == seen["temp"]
        assert seen["available_at"] <= flight.event_time


def test_weather_that_came_late_is_left_out_however_late_one_asks(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        late = sa.update(query.weather).where(query.weather.c.origin == "JFK")
        connection.execute(late.values(available_at=datetime(2013, 12, 1)))  # noqa: DTZ001
    rows = read(engine)
    assert rows.loc[rows["origin"] == "JFK", "temp"].isna().all()
    assert rows.loc[rows["origin"] != "JFK", "temp"].notna().all()


def test_wind_stronger_than_any_ever_measured_is_a_gap(engine: sa.Engine) -> None:
    with writing(engine) as connection:
        storm = sa.update(query.weather).where(query.weather.c.origin == "EWR")
        connection.execute(storm.values(wind_speed=1048.36))
        record = sa.update(query.weather).where(query.weather.c.origin == "LGA")
        connection.execute(record.values(wind_speed=query.WIND_RECORD_MPH))
    wind = read(engine).groupby("origin")["wind_speed"]
    assert wind.count()["EWR"] == 0
    assert wind.min()["LGA"] == query.WIND_RECORD_MPH


def test_a_label_appears_when_its_flight_has_been_reported(engine: sa.Engine) -> None:
    noon = datetime(2013, 6, 25, 12, tzinfo=UTC)
    rows, later = read(engine, as_of=noon), read(engine)
    assert (rows["available_at"] <= pd.Timestamp(noon)).all()
    known = rows["label"].notna()
    assert 0 < known.sum() < later["label"].notna().sum()
    assert (rows.loc[known, "label_available_at"] <= pd.Timestamp(noon)).all()


def test_real_flights_are_as_the_schema_says(engine: sa.Engine) -> None:
    rows, schema = read(engine), load_schema(ROOT)
    built_in = {"id", "event_time", "available_at", "label", "label_available_at"}
    assert set(rows) - built_in == set(schema.columns)
    assert [finding.severity for finding in check_schema(rows, schema)] == [Verdict.PASS]


def test_the_window_is_found_through_the_index_and_nothing_is_scanned(engine: sa.Engine) -> None:
    plan = "\n".join(explain(engine))
    assert "SEARCH flights USING INDEX flights_event_time (event_time>? AND event_time<?)" in plan
    assert "flight_labels_available_at (available_at>? AND available_at<?)" in plan
    for table in query.metadata.tables:
        assert f"SCAN {table}" not in plan
    # the order is the index's: only the labels of the window are sorted, by their partition
    assert plan.count("USE TEMP B-TREE FOR ORDER BY") == 1


def explain(engine: sa.Engine) -> list[str]:
    """What SQLite does with the very statement that read_rows sends."""
    statement = point_in_time(query.rows(), query.labels(), engine.dialect.name)
    moments = {"as_of": END, "start": START, "end": END}
    compiled = statement.params(moments).compile(engine)
    values = [str(compiled.params[name]) for name in compiled.positiontup]
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", tuple(values))
        return [row.detail for row in plan]
