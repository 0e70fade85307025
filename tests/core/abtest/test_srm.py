import math

import numpy as np
import pytest
from scipy import integrate, stats

from pipeline.core.abtest.srm import CONCENTRATIONS, Counts, log_bayes_factor, mismatch_p


def test_the_bayes_factor_is_the_mixture_that_it_stands_for():
    """By numerical integration over the prior; the orders of the units cancel out."""
    counts = Counts(champion=480, challenger=560, share=0.5)
    priors = [stats.beta(one * 0.5, one * 0.5) for one in CONCENTRATIONS]
    top = counts.challenger * math.log(0.54) + counts.champion * math.log(0.46)

    def density(share):
        logs = counts.challenger * math.log(share) + counts.champion * math.log1p(-share)
        return np.mean([prior.pdf(share) for prior in priors]) * math.exp(logs - top)

    mixed = math.log(integrate.quad(density, 0.3, 0.8, limit=200)[0]) + top
    assert log_bayes_factor(counts) == pytest.approx(mixed - 1_040 * math.log(0.5), abs=1e-6)


def test_what_the_weights_give_is_no_mismatch():
    assert mismatch_p([Counts(9_000, 1_000, 0.1), Counts(5_000, 5_000, 0.5)]) == 1.0
    assert mismatch_p([]) == 1.0


@pytest.mark.parametrize("challenger", [48_500, 51_500])
def test_three_percent_of_half_of_a_hundred_thousand_is_a_mismatch(challenger):
    assert mismatch_p([Counts(100_000 - challenger, challenger, 0.5)]) < 1e-6


def test_evidence_of_periods_adds_up():
    one = Counts(1_060, 940, 0.5)
    assert mismatch_p([one] * 8) < mismatch_p([one] * 4) < mismatch_p([one])


def test_a_variant_without_traffic_is_a_mismatch_soon():
    assert mismatch_p([Counts(25, 0, 0.5)]) < 0.001
    assert mismatch_p([Counts(200, 0, 0.05)]) < 0.001
    assert mismatch_p([Counts(20, 0, 0.01)]) > 0.05  # not before it could be told


def test_traffic_where_there_must_be_none_is_certain_and_none_is_nothing():
    assert mismatch_p([Counts(100, 1, 0.0)]) == 0.0
    assert mismatch_p([Counts(1, 100, 1.0)]) == 0.0
    assert mismatch_p([Counts(100, 0, 0.0)]) == 1.0


@pytest.mark.parametrize("counts", [Counts(-1, 5, 0.5), Counts(5, 5, 1.5), Counts(5, 5, math.nan)])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(ValueError, match="sample ratio"):
        log_bayes_factor(counts)
