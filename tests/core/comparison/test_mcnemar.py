import numpy as np
import pytest
from scipy import stats

from pipeline.core.comparison.mcnemar import EXACT_BELOW, mcnemar, mcnemar_of_counts


@pytest.mark.parametrize(("b", "c"), [(0, 1), (1, 5), (3, 9), (12, 12), (0, 24)])
def test_few_discordant_rows_get_the_exact_binomial(b, c):
    found = mcnemar_of_counts(b, c)
    assert found.method == "exact binomial"
    assert found.p_value == pytest.approx(stats.binomtest(b, b + c, 0.5).pvalue, abs=1e-12)


@pytest.mark.parametrize(("b", "c"), [(121, 59), (0, 25), (500, 480)])
def test_many_discordant_rows_get_chi_square_with_continuity_correction(b, c):
    found = mcnemar_of_counts(b, c)
    assert found.method == "chi-square with continuity correction"
    statistic = (abs(b - c) - 1) ** 2 / (b + c)
    assert found.p_value == pytest.approx(stats.chi2.sf(statistic, 1), abs=1e-12)


def test_the_two_methods_meet_where_one_takes_over():
    exact = stats.binomtest(7, EXACT_BELOW, 0.5).pvalue
    assert mcnemar_of_counts(7, EXACT_BELOW - 7).p_value == pytest.approx(exact, abs=0.005)


def test_an_even_split_is_no_evidence_in_either_method():
    assert mcnemar_of_counts(0, 0).p_value == 1.0
    assert mcnemar_of_counts(5, 5).p_value == 1.0
    assert mcnemar_of_counts(50, 50).p_value == 1.0


def test_only_rows_on_which_one_model_alone_is_right_are_counted():
    y = np.array([1, 1, 1, 0, 0, 0, 1])
    champion = np.array([0.9, 0.9, 0.1, 0.1, 0.9, 0.5, 0.5])
    challenger = np.array([0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.5])
    # right: champion 0, 1, 3, 6 (0.5 is positive); challenger 0, 3, 4, 5, 6
    found = mcnemar(y, champion, challenger, 0.5)
    assert (found.only_champion_right, found.only_challenger_right) == (1, 2)


def test_swapping_the_models_keeps_p():
    assert mcnemar_of_counts(30, 50).p_value == mcnemar_of_counts(50, 30).p_value


def test_bad_scores_are_refused():
    with pytest.raises(ValueError, match="no probability"):
        mcnemar([0, 1], [0.1, np.nan], [0.1, 0.2], 0.5)
