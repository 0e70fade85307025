"""The small pictures beside the five figures: each of one thing, all of one size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipeline.core.report.figures import duration, signed
from pipeline.core.site.attempts import Attempt, Outcome
from pipeline.core.site.drawing import (
    Bar,
    Dot,
    Drawing,
    Rule,
    Scale,
    Tone,
    Word,
    tick_words,
    time_ticks,
)
from pipeline.core.site.facts import Merged

HEIGHT = 76
_FLOOR, _TOP = 54, 14  # where bars stand, and how high they reach
MOST_MONTHS, MOST_MARKS = 24, 40
_TONES: dict[Outcome, Tone] = {
    Outcome.COMPLETED: "accent",
    Outcome.STOPPED: "bad",
    Outcome.RUNNING: "soft",
    Outcome.REPLACED: "quiet",
    Outcome.REFUSED: "quiet",
}


def draw_months(
    model: str, months: Sequence[tuple[tuple[int, int], int]], limit: int | None
) -> Drawing:
    """A bar a month, the limit as a dashed line."""
    shown = months[-MOST_MONTHS:]
    high = max([limit or 1, *(count for _, count in shown)])
    step, scale = 100 / len(shown), Scale(0, high, _FLOOR, _TOP)
    width = min(step * 0.7, 12.0)
    bars = tuple(
        Bar(
            round(i * step, 2),
            scale(count),
            round(width, 2),
            round(_FLOOR - scale(count), 2),
            "accent" if limit is None or count <= limit else "bad",
            f"{year}-{month:02}: {count}",
        )
        for i, ((year, month), count) in enumerate(shown)
    )
    rules = [Rule(0, _FLOOR, 100, _FLOOR)]
    words = [Word(0, 70, _month(shown[0][0]))]
    if len(shown) > 1:
        words.append(Word(100, 70, _month(shown[-1][0]), "end"))
    if limit is not None:
        rules.append(Rule(0, scale(limit), 100, scale(limit), "bad", True))
        words.append(Word(100, scale(limit) - 4, f"limit {limit}", "end"))
    said = ", ".join(f"{year}-{month:02}: {count}" for (year, month), count in shown)
    return Drawing(
        f"{model}-retrains", "Retrains by month", said, HEIGHT, bars, (), tuple(rules), tuple(words)
    )


def draw_improvements(model: str, promoted: Sequence[Merged], goal: float) -> Drawing:
    """A dot a promotion with its interval, oldest first; the goal as a dashed line."""
    shown = promoted[-MOST_MARKS:]
    found = [m.evidence for m in shown]
    ends = [v for e in found for v in (e.improvement, e.low, e.high) if v is not None]
    scale = Scale(min([0.0, *ends]), max([2 * goal, *ends]), 2, 98)
    step = (_FLOOR - _TOP + 8) / len(shown)
    dots, rules = [], [Rule(scale(0), 8, scale(0), _FLOOR + 4)]
    rules.append(Rule(scale(goal), 8, scale(goal), _FLOOR + 4, "bad", True))
    for i, evidence in enumerate(found):
        y = round(_TOP + step * (i + 0.5) - 4, 1)
        value = evidence.improvement or 0.0
        dots.append(Dot(scale(value), y, 4.0 if len(shown) <= 6 else 2.5, label=signed(value)))
        if evidence.low is not None and evidence.high is not None:
            rules.append(Rule(scale(evidence.low), y, scale(evidence.high), y, "accent"))
    words = (Word(scale(0), 70, "0", "middle"), Word(scale(goal), 70, "goal"))
    said = ", ".join(f"{m.spec.version}: {signed(m.evidence.improvement)}" for m in shown)
    return Drawing(
        f"{model}-improvement",
        "Improvement of each promotion",
        said,
        HEIGHT,
        (),
        tuple(dots),
        tuple(rules),
        words,
    )


def draw_outcomes(model: str, attempts: Sequence[Attempt]) -> Drawing:
    """A box a rollout, oldest first, in the colour of how it ended; those left out are counted."""
    shown = attempts[-MOST_MARKS:]
    earlier = len(attempts) - len(shown)
    step = min(100 / len(shown), 12.5)
    bars = tuple(
        Bar(round(i * step, 2), 22, round(step * 0.8, 2), 24, _TONES[a.outcome], said)
        for i, a in enumerate(shown)
        if (said := f"{a.version}: {a.outcome}")
    )
    said = ", ".join(bar.label for bar in bars)
    if earlier:
        said = f"The last {len(shown)} of {len(attempts)}. {said}"
    left, end = f"{earlier} earlier" if earlier else "first", round(len(shown) * step, 2)
    words = (Word(0, 70, left), Word(end, 70, "last", "end"))
    return Drawing(
        f"{model}-rollouts",
        "Rollouts by outcome",
        said,
        HEIGHT,
        bars,
        words=words if len(shown) > 2 else (),
    )


def draw_times(model: str, seconds: Sequence[float], goal: float) -> Drawing:
    """A dot a rollback on a line of time; the goal as a dashed line."""
    shown = seconds[-MOST_MARKS:]
    scale = Scale(0, max(1.2 * goal, *shown), 2, 98)
    dots = tuple(Dot(scale(s), 34, 5, "accent" if s < goal else "bad", duration(s)) for s in shown)
    rules = (
        Rule(2, 34, 98, 34),
        Rule(scale(goal), 12, scale(goal), _FLOOR + 4, "bad", True),
    )
    words = (Word(2, 70, "0"), Word(scale(goal), 70, "5 min", "middle"))
    said = ", ".join(duration(s) for s in shown)
    return Drawing(
        f"{model}-rollbacks", "Time of each rollback", said, HEIGHT, (), dots, rules, words
    )


def draw_gaps(
    model: str, spans: Sequence[tuple[datetime, datetime]], began: datetime, at: datetime
) -> Drawing:
    """One bar of time with holes in it."""
    scale = Scale(began.timestamp(), at.timestamp())
    bars = [Bar(0, 22, 100, 24, "accent", "a champion was there")]
    for start, end in spans:
        left, right = scale(start.timestamp()), scale(end.timestamp())
        said = f"{start:%Y-%m-%d %H:%M}, {duration((end - start).total_seconds())}"
        bars.append(Bar(left, 18, max(round(right - left, 2), 0.6), 32, "bad", said))
    ticks = [(scale(when.timestamp()), said) for when, said in time_ticks(began, at, 3)]
    words = tick_words(ticks, 70)
    said = "; ".join(bar.label for bar in bars[1:]) or "No interruption that git knows of"
    return Drawing(
        f"{model}-availability", "Time without a champion", said, HEIGHT, tuple(bars), words=words
    )


def _month(month: tuple[int, int]) -> str:
    return f"{datetime(month[0], month[1], 1):%b %Y}"  # noqa: DTZ001 (a name, no moment)
