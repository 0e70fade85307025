"""How many new rows there are, and how many of them keep the rules of configs/schema.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pipeline.config import Column
from pipeline.pointintime import as_number, point_in_time, rows_where


@dataclass(frozen=True)
class RowQuality:
    """`rows` of a window, `labelled` of them with a label, `good` of those keeping every rule."""

    rows: int
    labelled: int
    good: int

    @property
    def share(self) -> float | None:
        """The share of all rows that may be trained on, 0 to 1; None without a row."""
        return self.good / self.rows if self.rows else None


def count_quality(
    connection: sa.Connection,
    rows: sa.Select,
    labels: sa.Select,
    columns: Mapping[str, Column],
    moments: Mapping[str, datetime],
) -> RowQuality:
    """Count the rows of [start, end) known at as_of, in the warehouse.

    A rule is a column's range (both ends allowed), its listed categories, and that it holds a
    value unless `max_null_fraction` allows gaps. NaN is a gap, as it is where rows are read.
    """
    dialect = connection.dialect.name
    known = point_in_time(rows, labels, dialect).order_by(None).subquery("k")
    has_label = as_number(known.c.label, dialect).is_not(None)
    rules = [
        _keeps(known.c[name] if column.categories else as_number(known.c[name], dialect), column)
        for name, column in columns.items()
        if name in known.c
    ]
    is_good = sa.and_(has_label, *rules)
    counted = connection.execute(
        sa.select(sa.func.count(), rows_where(has_label), rows_where(is_good)).select_from(known),
        moments,
    ).one()
    return RowQuality(*(int(n) for n in counted))


def _keeps(value: sa.ColumnElement, column: Column) -> sa.ColumnElement[bool]:
    rules: list[sa.ColumnElement[bool]] = []
    if column.min is not None:
        rules.append(value >= column.min)
    if column.max is not None:
        rules.append(value <= column.max)
    if column.categories is not None:
        rules.append(value.in_(column.categories))
    if column.max_null_fraction > 0:
        return sa.or_(value.is_(None), sa.and_(sa.true(), *rules))
    return sa.and_(value.is_not(None), *rules)
