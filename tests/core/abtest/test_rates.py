"""How often A/B tests are wrong and how long they take: simulated, thousands at a time."""

import numpy as np
import pytest
from scipy import stats

from pipeline.core.abtest.confseq import one_sided_p_value, p_value, standard_errors, tightest_at
from pipeline.core.abtest.eprocess import RATIOS
from pipeline.core.abtest.power import (
    average_information,
    fixed_information,
    sequential_information,
)
from pipeline.core.abtest.srm import CONCENTRATIONS, Counts, mismatch_p
from tests.core.ab_tests import walks

TESTS, LOOKS, PER_LOOK, ALPHA = 2_000, 100, 100, 0.05
N = PER_LOOK * np.arange(1, LOOKS + 1)  # outcomes of each variant at each look


def differences(seed, difference=0.0, tests=TESTS, looks=LOOKS, per_look=PER_LOOK):
    """Difference of means, and its estimated variance, (tests, looks)."""
    y_a, yy_a, y_b, yy_b = walks(seed, tests, looks, per_look, difference)
    n = per_look * np.arange(1, looks + 1)
    variance = sum((yy - y * y / n) / (n - 1) / n for y, yy in ((y_a, yy_a), (y_b, yy_b)))
    return y_b / n - y_a / n, variance


def ever(condition) -> float:
    return float(condition.any(axis=1).mean())


def test_equal_models_looked_at_a_hundred_times_have_no_winner_more_often_than_alpha():
    found, variance = differences(1)
    z = found / np.sqrt(variance)
    x = tightest_at(ALPHA) * N / (0.75 * N[-1])
    assert ever(np.abs(z) >= standard_errors(x, ALPHA)) <= ALPHA
    t_test = 2 * stats.t.sf(np.abs(z), 2 * N - 2)
    assert ever(t_test < ALPHA) > 0.3  # what looking at a t-test does: one in three has a "winner"


def test_proportions_of_equal_models_have_no_winner_more_often_than_alpha():
    generator = np.random.default_rng(2)
    n = 200 * np.arange(1, LOOKS + 1)
    right = [np.cumsum(generator.binomial(200, 0.9, (TESTS, LOOKS)), axis=1) for _ in "ab"]
    shares = [(ones + 0.5) / (n + 1) for ones in right]
    variance = sum(share * (1 - share) / n for share in shares)
    z = (right[1] - right[0]) / n / np.sqrt(variance)
    for tightest in (0.1, 0.75, 3):
        x = tightest_at(ALPHA) * n / (tightest * n[-1])
        assert ever(np.abs(z) >= standard_errors(x, ALPHA)) <= ALPHA


def test_the_msprt_with_a_burn_in_keeps_alpha_too():
    found, variance = differences(3)
    tau_squared = tightest_at(ALPHA) * 2 / N[-1]
    p = p_value(found / np.sqrt(variance), tau_squared / variance)
    assert ever(p[:, N >= 200] <= ALPHA) <= ALPHA


def test_models_that_lose_just_the_margin_are_not_let_pass_more_often_than_alpha():
    margin = 0.05
    found, variance = differences(4, difference=-margin)
    z = (found + margin) / np.sqrt(variance)
    for tightest in (0.2, 0.75, 2):
        x = tightest_at(2 * ALPHA) * N / (tightest * N[-1])
        assert ever(one_sided_p_value(z, x) <= ALPHA) <= ALPHA


@pytest.mark.parametrize("ratio", [0.5, 0.75, 1.0, 1.5, 2.0])
def test_a_true_effect_takes_on_average_at_most_1_3_times_the_fixed_sample(ratio):
    """Effects of half to twice the planned one; each against the fixed sample for itself."""
    planned, looks = 40_000, 400  # looks at every fiftieth of the fixed sample, up to eight times
    effect = np.sqrt(2 * fixed_information(ALPHA, 0.8) / planned) * ratio
    per_look = int(planned / ratio**2 / 50)
    found, variance = differences(5, effect, 1_000, looks, per_look)
    n = per_look * np.arange(1, looks + 1)
    x = tightest_at(ALPHA) * n / (0.75 * planned)
    is_found = np.abs(found) / np.sqrt(variance) >= standard_errors(x, ALPHA)
    assert is_found.any(axis=1).mean() > 0.99
    average = n[is_found.argmax(axis=1)].mean()
    assert average <= 1.3 * planned / ratio**2


def test_the_plan_tells_what_the_simulation_finds():
    planned, looks = 40_000, 80
    for factor, power in ((1.0, 0.8), (1.0, 0.9)):
        needed = sequential_information(ALPHA, power, 0.75)
        effect = np.sqrt(2 * needed / planned) * factor
        found, variance = differences(6, effect, 2_000, looks, planned // looks)
        n = planned // looks * np.arange(1, looks + 1)
        fixed = planned * fixed_information(ALPHA, power) / needed
        x = tightest_at(ALPHA) * n / (0.75 * fixed)
        shown = ever(np.abs(found) / np.sqrt(variance) >= standard_errors(x, ALPHA))
        assert shown == pytest.approx(power, abs=0.03)
    assert 1.0 < average_information(ALPHA, 0.8, 0.75) / fixed_information(ALPHA, 0.8) < 1.3


def test_a_sound_router_is_called_mismatched_in_one_test_in_a_thousand_at_most():
    """The limit is that of each of two looks at the ratio, see abtest_faults.py: half of it."""
    generator = np.random.default_rng(7)
    for share in (0.5, 0.1):
        steps = generator.binomial(1_000, share, (20_000, 100))
        challenger = np.cumsum(steps, axis=1)
        n = 1_000 * np.arange(1, 101)
        evidence = log_bayes_factors(challenger, n, share)
        assert ever(evidence >= np.log(2 / 0.001)) <= 0.001
        assert 0 < ever(evidence >= np.log(1 / 0.02)) <= 0.02
        one = Counts(int(n[-1] - challenger[0, -1]), int(challenger[0, -1]), share)
        assert mismatch_p([one]) == pytest.approx(min(1, np.exp(-evidence[0, -1])))


def log_bayes_factors(challenger, n, share):
    """The formula of srm.py over arrays."""
    from scipy.special import gammaln  # noqa: PLC0415

    both = []
    for concentration in CONCENTRATIONS:
        found = gammaln(concentration) - gammaln(concentration + n)
        for count, part in ((challenger, share), (n - challenger, 1 - share)):
            prior = concentration * part
            found = found + gammaln(prior + count) - gammaln(prior) - count * np.log(part)
        both.append(found)
    return np.logaddexp(*both) - np.log(2)


def test_three_percent_of_a_hundred_thousand_units_that_are_misrouted_are_found():
    generator = np.random.default_rng(8)
    for _ in range(200):
        meant = generator.binomial(100_000, 0.5)
        lost = generator.binomial(meant, 0.03)  # of the challenger's, to the champion
        assert mismatch_p([Counts(100_000 - meant + lost, meant - lost, 0.5)]) <= 0.001


def test_rare_failures_of_a_model_that_is_no_worse_are_called_harm_in_alpha_of_the_tests():
    """Weights grow 1, 5, 25, 50 % while about one failure comes at each look."""
    generator = np.random.default_rng(9)
    weights = np.repeat([0.01, 0.05, 0.25, 0.5], 50)
    failures = generator.poisson(1.0, (TESTS, len(weights)))
    for worse, most, least in ((1.0, ALPHA, 0.0), (8.0, 1.0, 0.95)):
        share = worse * weights / (worse * weights + 1 - weights)
        canary = generator.binomial(failures, share)
        ratio = np.array(RATIOS)[:, None, None]
        whole = ratio * weights + 1 - weights
        steps = canary * np.log(ratio) - failures * np.log(whole)
        e_value = np.exp(np.cumsum(steps, axis=2)).mean(axis=0)
        assert least <= ever(e_value >= 1 / ALPHA) <= most


def test_p_values_are_the_smallest_alpha_whose_interval_leaves_zero_out():
    z, x = np.array([0.5, 2.0, 3.5, -3.5, 6.0]), np.array([1.0, 3.0, 8.0, 8.0, 0.2])
    for one, seen, p in zip(z, x, p_value(z, x), strict=True):
        if p < 1:
            assert float(standard_errors(seen, float(p))) == pytest.approx(abs(one))
