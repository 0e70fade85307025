"""Pictures as values: what a template writes as SVG, and scales to lay them out by.

Every x and width is in per cent of the picture's width, every y and height in pixels. So a picture
fills a phone as it fills a desk, and its words keep their size on both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

Tone = Literal["accent", "soft", "good", "bad", "quiet", "line"]
Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Bar:
    """A filled box."""

    x: float
    y: float
    width: float
    height: float
    tone: Tone = "accent"
    label: str = ""


@dataclass(frozen=True)
class Dot:
    """A circle around (x, y)."""

    x: float
    y: float
    radius: float = 4
    tone: Tone = "accent"
    label: str = ""


@dataclass(frozen=True)
class Rule:
    """A straight line; `is_dashed` for a limit."""

    x: float
    y: float
    to_x: float
    to_y: float
    tone: Tone = "line"
    is_dashed: bool = False


@dataclass(frozen=True)
class Word:
    """A few words at a point."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"


@dataclass(frozen=True)
class Drawing:
    """`title` names it and `description` says what is seen, for those who do not see it."""

    name: str
    title: str
    description: str
    height: int
    bars: tuple[Bar, ...] = ()
    dots: tuple[Dot, ...] = ()
    rules: tuple[Rule, ...] = ()
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Scale:
    """From values in [low, high] to [left, right]; what is outside is put on the edge."""

    low: float
    high: float
    left: float = 0.0
    right: float = 100.0

    def __call__(self, value: float) -> float:
        """Where `value` is, to two decimals."""
        span = self.high - self.low
        share = (value - self.low) / span if span > 0 else 0.5
        return round(self.left + (self.right - self.left) * min(max(share, 0.0), 1.0), 2)


def tick_words(ticks: Sequence[tuple[float, str]], y: float) -> tuple[Word, ...]:
    """The words of ticks at x, less those that would touch the one before on a phone."""
    found: list[tuple[float, str]] = []
    for x, said in ticks:
        if not found or x - found[-1][0] >= _APART:
            found.append((x, said))
    return tuple(Word(x, y, said, anchor_at(x)) for x, said in found)


def anchor_at(x: float) -> Anchor:
    """How a word at `x` stays inside the picture."""
    return "start" if x < 15 else "end" if x > 85 else "middle"


def time_ticks(start: datetime, end: datetime, most: int = 4) -> tuple[tuple[datetime, str], ...]:
    """At most `most` round moments in [start, end] (UTC), with their words."""
    for step, form in _STEPS:
        moments = _every(start, end, step)
        if len(moments) <= most:
            return tuple((at, f"{at:{form}}".removeprefix("0")) for at in moments)
    months = _months(start, end)
    least = -(-len(months) // most)
    nice = next((n for n in (1, 2, 3, 6, 12) if n >= least), -(-least // 12) * 12)
    shown = [at for at in months if (at.year * 12 + at.month - 1) % nice == 0]
    return tuple((at, f"{at:%b %Y}") for at in shown[:most])


_STEPS: Sequence[tuple[timedelta, str]] = (
    *((timedelta(hours=hours), "%d %b %H:%M") for hours in (1, 3, 6, 12)),
    *((timedelta(days=days), "%d %b") for days in (1, 2, 7, 14)),
)
_EPOCH = datetime(2000, 1, 3, tzinfo=UTC)  # a Monday
_APART = 26.0  # per cent of the width, between two words on a phone
_MOST = 100  # moments of one step: more are never shown


def _every(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    first = _EPOCH - ((_EPOCH - start) // step) * step
    count = min((end - first) // step + 1, _MOST)
    return [first + i * step for i in range(count)]


def _months(start: datetime, end: datetime) -> list[datetime]:
    numbers = range(start.year * 12 + start.month - 1, end.year * 12 + end.month)
    moments = [datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in numbers]
    return [at for at in moments if start <= at <= end]
