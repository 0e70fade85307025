"""The warehouse: any SQL database, read in chunks as it was known at a point in time.

Times are naive UTC in the warehouse (in SQLite: text as SQLAlchemy writes it) and tz-aware UTC in
pandas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from pipeline.credentials import is_secret, without_credentials
from pipeline.errors import ConfigurationError, DataIncident, OutsideError, SchemaChanged
from pipeline.pointintime import (
    QUERY_FILE,
    labels_never_available,
    moments_of,
    naive_utc,
    never_available,
    point_in_time,
)

if TYPE_CHECKING:
    import pandas as pd  # at run time imported where used: monitoring connects without it

URL_EXAMPLES = "sqlite:///warehouse.db or postgresql+psycopg://user:password@host/database"
NOT_THERE = re.compile(  # in SQLite's words, PostgreSQL's, and DuckDB's
    r"no such (table|column)|has no column"
    r"|(relation|column|schema) .+ does not exist"
    r"|(Table|View|Schema) with name .+ does not exist|does not have a column|not found in FROM"
)

# ---------------------------------------------------------------- connecting


def connect(url: str) -> sa.Engine:
    """An engine for `url`; nothing is opened yet.

    Raises ConfigurationError where `url` is no database URL or its driver is not installed. No
    message ever shows the URL's password.
    """
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):  # from None: these would show the URL itself
        fault = f"not a database URL, expected one such as {URL_EXAMPLES}"
        raise ConfigurationError("the warehouse's URL", [fault]) from None
    try:
        engine = sa.create_engine(parsed)
    except (sa.exc.NoSuchModuleError, ImportError) as error:
        fault = f"no driver for {parsed.drivername} ({error}), expected it to be installed"
        raise ConfigurationError(safe_url(parsed), [fault]) from error
    sa.event.listen(engine, "connect", _speak_utc)
    return engine


def safe_url(url: sa.URL) -> str:
    """`url` without its password and without its query, where a token may stand."""
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def database_errors(engine: sa.Engine) -> Iterator[None]:
    """Turn what the database says into our errors, with the driver's first line as the reason."""
    where = f"warehouse {safe_url(engine.url)}"
    try:
        yield
    except (sa.exc.DBAPIError, engine.dialect.loaded_dbapi.Error) as error:
        reason = _reason(error, engine.url)
        if NOT_THERE.search(reason):
            fault = f"{reason}. Expected what {QUERY_FILE} reads: seed the warehouse, or mend it"
            raise SchemaChanged(where, [fault]) from None
        raise OutsideError(f"{where}: {reason}. See that it is up, then run again.") from None


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection to read from; errors as ours."""
    with database_errors(engine), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection with one transaction: all that is written in it, or nothing. Errors as ours."""
    with database_errors(engine), engine.begin() as connection:
        if engine.dialect.name == "sqlite":  # whose driver begins too late: after CREATE and DROP
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def _reason(error: Exception, url: sa.URL) -> str:
    """What the driver says, in a line, without any secret of `url`."""
    error = getattr(error, "orig", error)
    lines = str(error).strip().splitlines() or [type(error).__name__]
    reason = " ".join(lines[:2] if lines[0].endswith("failed:") else lines[:1]).rstrip(".")
    asked = [value for name, value in url.query.items() if is_secret(name)]
    values = [v for value in asked for v in ((value,) if isinstance(value, str) else value)]
    return without_credentials(reason, (str(url.password or ""), *values))


def _speak_utc(connection: Any, _record: Any) -> None:
    """Compare zoned columns with our naive UTC times in UTC, whatever the server's zone is."""
    module = type(connection).__module__
    if module.startswith(("psycopg", "duckdb")):
        connection.cursor().execute("SET TIME ZONE 'UTC'")
    if module.startswith("psycopg"):
        connection.commit()


def is_there(engine: sa.Engine) -> bool:
    """False for a database file that is not there: opening it would make an empty one."""
    name = engine.url.database
    if engine.dialect.name not in ("sqlite", "duckdb") or name in (None, "", ":memory:"):
        return True
    return name.startswith("file:") or Path(name).exists()


def describe_tables(engine: sa.Engine, names: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Column names (joined by ", ") and number of rows of those of the tables that exist."""
    found = {}
    with reading(engine) as connection:
        for name in names:
            if sa.inspect(connection).has_table(name):
                table = sa.table(name)
                none = connection.execute(sa.select(sa.text("*")).select_from(table).limit(0))
                count = connection.scalar(sa.select(sa.func.count()).select_from(table))
                found[name] = (", ".join(none.keys()), int(count or 0))
    return found


# ---------------------------------------------------------------- reading


def read_rows(
    engine: sa.Engine,
    rows: sa.Select,
    labels: sa.Select,
    *,
    as_of: datetime,
    start: datetime,
    end: datetime,
    chunk_rows: int,
) -> Iterator[pd.DataFrame]:
    """What was known at `as_of` of the events in [start, end), in chunks of `chunk_rows`.

    Columns: those of `rows`, then label and label_available_at, both null without a label. A row
    counts from its available_at (<= as_of); of a label's versions the newest with available_at <=
    as_of counts. Sorted by event_time, then id. See `point_in_time` for the edges.

    Every chunk has the same dtypes: str, Int64, Int8 (label), boolean, float64, datetime64[us,
    UTC]. An empty window gives one empty chunk. A number is the double that the database itself
    makes of it, so that what is counted there is what is read: of a REAL 0.1 that is 0.1000000015.

    Raises ConfigurationError (a select lacks what it must have, the warehouse lacks a table or
    column), OutsideError (the warehouse cannot be read), DataIncident (a value is not of its
    column's type), and ValueError where a time has no zone.
    """
    moments = moments_of(as_of=as_of, start=start, end=end)
    statement = point_in_time(rows, labels, engine.dialect.name)
    kinds = kinds_of(statement)
    if not is_there(engine):
        raise OutsideError(f"warehouse {safe_url(engine.url)}: no such file. Seed it, or name it.")
    if engine.dialect.name == "postgresql":
        statement = _with_doubles(statement, kinds)
    return _stream(engine, statement, kinds, moments, chunk_rows)


def count_never_available(
    engine: sa.Engine, rows: sa.Select, labels: sa.Select, *, start: datetime, end: datetime
) -> tuple[int, int]:
    """How many rows and labels `read_rows` leaves out whatever as_of is.

    Those are the events in [start, end) without an available_at, the rows without an event_time,
    and the labels without an available_at, whatever row they are of. Raises as `read_rows` does.
    """
    moments = {"start": naive_utc(start), "end": naive_utc(end)}
    with reading(engine) as connection:
        lost_rows = connection.scalar(never_available(rows), moments)
        lost_labels = connection.scalar(labels_never_available(labels))
    return int(lost_rows or 0), int(lost_labels or 0)


def _with_doubles(statement: sa.Select, kinds: Mapping[str, str]) -> sa.Select:
    """PostgreSQL sends numbers as text: the 0.1 of a REAL would be read as another double."""
    columns = [
        sa.cast(column, sa.Double()).label(column.name)
        if kinds[column.name] == "float64"
        else column
        for column in statement.selected_columns
    ]
    return statement.with_only_columns(*columns)


def _stream(
    engine: sa.Engine,
    statement: sa.Select,
    kinds: Mapping[str, str],
    moments: Mapping[str, datetime],
    chunk_rows: int,
) -> Iterator[pd.DataFrame]:
    with reading(engine) as connection:
        streaming = connection.execution_options(stream_results=True, max_row_buffer=chunk_rows)
        chunks = _chunks(streaming.execute(statement, moments), chunk_rows)
        chunk = next(chunks, [])  # an empty first one keeps columns and dtypes known
        while True:
            frame = _frame(chunk, kinds)
            _check_times(frame, moments)
            yield frame
            chunk = next(chunks, None)
            if chunk is None:
                return


def _chunks(result: sa.CursorResult, chunk_rows: int) -> Iterator[Sequence[Any]]:
    try:
        yield from result.partitions(chunk_rows)
    except (ValueError, TypeError) as error:  # SQLite keeps any text in a time column
        raise DataIncident(f"warehouse: a value is not of its column's type: {error}") from error


def _check_times(frame: pd.DataFrame, moments: Mapping[str, datetime]) -> None:
    """The last line: a database that compares times its own way must not leak the future."""
    import pandas as pd  # noqa: PLC0415

    as_of, start, end = (pd.Timestamp(moments[name], tz=UTC) for name in ("as_of", "start", "end"))
    outside = (frame["event_time"] < start) | (frame["event_time"] >= end)
    later = (frame["available_at"] > as_of) | (frame["label_available_at"] > as_of)
    if (outside | later).any():
        row = frame[outside | later].iloc[0]
        raise DataIncident(
            f"warehouse: row {row['id']} (event_time {row['event_time']}, available_at "
            f"{row['available_at']}, label_available_at {row['label_available_at']}) does not "
            f"belong to [{start}, {end}) as of {as_of}. Are its times text of another form?"
        )


# ---------------------------------------------------------------- SQL types and pandas dtypes


KINDS = (
    (sa.Boolean, "boolean"),
    (sa.Integer, "Int64"),
    ((sa.Numeric, sa.Float), "float64"),
    ((sa.DateTime, sa.Date), "time"),
    (sa.String, "str"),
)


def kinds_of(statement: sa.Select) -> dict[str, str]:
    """For each column of `statement` the pandas dtype of its SQL type, or "time"."""
    fixed = {"id": "str", "label": "Int8", "label_available_at": "time"}
    kinds, faults = {}, []
    for column in statement.selected_columns:
        fits = (kind for types, kind in KINDS if isinstance(column.type, types))
        kinds[column.name] = fixed.get(column.name) or next(fits, "")
        if not kinds[column.name]:
            faults.append(
                f"rows() gives {column.name} the type {column.type!r}, expected text, a number, a "
                "boolean or a time: name one with sqlalchemy.cast or type_coerce"
            )
    if faults:
        raise ConfigurationError(QUERY_FILE, faults)
    return kinds


def _frame(chunk: Sequence[Any], kinds: Mapping[str, str]) -> pd.DataFrame:
    """`chunk` as a frame with the dtypes of `kinds`, also where it has no rows or only gaps."""
    import pandas as pd  # noqa: PLC0415

    values = zip(*chunk, strict=True) if chunk else ((),) * len(kinds)
    columns = zip(kinds.items(), values, strict=True)
    return pd.DataFrame({name: _series(name, column, kind) for (name, kind), column in columns})


def _series(name: str, values: Sequence[Any], kind: str) -> pd.Series:
    import numpy as np  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    try:
        if kind == "time":
            moments = pd.to_datetime(pd.Series(values, dtype="object"), utc=True)
            return moments.astype("datetime64[us, UTC]")
        if kind == "float64":
            return pd.Series(np.array(values, dtype="float64"))
        if kind == "str":  # an integer id is fine: text is what it is told by
            values = [value if value is None else str(value) for value in values]
        return pd.Series(pd.array(values, dtype=kind))
    except (ValueError, TypeError, OverflowError) as error:
        raise DataIncident(
            f"warehouse: column {name} holds a value that is not a {kind}: {error}"
        ) from error
