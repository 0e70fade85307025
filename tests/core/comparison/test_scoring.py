import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from pipeline.core.comparison.scoring import METRICS, Confusion, confusion, direction, score


def sklearn_figures(y, p, threshold, weights):
    answer = (p >= threshold).astype(int)
    given_weights = {"sample_weight": weights}
    averaged = {"average": "weighted", "zero_division": 0, **given_weights}
    precision, recall, f1, _ = sk.precision_recall_fscore_support(y, answer, **averaged)
    positive = {"zero_division": 0, **given_weights}
    return {
        "accuracy": sk.accuracy_score(y, answer, **given_weights),
        "precision_weighted": precision,
        "recall_weighted": recall,
        "f1_weighted": f1,
        "precision": sk.precision_score(y, answer, **positive),
        "recall": sk.recall_score(y, answer, **positive),
        "f1": sk.f1_score(y, answer, **positive),
        "roc_auc": sk.roc_auc_score(y, p, **given_weights),
        "pr_auc": sk.average_precision_score(y, p, **given_weights),
        "log_loss": sk.log_loss(y, p, labels=[0, 1], **given_weights),
    }


@st.composite
def weighted_rows(draw):
    """Few distinct scores, so that ties are everywhere; at least one row of each class weighs."""
    n = draw(st.integers(2, 40))
    steps = draw(st.integers(1, 12))
    y = draw(st.lists(st.integers(0, 1), min_size=n, max_size=n))
    p = draw(st.lists(st.integers(0, steps), min_size=n, max_size=n))
    w = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    y[0], y[1], w[0], w[1] = 0, 1, max(w[0], 1), max(w[1], 1)
    return np.array(y), np.array(p) / steps, np.array(w)


@settings(deadline=None, max_examples=150)
@given(weighted_rows(), st.sampled_from([0.1, 0.5, 0.75]))
def test_figures_equal_scikit_learn_with_ties_and_weights(rows, threshold):
    y, p, w = rows
    ours = score(y, p, threshold, weights=w)
    for metric, figure in sklearn_figures(y, p, threshold, w).items():
        assert ours[metric] == pytest.approx(figure, abs=1e-9), metric


def test_figures_equal_scikit_learn_on_many_distinct_scores():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 20_000)
    p = np.clip(rng.normal(0.4 + 0.2 * y, 0.2), 0, 1)
    ours = score(y, p, 0.5)
    for metric, figure in sklearn_figures(y, p, 0.5, np.ones_like(y)).items():
        assert ours[metric] == pytest.approx(figure, abs=1e-9), metric


@settings(deadline=None)
@given(weighted_rows())
def test_a_weight_is_the_same_as_that_many_repeated_rows(rows):
    y, p, w = rows
    weighted = score(y, p, 0.5, weights=w)
    assert score(np.repeat(y, w), np.repeat(p, w), 0.5) == pytest.approx(weighted, abs=1e-12)


@settings(deadline=None)
@given(weighted_rows(), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(rows, random):
    y, p, w = rows
    order = random.sample(range(len(y)), len(y))
    shuffled = score(y[order], p[order], 0.5, weights=w[order])
    assert shuffled == pytest.approx(score(y, p, 0.5, weights=w), abs=1e-12)


def test_calibration_error_is_the_weighted_gap_of_ten_bins():
    y = [0, 1, 0, 1, 1]
    p = [0.05, 0.05, 0.30, 0.95, 1.0]
    # bin 0: |1 - 0.10| = 0.90; bin 3: |0 - 0.30| = 0.30; bin 9: |2 - 1.95| = 0.05; over 5 rows
    figure = score(y, p, 0.5, metrics=["calibration_error"])["calibration_error"]
    assert figure == pytest.approx(1.25 / 5)


def test_a_bin_of_the_calibration_error_holds_its_lower_edge_only():
    # 0.3 opens the bin [0.3, 0.4): with 0.35 its gaps cancel; in the bin below they would not
    figure = score([1, 0], [0.3, 0.35], 0.5, metrics=["calibration_error"])
    assert figure["calibration_error"] == pytest.approx(abs(1 - 0.65) / 2)


def test_a_score_at_the_threshold_is_positive():
    assert confusion([1, 0, 1, 0], [0.5, 0.5, 0.4999, 0.4999], 0.5) == Confusion(1, 1, 1, 1)


def test_confusion_counts_equal_scikit_learn_with_weights():
    rng = np.random.default_rng(1)
    y, p, w = rng.integers(0, 2, 500), rng.random(500), rng.integers(0, 5, 500)
    tn, fp, fn, tp = sk.confusion_matrix(y, p >= 0.3, sample_weight=w).ravel()
    assert confusion(y, p, 0.3, w) == Confusion(tp=tp, fp=fp, fn=fn, tn=tn)


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_has_no_ranking_but_every_other_figure(label):
    figures = score([label] * 3, [0.2, 0.6, 0.8], 0.5)
    unknown = {metric for metric, figure in figures.items() if np.isnan(figure)}
    assert unknown == {"roc_auc", "pr_auc"}


def test_a_class_that_only_weights_of_zero_hold_is_absent():
    assert np.isnan(score([0, 1], [0.2, 0.8], 0.5, weights=[1, 0])["roc_auc"])


def test_a_model_that_never_answers_positive_has_precision_zero_for_it_and_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = score([1, 0, 0, 0], [0.1, 0.2, 0.3, 0.4], 0.5)
    assert figures["precision_weighted"] == pytest.approx(0.75 * 0.75)
    assert [figures[metric] for metric in ("precision", "recall", "f1")] == [0, 0, 0]


def test_a_class_that_no_row_has_is_found_in_none_and_warns_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = score([0, 0, 0], [0.1, 0.2, 0.6], 0.5)
    assert [figures[metric] for metric in ("precision", "recall", "f1")] == [0, 0, 0]


def test_a_certain_and_wrong_score_has_a_finite_log_loss():
    figure = score([1, 0], [0.0, 0.0], 0.5)["log_loss"]
    assert figure == pytest.approx(sk.log_loss([1, 0], [0.0, 0.0]), abs=1e-9)


@pytest.mark.parametrize(
    ("y", "p", "weights", "words"),
    [
        ([], [], None, "labels: found shape"),
        ([0, 2], [0.1, 0.2], None, "expected only 0 and 1"),
        ([0, np.nan], [0.1, 0.2], None, "expected only 0 and 1"),
        ([[0, 1]], [0.1, 0.2], None, "labels: found shape"),
        ([0, 1], [0.1], None, "scores: found shape"),
        ([0, 1], [0.1, np.nan], None, "1 of 2 are no probability"),
        ([0, 1], [0.1, np.inf], None, "1 of 2 are no probability"),
        ([0, 1], [-0.1, 1.1], None, "2 of 2 are no probability"),
        ([0, 1], [0.1, 0.2], [0, 0], "at least one of them above 0"),
        ([0, 1], [0.1, 0.2], [1, -1], "integers >= 0"),
        ([0, 1], [0.1, 0.2], [0.5, 0.5], "expected integers"),
        ([0, 1], [0.1, 0.2], [1], "expected integers"),
    ],
)
def test_invalid_input_says_what_was_found(y, p, weights, words):
    with pytest.raises(ValueError, match=words):
        score(y, p, 0.5, weights=weights)


def test_a_threshold_that_is_not_a_number_and_an_unknown_metric_are_refused():
    with pytest.raises(ValueError, match="threshold: found nan"):
        score([0, 1], [0.1, 0.2], float("nan"))
    with pytest.raises(ValueError, match="found \\['auc'\\]"):
        score([0, 1], [0.1, 0.2], 0.5, metrics=["auc"])


def test_lower_is_better_for_losses_only():
    assert [m for m in METRICS if direction(m) < 0] == ["log_loss", "calibration_error"]
