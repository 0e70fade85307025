import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.core.comparison.delong import delong, midranks
from pipeline.core.comparison.scoring import score


def rows(seed, n=60, tied=True):
    rng = np.random.default_rng(seed)
    y = np.r_[0, 0, 1, 1, rng.integers(0, 2, n - 4)]
    models = [np.clip(rng.normal(0.4 + 0.15 * y, 0.2), 0, 1) for _ in range(2)]
    return y, *(np.round(m, 1) if tied else m for m in models)


def delong_by_definition(y, champion, challenger):
    """DeLong et al. 1988, straight from the formulas: every pair, sample covariances."""
    aucs, positives, negatives = [], [], []
    for model in (champion, challenger):
        x, z = model[y == 1], model[y == 0]
        won = (x[:, None] > z[None, :]) + 0.5 * (x[:, None] == z[None, :])
        aucs.append(won.mean())
        positives.append(won.mean(axis=1))
        negatives.append(won.mean(axis=0))
    contrast = np.array([-1, 1])
    covariance = np.cov(positives) / (y == 1).sum() + np.cov(negatives) / (y == 0).sum()
    return aucs, math.sqrt(max(contrast @ covariance @ contrast, 0))


@settings(deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_the_fast_algorithm_gives_what_the_definition_gives(seed, tied):
    y, champion, challenger = rows(seed, tied=tied)
    found = delong(y, champion, challenger, confidence=0.95)
    aucs, error = delong_by_definition(y, champion, challenger)
    assert [found.champion, found.challenger] == pytest.approx(aucs, abs=1e-12)
    assert found.standard_error == pytest.approx(error, abs=1e-12)
    z = found.difference / error
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(z)), abs=1e-12)
    half = stats.norm.ppf(0.975) * error
    ends = [found.difference - half, found.difference + half]
    assert [found.interval.low, found.interval.high] == pytest.approx(ends, abs=1e-12)


def test_aucs_are_those_of_the_scoring():
    y, champion, challenger = rows(0)
    found = delong(y, champion, challenger, confidence=0.95)
    assert found.champion == pytest.approx(score(y, champion, 0.5)["roc_auc"], abs=1e-12)
    assert found.challenger == pytest.approx(score(y, challenger, 0.5)["roc_auc"], abs=1e-12)


def test_swapping_the_models_turns_the_sign_and_keeps_p():
    y, champion, challenger = rows(1)
    one = delong(y, champion, challenger, confidence=0.95)
    other = delong(y, challenger, champion, confidence=0.95)
    assert other.difference == -one.difference
    assert other.p_value == one.p_value


def test_models_of_equal_skill_are_told_apart_as_often_as_alpha_says():
    p_values = [
        delong(*rows(seed, n=200, tied=False), confidence=0.95).p_value for seed in range(400)
    ]
    assert np.mean(np.array(p_values) < 0.1) == pytest.approx(0.1, abs=0.045)


def test_the_same_ranking_twice_is_no_difference_at_all():
    y, champion, _ = rows(2)
    found = delong(y, champion, champion / 2, confidence=0.95)
    assert (found.difference, found.p_value) == (0.0, 1.0)


def test_a_perfect_model_against_its_opposite_is_certain():
    y = np.array([0, 0, 1, 1])
    found = delong(y, 1 - y, y, confidence=0.95)
    assert (found.champion, found.challenger, found.p_value) == (0.0, 1.0, 0.0)


def test_with_one_class_everything_is_unknown_and_with_one_positive_the_error_is():
    p, q = np.array([0.1, 0.2, 0.3]), np.array([0.3, 0.2, 0.1])
    nothing = delong([1, 1, 1], p, q, confidence=0.95)
    assert all(math.isnan(x) for x in (nothing.champion, nothing.difference, nothing.p_value))
    one = delong([0, 0, 1], p, q, confidence=0.95)
    assert (one.champion, one.challenger) == (1.0, 0.0)
    assert math.isnan(one.standard_error)
    assert math.isnan(one.p_value)


def test_midranks_share_their_mean_as_scipy_has_it():
    values = np.array([3.0, 1.0, 3.0, 2.0, 3.0])
    assert midranks(values).tolist() == stats.rankdata(values).tolist() == [4, 1, 4, 2, 4]
