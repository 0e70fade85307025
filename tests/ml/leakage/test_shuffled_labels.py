"""A model that recognises rows, or that gets labels another way than y, is found."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.leakage.shuffled_labels import check_shuffled_labels
from tests.ml.leakage.leakage_rows import HOLDOUT, TRAIN, copies, failed, rows, score_of


def shuffled(train: pd.DataFrame, holdout: pd.DataFrame, **options: object) -> list[Finding]:
    return list(
        check_shuffled_labels(
            train, holdout, **{"band": 0.05, "sample_rows": 1600, "seed": 11, **options}
        )
    )


def test_rows_in_both_parts_are_recognised_by_a_model() -> None:
    shared = pd.concat([HOLDOUT, copies(TRAIN, 500, fresh_ids=False)])
    by_shuffled, by_real = shuffled(TRAIN, shared)
    assert by_shuffled.severity is Verdict.FAIL
    assert score_of(by_shuffled) > 0.6
    assert by_real.severity is Verdict.PASS


def test_a_pair_is_found_in_samples_much_smaller_than_the_parts() -> None:
    shared = pd.concat([HOLDOUT, copies(TRAIN, 500, fresh_ids=False)])
    assert failed(shuffled(TRAIN, shared, sample_rows=800))


class Clairvoyant(ClassifierMixin, BaseEstimator):
    """A model that has the true answers from somewhere else than y."""

    def __init__(self, answers: dict | None = None) -> None:
        self.answers = answers

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> "Clairvoyant":
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: pd.DataFrame) -> np.ndarray:
        late = X["strong"].map(self.answers).to_numpy(dtype=float)
        return np.column_stack([1 - late, late])


def test_a_model_that_gets_labels_another_way_is_found_by_the_real_labels() -> None:
    both = pd.concat([TRAIN, HOLDOUT])
    model = Clairvoyant(dict(zip(both["strong"], both["label"], strict=True)))
    by_shuffled, by_real = shuffled(TRAIN, HOLDOUT, estimator=model)
    assert by_shuffled.severity is Verdict.PASS
    assert (by_real.severity, score_of(by_real)) == (Verdict.FAIL, 1.0)


def test_strong_honest_features_do_not_fail_the_real_labels() -> None:
    strong = [p.assign(strong=p["label"] + 0.1 * p["noise"]) for p in (TRAIN, HOLDOUT)]
    numeric = [part.drop(columns="carrier") for part in strong]
    assert not failed(shuffled(*strong))
    assert not failed(shuffled(*numeric, estimator=LogisticRegression()))


def test_small_holdouts_widen_the_band_instead_of_crying_wolf() -> None:
    small = [
        shuffled(rows(150, seed=s), rows(120, seed=s + 99, first=150), seed=s) for s in range(4)
    ]
    assert not any(failed(findings) for findings in small)
    assert "0.5 ± 0.1" in small[0][0].expected


def test_one_class_is_said_and_not_failed() -> None:
    (finding,) = shuffled(TRAIN.assign(label=0), HOLDOUT)
    assert finding.severity is Verdict.PASS
    assert "fewer than" in finding.found


def test_values_without_end_are_read_like_others() -> None:
    endless = [
        part.assign(noise=part["noise"].where(part["noise"] < 1, np.inf))
        for part in (TRAIN, HOLDOUT)
    ]
    assert not failed(shuffled(*endless))
