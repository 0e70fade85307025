"""Tables as values: what stands in each cell and what it is, for either template to draw."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from pipeline.core.report.figures import interval, is_known, signed
from pipeline.domain import Verdict

Kind = Literal["text", "short", "number", "interval", "code", "verdict", "bar"]
Tone = Literal["", "good", "bad"]
NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Bar:
    """A drawn value on a scale of 0 (left) to 100 (right): interval, dot, zero line and limit.

    The figures stand in the cells beside it, so only pictures need it: Markdown leaves it out.
    """

    low: float
    high: float
    value: float | None = None
    zero: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Cell:
    """`text` and a smaller `note` beside or below it; `tone` (good or bad) is never the only sign.

    `verdict` is set where the cell is one, `bar` where it is drawn.
    """

    text: str = ""
    note: str = ""
    tone: Tone = ""
    verdict: Verdict | None = None
    bar: Bar | None = None


@dataclass(frozen=True)
class Column:
    """A heading, and what the cells under it are."""

    heading: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Table:
    """Rows of as many cells as there are columns; the first cell of a row names the row."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def lines(self) -> tuple[tuple[tuple[Column, Cell], ...], ...]:
        """The rows, each cell with its column."""
        return tuple(tuple(zip(self.columns, row, strict=True)) for row in self.rows)

    @property
    def in_text(self) -> Table:
        """The table for plain text: nothing drawn, intervals as notes of the figures before."""
        keep = [i for i, c in enumerate(self.columns) if c.kind not in ("bar", "interval")]
        rows = tuple(tuple(self._noted(row, i) for i in keep) for row in self.rows)
        return Table(self.title, tuple(self._heading(i) for i in keep), rows)

    def part(self, start: int, stop: int | None = None) -> Table:
        """The same table with the rows from `start` to before `stop`."""
        return Table(self.title, self.columns, self.rows[start:stop])

    def _has_interval(self, i: int) -> bool:
        return i + 1 < len(self.columns) and self.columns[i + 1].kind == "interval"

    def _heading(self, i: int) -> Column:
        column = self.columns[i]
        if not self._has_interval(i):
            return column
        return Column(f"{column.heading}, {self.columns[i + 1].heading}", column.kind)

    def _noted(self, row: tuple[Cell, ...], i: int) -> Cell:
        if not self._has_interval(i):
            return row[i]
        words = (word for word in (row[i + 1].text, row[i + 1].note) if word)
        return replace(row[i], note="\N{NO-BREAK SPACE}".join(words))


def table(
    title: str, columns: Sequence[tuple[str, Kind]], rows: Iterable[Sequence[Cell | str]]
) -> Table:
    """A table from (heading, kind) pairs and rows; a plain string is a cell of that text."""
    filled = tuple(
        tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows
    )
    return Table(title, tuple(Column(*column) for column in columns), filled)


def verdict_cell(verdict: Verdict | str | None) -> Cell:
    """A verdict; None is said in words."""
    return Cell(NOT_JUDGED) if verdict is None else Cell(verdict=Verdict(verdict))


def difference_cells(
    difference: float | None, low: float | None, high: float | None, direction: int
) -> tuple[Cell, Cell]:
    """A raw difference, and its interval with what it means: better, worse or unclear.

    `direction` is 1 where higher is better and -1 where lower is; "unclear" is an interval that
    reaches 0 or is not known.
    """
    word = _meaning(low, high, direction)
    tone: Tone = {"better": "good", "worse": "bad"}.get(word, "")  # type: ignore[assignment]
    return Cell(signed(difference), tone=tone), Cell(interval(low, high), word, tone)


def interval_bars(
    rows: Sequence[tuple[float | None, float | None, float | None]],
    limits: Sequence[float | None],
) -> list[Cell]:
    """A drawn cell for each (value, low, high), all on one scale that also holds 0 and `limits`.

    A row without a known interval gets an empty cell.
    """
    ends = [*(end for row in rows for end in row), *limits]
    known = [end for end in ends if end is not None and is_known(end)]
    left, right = min([0.0, *known]), max([0.0, *known])
    span = (right - left) * 1.08 or 1.0
    start = left - (span - (right - left)) / 2

    def place(number: float | None) -> float | None:
        return None if number is None else round(100 * (number - start) / span, 1)

    return [
        Cell(bar=_bar(place(value), place(low), place(high), place(0.0), place(limit)))
        for (value, low, high), limit in zip(rows, limits, strict=True)
    ]


def meter(value: float | None, top: float, limit: float | None = None) -> Cell:
    """A drawn cell: a bar from 0 to `value` where the full width is `top`."""
    if value is None or not is_known(value) or top <= 0:
        return Cell()
    mark = None if limit is None else round(100 * limit / top, 1)
    return Cell(bar=Bar(0.0, round(100 * value / top, 1), limit=mark))


def _bar(
    value: float | None,
    low: float | None,
    high: float | None,
    zero: float | None,
    limit: float | None,
) -> Bar | None:
    if value is None or low is None or high is None:
        return None
    return Bar(low, high, value, zero, limit)


def _meaning(low: float | None, high: float | None, direction: int) -> str:
    if low is None or high is None or low <= 0 <= high:
        return "unclear"
    return "better" if low * direction > 0 else "worse"
