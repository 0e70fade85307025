"""What the metrics would be if the scores are calibrated: an estimate for windows without labels.

Confidence-based performance estimation (Garg et al. 2022; Kivimaki et al. 2025): a score p of a
calibrated model is right about the positive class with probability p, so an answer of "positive"
is an expected p true positives and 1 - p false ones. It sees a shift of the inputs, and is blind
to concept drift, when p itself is wrong: that is why an estimate may warn and never fires.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.errors import DataIncident


@dataclass(frozen=True)
class Estimate:
    """Expected metrics of `n` rows, 0 to 1.

    A ratio whose denominator is 0 is 0. `roc_auc` is None where no pair of rows can
    be of both classes.
    """

    n: int
    accuracy: float
    precision: float
    recall: float
    f1: float
    f1_weighted: float
    roc_auc: float | None


def estimate_performance(scores: ArrayLike, threshold: float) -> Estimate:
    """Expected metrics of calibrated `scores` (n,) answered as positive at >= `threshold`.

    Raises DataIncident for no scores and for scores outside [0, 1] or not finite.
    """
    p = np.asarray(scores, dtype=np.float64)
    if p.ndim != 1 or p.size == 0 or not bool(np.all((p >= 0) & (p <= 1))):
        raise DataIncident(f"expected one or more scores from 0 to 1, found shape {p.shape}")
    is_positive = p >= threshold
    tp, fp = _sum(p[is_positive]), _sum(1 - p[is_positive])
    fn, tn = _sum(p[~is_positive]), _sum(1 - p[~is_positive])
    f1, f1_negative = _f1(tp, fp, fn), _f1(tn, fn, fp)
    return Estimate(
        n=p.size,
        accuracy=(tp + tn) / p.size,
        precision=_ratio(tp, tp + fp),
        recall=_ratio(tp, tp + fn),
        f1=f1,
        f1_weighted=((tp + fn) * f1 + (tn + fp) * f1_negative) / p.size,
        roc_auc=_auc(p),
    )


def _auc(p: NDArray[np.float64]) -> float | None:
    """The chance that a positive outranks a negative of another row; tied scores count half."""
    values, index, counts = np.unique(p, return_inverse=True, return_counts=True)
    positives = np.bincount(index, weights=p, minlength=len(values))
    negatives = counts - positives
    itself = _sum(p * (1 - p))  # no row is compared with itself
    pairs = _sum(p) * _sum(1 - p) - itself
    if pairs <= 0:
        return None
    below = np.cumsum(negatives) - negatives
    return (_sum(positives * (below + negatives / 2)) - itself / 2) / pairs


def _f1(hits: float, false: float, missed: float) -> float:
    return _ratio(2 * hits, 2 * hits + false + missed)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _sum(values: NDArray[np.float64]) -> float:
    return float(values.sum())
