"""Outcomes counted where they lie: a few rows come back, whatever there is in the warehouse.

Each unit that either model answered counts once, with its first answer, and once it is mature. Its
outcome is the newest label known. Sums are of whole numbers, so that they are exact in every
database and in any order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from pipeline.adapters.ab_outcomes.answers import Asked, at_moment, numbered_answers
from pipeline.pointintime import rows_where

STEPS = 100_000  # a Brier score is counted in so many steps: their squares fit into 64 bits
COUNTS = ("units", "missing", "broken", "early", "repeated", "future")


@dataclass(frozen=True)
class OutcomeCounts:
    """One variant in one period, new at one look. `sums` has n, Σy and Σy² of each metric.

    Those of a Brier score are in steps: divide by STEPS, and by its square.
    """

    variant: str
    period: int
    look: int
    counts: Mapping[str, int]
    sums: Mapping[str, tuple[int, int, int]]


def count_outcomes(
    connection: sa.Connection, labels: sa.Select, predictions: sa.Select, asked: Asked
) -> tuple[OutcomeCounts, ...]:
    """What is asked, as known at the last look. Memory does not grow with the rows.

    Raises ConfigurationError for a metric that labels do not tell, or a column that is missing.
    """
    rows = _joined(labels, numbered_answers(predictions, asked), asked).subquery("o")
    columns = [rows.c.variant, rows.c.period, rows.c.look]
    expressions = _expressions(rows.c, asked)
    statement = sa.select(*columns, *expressions).group_by(*columns)
    return tuple(
        _read(dict(row), asked)
        for row in connection.execute(statement).mappings()
        if row["look"] is not None
    )


def _joined(labels: sa.Select, answer: sa.Subquery, asked: Asked) -> sa.Select:
    """Each answer with the label of its unit."""
    newest = _newest_labels(labels, asked)
    is_its_label = sa.and_(newest.c.id == answer.c.id, newest.c.age == 1)
    label = (newest.c.label, newest.c.available_at.label("labelled_at"))
    return sa.select(*answer.c, *label).select_from(answer.outerjoin(newest, is_its_label))


def _newest_labels(labels: sa.Select, asked: Asked) -> sa.Subquery:
    version = labels.subquery("v")
    age = sa.func.row_number().over(
        partition_by=version.c.id, order_by=(version.c.available_at.desc(), version.c.label)
    )
    label = version.c.label
    if isinstance(label.type, sa.Boolean):  # which PostgreSQL compares with no number
        label = sa.cast(label, sa.Integer()).label("label")
    return (
        sa.select(version.c.id, label, version.c.available_at, age.label("age"))
        .where(version.c.available_at <= at_moment(asked.looks[-1]))
        .subquery("l")
    )


def _expressions(row: sa.ColumnCollection, asked: Asked) -> list[sa.ColumnElement]:
    is_future = row.assigned_at > at_moment(asked.clock)
    is_unit = sa.and_(row.turn == 1, sa.not_(is_future))
    score = sa.cast(row.score, sa.Double())
    # NaN is greater than all in the databases that have it, and so outside as well.
    is_sound = sa.and_(score >= 0, score <= 1, row.label.in_([0, 1]))
    is_broken = sa.and_(row.label.is_not(None), sa.not_(sa.func.coalesce(is_sound, sa.false())))
    is_early = sa.and_(row.label.is_not(None), row.labelled_at < row.assigned_at)
    is_used = sa.and_(is_unit, row.label.is_not(None), sa.not_(is_broken), sa.not_(is_early))
    kinds = {
        "units": is_unit,
        "missing": sa.and_(is_unit, row.label.is_(None)),
        "broken": sa.and_(is_unit, is_broken, sa.not_(is_early)),
        "early": sa.and_(is_unit, is_early),
        "repeated": sa.and_(row.turn > 1, sa.not_(is_future)),
        "future": is_future,
    }
    found = [rows_where(kinds[name]).label(name) for name in COUNTS]
    found.append(rows_where(is_used).label("used"))
    for index, metric in enumerate(asked.metrics):
        value = _value(metric, row, score, asked.threshold)
        found.append(_total(is_used, value).label(f"y{index}"))
        found.append(_total(is_used, value * value).label(f"yy{index}"))
    return found


def _value(
    metric: str, row: sa.ColumnCollection, score: sa.ColumnElement, threshold: float
) -> sa.ColumnElement:
    """The outcome of one unit as a whole number."""
    is_positive = score >= threshold
    is_right = sa.or_(
        sa.and_(is_positive, row.label == 1), sa.and_(sa.not_(is_positive), row.label == 0)
    )
    if metric == "brier_score":
        distance = score - sa.cast(row.label, sa.Double())
        return sa.cast(sa.func.round(distance * distance * STEPS), sa.BigInteger())
    wanted = {
        "accuracy": is_right,
        "error_rate": sa.not_(is_right),
        "positive_rate": is_positive,
    }[metric]
    return sa.case((wanted, 1), else_=0)


def _total(is_used: sa.ColumnElement, value: sa.ColumnElement) -> sa.ColumnElement:
    return sa.func.coalesce(sa.func.sum(sa.case((is_used, value), else_=0)), 0)


def _read(row: Mapping[str, object], asked: Asked) -> OutcomeCounts:
    number = {name: int(str(row[name])) for name in row if name != "variant"}
    sums = {
        metric: (number["used"], number[f"y{index}"], number[f"yy{index}"])
        for index, metric in enumerate(asked.metrics)
    }
    counts = {name: number[name] for name in COUNTS}
    return OutcomeCounts(str(row["variant"]), number["period"], number["look"], counts, sums)
