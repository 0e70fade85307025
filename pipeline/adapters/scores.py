"""What the champion answered, with the labels that came since: two columns and a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from pipeline.errors import ConfigurationError, DataIncident
from pipeline.pointintime import QUERY_FILE, point_in_time

PREDICTION_COLUMNS = ("id", "model", "score", "available_at")


@dataclass(frozen=True)
class Answers:
    """One element for each row that the model answered, by event time.

    `event_time` (n,) datetime64[us] in UTC; `score` (n,) from 0 to 1; `label` (n,) 1.0, 0.0, or NaN
    where none is known.
    """

    event_time: np.ndarray
    score: np.ndarray
    label: np.ndarray

    def first_event(self, default: datetime) -> datetime:
        """The time of the first answer, or `default` if that is earlier or there is none."""
        if not len(self.event_time):
            return default
        return min(self.event_time[0].item().replace(tzinfo=UTC), default)

    def between(self, start: datetime, end: datetime) -> Answers:
        """The answers of the events in [start, end)."""
        edges = [np.datetime64(moment.replace(tzinfo=None), "us") for moment in (start, end)]
        first, last = np.searchsorted(self.event_time, edges)
        part = slice(int(first), int(last))
        return Answers(self.event_time[part], self.score[part], self.label[part])


def read_answers(
    connection: sa.Connection,
    rows: sa.Select,
    labels: sa.Select,
    predictions: sa.Select,
    *,
    model: str,
    moments: Mapping[str, datetime],
) -> Answers:
    """The answers of `model` (a digest) to the events in [start, end), as known at as_of.

    `predictions` has the columns id, model, score, available_at. A row that was answered twice
    counts with its first answer: that is the one somebody acted on; of two at one moment with the
    lower score, so that every look counts the same one. Raises ConfigurationError
    naming the columns that `predictions` lacks, and DataIncident for scores outside [0, 1], for a
    label that is neither 0, 1 nor null, and for a row that would count twice: then `rows` gives it
    twice, or `labels` two versions of one available_at, and nothing says which of them is true.
    """
    given = {column.name for column in predictions.selected_columns}
    missing = [name for name in PREDICTION_COLUMNS if name not in given]
    if missing:
        raise ConfigurationError(
            QUERY_FILE, [f"predictions() has no column {name}" for name in missing]
        )
    known = point_in_time(rows, labels, connection.dialect.name).order_by(None).subquery("k")
    first = _first_answers(predictions, model)
    statement = (
        sa.select(known.c.id, known.c.event_time, first.c.score, known.c.label)
        .join_from(known, first, sa.and_(first.c.id == known.c.id, first.c.turn == 1))
        .order_by(known.c.event_time, known.c.id)
    )
    found = connection.execute(statement, moments).all()
    _check_once([row.id for row in found])
    score = np.array([row.score for row in found], dtype=np.float64)
    if not bool(np.all((score >= 0) & (score <= 1))):
        raise DataIncident("warehouse: predictions() gives scores outside 0 to 1, or none at all")
    return Answers(
        np.array([row.event_time for row in found], dtype="datetime64[us]"),
        score,
        np.array([_label(row.id, row.label) for row in found], dtype=np.float64),
    )


def _label(row_id: object, label: Any) -> float:
    """1.0, 0.0, or NaN where none is known. Raises DataIncident."""
    if label is None or label != label:  # noqa: PLR0124 (NaN, as some databases keep a gap)
        return np.nan
    if label not in (0, 1):
        raise DataIncident(
            f"warehouse: labels() gives row {row_id!r} the label {label!r}, expected 0, 1 or null"
        )
    return float(label)


def _check_once(ids: Sequence[object]) -> None:
    if len(set(ids)) == len(ids):
        return
    row_id = next(name for name, count in Counter(ids).items() if count > 1)
    raise DataIncident(
        f"warehouse: row {row_id!r} is there twice: rows() gives it twice, or labels() two "
        "versions of it with one available_at"
    )


def _first_answers(predictions: sa.Select, model: str) -> sa.Subquery:
    answer = predictions.subquery("p")
    first = (answer.c.available_at, answer.c.score)  # of one moment: the same at each look
    turn = sa.func.row_number().over(partition_by=answer.c.id, order_by=first)
    as_of = sa.bindparam("as_of", type_=sa.DateTime())
    return (
        sa.select(answer.c.id, answer.c.score, turn.label("turn"))
        .where(answer.c.model == model, answer.c.available_at <= as_of)
        .subquery("a")
    )
