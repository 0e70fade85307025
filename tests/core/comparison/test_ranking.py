import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from pipeline.core.comparison.ranking import confusion_sums, rank, ranking_metrics, run_down


def figures_of(y, p, counts, threshold=0.5):
    ranking = rank(y, p, threshold, np.arange(len(y)))
    return ranking_metrics(ranking, run_down(ranking, counts))


def auc_by_pairs(y, p, w):
    """The definition: the share of (positive, negative) pairs won, a tie being half."""
    won = (p[:, None] > p[None, :]) + 0.5 * (p[:, None] == p[None, :])
    pairs = np.outer(w * y, w * (1 - y))
    return (won * pairs).sum() / pairs.sum()


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_roc_auc_is_the_share_of_pairs_won(seed):
    rng = np.random.default_rng(seed)
    y = np.r_[0, 1, rng.integers(0, 2, 20)]
    p = np.round(rng.random(22), 1)
    w = np.r_[1, 1, rng.integers(0, 3, 20)]
    figures = figures_of(y == 1, p, w[None])
    assert figures["roc_auc"][0] == pytest.approx(auc_by_pairs(y, p, w), abs=1e-12)
    assert figures["pr_auc"][0] == pytest.approx(
        sk.average_precision_score(y, p, sample_weight=w), abs=1e-12
    )


def test_many_draws_at_once_are_each_draw_alone():
    rng = np.random.default_rng(0)
    y, p, w = rng.random(50) < 0.3, rng.random(50), rng.integers(0, 4, (5, 50))
    together = figures_of(y, p, w)
    alone = [figures_of(y, p, one[None]) for one in w]
    for metric, values in together.items():
        assert values.tolist() == [figures[metric][0] for figures in alone]


def test_every_score_equal_is_a_coin():
    figures = figures_of(np.arange(4) % 2 == 0, np.full(4, 0.3), np.ones((1, 4), int))
    assert figures["roc_auc"].tolist() == [0.5]
    assert figures["pr_auc"].tolist() == [0.5]


def test_a_draw_with_one_class_is_nan_and_its_neighbour_is_not():
    y, p, draws = np.array([True, False]), np.array([0.9, 0.1]), [[1, 1], [2, 0], [0, 2]]
    figures = figures_of(y, p, np.array(draws))
    assert figures["roc_auc"][0] == 1
    assert np.isnan(figures["roc_auc"][1:]).all()
    assert np.isnan(figures["pr_auc"][1:]).all()


def test_small_counts_do_not_overflow_in_big_sums():
    n = 200_000  # 1e5 x 1e5 pairs are more than 32 bits hold
    y = np.arange(n) % 2 == 1
    p = np.linspace(0, 1, n)
    counts = np.ones((1, n), dtype=np.int32)
    figures = figures_of(y, p, counts)
    assert figures["roc_auc"][0] == pytest.approx(sk.roc_auc_score(y, p), abs=1e-12)


def test_the_confusion_matrix_of_each_draw_is_read_off_at_the_threshold():
    y = np.array([True, False, True, False, True])
    p = np.array([0.9, 0.5, 0.5, 0.49, 0.2])
    ranking = rank(y, p, 0.5, np.arange(5))
    counts = np.array([[1, 1, 1, 1, 1], [3, 2, 1, 5, 4]])
    assert confusion_sums(ranking, run_down(ranking, counts)).tolist() == [
        [2, 1, 3, 2],
        [4, 2, 8, 7],
    ]
    all_positive = rank(y, p, 0.1, np.arange(5))
    assert confusion_sums(all_positive, run_down(all_positive, counts))[0].tolist() == [3, 2, 3, 2]
