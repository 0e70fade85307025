"""A feature that alone ranks the labels is found, however it hides it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from pipeline.domain import Verdict
from pipeline.ml.leakage.single_features import check_single_features, feature_auc
from tests.ml.leakage.leakage_rows import TRAIN, failed, score_of


@pytest.mark.parametrize("sign", [1, -1])
def test_a_feature_that_ranks_labels_alone_is_a_fault_in_either_direction(sign: int) -> None:
    noise = np.random.default_rng(5).normal(size=len(TRAIN))
    leak = TRAIN.assign(arr_delay=sign * (TRAIN["label"] * 5 + noise))
    assert failed(check_single_features(leak, limit=0.95, seed=1)) == [
        ("single_feature", "arr_delay")
    ]


def test_the_strongest_honest_feature_is_named_with_its_figure() -> None:
    (finding,) = check_single_features(TRAIN, limit=0.95, seed=1)
    assert (finding.severity, finding.column) == (Verdict.PASS, "strong")
    expected = roc_auc_score(TRAIN["label"], TRAIN["strong"])
    assert score_of(finding) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_scores_as_scikit_learn_says_whatever_its_direction(sign: int) -> None:
    label = TRAIN["label"].to_numpy()
    found = feature_auc(sign * TRAIN["strong"], label, seed=1)
    assert found == pytest.approx(roc_auc_score(label, TRAIN["strong"]))


def test_a_category_that_gives_the_label_away_is_a_fault() -> None:
    label = TRAIN["label"].to_numpy()
    reason = np.where(label == 1, "late-", "fine-") + TRAIN["carrier"].astype(str)
    assert feature_auc(reason, label, seed=1) > 0.99


def test_an_identifier_that_never_repeats_says_nothing() -> None:
    assert feature_auc(TRAIN["id"], TRAIN["label"].to_numpy(), seed=1) == pytest.approx(
        0.5, abs=0.04
    )


def test_a_gap_that_gives_the_label_away_is_found() -> None:
    values = TRAIN["noise"].where(TRAIN["label"] == 0)
    assert feature_auc(values, TRAIN["label"].to_numpy(), seed=1) > 0.99


def test_a_hump_that_no_direction_ranks_is_found() -> None:
    label = TRAIN["label"].to_numpy()
    sign = np.where(np.arange(len(label)) % 2, 1.0, -1.0)
    distance = pd.Series(sign * (2 - label) + np.random.default_rng(0).normal(0, 0.05, len(label)))
    assert feature_auc(distance, label, seed=1) > 0.99


def test_too_few_rows_of_a_label_are_said_and_not_failed() -> None:
    (finding,) = check_single_features(TRAIN.assign(label=0), limit=0.95, seed=1)
    assert finding.severity is Verdict.PASS
    assert "fewer than" in finding.found


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_noise_alone_never_looks_strong(seed: int) -> None:
    rng = np.random.default_rng(seed)
    label = (rng.random(2000) < 0.3).astype(float)
    for values in (rng.normal(size=2000), rng.choice(list("abcdefgh"), 2000)):
        assert feature_auc(pd.Series(values), label, seed=seed) < 0.6
