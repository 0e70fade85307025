"""The five figures that say whether keeping a model fresh works, each against its goal.

A figure counts what git says and nothing else, and says how much that was. Without data it is not
known: never a perfect score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from statistics import mean

from pipeline.core.report.figures import MINUS, is_known
from pipeline.core.site.attempts import Attempt, Outcome
from pipeline.core.site.drawing import Drawing
from pipeline.core.site.facts import ModelHistory, promotions
from pipeline.core.site.success_pictures import draw_improvements, draw_months, draw_outcomes
from pipeline.core.triggers.ledger import Retrain
from pipeline.wording import counted

GOAL_IMPROVEMENT = 0.01  # more than one point of the primary metric
GOAL_SUCCESS = 0.95  # more than
MONTH_DAYS = 365.25 / 12
NOISE_DECIMALS = 12  # of an improvement: what is beyond comes from adding floats
MIN_DAYS = 28  # a rate a month needs a month


class Standing(StrEnum):
    """Where a figure is, next to its goal."""

    MET = "met"
    MISSED = "missed"
    UNKNOWN = "not known"


@dataclass(frozen=True)
class Figure:
    """A figure as people read it. `n` says what it rests on, `counts` what is counted and how.

    `gap` is what git does not know about it; `drawing` is None where there is nothing to draw.
    """

    name: str
    value: str
    standing: Standing
    goal: str
    n: str
    counts: str
    gap: str = ""
    drawing: Drawing | None = None


def retrains_a_month(history: ModelHistory, at: datetime) -> Figure:
    """Retrains planned, over the time since the first champion; the goal is the pacing's limit.

    Of [first champion, `at`): one that was planned before belongs to no rate of that time.
    """
    limit, began = history.max_per_month, history.began
    goal = f"at most {limit} in a month" if limit is not None else "none is set"
    counts = (
        "Retrains that the trigger ledger planned since the first champion, whatever became of "
        "them, over the time since then. The goal holds in every calendar month (UTC), and is the "
        "pacing in configs/triggers.yaml as it is now."
    )
    name = "Retrains a month"
    if history.ledger is None or began is None:
        missing = "no trigger ledger" if history.ledger is None else "no champion"
        n = f"{missing} in this history"
        return Figure(name, "not known", Standing.UNKNOWN, goal, n, counts)
    ours = (r for r in history.ledger.retrains if r.model == history.model)
    found = [r for r in ours if began <= r.planned_at < at]
    days = max((at - began).total_seconds(), 0.0) / 86_400
    months = _months(found, began, at)
    worst = max(count for _, count in months)
    standing = Standing.MET if limit is not None and worst <= limit else Standing.MISSED
    is_early = days < MIN_DAYS
    return Figure(
        name=name,
        value="not known" if is_early else f"{len(found) * MONTH_DAYS / days:.1f}",
        standing=Standing.UNKNOWN if limit is None or is_early else standing,
        goal=goal,
        n=f"{counted(len(found), 'retrain')} in {counted(math.floor(days), 'day')}",
        counts=counts,
        gap=f"A rate needs {MIN_DAYS} days of history." if is_early else "",
        drawing=draw_months(history.model, months, limit),
    )


def mean_improvement(history: ModelHistory) -> Figure:
    """Of the challengers that became champion, in points of the metric that judged them."""
    specs = dict.fromkeys(found.record.spec for found in promotions(history.written))
    merges = [merged for spec in specs if (merged := history.merge_of(spec)) is not None]
    known = [merged for merged in merges if is_known(merged.evidence.improvement)]
    counts = (
        "The primary metric of each challenger that a rollout made champion, minus that of the "
        "champion before it, on the same holdout rows, as its evidence package says. A challenger "
        "that was taken back later counts as well. 0.01 is one per cent of the metric's range."
    )
    lost = len(specs) - len(known)
    gap = f"{counted(lost, 'promotion')} without evidence that can be trusted." if lost else ""
    name, goal = "Mean improvement", "more than +0.01"
    n = counted(len(known), "promotion")
    if not known:
        return Figure(name, "not known", Standing.UNKNOWN, goal, n, counts, gap)
    metrics = dict.fromkeys(merged.evidence.metric for merged in known)
    value = round(mean(m.evidence.improvement or 0.0 for m in known), NOISE_DECIMALS)
    return Figure(
        name=name,
        value=points_text(value, GOAL_IMPROVEMENT),
        standing=Standing.MET if value > GOAL_IMPROVEMENT else Standing.MISSED,
        goal=goal,
        n=f"{n}, in {' and '.join(metrics)}",
        counts=counts,
        gap=gap,
        drawing=draw_improvements(history.model, known, GOAL_IMPROVEMENT),
    )


def rollout_success(model: str, attempts: tuple[Attempt, ...]) -> Figure:
    """The share of rollouts that ended with the challenger as champion, and were not taken back."""
    of = {outcome: [a for a in attempts if a.outcome is outcome] for outcome in Outcome}
    good, bad = len(of[Outcome.COMPLETED]), len(of[Outcome.STOPPED])
    others = (Outcome.RUNNING, Outcome.REPLACED, Outcome.REFUSED)
    left = [f"{len(of[outcome])} {outcome}" for outcome in others if of[outcome]]
    counts = (
        "Rollouts that were promoted and not taken back since, of all that ended so or were rolled "
        "back or aborted. One that made way for a newer challenger, or was refused before it had "
        "traffic, is no success and no failure."
    )
    name, goal, total = "Rollout success", "more than 95 %", good + bad
    gap = f"Not counted: {', '.join(left)}." if left else ""
    n = f"{good} of {counted(total, 'rollout')}"
    if not total:
        return Figure(name, "not known", Standing.UNKNOWN, goal, n, counts, gap)
    return Figure(
        name=name,
        value=share_text(good, total),
        standing=Standing.MET if good > GOAL_SUCCESS * total else Standing.MISSED,
        goal=goal,
        n=n,
        counts=counts,
        gap=gap,
        drawing=draw_outcomes(model, attempts),
    )


def share_text(part: float, whole: float) -> str:
    """A share with one decimal, cut and not rounded: only all of it reads 100 %."""
    tenths = math.floor(1_000 * part / whole)
    return f"{tenths / 10:.1f} %" if part < whole else "100 %"


def points_text(value: float, goal: float) -> str:
    """A finite improvement with its sign, cut towards zero: 0.00996 reads +0.0099.

    Four decimals, and as many more as it takes not to read as `goal` or less where it is more.
    """
    exact, decimals = Decimal(repr(value)), 4
    shown = _cut(exact, decimals)
    while (float(shown) > goal) != (value > goal):
        decimals += 1
        shown = _cut(exact, decimals)
    return f"{'+' if value > 0 else MINUS if value < 0 else ''}{abs(shown):f}"


def _cut(exact: Decimal, decimals: int) -> Decimal:
    return exact.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)


def _months(
    retrains: list[Retrain], began: datetime, at: datetime
) -> tuple[tuple[tuple[int, int], int], ...]:
    """Each calendar month that was seen, oldest first, and how many retrains were planned in it."""
    planned = [(r.planned_at.year, r.planned_at.month) for r in retrains]
    first = (began.year, began.month)
    last = max(first, (at.year, at.month))
    found, month = [], first
    while month <= last:
        found.append((month, planned.count(month)))
        month = (month[0] + month[1] // 12, month[1] % 12 + 1)
    return tuple(found)
