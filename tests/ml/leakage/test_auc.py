"""The area under the ROC curve against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from pipeline.ml.leakage.auc import auc


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=4, max_size=60).filter(
        lambda pairs: len({label for _, label in pairs}) == 2
    )
)
def test_the_auc_is_scikit_learns(pairs: list) -> None:
    scores = np.array([score for score, _ in pairs], dtype=float)
    labels = np.array([label for _, label in pairs], dtype=float)
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
