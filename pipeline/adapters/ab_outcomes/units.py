"""The units of an A/B test as they were served, read in chunks, so that each is routed again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from pipeline.adapters.ab_outcomes.answers import Asked, at_moment, numbered_answers

CHUNK_ROWS = 100_000


@dataclass(frozen=True)
class ServedUnits:
    """A chunk of units, each array (n,): ids as UTF-8 bytes, and where they were counted.

    `is_b` is True where model_b answered first.
    """

    unit: np.ndarray
    is_b: np.ndarray
    period: np.ndarray
    look: np.ndarray


def read_units(
    connection: sa.Connection, predictions: sa.Select, asked: Asked, *, chunk_rows: int = CHUNK_ROWS
) -> Iterator[ServedUnits]:
    """Every unit that `count_outcomes` counts, in no order. Memory is a chunk of rows."""
    answer = numbered_answers(predictions, asked)
    is_counted = sa.and_(
        answer.c.turn == 1,
        answer.c.look.is_not(None),
        sa.not_(answer.c.assigned_at > at_moment(asked.clock)),
    )
    columns = (answer.c.unit, answer.c.variant, answer.c.period, answer.c.look)
    statement = sa.select(*columns).where(is_counted)
    *_, name_b = asked.variants.values()
    found = connection.execute(statement.execution_options(yield_per=chunk_rows))
    for rows in found.partitions(chunk_rows):
        unit, variant, period, look = zip(*rows, strict=True)
        yield ServedUnits(
            unit=_as_bytes(unit),
            is_b=np.array([name == name_b for name in variant], dtype=bool),
            period=np.array(period, dtype=np.int64),
            look=np.array(look, dtype=np.int64),
        )


def _as_bytes(units: tuple[object, ...]) -> np.ndarray:
    """Ids as they were sent: text in UTF-8, a number in its digits."""
    return np.array([str(unit).encode() for unit in units], dtype=np.bytes_)
