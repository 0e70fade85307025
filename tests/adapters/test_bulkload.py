"""Loading: complete or not at all, and the same in every database."""

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from pipeline.adapters import bulkload
from pipeline.adapters.warehouse import connect, reading, writing
from pipeline.errors import OutsideError

ROOT = Path(__file__).parents[2]
FIRST = datetime(2013, 1, 1)  # noqa: DTZ001 (naive UTC, as in the warehouse)
things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("seen_at", sa.DateTime),
    sa.Column("count", sa.Integer),
    sa.Column("weight", sa.Double),
    sa.Column("is_odd", sa.Boolean),
    sa.Index("things_seen_at", "seen_at"),
)
NAMES = list(things.c.keys())


def records(rows: int) -> list[tuple]:
    """In every third row all but the id is missing."""
    return [
        (f"t{n:05}", FIRST + timedelta(seconds=n), n, n / 8, n % 2 == 1)
        if n % 3
        else (f"t{n:05}", None, None, None, None)
        for n in range(rows)
    ]


def frame(rows: int) -> pd.DataFrame:
    """The records as a frame, with its columns in another order than the table's."""
    whole = pd.DataFrame(records(rows), columns=NAMES)
    return whole.astype({"count": "Int64", "is_odd": "boolean"})[NAMES[::-1]]


def load(url: str, rows: int, progress: Callable[[int], None] = lambda _rows: None) -> None:
    engine = connect(url)
    try:
        with writing(engine) as connection:
            bulkload.replace_tables(connection, [things], {"things": frame(rows)}, progress)
    finally:
        engine.dispose()


def content(url: str) -> list[tuple]:
    engine = connect(url)
    with reading(engine) as connection:
        rows = [tuple(row) for row in connection.execute(sa.select(things).order_by("id"))]
    engine.dispose()
    return rows


@pytest.fixture(params=["sqlite", "duckdb", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").new_database()
    return f"{request.param}:///{tmp_path / 'warehouse.db'}"


def test_every_value_and_every_gap_arrives(url: str) -> None:
    load(url, 100)
    assert content(url) == records(100)


def test_the_plain_way_loads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(bulkload.LOADERS, "sqlite+pysqlite")
    url = f"sqlite:///{tmp_path / 'warehouse.db'}"
    load(url, 100)
    assert content(url) == records(100)


def test_loading_again_replaces_what_was_there(url: str) -> None:
    load(url, 100)
    load(url, 40)
    assert content(url) == records(40)


def test_progress_adds_up_to_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulkload, "LOAD_ROWS", 30)
    parts: list[int] = []
    load(f"sqlite:///{tmp_path / 'warehouse.db'}", 100, parts.append)
    assert parts == [30, 30, 30, 10]


def test_killed_halfway_the_warehouse_is_as_before_and_the_next_run_completes(url: str) -> None:
    load(url, 40)
    code = (
        "import os, signal; from tests.adapters.test_bulkload import bulkload, load; "
        "bulkload.LOAD_ROWS = 30; seen = []; "
        "die = lambda rows: seen.append(rows) or len(seen) == 2 and os.kill(os.getpid(), 9); "
        f"load({url!r}, 100, die)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert run.returncode == -signal.SIGKILL
    assert content(url) == records(40)
    load(url, 100)
    assert content(url) == records(100)


def test_the_index_is_there_afterwards(tmp_path: Path) -> None:
    load(f"sqlite:///{tmp_path / 'warehouse.db'}", 10)
    engine = connect(f"sqlite:///{tmp_path / 'warehouse.db'}")
    assert [index["name"] for index in sa.inspect(engine).get_indexes("things")] == [
        "things_seen_at"
    ]


def test_a_value_that_does_not_fit_is_our_error_and_changes_nothing(url: str) -> None:
    load(url, 10)
    engine = connect(url)
    twice = pd.concat([frame(3), frame(3)])
    with pytest.raises(OutsideError, match=r"(?i)unique|duplicate"), writing(engine) as connection:
        bulkload.replace_tables(connection, [things], {"things": twice})
    engine.dispose()
    assert content(url) == records(10)


def test_a_column_is_filled_by_its_key_and_one_that_is_not_given_by_the_database(url: str) -> None:
    table = sa.Table(
        "notes",
        sa.MetaData(),
        sa.Column("note_id", sa.String, key="id"),
        sa.Column("told_by", sa.String, key="by", server_default="nobody"),
    )
    engine = connect(url)
    with writing(engine) as connection:
        bulkload.append_rows(connection, table, pd.DataFrame({"id": ["a"]}))
        assert connection.execute(sa.select(table)).all() == [("a", "nobody")]
    engine.dispose()
