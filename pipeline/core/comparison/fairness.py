"""Gaps between groups, and whether a challenger widens them.

Three rates a group: selection rate (answered 1 / all), true positive rate (answered 1 / label 1)
and false positive rate (answered 1 / label 0). A rate's gap is its largest minus its smallest value
over the groups that are big enough; the worsening is the challenger's gap minus the champion's.
Equal selection rates are demographic parity, equal TPR and FPR equalised odds (Hardt, Price and
Srebro 2016). Gaps are not judged by themselves: the world may differ between groups. What is judged
is that a retrain makes nothing worse.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from pipeline.config import FairnessPolicy
from pipeline.core.comparison.holdout import Holdout, column_values
from pipeline.core.comparison.intervals import p_value_of_harm, percentile_interval
from pipeline.core.comparison.resampling import (
    DrawPlan,
    Progress,
    Resampling,
    resampling_of,
    run_draws,
)
from pipeline.core.comparison.scoring import as_labels
from pipeline.core.comparison.sums import Counts, FloatArray, IntArray, ratio
from pipeline.domain import Interval

Rate = Literal["selection_rate", "tpr", "fpr"]
RATES: tuple[Rate, ...] = get_args(Rate)

# One positive makes a TPR of 0 or 1, and such a group would be the gap of both models, hiding
# every change in the others: a rate wants this many rows below its fraction line.
MIN_DENOMINATOR = 10


@dataclass(frozen=True)
class GroupRate:
    """One rate of one group; `denominator` counts the rows that the rate is a share of.

    `is_judged` is False for a group too small to stand in the gap.
    """

    group: str
    n: int
    denominator: int
    champion: float
    challenger: float
    is_judged: bool


@dataclass(frozen=True)
class FairnessResult:
    """One rate's gap between the groups of one column, for both models.

    `worsening` is the challenger's gap minus the champion's, `interval` the same under the paired
    bootstrap, `p_value` one-sided against H0 "the worsening is at most max_worsening". All are NaN
    where fewer than two groups are big enough.
    """

    column: str
    rate: Rate
    max_worsening: float
    groups: tuple[GroupRate, ...]
    champion_gap: float
    challenger_gap: float
    worsening: float
    interval: Interval
    p_value: float
    p_adjusted: float = math.nan  # after Holm over the harm family

    @property
    def unjudged_share(self) -> float:
        """Rows in groups too small to judge, over all rows that the rate is a share of; NaN for 0.

        For a TPR those are the rows with label 1: a group that has few of them hides little.
        """
        small = sum(group.denominator for group in self.groups if not group.is_judged)
        every = sum(group.denominator for group in self.groups)
        return small / every if every else math.nan


@dataclass(frozen=True, eq=False)
class _Group:
    """What each unit (row or block) of a group adds to the columns named below."""

    name: str
    units: IntArray
    table: FloatArray  # (units, 6)

    @property
    def sums(self) -> FloatArray:
        """The columns summed over the group as it is: shape (6,)."""
        return np.asarray(self.table.sum(axis=0))


# Columns of a table: rows, positives, then answers of 1 and true positives of each model.
_ROWS, _POSITIVES = 0, 1
_CHAMPION, _CHALLENGER = slice(2, 4), slice(4, 6)


def measure_fairness(
    holdout: Holdout,
    policy: FairnessPolicy,
    plan: DrawPlan,
    on_progress: Progress | None = None,
) -> tuple[FairnessResult, ...]:
    """Each rate that `policy` limits, in its order. Raises ValueError for a missing column.

    Every draw resamples the whole holdout once for all groups, so that groups which share days
    keep sharing them.
    """
    resampling = resampling_of(as_labels(holdout.y), holdout.blocks)
    groups = _groups(holdout, policy.column, resampling)
    rates = list(policy.max_worsening)
    judged = {r: [g for g in groups if _is_judged(g, r, policy.min_rows)] for r in rates}

    def worsenings(counts: Counts) -> FloatArray:
        return np.array([_worsening(_drawn(judged[rate], counts), rate) for rate in rates])

    drawn = run_draws(
        resampling, worsenings, draws=plan.draws, seed=plan.seed, on_progress=on_progress
    )
    return tuple(
        _result(policy, rate, groups, draws, confidence=plan.confidence, units=resampling.units)
        for rate, draws in zip(rates, drawn, strict=True)
    )


def _groups(holdout: Holdout, column: str, resampling: Resampling) -> list[_Group]:
    """Every value of `column` as a group, by name."""
    values, y = column_values(holdout, column), as_labels(holdout.y)
    columns = [np.ones(len(y)), y]
    for model in (holdout.champion, holdout.challenger):
        answer = np.asarray(model) >= holdout.threshold
        columns += [answer, answer & y]
    rows = np.column_stack(columns).astype(np.float64)
    return [
        _Group(
            str(name), *_sum_by_unit(rows[values == name], resampling.unit_of_row[values == name])
        )
        for name in np.unique(values)
    ]


def _sum_by_unit(rows: FloatArray, unit_of_row: IntArray) -> tuple[IntArray, FloatArray]:
    units, place = np.unique(unit_of_row, return_inverse=True)
    sums = [np.bincount(place, weights=column, minlength=len(units)) for column in rows.T]
    return units, np.column_stack(sums)


def _drawn(groups: Sequence[_Group], counts: Counts) -> FloatArray:
    """The sums of each group in each draw: (groups, draws, 6)."""
    drawn = [counts.take(g.units, axis=1).astype(np.float64) @ g.table for g in groups]
    return np.array(drawn).reshape(len(groups), len(counts), 6)


def _is_judged(group: _Group, rate: Rate, min_rows: int) -> bool:
    big = group.sums[_ROWS] >= min_rows and _denominator(group.sums, rate) >= MIN_DENOMINATOR
    return bool(big)


def _denominator(sums: FloatArray, rate: Rate) -> FloatArray:
    rows, positives = sums[..., _ROWS], sums[..., _POSITIVES]
    return {"selection_rate": rows, "tpr": positives, "fpr": rows - positives}[rate]


def _rate(sums: FloatArray, rate: Rate, model: slice) -> FloatArray:
    """The rate for sums (..., 6); NaN where nothing is below the fraction line."""
    answered, true = np.moveaxis(sums[..., model], -1, 0)
    part = {"selection_rate": answered, "tpr": true, "fpr": answered - true}[rate]
    return ratio(part, _denominator(sums, rate), np.nan)


def _gap(sums: FloatArray, rate: Rate, model: slice) -> FloatArray:
    """Largest minus smallest rate, for sums (groups, draws, 6); NaN below two groups."""
    if len(sums) < 2:
        return np.full(sums.shape[1], np.nan)
    return np.asarray(np.ptp(_rate(sums, rate, model), axis=0))


def _worsening(sums: FloatArray, rate: Rate) -> FloatArray:
    return _gap(sums, rate, _CHALLENGER) - _gap(sums, rate, _CHAMPION)


def _result(
    policy: FairnessPolicy,
    rate: Rate,
    groups: Sequence[_Group],
    drawn: FloatArray,
    *,
    confidence: float,
    units: int,
) -> FairnessResult:
    limit = policy.max_worsening[rate]
    judged = [group for group in groups if _is_judged(group, rate, policy.min_rows)]
    sums = np.array([group.sums for group in judged]).reshape(len(judged), 1, 6)
    champion, challenger = (float(_gap(sums, rate, m)[0]) for m in (_CHAMPION, _CHALLENGER))
    worsening = challenger - champion
    return FairnessResult(
        column=policy.column,
        rate=rate,
        max_worsening=limit,
        groups=tuple(_group_rate(group, rate, policy.min_rows) for group in groups),
        champion_gap=champion,
        challenger_gap=challenger,
        worsening=worsening,
        interval=percentile_interval(drawn, confidence, units=units),
        p_value=p_value_of_harm(drawn, worsening, limit, units=units),
    )


def _group_rate(group: _Group, rate: Rate, min_rows: int) -> GroupRate:
    return GroupRate(
        group=group.name,
        n=int(group.sums[_ROWS]),
        denominator=int(_denominator(group.sums, rate)),
        champion=float(_rate(group.sums, rate, _CHAMPION)),
        challenger=float(_rate(group.sums, rate, _CHALLENGER)),
        is_judged=_is_judged(group, rate, min_rows),
    )
