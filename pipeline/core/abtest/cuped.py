"""CUPED: what was known of the units before the test, taken out of the noise.

Deng, Xu, Kohavi and Walker (2013), "Improving the sensitivity of online controlled experiments by
utilizing pre-experiment data", section 3: with the covariate x from before the test, y - theta x
has the same difference of means and the variance (1 - r²) var(y), for theta = cov(x, y) / var(x)
within the variants. x must not depend on the variant: a figure from before the assignment.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.core.abtest.sums import Sums


def pooled_theta(variants: Sequence[Sums]) -> float:
    """The theta of the covariances within each of `variants`; 0 where x is constant or absent."""
    known = [sums for sums in variants if sums.n >= 2]
    spread = sum(sums.centred_xx for sums in known)
    if not spread:
        return 0.0
    return float(sum(sums.centred_xy for sums in known) / spread)


def adjusted_mean(sums: Sums, theta: float) -> float:
    """The mean of y - theta x."""
    return float(sums.mean_y) - theta * float(sums.mean_x)


def adjusted_variance(sums: Sums, theta: float) -> float:
    """The sample variance of y - theta x, never below 0."""
    centred = (
        float(sums.centred_yy)
        - 2 * theta * float(sums.centred_xy)
        + theta**2 * float(sums.centred_xx)
    )
    return max(centred, 0.0) / (sums.n - 1)
