"""Point-in-time correctness as SQL: what was known at `as_of` of the events in a window.

The use case gives two plain selects. Everything about time is put around them here, so that a
careless query cannot see the future.
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from pipeline.errors import ConfigurationError

QUERY_FILE = "pipeline/usecase/query.py"
ROW_COLUMNS = ("id", "event_time", "available_at")
LABEL_COLUMNS = ("id", "label", "available_at")
ADDED_COLUMNS = ("label", "label_available_at")


def point_in_time(rows: sa.Select, labels: sa.Select, dialect: str) -> sa.Select:
    """The columns of `rows`, then label and label_available_at, by event_time and id.

    Parameters to bind, all naive UTC: start <= event_time < end, rows' available_at <= as_of. Of a
    label's versions with start <= available_at <= as_of, the newest counts: a label comes after its
    event, so one from before `start` belongs to no row here. What is broken stays visible to the
    checks: two versions of one instant give the row twice, a label from before its event stays.

    Raises ConfigurationError where either is no select, and naming every column that `rows` and
    `labels` lack or must not have.
    """
    _check(rows, labels)
    row, newest = rows.subquery("r"), _newest_labels(labels)
    as_of, start, end = (_moment(name) for name in ("as_of", "start", "end"))
    is_its_label = sa.and_(newest.c.id == row.c.id, newest.c.age == 1)
    return (
        sa.select(*row.c, newest.c.label, newest.c.available_at.label("label_available_at"))
        .select_from(row.outerjoin(newest, is_its_label))
        .where(row.c.event_time >= start, row.c.event_time < end, row.c.available_at <= as_of)
        .order_by(row.c.event_time, _by_bytes(row.c.id, dialect))
    )


def known_rows(rows: sa.Select) -> sa.Select:
    """The columns of `rows` alone, of the events in [start, end) that were known at as_of.

    Parameters to bind as in `point_in_time`. For counting: in no order.
    """
    row = rows.subquery("r")
    as_of, start, end = (_moment(name) for name in ("as_of", "start", "end"))
    is_known = row.c.available_at <= as_of
    return sa.select(*row.c).where(row.c.event_time >= start, row.c.event_time < end, is_known)


def never_available(rows: sa.Select) -> sa.Select:
    """How many of the events in [start, end), which are to be bound, have no available_at at all.

    Rows without an event_time count as well, since they are in no window. No other select of this
    module ever gives either: at no time are they known.
    """
    row = rows.subquery("r")
    inside = sa.and_(row.c.event_time >= _moment("start"), row.c.event_time < _moment("end"))
    is_lost = sa.or_(row.c.event_time.is_(None), inside & row.c.available_at.is_(None))
    return sa.select(sa.func.count()).select_from(row).where(is_lost)


def labels_never_available(labels: sa.Select) -> sa.Select:
    """How many labels, of whatever rows, have no available_at: no row ever gets one of them."""
    version = labels.subquery("v")
    return sa.select(sa.func.count()).where(version.c.available_at.is_(None))


def require_selects(**returned: object) -> None:
    """Refuse what a function of query.py, by its name, returned and is no select with columns.

    Raises ConfigurationError. SQL as text is no select until it names its columns and their types.
    """
    faults = [
        f"{name}() returned {type(found).__name__}, expected sqlalchemy.select(...); for SQL as "
        "text, sqlalchemy.text('SELECT ...').columns(id=sqlalchemy.String, ...), every column of it"
        for name, found in returned.items()
        if not isinstance(found, sa.SelectBase)
    ]
    if faults:
        raise ConfigurationError(QUERY_FILE, faults)


def rows_where(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
    """How many rows keep `condition`: 0, not NULL, where there is no row at all."""
    return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)


def as_number(column: sa.ColumnElement, dialect: str) -> sa.ColumnElement:
    """`column` as a double in which NaN, greater than all in these databases, is NULL.

    What is no column of numbers, and what is in a database that keeps no NaN, stays as it is.
    """
    is_number = isinstance(column.type, sa.Integer | sa.Numeric | sa.Float)
    if dialect not in ("postgresql", "duckdb") or not is_number:
        return column
    if isinstance(column.type, sa.Integer):
        return sa.cast(column, sa.Double())
    return sa.func.nullif(
        sa.cast(column, sa.Double()), sa.cast("NaN", sa.Double()), type_=sa.Double()
    )


def naive_utc(moment: datetime) -> datetime:
    """`moment` as the warehouse keeps it. Raises ValueError where it has no zone."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment} has no time zone, expected a time such as 2013-07-02T00:00Z")
    return moment.astimezone(UTC).replace(tzinfo=None)


def moments_of(*, as_of: datetime, start: datetime, end: datetime) -> dict[str, datetime]:
    """The parameters that the selects of this module bind. Raises ValueError without a zone."""
    return {"as_of": naive_utc(as_of), "start": naive_utc(start), "end": naive_utc(end)}


def _newest_labels(labels: sa.Select) -> sa.Subquery:
    """Label versions known as of then, with their age: 1 is the newest of its id."""
    version = labels.subquery("v")
    newest_first = version.c.available_at.desc()
    age = sa.func.rank().over(partition_by=version.c.id, order_by=newest_first).label("age")
    return (
        sa.select(version.c.id, version.c.label, version.c.available_at, age)
        .where(version.c.available_at >= _moment("start"))
        .where(version.c.available_at <= _moment("as_of"))
        .subquery("newest")
    )


def _moment(name: str) -> sa.BindParameter:
    return sa.bindparam(name, type_=sa.DateTime())


def _by_bytes(column: sa.ColumnElement, dialect: str) -> sa.ColumnElement:
    """PostgreSQL sorts text by the locale; the others, and a reproducible file, by bytes."""
    is_text = isinstance(column.type, sa.String)
    return sa.collate(column, "C") if dialect == "postgresql" and is_text else column


def _check(rows: sa.Select, labels: sa.Select) -> None:
    require_selects(rows=rows, labels=labels)
    given = {
        "rows": [column.name for column in rows.selected_columns],
        "labels": [column.name for column in labels.selected_columns],
    }
    needed = {"rows": ROW_COLUMNS, "labels": LABEL_COLUMNS}
    faults = [
        f"{select}() has no column {name}, expected {', '.join(names)}"
        for select, names in needed.items()
        for name in names
        if name not in given[select]
    ]
    faults += [
        f"rows() has a column {name}, which comes from labels(): take it out"
        for name in ADDED_COLUMNS
        if name in given["rows"]
    ]
    faults += [
        f"rows() has the column {name} twice: give one of them another name"
        for name in sorted(set(given["rows"]))
        if given["rows"].count(name) > 1
    ]
    if faults:
        raise ConfigurationError(QUERY_FILE, faults)
