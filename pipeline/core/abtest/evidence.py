"""What an A/B test has seen: counts and exact sums for each period of constant weights.

Evidence only ever adds. Counted in one go, in a thousand chunks, or before and after a restart, it
is the same to the last digit, and so is its JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pipeline.core.abtest.sums import Sums, sums_from_json, sums_to_json
from pipeline.core.routing import BUCKETS

SCHEMA = 1


@dataclass(frozen=True)
class Cell:
    """One variant in one period.

    `units` were assigned in it, each counted once, and are mature. `misrouted` of them have the
    bucket of the other variant, where buckets were compared. Of the units `missing` have no
    outcome, `broken` one that is not a number (or not 0 or 1, of a proportion) and `early` one from
    before the assignment; none of the three are in `metrics`. `repeated` further rows of known
    units and `future` rows from after the look are not in `units`.
    """

    units: int = 0
    misrouted: int = 0
    missing: int = 0
    broken: int = 0
    early: int = 0
    repeated: int = 0
    future: int = 0
    metrics: Mapping[str, Sums] = field(default_factory=dict)

    def __add__(self, other: Cell) -> Cell:
        names = [*self.metrics, *(name for name in other.metrics if name not in self.metrics)]
        sums = {n: self.metrics.get(n, Sums()) + other.metrics.get(n, Sums()) for n in names}
        return Cell(metrics=sums, **_counts(lambda n: getattr(self, n) + getattr(other, n)))

    def sums(self, metric: str) -> Sums:
        """The sums of `metric`, empty ones where there is none."""
        return self.metrics.get(metric, Sums())


CELL_COUNTS = tuple(f.name for f in fields(Cell) if f.name != "metrics")


def _counts(count: Callable[[str], int]) -> dict[str, Any]:
    return {name: count(name) for name in CELL_COUNTS}


@dataclass(frozen=True)
class Period:
    """A stretch of time in which the challenger had one weight."""

    challenger_basis_points: int
    model_a: Cell = Cell()
    model_b: Cell = Cell()

    @property
    def share(self) -> float:
        """The challenger's weight as a fraction."""
        return self.challenger_basis_points / BUCKETS


@dataclass(frozen=True)
class Evidence:
    """All periods of a test, in the order of time."""

    periods: tuple[Period, ...] = ()

    def __add__(self, other: Evidence) -> Evidence:
        """Both together: they are of the same test. Raises ValueError where weights disagree."""
        longer, shorter = sorted((self.periods, other.periods), key=len, reverse=True)
        both = [_add_periods(*pair) for pair in zip(longer, shorter, strict=False)]
        return Evidence((*both, *longer[len(both) :]))

    def total(self, variant: str) -> Cell:
        """One variant over all periods."""
        return sum((getattr(period, variant) for period in self.periods), start=Cell())


def _add_periods(ours: Period, theirs: Period) -> Period:
    if ours.challenger_basis_points != theirs.challenger_basis_points:
        raise ValueError(
            f"evidence of different weights: {ours.challenger_basis_points} and "
            f"{theirs.challenger_basis_points} basis points"
        )
    return Period(
        ours.challenger_basis_points, ours.model_a + theirs.model_a, ours.model_b + theirs.model_b
    )


# ---------------------------------------------------------------- JSON


def evidence_to_json(evidence: Evidence) -> dict[str, Any]:
    """`evidence` as plain values; equal evidence gives equal bytes."""
    return {
        "schema": SCHEMA,
        "periods": [
            {
                "challenger_basis_points": period.challenger_basis_points,
                "model_a": _cell_to_json(period.model_a),
                "model_b": _cell_to_json(period.model_b),
            }
            for period in evidence.periods
        ],
    }


def evidence_from_json(value: Any) -> Evidence:
    """What `evidence_to_json` made. Raises ValueError for anything else."""
    try:
        if value["schema"] != SCHEMA:
            raise ValueError(f"found schema {value['schema']!r}, expected {SCHEMA}")
        return Evidence(tuple(_period_from_json(period) for period in value["periods"]))
    except (KeyError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise ValueError(f"not the evidence of an A/B test: {error!r}") from error


def _cell_to_json(cell: Cell) -> dict[str, Any]:
    counts = {name: getattr(cell, name) for name in CELL_COUNTS}
    sums = {name: sums_to_json(cell.metrics[name]) for name in sorted(cell.metrics)}
    return {**counts, "metrics": sums}


def _period_from_json(value: Mapping[str, Any]) -> Period:
    points = _count(value["challenger_basis_points"])
    if points > BUCKETS:
        raise ValueError(f"found a weight of {points}, expected 0 to {BUCKETS:,}")
    return Period(points, _cell_from_json(value["model_a"]), _cell_from_json(value["model_b"]))


def _cell_from_json(value: Mapping[str, Any]) -> Cell:
    sums = {str(name): sums_from_json(given) for name, given in value["metrics"].items()}
    return Cell(metrics=sums, **_counts(lambda name: _count(value[name])))


def _count(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"found {value!r}, expected a count")
    return value
