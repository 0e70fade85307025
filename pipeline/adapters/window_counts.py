"""Counting a window where it lies: the warehouse does the work, a few numbers come back.

Bins come as plain edges, so that every bin holds edges[i-1] < x <= edges[i], the first from -inf
and the last to +inf. What is counted here in SQL is what numpy counts in memory, to the row.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from pipeline.errors import DataIncident
from pipeline.pointintime import as_number, rows_where

EXPRESSIONS = 600  # in one statement: PostgreSQL takes 1,664 result columns and SQLite 2,000
DECILES = (1, 5, 9)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (times are naive UTC in the warehouse)


@dataclass(frozen=True)
class RangeCounts:
    """Rows in each of len(edges) + 1 bins, and rows without a value."""

    bins: tuple[int, ...]
    missing: int

    @property
    def present(self) -> int:
        """Rows with a value."""
        return sum(self.bins)


def count_ranges(
    connection: sa.Connection,
    source: sa.Select,
    edges: Mapping[str, Sequence[float]],
    moments: Mapping[str, datetime],
) -> dict[str, RangeCounts]:
    """Rows of `source` in the ranges that each column's ascending `edges` make.

    Columns are numbers, or times with edges in microseconds since 1970 in UTC. NULL and NaN are
    missing. Raises DataIncident where SQLite keeps text in a number's column.
    """
    rows = source.subquery("w")
    found: dict[str, RangeCounts] = {}
    for names in _batches(edges):
        parts = {name: _range_sums(rows.c[name], edges[name], connection) for name in names}
        counted = _one_row(connection, rows, [e for part in parts.values() for e in part], moments)
        for name in names:
            text, missing, *below = (next(counted) for _ in parts[name])
            if text:
                raise DataIncident(f"warehouse: {name} holds text in {text:,} rows, no number")
            bounds = [0, *below]
            found[name] = RangeCounts(tuple(b - a for a, b in pairwise(bounds)), missing)
    return found


def count_names(
    connection: sa.Connection,
    source: sa.Select,
    columns: Sequence[str],
    moments: Mapping[str, datetime],
) -> dict[str, dict[Hashable, int]]:
    """For each of `columns` how many rows of `source` hold each value; None is missing."""
    rows = source.subquery("w")
    found = {}
    for name in columns:
        statement = sa.select(rows.c[name], sa.func.count()).group_by(rows.c[name])
        found[name] = {row[0]: row[1] for row in connection.execute(statement, moments)}
    return found


def find_deciles(
    connection: sa.Connection,
    source: sa.Select,
    present: Mapping[str, int],
    moments: Mapping[str, datetime],
) -> dict[str, tuple[float, float, float]]:
    """First decile, median and last decile of each number column: the ceil(q n)-th smallest.

    `present` has each column's rows with a value, as `count_ranges` gives them; a column without
    any is left out.
    """
    rows = source.subquery("w")
    wanted = {name: n for name, n in present.items() if n > 0}
    found = {}
    for names in _batches(dict.fromkeys(wanted, DECILES)):
        values = {name: as_number(rows.c[name], connection.dialect.name) for name in names}
        order = {name: values[name].asc().nulls_last() for name in names}
        ranked = sa.select(
            *(values[name].label(f"x{i}") for i, name in enumerate(names)),
            *(
                sa.func.row_number().over(order_by=order[name]).label(f"r{i}")
                for i, name in enumerate(names)
            ),
        ).subquery("ranked")
        picks = [
            sa.func.max(
                sa.case((ranked.c[f"r{i}"] == -(-q * wanted[name] // 10), ranked.c[f"x{i}"]))
            )
            for i, name in enumerate(names)
            for q in DECILES
        ]
        picked = iter(connection.execute(sa.select(*picks), moments).one())
        for name in names:
            low, median, high = (float(next(picked)) for _ in DECILES)
            found[name] = (low, median, high)
    return found


def newest_event(
    connection: sa.Connection, source: sa.Select, moments: Mapping[str, datetime]
) -> datetime | None:
    """The latest event_time of `source`, naive UTC; None where it has no row."""
    rows = source.subquery("w")
    return connection.scalar(sa.select(sa.func.max(rows.c.event_time)), moments)


def _range_sums(
    column: sa.ColumnElement, edges: Sequence[float], connection: sa.Connection
) -> list[sa.ColumnElement]:
    """Rows with text, rows missing, then rows up to each edge, and rows present."""
    value = as_number(column, connection.dialect.name)
    is_time = isinstance(column.type, sa.DateTime | sa.Date)
    bounds = [_moment_at(edge) if is_time else sa.literal(edge, sa.Double()) for edge in edges]
    is_text: sa.ColumnElement = sa.false()
    if connection.dialect.name == "sqlite" and not is_time:
        is_text = sa.func.typeof(column) == "text"
    below = [value <= bound for bound in bounds]
    return [rows_where(part) for part in (is_text, value.is_(None), *below, value.is_not(None))]


def _moment_at(edge: float) -> sa.ColumnElement:
    """Times are whole microseconds, so that the microsecond at or below the edge is the edge."""
    return sa.literal(_EPOCH + timedelta(microseconds=math.floor(edge)), sa.DateTime())


def _one_row(
    connection: sa.Connection,
    rows: sa.FromClause,
    expressions: Sequence[sa.ColumnElement],
    moments: Mapping[str, datetime],
) -> Iterator[int]:
    statement = sa.select(*expressions).select_from(rows)
    return iter([int(n) for n in connection.execute(statement, moments).one()])


def _batches(edges: Mapping[str, Sequence[Any]]) -> Iterator[list[str]]:
    """The columns in groups whose expressions fit into one statement."""
    batch: list[str] = []
    size = 0
    for name, bounds in edges.items():
        width = len(bounds) + 3
        if batch and size + width > EXPRESSIONS:
            yield batch
            batch, size = [], 0
        batch.append(name)
        size += width
    if batch:
        yield batch
