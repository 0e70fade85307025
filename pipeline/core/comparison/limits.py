"""Gates that need no champion: enough rows, and absolute limits on the challenger's own figures."""

from __future__ import annotations

import math

from pipeline.config import MetricLimit, MetricName
from pipeline.core.comparison.intervals import MIN_UNITS
from pipeline.core.comparison.wording import render_limit, render_metric, render_number
from pipeline.domain import Gate, Verdict


def assess_sample_size(n: int, min_rows: int, blocks: int | None = None) -> Gate:
    """PASS iff n >= min_rows, in at least MIN_UNITS blocks where blocks are resampled.

    Too few are INCONCLUSIVE, whatever they say.
    """
    enough = n >= min_rows and (blocks is None or blocks >= MIN_UNITS)
    in_blocks = "" if blocks is None else f", in at least {MIN_UNITS} blocks"
    found = f"{n:,} rows" if blocks is None else f"{n:,} rows in {blocks:,} blocks"
    return Gate(
        name="sample size",
        verdict=Verdict.PASS if enough else Verdict.INCONCLUSIVE,
        rule=f"The holdout has at least {min_rows:,} rows{in_blocks}.",
        reason=f"It has {found}{'' if enough else ': too few to judge by'}.",
        n=n,
    )


def assess_limit(metric: MetricName, figure: float, limit: MetricLimit, n: int) -> Gate:
    """PASS iff min <= figure <= max (the ends are allowed); a NaN figure is FAIL."""
    low = -math.inf if limit.min is None else limit.min
    high = math.inf if limit.max is None else limit.max
    inside = low <= figure <= high  # False for NaN
    word = "within" if inside else "outside"
    return Gate(
        name=f"limit: {metric}",
        verdict=Verdict.PASS if inside else Verdict.FAIL,
        rule=f"The challenger's {render_metric(metric)} is {_range(limit)}.",
        reason=f"It is {render_number(figure)}, {word} the limit.",
        challenger=figure,
        n=n,
    )


def _range(limit: MetricLimit) -> str:
    ends = [("at least", limit.min), ("at most", limit.max)]
    return " and ".join(f"{word} {render_limit(end)}" for word, end in ends if end is not None)
