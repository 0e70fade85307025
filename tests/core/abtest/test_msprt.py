import math

import numpy as np
import pytest

from pipeline.core.abtest.confseq import tightest_at
from pipeline.core.abtest.msprt import likelihood_ratio_p, mixing_variance, running_p


def test_the_likelihood_ratio_is_that_of_the_paper():
    """Johari et al. (2022), for two means of n outcomes each with variance sigma²."""
    n, sigma, tau, difference = 400, 1.3, 0.2, 0.31
    v = 2 * sigma**2
    ratio = math.sqrt(v / (v + n * tau**2)) * math.exp(
        n**2 * tau**2 * difference**2 / (2 * v * (v + n * tau**2))
    )
    found = likelihood_ratio_p(difference, v / n, tau**2)
    assert float(found) == pytest.approx(1 / ratio)
    assert float(found) == float(likelihood_ratio_p(-difference, v / n, tau**2))


def test_no_variance_is_no_evidence():
    assert likelihood_ratio_p([0.5, 0.5, 0.5], [0.0, math.nan, -1.0], 0.1).tolist() == [1, 1, 1]


def test_the_p_value_never_rises_again_and_is_one_before_the_burn_in():
    p = running_p([1e-9, 0.2, 0.01, 0.5], units=np.array([50, 100, 150, 200]), burn_in=100)
    assert p.tolist() == [1.0, 0.2, 0.01, 0.01]


def test_the_mixture_is_set_by_the_plan_or_else_by_the_effect():
    assert mixing_variance(0.1, 0.001, 0.05) == pytest.approx(0.001 * tightest_at(0.05))
    assert mixing_variance(0.1, 0.0, 0.05) == pytest.approx(0.01)
