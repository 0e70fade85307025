"""The eleven metrics of binary classification, under integer row weights.

They equal scikit-learn's to 1e-9, ties included: accuracy_score; precision_score, recall_score and
f1_score with zero_division=0, once with average="weighted" and once of the positive class, label 1;
roc_auc_score; average_precision_score; log_loss. calibration_error is the expected one
on ten equal-width bins [0, 0.1) ... [0.9, 1]: the sum over bins of |labels minus probabilities|
divided by the rows (Naeini, Cooper and Hauskrecht, 2015).

Defined behaviour at the edges:
  - a score is positive when it is >= the threshold;
  - with one class only, roc_auc and pr_auc are NaN (scikit-learn gives 0 or 1 for pr_auc: a figure
    that means nothing must not pass a limit); the other nine are defined as ever;
  - no rows, all weights 0, labels other than 0 and 1, and scores that are NaN, infinite or outside
    [0, 1] raise ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import get_args

import numpy as np
import numpy.typing as npt

from pipeline.config import MetricName
from pipeline.core.comparison.ranking import (
    Ranking,
    confusion_sums,
    rank,
    ranking_metrics,
    run_down,
)
from pipeline.core.comparison.sums import (
    BoolArray,
    Counts,
    FloatArray,
    IntArray,
    metrics_of_sums,
    sum_table,
)

METRICS: tuple[MetricName, ...] = get_args(MetricName)
LOWER_IS_BETTER: frozenset[MetricName] = frozenset({"log_loss", "calibration_error"})
POSITIVE_CLASS: frozenset[MetricName] = frozenset({"precision", "recall", "f1"})
TIE = 1e-12  # figures closer than this are equal: 0.71 - 0.70 is not more than 0.01
RANKING_METRICS: frozenset[MetricName] = frozenset({"roc_auc", "pr_auc"})


@dataclass(frozen=True)
class Confusion:
    """Counts of (weighted) rows: true and false positives, false and true negatives."""

    tp: int
    fp: int
    fn: int
    tn: int


@dataclass(frozen=True)
class Scorer:
    """Models prepared once, to be scored under any weights of the resampling units."""

    metrics: tuple[MetricName, ...]
    models: int
    table: FloatArray  # (units, models x columns): the sum tables side by side
    rankings: tuple[Ranking, ...]  # empty where no metric ranks


def is_higher_better(metric: MetricName) -> bool:
    """Whether a larger figure is the better one; not for log_loss and calibration_error."""
    return metric not in LOWER_IS_BETTER


def direction(metric: MetricName) -> int:
    """1 or -1: a raw difference (challenger minus champion) times this is an improvement."""
    return 1 if is_higher_better(metric) else -1


def score(
    y: npt.ArrayLike,
    probability: npt.ArrayLike,
    threshold: float,
    *,
    weights: npt.ArrayLike | None = None,
    metrics: Sequence[MetricName] = METRICS,
) -> dict[MetricName, float]:
    """The figures of one model: y and probability (n,), weights (n,) integers >= 0 or None.

    Raises ValueError for invalid input, naming what was found.
    """
    labels = as_labels(y)
    scores = as_probabilities(probability, len(labels))
    n = len(labels)
    scorer = scorer_of(labels, [scores], threshold, metrics, unit_of_row=np.arange(n), units=n)
    counts = as_weights(weights, len(labels))
    figures = score_counts(scorer, counts[np.newaxis, :])[0, :, 0]
    return {metric: float(figure) for metric, figure in zip(metrics, figures, strict=True)}


def confusion(
    y: npt.ArrayLike,
    probability: npt.ArrayLike,
    threshold: float,
    weights: npt.ArrayLike | None = None,
) -> Confusion:
    """The confusion matrix of one model; arguments and errors as for `score`."""
    labels = as_labels(y)
    positive = as_probabilities(probability, len(labels)) >= _finite(threshold)
    counts = as_weights(weights, len(labels))
    cells = (labels & positive, ~labels & positive, labels & ~positive, ~labels & ~positive)
    tp, fp, fn, tn = (int(counts[cell].sum()) for cell in cells)
    return Confusion(tp, fp, fn, tn)


def scorer_of(
    y: BoolArray,
    probabilities: Sequence[FloatArray],
    threshold: float,
    metrics: Sequence[MetricName],
    *,
    unit_of_row: IntArray,
    units: int,
) -> Scorer:
    """Prepare models for `score_counts`. Takes checked arrays (as_labels, as_probabilities)."""
    unknown = sorted(set(metrics) - set(METRICS))
    if unknown or not metrics:
        raise ValueError(f"metrics: found {unknown or 'none'}, expected some of {list(METRICS)}")
    cut = _finite(threshold)
    ranks = bool(RANKING_METRICS & set(metrics))
    rankings = (rank(y, p, cut, unit_of_row) for p in probabilities if ranks)
    sums_of = partial(
        sum_table, metrics=metrics, unit_of_row=unit_of_row, units=units, with_confusion=not ranks
    )
    tables = [sums_of(y, p, cut) for p in probabilities]
    return Scorer(tuple(metrics), len(probabilities), np.hstack(tables), tuple(rankings))


def score_counts(scorer: Scorer, counts: Counts) -> FloatArray:
    """The figures for `counts` (draws, units) of integers: shape (models, metrics, draws)."""
    models = []
    rankings = scorer.rankings or (None,) * scorer.models
    for ranking, sums in zip(rankings, _table_sums(scorer, counts), strict=True):
        if ranking is None:
            figures = metrics_of_sums(sums, scorer.metrics)
        else:
            running = run_down(ranking, counts)
            figures = ranking_metrics(ranking, running)
            every_sum = np.hstack([confusion_sums(ranking, running), sums])
            figures |= metrics_of_sums(every_sum, scorer.metrics)
        models.append([figures[metric] for metric in scorer.metrics])
    return np.array(models)


def _table_sums(scorer: Scorer, counts: Counts) -> list[FloatArray]:
    """Each model's sums (draws, columns); without columns no product is made."""
    if scorer.table.shape[1] == 0:
        return [np.empty((len(counts), 0))] * scorer.models
    return np.split(counts.astype(np.float64) @ scorer.table, scorer.models, axis=1)


def as_labels(y: npt.ArrayLike) -> BoolArray:
    """`y` as booleans (n,). Raises ValueError unless it is 1-d, not empty, of 0 and 1 only."""
    labels = np.asarray(y)
    if labels.ndim != 1 or len(labels) == 0:
        raise ValueError(f"labels: found shape {labels.shape}, expected (n,) with n >= 1")
    is_one = labels == 1
    if not np.all(is_one | (labels == 0)):
        found = labels[~(is_one | (labels == 0))][0]
        raise ValueError(f"labels: found {found!r}, expected only 0 and 1")
    return np.asarray(is_one, dtype=np.bool_)


def as_probabilities(probability: npt.ArrayLike, n: int) -> FloatArray:
    """Scores as floats (n,). Raises ValueError for a wrong shape and for any outside [0, 1]."""
    scores = np.asarray(probability, dtype=np.float64)
    if scores.shape != (n,):
        raise ValueError(f"scores: found shape {scores.shape}, expected ({n},) as the labels have")
    bad = ~((scores >= 0) & (scores <= 1))  # NaN fails both comparisons
    if bad.any():
        raise ValueError(
            f"scores: {int(bad.sum())} of {n} are no probability (first: {scores[bad][0]}), "
            "expected finite numbers from 0 to 1"
        )
    return scores


def as_weights(weights: npt.ArrayLike | None, n: int) -> IntArray:
    """Row weights as integers (n,), all 1 for None. Raises ValueError if negative or all 0."""
    if weights is None:
        return np.ones(n, dtype=np.int64)
    found = np.asarray(weights)
    if found.shape != (n,) or found.dtype.kind not in "iub":
        raise ValueError(f"weights: found {found.dtype} {found.shape}, expected integers ({n},)")
    counts = found.astype(np.int64)
    if counts.min() < 0 or counts.sum() == 0:
        raise ValueError("weights: expected integers >= 0, at least one of them above 0")
    return counts


def _finite(threshold: float) -> float:
    if not np.isfinite(threshold):
        raise ValueError(f"threshold: found {threshold}, expected a finite number")
    return float(threshold)
