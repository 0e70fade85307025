"""No slice of the rows may pay for the improvement of the whole.

Each value of each slice column with at least min_rows rows is a slice. Smaller values are pooled as
"other", which is measured too, whatever its size; slice_gates says which slices are judged.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.config import MetricName, SlicePolicy
from pipeline.core.comparison.bootstrap import bootstrap_metrics, unit_count
from pipeline.core.comparison.holdout import Holdout, column_values
from pipeline.core.comparison.intervals import p_value_of_harm, percentile_interval
from pipeline.core.comparison.resampling import DrawPlan, Progress
from pipeline.core.comparison.scoring import direction, score
from pipeline.core.comparison.sums import IntArray
from pipeline.domain import Interval, Verdict

OTHER = "other"


@dataclass(frozen=True, eq=False)
class SliceRows:
    """The rows of one slice: their indices; `pooled` names the values behind "other"."""

    value: str
    rows: IntArray
    pooled: tuple[str, ...] = ()


@dataclass(frozen=True)
class SliceResult:
    """One slice of one column under one metric.

    `difference` and `interval` are challenger minus champion. `p_value` is one-sided against H0
    "the loss is at most the margin", `p_adjusted` the same after Holm over the harm family; both
    are NaN where nothing could be tested. `verdict` is None for a slice that is not judged.
    """

    column: str
    value: str
    pooled: tuple[str, ...]
    metric: MetricName
    n: int
    share: float
    champion: float
    challenger: float
    difference: float
    interval: Interval
    p_value: float
    p_adjusted: float = math.nan
    verdict: Verdict | None = None
    reason: str = ""

    @property
    def loss(self) -> float:
        """How much worse the challenger is: the raw difference, turned so that above 0 is worse."""
        return -direction(self.metric) * self.difference

    @property
    def label(self) -> str:
        """For sentences: carrier UA, or carrier other (HA, OO)."""
        pooled = f" ({', '.join(self.pooled)})" if self.pooled else ""
        return f"{self.column} {self.value}{pooled}"


def slice_rows(values: npt.NDArray[np.str_], min_rows: int) -> tuple[SliceRows, ...]:
    """Each value of `values` (n,) with >= min_rows rows, by name, then the rest pooled as other."""
    names, code, counts = np.unique(values, return_inverse=True, return_counts=True)
    large = [
        SliceRows(str(name), np.flatnonzero(code == index))
        for index, name in enumerate(names)
        if counts[index] >= min_rows
    ]
    small = counts < min_rows
    if not small.any():
        return tuple(large)
    pool = SliceRows(OTHER, np.flatnonzero(small[code]), tuple(str(name) for name in names[small]))
    return (*large, pool)


def measure_slices(
    holdout: Holdout,
    column: str,
    policy: SlicePolicy,
    plan: DrawPlan,
    on_progress: Progress | None = None,
) -> tuple[SliceResult, ...]:
    """Every slice of `column` with figures, interval and raw p-value, not judged yet.

    Raises ValueError when the holdout has no such column. `on_progress` hears of rows.
    """
    found: list[SliceResult] = []
    done = 0
    for part in slice_rows(column_values(holdout, column), policy.min_rows):
        inside = _take(holdout, part.rows)
        result = _measure(inside, part, policy, plan)
        found.append(replace(result, column=column, share=len(part.rows) / holdout.n))
        done += len(part.rows)
        if on_progress:
            on_progress(done, holdout.n)
    return tuple(found)


def _take(holdout: Holdout, rows: IntArray) -> Holdout:
    """The holdout's `rows` alone, without columns."""
    y, champion, challenger = (
        np.asarray(values)[rows] for values in (holdout.y, holdout.champion, holdout.challenger)
    )
    blocks = None if holdout.blocks is None else np.asarray(holdout.blocks)[rows]
    return Holdout(y, champion, challenger, holdout.threshold, {}, blocks)


def _measure(inside: Holdout, part: SliceRows, policy: SlicePolicy, plan: DrawPlan) -> SliceResult:
    """The figures of the rows `inside` one slice; column and share are the caller's to fill in."""
    metric, n = policy.metric, inside.n
    y, models, cut = inside.y, (inside.champion, inside.challenger), inside.threshold
    scores = [np.asarray(model) for model in models]
    before, after = (score(y, model, cut, metrics=[metric])[metric] for model in scores)
    drawn = bootstrap_metrics(
        y, scores, cut, draws=plan.draws, seed=plan.seed, blocks=inside.blocks, metrics=[metric]
    )[metric]
    units = unit_count(y, inside.blocks)
    losses = direction(metric) * (drawn[0] - drawn[1])
    loss = direction(metric) * (before - after)
    return SliceResult(
        column="",
        value=part.value,
        pooled=part.pooled,
        metric=metric,
        n=n,
        share=math.nan,
        champion=before,
        challenger=after,
        difference=after - before,
        interval=percentile_interval(drawn[1] - drawn[0], plan.confidence, units=units),
        # a pool too small to judge accuses nobody: it stays out of the family
        p_value=p_value_of_harm(losses, loss, policy.margin, units=units)
        if n >= policy.min_rows
        else math.nan,
    )
