"""The warehouse: the same frames from every database, and one clear error for each trouble."""

import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.adapters import bulkload
from pipeline.adapters.warehouse import (
    connect,
    count_never_available,
    describe_tables,
    read_rows,
    safe_url,
    writing,
)
from pipeline.errors import ConfigurationError, DataIncident, OutsideError
from pipeline.usecase import query
from tests.flights import sample_tables
from tests.servers.postgres import Postgres

JUNE, JULY = datetime(2013, 6, 1, tzinfo=UTC), datetime(2013, 7, 1, tzinfo=UTC)
SECRET = "hunter2-and-more"  # noqa: S105 (made up, to look for in messages)

visits = sa.Table(
    "visits",
    sa.MetaData(),
    sa.Column("id", sa.String),
    sa.Column("event_time", sa.DateTime),
    sa.Column("available_at", sa.DateTime),
    sa.Column("place", sa.String),
    sa.Column("size", sa.Integer),
    sa.Column("weight", sa.Double),
    sa.Column("is_new", sa.Boolean),
    sa.Column("built_at", sa.DateTime),
    sa.Column("label", sa.Integer),
)
NAMES = list(visits.c.keys())
DTYPES = {
    "id": "str",
    "event_time": "datetime64[us, UTC]",
    "available_at": "datetime64[us, UTC]",
    "place": "str",
    "size": "Int64",
    "weight": "float64",
    "is_new": "boolean",
    "built_at": "datetime64[us, UTC]",
    "label": "Int8",
    "label_available_at": "datetime64[us, UTC]",
}


def rows() -> sa.Select:
    return sa.select(*(column for column in visits.c if column.name != "label"))


def labels() -> sa.Select:
    known = visits.c.available_at.label("available_at")
    return sa.select(visits.c.id, visits.c.label, known).where(visits.c.label.is_not(None))


def read(engine: sa.Engine, **changes: Any) -> list[pd.DataFrame]:
    options = {"as_of": JULY, "start": JUNE, "end": JULY, "chunk_rows": 1000} | changes
    selects = options.pop("rows", rows()), options.pop("labels", labels())
    return list(read_rows(engine, *selects, **options))


def fill(engine: sa.Engine, count: int, **values: Any) -> None:
    """Rows an hour apart from the first of June; what `values` does not name is null."""
    times = pd.date_range("2013-06-01", periods=count, freq="h")
    frame = pd.DataFrame({"id": [f"v{n:04}" for n in range(count)], "event_time": times})
    frame = frame.assign(available_at=times).assign(**values).reindex(columns=NAMES)
    with writing(engine) as connection:
        bulkload.replace_tables(connection, [visits], {"visits": frame})


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return connect(f"sqlite:///{tmp_path / 'warehouse.db'}")


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def any_engine(request: pytest.FixtureRequest, tmp_path: Path) -> sa.Engine:
    if request.param == "postgresql":
        return connect(request.getfixturevalue("postgres").new_database())
    return connect(f"{request.param}:///{tmp_path / 'warehouse.db'}")


# ---------------------------------------------------------------- frames


def test_rows_come_in_chunks_of_the_asked_size_and_in_order(any_engine: sa.Engine) -> None:
    fill(any_engine, 250)
    chunks = read(any_engine, chunk_rows=100)
    assert [len(chunk) for chunk in chunks] == [100, 100, 50]
    ids = pd.concat(chunks)["id"].tolist()
    assert ids == [f"v{n:04}" for n in range(250)]
    any_engine.dispose()


def test_rows_of_one_instant_sort_by_the_bytes_of_their_ids(any_engine: sa.Engine) -> None:
    fill(any_engine, 5, id=["b", "a-1", "B", "_", "a1"], event_time=pd.Timestamp("2013-06-01"))
    (chunk,) = read(any_engine)
    assert chunk["id"].tolist() == ["B", "_", "a-1", "a1", "b"]
    any_engine.dispose()


def test_dtypes_are_the_same_in_a_chunk_full_of_nulls(any_engine: sa.Engine) -> None:
    gaps = [None] * 10
    values = {
        "place": ["Café"] * 10 + gaps,
        "size": pd.array([7] * 10 + gaps, dtype="Int64"),
        "weight": [0.1] * 10 + gaps,
        "is_new": pd.array([True] * 10 + gaps, dtype="boolean"),
        "built_at": pd.to_datetime(["2001-02-03 04:05:06.789012"] * 10 + gaps),
        "label": pd.array([1] * 10 + gaps, dtype="Int64"),
    }
    fill(any_engine, 20, **values)
    full, empty = read(any_engine, chunk_rows=10)
    assert full.dtypes.astype(str).to_dict() == empty.dtypes.astype(str).to_dict() == DTYPES
    assert empty[list(values)].isna().all(axis=None)
    first = full.iloc[0]
    assert (first["place"], first["size"], first["weight"], first["label"]) == ("Café", 7, 0.1, 1)
    assert first["built_at"] == pd.Timestamp("2001-02-03 04:05:06.789012", tz=UTC)
    any_engine.dispose()


def test_an_empty_window_is_one_empty_chunk_with_its_columns(engine: sa.Engine) -> None:
    fill(engine, 5)
    (chunk,) = read(engine, start=datetime(2012, 1, 1, tzinfo=UTC), end=JUNE)
    assert len(chunk) == 0
    assert chunk.dtypes.astype(str).to_dict() == DTYPES


def test_rows_without_a_time_of_availability_are_counted_since_no_read_gives_them(
    any_engine: sa.Engine,
) -> None:
    times = pd.Series(pd.date_range("2013-06-01", periods=48, freq="h"))
    fill(any_engine, 48, available_at=times.mask(times.dt.hour == 3))
    (frame,) = read(any_engine)
    assert len(frame) == 46
    next_day = datetime(2013, 6, 2, 3, tzinfo=UTC)
    for start, end, left_out in ((JUNE, JULY, 2), (JUNE, next_day, 1), (next_day, JULY, 1)):
        found = count_never_available(any_engine, rows(), labels(), start=start, end=end)
        assert found == (left_out, 0)


def test_labels_without_a_time_of_availability_are_counted_whatever_row_they_are_of(
    any_engine: sa.Engine,
) -> None:
    times = pd.Series(pd.date_range("2013-06-01", periods=48, freq="h"))
    fill(any_engine, 48, available_at=times.mask(times.dt.hour == 3), label=[1] * 48)
    may = datetime(2013, 5, 1, tzinfo=UTC)
    assert count_never_available(any_engine, rows(), labels(), start=may, end=JUNE) == (0, 2)


def test_a_row_without_a_time_of_its_event_is_in_no_window_and_counted(
    any_engine: sa.Engine,
) -> None:
    times = pd.Series(pd.date_range("2013-06-01", periods=4, freq="h"))
    fill(any_engine, 4, event_time=times.mask(times.dt.hour == 2))
    assert len(pd.concat(read(any_engine))) == 3
    assert count_never_available(any_engine, rows(), labels(), start=JUNE, end=JULY) == (1, 0)


def test_ids_may_be_numbers_in_the_warehouse(engine: sa.Engine) -> None:
    fill(engine, 2, size=[7, 8])
    numbered = sa.select(visits.c.size.label("id"), visits.c.event_time, visits.c.available_at)
    none = sa.select(visits.c.size.label("id"), visits.c.label, visits.c.available_at)
    (chunk,) = read(engine, rows=numbered, labels=none.where(sa.false()))
    assert chunk["id"].tolist() == ["7", "8"]


def test_every_database_gives_the_same_flights(tmp_path: Path, postgres: Postgres) -> None:
    tables = sample_tables()
    urls = [f"{kind}:///{tmp_path / kind}" for kind in ("sqlite", "duckdb")]
    frames = []
    for url in (*urls, postgres.new_database()):
        engine = connect(url)
        with writing(engine) as connection:
            bulkload.replace_tables(connection, query.metadata.sorted_tables, tables)
        chunks = read(
            engine,
            rows=query.rows(),
            labels=query.labels(),
            as_of=datetime(2013, 6, 25, 12, tzinfo=UTC),
            start=datetime(2013, 2, 1, tzinfo=UTC),
            end=datetime(2013, 6, 26, tzinfo=UTC),
            chunk_rows=100,
        )
        frames.append(pd.concat(chunks, ignore_index=True))
        engine.dispose()
    sqlite, duckdb, postgresql = frames
    assert 300 < len(sqlite) < 500
    assert 0.3 < sqlite["label"].notna().mean() < 0.9  # some had not been reported yet
    pd.testing.assert_frame_equal(duckdb, sqlite)
    pd.testing.assert_frame_equal(postgresql, sqlite)


# ---------------------------------------------------------------- time


def test_a_time_without_a_zone_is_refused(engine: sa.Engine) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        read(engine, as_of=datetime(2013, 7, 1))  # noqa: DTZ001 (the point)


def test_zoned_columns_are_compared_in_utc_whatever_the_servers_zone(postgres: Postgres) -> None:
    engine = connect(postgres.new_database())  # of a server that lives in New York
    with writing(engine) as connection:
        connection.exec_driver_sql(
            "CREATE TABLE visits (id text, event_time timestamptz, available_at timestamptz)"
        )
        connection.exec_driver_sql(
            "INSERT INTO visits VALUES "
            "('before', '2013-05-31 23:59:59Z', '2013-06-01 00:00Z'), "
            "('first', '2013-06-01 00:00Z', '2013-06-01 00:00Z'), "
            "('unknown', '2013-06-02 00:00Z', '2013-07-01 00:00:01Z')"
        )
    columns = [sa.column(name, sa.DateTime(timezone=True)) for name in NAMES[1:3]]
    select = sa.select(sa.column("id", sa.String), *columns).select_from(sa.table("visits"))
    none = sa.select(sa.column("id", sa.String), sa.literal(1).label("label"), columns[1])
    (chunk,) = read(engine, rows=select, labels=none.select_from(sa.table("visits")))
    assert chunk["id"].tolist() == ["first"]
    assert chunk["event_time"].tolist() == [pd.Timestamp("2013-06-01", tz=UTC)]
    engine.dispose()


def test_times_as_text_of_another_form_do_not_slip_past_the_window(engine: sa.Engine) -> None:
    fill(engine, 1)
    with writing(engine) as connection:  # compares as text: 'T' sorts after ' '
        connection.exec_driver_sql("UPDATE visits SET event_time = '2013-06-01T05:00:00'")
    with pytest.raises(DataIncident, match="Are its times text of another form"):
        read(engine, start=datetime(2013, 6, 1, 12, tzinfo=UTC))


# ---------------------------------------------------------------- troubles


@pytest.mark.parametrize(
    ("column", "value", "named"),
    [
        ("size", "'seven'", "column size holds a value that is not a Int64"),
        ("size", "2.5", "column size holds a value that is not a Int64"),
        ("weight", "'heavy'", "column weight holds a value that is not a float64"),
        ("label", "300", "column label holds a value that is not a Int8"),
        ("built_at", "'yesterday'", "not of its column's type.*yesterday"),
    ],
)
def test_a_value_of_another_type_is_a_data_incident(
    engine: sa.Engine, column: str, value: str, named: str
) -> None:
    fill(engine, 3)
    with writing(engine) as connection:
        broken = sa.update(visits).where(visits.c.id == "v0001")
        connection.execute(broken.values({column: sa.literal_column(value)}))
    with pytest.raises(DataIncident, match=named):
        read(engine)


def test_a_column_without_an_sql_type_is_a_fault_of_the_query(engine: sa.Engine) -> None:
    fill(engine, 1)
    mystery = rows().add_columns(sa.func.mystery(visits.c.size).label("two"))
    with pytest.raises(ConfigurationError, match=r"rows\(\) gives two the type NullType"):
        read(engine, rows=mystery)


def test_a_missing_table_is_named(any_engine: sa.Engine) -> None:
    with writing(any_engine) as connection:
        connection.exec_driver_sql("CREATE TABLE something_else (id INTEGER)")
    with pytest.raises(ConfigurationError, match=r"(?s)visits.*seed the warehouse, or mend it"):
        read(any_engine)
    any_engine.dispose()


def test_a_missing_column_is_named(any_engine: sa.Engine) -> None:
    fill(any_engine, 1)
    with writing(any_engine) as connection:
        connection.exec_driver_sql("ALTER TABLE visits DROP COLUMN weight")
    with pytest.raises(ConfigurationError, match=r"weight.*pipeline/usecase/query\.py"):
        read(any_engine)
    any_engine.dispose()


def test_what_else_does_not_exist_is_no_missing_column(any_engine: sa.Engine) -> None:
    fill(any_engine, 1)
    odd = rows().add_columns(sa.cast(sa.func.no_such(visits.c.weight), sa.Double()).label("odd"))
    with pytest.raises(OutsideError, match="no_such"):
        read(any_engine, rows=odd)
    any_engine.dispose()


def test_a_database_that_does_not_exist_is_an_outside_error(postgres: Postgres) -> None:
    with pytest.raises(OutsideError, match='database "nowhere" does not exist'):
        read(connect(postgres.url("nowhere")))


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_a_missing_file_is_not_made_by_reading(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "nowhere.db"
    with pytest.raises(OutsideError, match=r"nowhere\.db: no such file"):
        read(connect(f"{kind}:///{path}"))
    assert not path.exists()


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be looked at " * 10)
    with pytest.raises(OutsideError, match="file is not a database"):
        read(connect(f"sqlite:///{path}"))


def test_a_server_that_is_down_is_an_outside_error_without_the_password() -> None:
    url = f"postgresql+psycopg://reader:{SECRET}@127.0.0.1:1/flights?application_name={SECRET}"
    with pytest.raises(OutsideError, match=r"reader:\*\*\*@127\.0\.0\.1:1/flights.*refused") as it:
        read(connect(url))
    assert SECRET not in "".join(traceback.format_exception(it.value))


def test_a_wrong_password_is_an_outside_error_without_the_password(postgres: Postgres) -> None:
    url = postgres.url("postgres", password=SECRET)
    with pytest.raises(OutsideError, match="password authentication failed") as caught:
        read(connect(url))
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "url",
    [SECRET, f"postgresql://reader:{SECRET}@host:port/flights", f"nosql://a:{SECRET}@b/c", ""],
)
def test_a_url_that_cannot_be_used_is_a_configuration_error_without_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        connect(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_url_is_shown_without_password_and_without_its_options() -> None:
    url = sa.make_url(f"postgresql://me:{SECRET}@host/flights?password={SECRET}")
    assert safe_url(url) == "postgresql://me:***@host/flights"


def test_tables_are_described_and_those_that_are_not_there_left_out(
    any_engine: sa.Engine,
) -> None:
    fill(any_engine, 12)
    assert describe_tables(any_engine, ["visits", "nothing"]) == {"visits": (", ".join(NAMES), 12)}
    any_engine.dispose()
