import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score

from pipeline.core.cbpe import estimate_performance
from pipeline.errors import DataIncident

RNG = np.random.default_rng(6)


def test_for_calibrated_scores_the_estimate_is_what_the_labels_later_say():
    scores = RNG.beta(0.8, 2.0, size=200_000)
    labels = RNG.random(200_000) < scores
    answers = scores >= 0.3
    found = estimate_performance(scores, 0.3)
    for value, metric in [
        (found.accuracy, accuracy_score(labels, answers)),
        (found.precision, precision_score(labels, answers)),
        (found.recall, recall_score(labels, answers)),
        (found.f1, f1_score(labels, answers)),
        (found.f1_weighted, f1_score(labels, answers, average="weighted")),
        (found.roc_auc, roc_auc_score(labels, scores)),
    ]:
        assert value == pytest.approx(metric, abs=0.005)


def test_the_expected_auc_of_few_rows_compares_no_row_with_itself():
    scores = np.array([0.2, 0.5, 0.5, 0.9])
    pairs = [(i, j) for i in range(4) for j in range(4) if i != j]
    weight = {(i, j): scores[i] * (1 - scores[j]) for i, j in pairs}
    won = {
        (i, j): float(scores[i] > scores[j]) + 0.5 * float(scores[i] == scores[j]) for i, j in pairs
    }
    expected = sum(weight[p] * won[p] for p in pairs) / sum(weight.values())
    assert estimate_performance(scores, 0.5).roc_auc == pytest.approx(expected, rel=1e-12)


def test_certain_scores_are_never_wrong():
    found = estimate_performance([0.0, 1.0, 1.0], 0.5)
    assert (found.accuracy, found.f1, found.roc_auc) == (1.0, 1.0, 1.0)


def test_a_score_at_the_threshold_is_answered_as_positive():
    assert estimate_performance([0.5], 0.5).recall == 1.0
    assert estimate_performance([0.5], 0.500001).recall == 0.0


def test_what_cannot_be_divided_is_zero_and_what_cannot_be_ranked_is_none():
    found = estimate_performance([0.0, 0.0], 0.5)
    assert (found.precision, found.recall, found.f1) == (0.0, 0.0, 0.0)
    assert found.f1_weighted == 1.0
    assert found.roc_auc is None
    assert estimate_performance([0.7], 0.5).roc_auc is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_every_estimate_lies_between_zero_and_one(scores, threshold):
    found = estimate_performance(scores, threshold)
    values = [found.accuracy, found.precision, found.recall, found.f1, found.f1_weighted]
    values += [] if found.roc_auc is None else [found.roc_auc]
    assert all(-1e-9 <= value <= 1 + 1e-9 for value in values)


@pytest.mark.parametrize("scores", [[], [float("nan")], [1.1], [-0.1], [float("inf")], [[0.5]]])
def test_scores_that_are_no_probabilities_are_refused(scores):
    with pytest.raises(DataIncident, match="scores from 0 to 1"):
        estimate_performance(scores, 0.5)
