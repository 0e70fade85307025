"""Tests for one look at the end, for those who want to read them. They decide nothing here.

Looked at again and again they find a winner between equal models: a t-test looked at 100 times
does in more than a third of the cases.
"""

from __future__ import annotations

import math

from scipy import stats

from pipeline.core.abtest.sums import Sums


def welch(a: Sums, b: Sums) -> float:
    """The two-sided p-value of Welch's t-test (1947) for equal means, from sums alone.

    NaN where a variant has fewer than two outcomes, or neither has any spread.
    """
    if min(a.n, b.n) < 2 or not (a.centred_yy or b.centred_yy):
        return math.nan
    deviations = [math.sqrt(sums.centred_yy / (sums.n - 1)) for sums in (a, b)]
    found = stats.ttest_ind_from_stats(
        float(a.mean_y), deviations[0], a.n, float(b.mean_y), deviations[1], b.n, equal_var=False
    )
    return float(found.pvalue)


def mann_whitney_of_proportions(a: Sums, b: Sums) -> float:
    """The two-sided p-value of Mann and Whitney's test (1947) of outcomes that are all 0 or 1.

    From their counts: normal, corrected for ties. NaN where a variant has none.
    """
    n, m = a.n, b.n
    if not n or not m:
        return math.nan
    ones = int(a.y + b.y)
    zeros = n + m - ones
    u = float(b.y) * (n - float(a.y)) + 0.5 * (
        float(a.y) * float(b.y) + (n - float(a.y)) * (m - float(b.y))
    )
    ties = sum(group**3 - group for group in (ones, zeros))
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance <= 0:
        return math.nan
    z = max(abs(u - n * m / 2) - 0.5, 0) / math.sqrt(variance)
    return float(2 * stats.norm.sf(z))
