"""The mixture sequential probability ratio test: a p-value that may be read at every look.

Johari, Koomen, Pekelis and Walsh (2022), "Always valid inference: continuous monitoring of A/B
tests", section 4.2. For an estimate of the difference with variance v and true differences mixed
over N(0, tau²),

    Λ = sqrt( v / (v + tau²) ) exp( tau² difference² / (2 v (v + tau²)) ),

which is the paper's equation for two means with v = 2 sigma² / n. The p-value is 1 / Λ at its
largest so far, and at most 1. It rests on the normal approximation, so that looks before the
burn-in, when it does not hold yet, do not count (Bibaut, Kallus and Lindon 2022, "Near-optimal
non-parametric sequential tests and confidence sequences with possibly dependent observations").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.core.abtest.confseq import FloatArray, p_value, tightest_at


def mixing_variance(smallest_effect: float, variance_when_planned: float, alpha: float) -> float:
    """tau² for which the test is sharpest when the estimate's variance is the planned one.

    Falls back on the smallest effect of interest, squared, where no variance is known (0).
    """
    if variance_when_planned > 0:
        return tightest_at(alpha) * variance_when_planned
    return smallest_effect**2


def likelihood_ratio_p(
    difference: npt.ArrayLike, variance: npt.ArrayLike, tau_squared: float
) -> FloatArray:
    """1 / Λ at one look, at most 1; 1 where the variance is not above 0."""
    v = np.asarray(variance, dtype=np.float64)
    is_known = v > 0
    safe = np.where(is_known, v, 1.0)
    p = p_value(np.asarray(difference, dtype=np.float64) / np.sqrt(safe), tau_squared / safe)
    return np.where(is_known, p, 1.0)


def running_p(p_values: npt.ArrayLike, units: npt.ArrayLike, burn_in: int) -> FloatArray:
    """The p-value at each look (last axis): the smallest so far of looks at >= `burn_in` units.

    `units` are those of the smaller variant. 1 before the burn-in.
    """
    counted = np.where(np.asarray(units) >= burn_in, np.asarray(p_values, dtype=np.float64), 1.0)
    return np.asarray(np.minimum.accumulate(counted, axis=-1))
