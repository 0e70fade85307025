"""The area under the ROC curve, and when there are too few rows for it to say anything."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding

MIN_CLASS_ROWS = 30  # of each label, below which an AUC says nothing


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Area under the ROC curve as the Mann-Whitney U of positives, ties counting half."""
    positive = labels == 1
    n, m = int(positive.sum()), int((~positive).sum())
    ranks = pd.Series(scores).rank().to_numpy()  # as scipy.stats.rankdata, which loads for a second
    u = ranks[positive].sum() - n * (n + 1) / 2
    return float(u / (n * m))


def has_both_classes(labels: np.ndarray) -> bool:
    """Whether there are at least 30 rows of label 1 and 30 of another."""
    positives = int((labels == 1).sum())
    return min(positives, len(labels) - positives) >= MIN_CLASS_ROWS


def too_few(check: str, what: str) -> Finding:
    """The PASS of a `check` that says nothing, because `what` needs more rows of each label."""
    found = f"fewer than {MIN_CLASS_ROWS} rows of one of the labels: {what} would say nothing"
    return Finding(check, None, Verdict.PASS, found, "judged where there are enough rows")
