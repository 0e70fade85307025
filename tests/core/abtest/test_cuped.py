import numpy as np
import pytest

from pipeline.core.abtest.cuped import adjusted_mean, adjusted_variance, pooled_theta
from pipeline.core.abtest.estimate import estimate_difference
from pipeline.core.abtest.evidence import Cell, Evidence, Period
from pipeline.core.abtest.sums import Sums, sums_of


def variants(seed=0, n=5_000, effect=0.2):
    generator = np.random.default_rng(seed)
    before = generator.normal(10, 3, (2, n))
    after = 0.8 * before + generator.normal(0, 1, (2, n)) + np.array([[0.0], [effect]])
    return before, after


def test_it_is_the_regression_on_the_covariate():
    before, after = variants()
    sums = [sums_of(y, x) for x, y in zip(before, after, strict=True)]
    centred = [(x - x.mean(), y - y.mean()) for x, y in zip(before, after, strict=True)]
    theta = sum((x * y).sum() for x, y in centred) / sum((x * x).sum() for x, _ in centred)
    assert pooled_theta(sums) == pytest.approx(theta)
    adjusted = after[0] - theta * before[0]
    assert adjusted_mean(sums[0], theta) == pytest.approx(adjusted.mean())
    assert adjusted_variance(sums[0], theta) == pytest.approx(adjusted.var(ddof=1))


def test_it_takes_the_noise_away_and_leaves_the_difference():
    before, after = variants()
    cells = [Cell(5_000, metrics={"y": sums_of(y, x)}) for x, y in zip(before, after, strict=True)]
    evidence = Evidence((Period(5_000, *cells),))
    plain = estimate_difference(evidence, "y", "mean")
    adjusted = estimate_difference(evidence, "y", "mean", is_adjusted=True)
    assert adjusted.variance < 0.2 * plain.variance
    assert adjusted.difference == pytest.approx(0.2, abs=4 * adjusted.variance**0.5)
    assert adjusted.theta == pytest.approx(0.8, abs=0.02)


def test_a_covariate_that_tells_nothing_changes_nothing():
    values = np.arange(10.0)
    assert pooled_theta([sums_of(values), sums_of(values, np.ones(10))]) == 0.0
    assert pooled_theta([Sums(), sums_of([1.0], [2.0])]) == 0.0
