"""Whole tables into a database, by the fastest way that each one has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, DropTable

LOAD_ROWS = 50_000  # rows turned into Python objects at once


def replace_tables(
    connection: sa.Connection,
    tables: Iterable[sa.Table],
    frames: Mapping[str, pd.DataFrame],
    progress: Callable[[int], None] = lambda _rows: None,
) -> None:
    """Drop and make `tables`, with the rows of `frames` by table name; times are naive UTC.

    All of it belongs to the transaction of `connection`: killed at any moment, the warehouse is as
    it was before. `progress` is called with the number of rows just loaded.
    """
    dialect = connection.dialect
    load = LOADERS.get(f"{dialect.name}+{dialect.driver}", _load_rows)
    for table in tables:
        connection.execute(DropTable(table, if_exists=True))
        connection.execute(CreateTable(table))
        frame = frames[table.name][list(table.c.keys())]
        for first in range(0, len(frame), LOAD_ROWS):
            part = frame.iloc[first : first + LOAD_ROWS]
            load(connection, table, part)
            progress(len(part))
        for index in table.indexes:  # building it once is faster than keeping it up to date
            index.create(connection)
        if dialect.name == "postgresql":  # without statistics the label join is planned n by n
            connection.exec_driver_sql(f"ANALYZE {dialect.identifier_preparer.format_table(table)}")


def append_rows(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    """Add the rows of `frame` to `table`, which is made if it is not there; in one transaction.

    The frame's columns are the keys of the table's; one that it lacks is left to the database.
    """
    table.create(connection, checkfirst=True)
    dialect = connection.dialect
    load = LOADERS.get(f"{dialect.name}+{dialect.driver}", _load_rows)
    load(connection, table, frame[[name for name in table.c.keys() if name in frame]])  # noqa: SIM118


def _records(frame: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Rows as tuples of plain Python values, None for a gap."""
    plain = frame.astype("object").where(frame.notna(), None)
    return zip(*(plain[name].tolist() for name in frame.columns), strict=True)


def _load_rows(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    """The way that every database has, and the slowest."""
    names = list(frame.columns)
    records = [dict(zip(names, record, strict=True)) for record in _records(frame)]
    connection.execute(table.insert(), records)


def _load_sqlite(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    """Tuples straight to the driver, times as the text that SQLAlchemy reads and compares."""
    times = frame.select_dtypes("datetime")
    texts = {name: times[name].dt.strftime("%Y-%m-%d %H:%M:%S.%f") for name in times}
    statement = str(table.insert().compile(connection, column_keys=list(frame.columns)))
    connection.connection.cursor().executemany(statement, _records(frame.assign(**texts)))


def _load_postgres(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    prepare = connection.dialect.identifier_preparer
    names = ", ".join(prepare.quote(table.c[key].name) for key in frame.columns)
    statement = f"COPY {prepare.format_table(table)} ({names}) FROM STDIN"
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        for record in _records(frame):
            copy.write_row(record)


def _load_duckdb(connection: sa.Connection, table: sa.Table, frame: pd.DataFrame) -> None:
    """DuckDB reads the frame where it lies; row by row it would take an hour."""
    duckdb = connection.connection.driver_connection
    columns = [sa.column(name) for name in frame.columns]
    incoming = sa.select(*columns).select_from(sa.table("incoming_frame"))
    duckdb.register("incoming_frame", frame)
    connection.execute(table.insert().from_select(list(frame.columns), incoming))
    duckdb.unregister("incoming_frame")


LOADERS = {
    "sqlite+pysqlite": _load_sqlite,
    "postgresql+psycopg": _load_postgres,
    "duckdb+duckdb_engine": _load_duckdb,
}
