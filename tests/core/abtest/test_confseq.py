import math

import numpy as np
import pytest

from pipeline.core.abtest.confseq import (
    log_likelihood_ratio,
    one_sided_p_value,
    p_value,
    standard_errors,
    tightest_at,
)


@pytest.mark.parametrize(("t", "rho", "alpha"), [(100, 0.1, 0.05), (5_000, 0.02, 0.01)])
def test_the_width_is_that_of_the_paper_s_theorem(t, rho, alpha):
    seen = t * rho**2
    root = 2 * (seen + 1) / (t**2 * rho**2) * math.log(math.sqrt(seen + 1) / alpha)
    assert float(standard_errors(seen, alpha)) / math.sqrt(t) == pytest.approx(math.sqrt(root))


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_it_is_tightest_where_it_says(alpha):
    best = tightest_at(alpha)
    around = standard_errors(best * np.array([0.7, 0.9, 1.0, 1.1, 1.4]), alpha)
    assert around.argmin() == 2
    assert around[2] == pytest.approx(math.sqrt(1 + best))


def test_it_is_wider_than_an_interval_for_one_look_but_not_without_end():
    best = float(standard_errors(tightest_at(0.05), 0.05))
    assert 1.96 < best < 3.1
    assert float(standard_errors(1e6, 0.05)) < 5
    assert math.isinf(float(standard_errors(0.0, 0.05)))


def test_the_interval_leaves_zero_out_just_where_p_is_at_most_alpha():
    for seen in (0.5, 8.0, 200.0):
        limit = float(standard_errors(seen, 0.05))
        assert float(p_value(limit, seen)) == pytest.approx(0.05)
        assert float(p_value(-limit * 1.001, seen)) < 0.05 < float(p_value(limit * 0.999, seen))
        assert log_likelihood_ratio(limit, seen) == pytest.approx(math.log(20))


def test_a_one_sided_p_value_looks_at_one_side():
    assert float(one_sided_p_value(4.0, 8.0)) < float(p_value(4.0, 8.0))
    assert float(one_sided_p_value(-4.0, 8.0)) == 1.0
    assert float(one_sided_p_value(4.0, 8.0)) == pytest.approx(
        float(p_value(4.0, 8.0)) / 2, rel=0.01
    )


def test_nothing_seen_and_no_number_are_no_evidence():
    assert p_value([math.nan, 9.0, 0.0], [5.0, 0.0, 5.0]).tolist() == [1.0, 1.0, 1.0]
    assert one_sided_p_value([math.nan, 0.0], [5.0, 5.0]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, math.nan])
def test_an_alpha_that_is_none_is_refused(alpha):
    with pytest.raises(ValueError, match="alpha"):
        tightest_at(alpha)
