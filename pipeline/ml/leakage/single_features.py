"""How well one feature alone ranks the labels: too well is most likely a leak."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.leakage.auc import auc, has_both_classes, too_few
from pipeline.ml.leakage.column_codes import as_numbers, category_codes, features_of

FOLDS = 5
BINS = 50
PRIOR_ROWS = 10.0  # a category's rate counts as this many rows of the overall rate beside its own
TOO_GOOD = "look at when this value is known: most likely after the label, or because of it"


def check_single_features(frame: pd.DataFrame, *, limit: float, seed: int) -> Iterator[Finding]:
    """No feature alone may have an AUC above `limit`. Reports the strongest even if none has."""
    labels = frame["label"].to_numpy(dtype=np.float64)
    if not has_both_classes(labels):
        yield too_few("single_feature", "an AUC of one feature")
        return
    scores = {name: feature_auc(frame[name], labels, seed=seed) for name in features_of(frame)}
    strong = {name: score for name, score in scores.items() if score > limit}
    expected = f"at most {limit:g} for any feature alone"
    for name, score in sorted(strong.items(), key=lambda pair: (-pair[1], pair[0])):
        said = f"AUC {score:.3f} alone"
        yield Finding(
            "single_feature", name, Verdict.FAIL, said, expected, len(frame), mend=TOO_GOOD
        )
    if scores and not strong:
        best = max(scores, key=lambda name: (scores[name], name))
        said = f"AUC {scores[best]:.3f} for the strongest feature"
        yield Finding("single_feature", best, Verdict.PASS, said, expected)


def feature_auc(values: pd.Series, labels: np.ndarray, *, seed: int) -> float:
    """How well `values` alone rank `labels` (0/1, shape (n,)): 0.5 for nothing, up to 1.

    The better of two figures: known numbers as they are, in either direction; and the out-of-fold
    label rate of the value's category (of numbers, one of 50 quantile bins), where a gap is a
    category too, so that neither a hump nor a telling gap hides.
    """
    numbers = as_numbers(values, two_categories=False)
    codes = category_codes(values) if numbers is None else _bins(numbers)
    scores = [auc(out_of_fold_rate(codes, labels, seed), labels)]
    if numbers is not None:
        known = np.isfinite(numbers)
        if has_both_classes(labels[known]):
            direct = auc(numbers[known], labels[known])
            scores.append(max(direct, 1 - direct))
    return max(scores)


def out_of_fold_rate(codes: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """For each row the label rate of its code in the other folds; folds keep the overall rate."""
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(labels)), labels))
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order] = np.arange(len(labels)) % FOLDS
    rate = np.empty(len(labels))
    for one in range(FOLDS):
        inside = fold == one
        counts = np.bincount(codes[~inside], minlength=codes.max() + 1)
        positives = np.bincount(codes[~inside], labels[~inside], minlength=codes.max() + 1)
        prior = labels[~inside].mean()
        rate[inside] = ((positives + PRIOR_ROWS * prior) / (counts + PRIOR_ROWS))[codes[inside]]
    return rate


def _bins(numbers: np.ndarray) -> np.ndarray:
    """Quantile bins 0 to at most 49, and one more for gaps."""
    known = numbers[np.isfinite(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if len(known) else []
    return np.where(np.isfinite(numbers), np.searchsorted(edges, numbers, side="right"), BINS)
