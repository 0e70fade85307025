"""Counts pushed down to the warehouse are those of memory, in every database."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.adapters import bulkload
from pipeline.adapters.row_quality import count_quality
from pipeline.adapters.warehouse import connect, read_rows, reading, writing
from pipeline.adapters.window_counts import count_ranges, find_deciles, newest_event
from pipeline.config import Column
from pipeline.core.binning import Kind
from pipeline.core.drift import psi
from pipeline.core.profile import ColumnProfile, deciles_of, profile_column
from pipeline.errors import DataIncident
from pipeline.monitoring.current import count_current
from pipeline.pointintime import known_rows, moments_of
from tests.servers.postgres import Postgres

START = datetime(2013, 6, 1, tzinfo=UTC)
END = datetime(2013, 6, 8, tzinfo=UTC)
MOMENTS = moments_of(as_of=END, start=START, end=END)

readings = sa.Table(
    "readings",
    sa.MetaData(),
    sa.Column("id", sa.String),
    sa.Column("event_time", sa.DateTime),
    sa.Column("available_at", sa.DateTime),
    sa.Column("delay", sa.Double),
    sa.Column("stops", sa.Integer),
    sa.Column("is_new", sa.Boolean),
    sa.Column("carrier", sa.String),
    sa.Column("built_at", sa.DateTime),
)
KINDS: dict[str, Kind] = {
    "delay": "number",
    "stops": "number",
    "is_new": "boolean",
    "carrier": "category",
    "built_at": "time",
}

TIMES = ["id", "event_time", "available_at"]


def rows() -> sa.Select:
    return sa.select(*readings.c)


def frame(seed: int, n: int, shift: float = 0) -> pd.DataFrame:
    """Ties, zeros, gaps and infinities; `shift` moves what can move."""
    random = np.random.default_rng(seed)
    delay = np.round(random.normal(shift, 1, n), 1)
    delay[: n // 10] = 0
    delay[n // 10 : n // 8] = np.nan
    delay[-2:] = [np.inf, -np.inf]
    seconds = random.integers(0, 7 * 24 * 3600, n)
    carriers = np.array(["UA", "AA", "é", "", None], dtype=object)
    weights = np.array([0.4 + shift / 10, 0.3, 0.1, 0.1, 0.1 - shift / 10])
    return pd.DataFrame(
        {
            "id": [f"r{k}" for k in range(n)],
            "event_time": pd.to_datetime(START.replace(tzinfo=None))
            + pd.to_timedelta(seconds, unit="s"),
            "available_at": pd.to_datetime(START.replace(tzinfo=None)),
            "delay": delay,
            "stops": pd.array(
                [None if k % 9 == 0 else v for k, v in enumerate(random.poisson(2 + shift, n))],
                dtype="Int64",
            ),
            "is_new": pd.array(
                [None if k % 11 == 0 else bool(k % 3) for k in range(n)], dtype="boolean"
            ),
            "carrier": random.choice(carriers, n, p=weights),
            "built_at": pd.to_datetime("2001-01-01")
            + pd.to_timedelta(random.integers(0, 10**14, n), unit="us"),
        }
    )


def values_of(table: pd.DataFrame, name: str) -> np.ndarray:
    if KINDS[name] == "time":
        return table[name].to_numpy(dtype="datetime64[us]")
    if KINDS[name] == "number":
        return table[name].to_numpy(dtype=float, na_value=np.nan)
    return table[name].astype(object).where(table[name].notna(), None).to_numpy()


def profiles(table: pd.DataFrame) -> dict[str, ColumnProfile]:
    return {name: profile_column(values_of(table, name), kind=KINDS[name]) for name in KINDS}


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> sa.Engine:
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        return connect(server.new_database())
    return connect(f"{request.param}:///{tmp_path / 'warehouse.db'}")


def fill(engine: sa.Engine, table: pd.DataFrame) -> None:
    with writing(engine) as connection:
        bulkload.replace_tables(connection, [readings], {"readings": table})


def test_psi_pushed_down_is_psi_in_memory(engine: sa.Engine) -> None:
    reference, current = profiles(frame(1, 3000)), frame(2, 2000, shift=0.7)
    fill(engine, current)
    with reading(engine) as connection:
        counted = count_current(connection, rows(), reference, MOMENTS)
    assert set(counted) == set(KINDS)
    for name in KINDS:
        in_memory = psi(reference[name], values_of(current, name))
        pushed_down = psi(reference[name], counted[name].counts)
        assert in_memory.value is not None
        assert pushed_down.value == pytest.approx(in_memory.value, abs=1e-12), name
        assert [b.current for b in pushed_down.bins] == [b.current for b in in_memory.bins], name
    drifted = {name for name in KINDS if psi(reference[name], counted[name].counts).is_drifted}
    assert "delay" in drifted
    assert "is_new" not in drifted


def test_nan_that_a_database_keeps_is_missing(engine: sa.Engine) -> None:
    fill(engine, frame(1, 400))
    with writing(engine) as connection:
        if engine.dialect.name != "sqlite":  # which has no NaN
            connection.exec_driver_sql("UPDATE readings SET delay = 'NaN' WHERE id = 'r399'")
        found = count_ranges(connection, known_rows(rows()), {"delay": [0.0]}, MOMENTS)["delay"]
        total = connection.scalar(sa.select(sa.func.count()).select_from(readings))
    assert found.present + found.missing == total
    assert found.missing == (400 // 8 - 400 // 10) + (engine.dialect.name != "sqlite")


def test_nan_that_a_database_keeps_is_no_good_row(engine: sa.Engine) -> None:
    fill(engine, frame(1, 400).assign(delay=1.0))
    labels = sa.select(readings.c.id, sa.literal(1).label("label"), readings.c.available_at)
    first = sa.column("id").in_([f"r{k}" for k in range(25)])
    gap = sa.null() if engine.dialect.name == "sqlite" else sa.cast("NaN", sa.Double())
    with writing(engine) as connection:
        connection.execute(sa.update(readings).where(first).values(delay=gap))
        for column, good in (
            (Column(type="number"), 375),
            (Column(type="number", min=0), 375),
            (Column(type="number", max=2), 375),
            (Column(type="number", min=0, max=2, max_null_fraction=0.1), 400),
            (Column(type="number", min=2, max_null_fraction=0.1), 25),
        ):
            found = count_quality(connection, rows(), labels, {"delay": column}, MOMENTS)
            assert (found.rows, found.labelled, found.good) == (400, 400, good), column


def test_a_number_of_four_bytes_is_read_as_it_is_counted(engine: sa.Engine) -> None:
    prices = sa.Table(
        "prices",
        sa.MetaData(),
        *(sa.Column(name, sa.String if name == "id" else sa.DateTime) for name in TIMES),
        sa.Column("price", sa.REAL),
    )
    labels = sa.select(prices.c.id, sa.literal(1).label("label"), prices.c.available_at)
    values = np.random.default_rng(0).choice([0.1, 0.2, 0.3, 0.7, 1.1, 5.3, np.nan], 500)
    table = frame(3, len(values))[TIMES].assign(price=values)
    with writing(engine) as connection:
        bulkload.replace_tables(connection, [prices], {"prices": table})
    window = {"as_of": END, "start": START, "end": END, "chunk_rows": 99}
    read = pd.concat(read_rows(engine, sa.select(prices), labels, **window))["price"].to_numpy()
    reference = profile_column(read, kind="number")
    with reading(engine) as connection:
        counted = count_current(connection, sa.select(prices), {"price": reference}, MOMENTS)
    assert psi(reference, counted["price"].counts).value == 0
    assert psi(reference, read).value == 0


def test_deciles_are_the_reference_s_own(engine: sa.Engine) -> None:
    table = frame(3, 777)
    fill(engine, table)
    numbers = {"delay": int(table["delay"].notna().sum()), "stops": int(table["stops"].count())}
    with reading(engine) as connection:
        found = find_deciles(connection, known_rows(rows()), numbers, MOMENTS)
    stops = deciles_of(values_of(table, "stops"), kind="number")
    assert found["stops"] == (stops[0], stops[4], stops[8])
    ranked = np.sort(table["delay"].dropna())
    assert found["delay"][1] == ranked[-(-len(ranked) * 5 // 10) - 1]


def test_an_empty_window_counts_nothing(engine: sa.Engine) -> None:
    reference = profiles(frame(1, 500))
    fill(engine, frame(1, 10))
    later = moments_of(as_of=END, start=END, end=END + timedelta(days=1))
    with reading(engine) as connection:
        counted = count_current(connection, rows(), reference, later)
        newest = newest_event(connection, known_rows(rows()), later)
    assert newest is None
    assert {column.counts.rows for column in counted.values()} == {0}
    assert all(column.deciles is None for column in counted.values())


def test_rows_that_came_later_are_not_counted(engine: sa.Engine) -> None:
    table = frame(1, 500)
    table.loc[:99, "available_at"] = END.replace(tzinfo=None) + timedelta(seconds=1)
    fill(engine, table)
    with reading(engine) as connection:
        counted = count_current(connection, rows(), profiles(frame(1, 500)), MOMENTS)
    assert counted["stops"].counts.rows == 400


def test_a_column_of_another_kind_has_no_counts(engine: sa.Engine) -> None:
    fill(engine, frame(1, 500))
    as_text = {"stops": profile_column(np.array(["a", "b"], dtype=object), kind="category")}
    with reading(engine) as connection:
        found = count_current(connection, rows(), as_text, MOMENTS)["stops"]
    assert (found.kind, found.counts.mass) == ("number", ())


def test_many_columns_are_counted_in_several_statements(tmp_path: Path) -> None:
    names = [f"c{k}" for k in range(120)]
    table = sa.Table(
        "wide",
        sa.MetaData(),
        *(sa.Column(name, sa.DateTime) for name in ("event_time", "available_at")),
        *(sa.Column(name, sa.Double) for name in names),
    )
    engine = connect(f"sqlite:///{tmp_path / 'wide.db'}")
    moment = START.replace(tzinfo=None)
    data = pd.DataFrame({name: [float(k), None, -1.0] for k, name in enumerate(names)})
    data = data.assign(event_time=moment, available_at=moment)
    with writing(engine) as connection:
        bulkload.replace_tables(connection, [table], {"wide": data})
        edges = {name: [0.0, 50.5, 100.5] for name in names}
        found = count_ranges(connection, known_rows(sa.select(*table.c)), edges, MOMENTS)
    assert [found[name].missing for name in names] == [1] * 120
    assert found["c0"].bins == (2, 0, 0, 0)
    assert found["c60"].bins == (1, 0, 1, 0)
    assert found["c119"].bins == (1, 0, 0, 1)


def test_text_among_numbers_is_an_incident(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'warehouse.db'}")
    fill(engine, frame(1, 20))
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE readings SET stops = 'many' WHERE id = 'r7'")
    with reading(engine) as connection, pytest.raises(DataIncident, match="stops holds text in 1"):
        count_ranges(connection, known_rows(rows()), {"stops": [1.0]}, MOMENTS)
