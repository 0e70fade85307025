"""What is asked of the answers in the warehouse, and the answers numbered within their units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from pipeline.errors import ConfigurationError
from pipeline.pointintime import QUERY_FILE, naive_utc

METRICS = ("accuracy", "error_rate", "positive_rate", "brier_score")
_NEEDED = ("id", "model", "score", "available_at")


@dataclass(frozen=True)
class Asked:
    """What is counted: answers of the models `variants` (digest to name) since `started_at`.

    `periods` are the starts of the weights, `looks` ascending moments: a unit belongs to the first
    look that is `maturity` after its assignment. `until` is when the test stopped, if it did.
    `clock` is the time of asking: nothing can have happened after it.
    """

    variants: Mapping[str, str]
    unit: str
    started_at: datetime
    until: datetime | None
    periods: Sequence[datetime]
    looks: Sequence[datetime]
    clock: datetime
    maturity: timedelta
    threshold: float
    metrics: Sequence[str]


def numbered_answers(predictions: sa.Select, asked: Asked) -> sa.Subquery:
    """One row for each answer: id, unit, variant, period, look, turn, score and assigned_at.

    `turn` 1 is the first answer of its unit: the one that counts. Raises ConfigurationError for a
    metric that labels do not tell, or a column that is missing.
    """
    _check(predictions, asked)
    answer = predictions.subquery("p")
    unit = answer.c.id if asked.unit == "request" else answer.c.unit
    # At one moment the same one at each look, whatever order the database has them in.
    order = [answer.c.available_at, answer.c.id, answer.c.model, answer.c.score]
    turn = sa.func.row_number().over(partition_by=unit, order_by=order)
    is_in_time = answer.c.available_at >= at_moment(asked.started_at)
    if asked.until is not None:
        is_in_time &= answer.c.available_at < at_moment(asked.until)
    variants = [(answer.c.model == digest, name) for digest, name in asked.variants.items()]
    return (
        sa.select(
            answer.c.id,
            unit.label("unit"),
            sa.case(*variants).label("variant"),
            _period(answer.c.available_at, asked).label("period"),
            _look(answer.c.available_at, asked).label("look"),
            turn.label("turn"),
            answer.c.score,
            answer.c.available_at.label("assigned_at"),
        )
        .where(answer.c.model.in_(list(asked.variants)), is_in_time)
        .subquery("a")
    )


def at_moment(moment: datetime) -> sa.BindParameter:
    """`moment` as the warehouse keeps it."""
    return sa.literal(naive_utc(moment), sa.DateTime())


def _period(moment: sa.ColumnElement, asked: Asked) -> sa.ColumnElement:
    """The last one that had begun."""
    later = list(enumerate(asked.periods))[:0:-1]
    if not later:
        return sa.literal(0)
    return sa.case(*((moment >= at_moment(at), index) for index, at in later), else_=0)


def _look(moment: sa.ColumnElement, asked: Asked) -> sa.ColumnElement:
    """The first look that finds the unit mature; the last one for the future; NULL for neither."""
    due = [
        (moment <= at_moment(at - asked.maturity), index) for index, at in enumerate(asked.looks)
    ]
    future = (moment > at_moment(asked.clock), len(asked.looks) - 1)
    return sa.case(*due, future)


def _check(predictions: sa.Select, asked: Asked) -> None:
    given = {column.name for column in predictions.selected_columns}
    needed = _NEEDED if asked.unit == "request" else (*_NEEDED, "unit")
    faults = [f"predictions() has no column {name}" for name in needed if name not in given]
    faults += [
        f"labels do not tell {metric}, expected {', '.join(METRICS)}; or give outcomes in a file"
        for metric in asked.metrics
        if metric not in METRICS
    ]
    if faults:
        raise ConfigurationError(QUERY_FILE, faults)
