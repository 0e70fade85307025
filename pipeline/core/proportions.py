"""How surprising a count of failures is: exact tests, which are right at small counts too."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from pipeline.core.comparison.sums import FloatArray

MAX_TERMS = 1_000_000  # as many as a few milliseconds add up
# Where a limit is as small as alpha, one bad event of one is no chance to the test, and a rollout
# is looked at thousands of times. Fewer than these are no harm yet.
MIN_BAD = 3


def is_enough(bad: float) -> bool:
    """Whether as many bad events may be harm at all: `MIN_BAD` or more, if a test agrees.

    A share times a count may be 2.9999999999999996: that is 3.
    """
    return round(bad, 9) >= MIN_BAD


def binomial_tail(events: float, n: float, limit: float) -> float:
    """P(X >= events) for X ~ Binomial(n, limit): small where the true share is above `limit`.

    The regularized incomplete beta function (Abramowitz and Stegun 1964, 26.5.24), which also
    takes the counts between whole numbers that Prometheus' increase() gives.
    """
    if events <= 0 or limit >= 1:
        return 1.0
    if limit <= 0:
        return 0.0
    return float(special.betainc(events, max(n - events, 0.0) + 1, limit))


def excess_tail(events: float, n: float, base_events: float, base_n: float) -> float:
    """The chance of `events` or more of `n`, if both groups had the same share of events.

    Fisher's exact test, one-sided: of `events + base_events` in all, how many fall on this group
    is hypergeometric (Fisher 1934, "Statistical methods for research workers", 5th ed., 21.02).
    Counts are rounded. 1.0 where nothing failed.
    """
    x, m, y, k = (round(value) for value in (events, n, base_events, base_n))
    total = x + y
    if x <= 0 or total > m + k:
        return 1.0
    low, high = max(x, total - k), min(total, m)
    if high - low > MAX_TERMS:
        return _normal_tail(x, m, total, m + k)
    counts = np.arange(low, high + 1, dtype=np.float64)
    ways = _log_choose(m, counts) + _log_choose(k, total - counts)
    all_ways = _log_choose(m + k, np.array([float(total)]))
    return float(min(1.0, math.fsum(np.exp(ways - all_ways))))


def _normal_tail(x: int, m: int, total: int, everyone: int) -> float:
    """The same for millions of events, where the normal distribution errs less than the logarithms.

    Mean and variance of the hypergeometric distribution, with the correction for continuity. More
    than MAX_TERMS counts are possible here, so the variance is not 0.
    """
    share = m / everyone
    variance = total * share * (1 - share) * (everyone - total) / (everyone - 1)
    return float(special.ndtr(-(x - 0.5 - total * share) / math.sqrt(variance)))


def _log_choose(n: int, k: FloatArray) -> FloatArray:
    """The logarithm of n over k, elementwise."""
    ways: FloatArray = (
        special.gammaln(n + 1.0) - special.gammaln(k + 1) - special.gammaln(n - k + 1)
    )
    return ways
