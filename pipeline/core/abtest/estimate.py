"""The difference between the variants, period by period and then together.

Weights change while a test runs, and so does the world: units of a day with 5 % of the traffic are
not those of a day with 50 %. Pooled means would compare Mondays with Saturdays (Simpson's
paradox), so that variants are compared within periods, and the periods' differences are averaged
with the weights n_a n_b / (n_a + n_b), those of Mantel and Haenszel (1959). Their sum counts what
was seen: a period says nothing while one variant has no traffic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.ab_config import MetricKind
from pipeline.core.abtest.cuped import adjusted_mean, adjusted_variance, pooled_theta
from pipeline.core.abtest.evidence import Evidence
from pipeline.core.abtest.sums import Sums

_HALF = 0.5


@dataclass(frozen=True)
class Estimate:
    """Challenger minus champion.

    `variance` is the difference's own; `pairs` is the sum of the periods' weights, a quarter of the
    units under an even split. `is_flat` says that one variant's outcomes were all the same in all
    periods. Means are over all periods, NaN without outcomes.
    """

    difference: float
    variance: float
    pairs: float
    model_a: float
    model_b: float
    n_a: int
    n_b: int
    is_flat: bool
    theta: float = 0.0

    @property
    def z(self) -> float:
        """The difference in standard errors; NaN where the variance is not known."""
        return self.difference / math.sqrt(self.variance) if self.variance > 0 else math.nan


def estimate_difference(
    evidence: Evidence, metric: str, kind: MetricKind, *, is_adjusted: bool = False
) -> Estimate:
    """The estimate of `metric`; with `is_adjusted` by CUPED. NaN where no period compares.

    A period compares once both variants have two outcomes. A proportion's variance counts half an
    outcome of each sort beside those seen, so that a variant without failures is not certain.
    """
    pairs = [(p.model_a.sums(metric), p.model_b.sums(metric)) for p in evidence.periods]
    compared = [pair for pair in pairs if min(sums.n for sums in pair) >= 2]
    theta = pooled_theta([sums for pair in compared for sums in pair]) if is_adjusted else 0.0
    weights = [a.n * b.n / (a.n + b.n) for a, b in compared]
    total = sum(weights)
    difference = variance = math.nan
    if compared:
        moments = [_moments(a, b, kind, theta) for a, b in compared]
        difference = sum(w * d for w, (d, _) in zip(weights, moments, strict=True)) / total
        variance = sum(w * w * v for w, (_, v) in zip(weights, moments, strict=True)) / total**2
    all_a, all_b = (sum((pair[side] for pair in pairs), start=Sums()) for side in (0, 1))
    return Estimate(
        difference=difference,
        variance=variance,
        pairs=total,
        model_a=_mean(all_a),
        model_b=_mean(all_b),
        n_a=all_a.n,
        n_b=all_b.n,
        is_flat=_is_flat([a for a, _ in compared]) or _is_flat([b for _, b in compared]),
        theta=theta,
    )


def _moments(a: Sums, b: Sums, kind: MetricKind, theta: float) -> tuple[float, float]:
    """The difference in one period and its variance."""
    difference = adjusted_mean(b, theta) - adjusted_mean(a, theta)
    variances = [
        proportion_variance(sums) if kind == "proportion" and not theta
        else adjusted_variance(sums, theta)
        for sums in (a, b)
    ]  # fmt: skip
    return difference, variances[0] / a.n + variances[1] / b.n


def proportion_variance(sums: Sums) -> float:
    """The variance of an outcome, with half an outcome of each sort added to those seen."""
    share = (float(sums.y) + _HALF) / (sums.n + 1)
    return share * (1 - share)


def _is_flat(periods: Sequence[Sums]) -> bool:
    return bool(periods) and not any(sums.centred_yy for sums in periods)


def _mean(sums: Sums) -> float:
    return float(sums.mean_y) if sums.n else math.nan
