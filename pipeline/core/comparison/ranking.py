"""ROC-AUC and average precision under row weights, from one sort.

Rows are sorted once by falling score, positives and negatives apart. For each distinct score of a
positive (a tie group) three positions say how many positives and negatives stand before and up to
it, so a draw needs two running sums and no sort. The running sums know the confusion matrix too.

ROC-AUC = sum over tie groups of positives x (negatives below + half of those tied) / (P x N).
Average precision = sum over tie groups of (gain in recall) x precision, as scikit-learn has it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.config import MetricName
from pipeline.core.comparison.sums import BoolArray, Counts, FloatArray, IntArray, ratio


@dataclass(frozen=True, eq=False)
class Ranking:
    """One model's rows by falling score; the three of the tie groups have one entry a group."""

    positives: IntArray  # the unit of each positive row
    negatives: IntArray
    positives_up_to: IntArray
    negatives_before: IntArray
    negatives_up_to: IntArray
    answered_positives: int  # how many positives and negatives score at or above the threshold
    answered_negatives: int


@dataclass(frozen=True, eq=False)
class RunningSums:
    """Counts of positives and negatives down the ranking, (draws, rows + 1), from 0."""

    positives: Counts
    negatives: Counts


def rank(y: BoolArray, probability: FloatArray, threshold: float, unit_of_row: IntArray) -> Ranking:
    """Sort once. Shapes (n,); scores are compared exactly, so only equal floats are ties."""
    falling = -probability
    of_positives, of_negatives = falling[y], falling[~y]
    order_positives = np.argsort(of_positives, kind="stable")
    order_negatives = np.argsort(of_negatives, kind="stable")
    sorted_positives, sorted_negatives = (
        of_positives[order_positives],
        of_negatives[order_negatives],
    )
    groups = np.unique(sorted_positives)
    return Ranking(
        positives=unit_of_row[y][order_positives],
        negatives=unit_of_row[~y][order_negatives],
        positives_up_to=np.searchsorted(sorted_positives, groups, side="right"),
        negatives_before=np.searchsorted(sorted_negatives, groups, side="left"),
        negatives_up_to=np.searchsorted(sorted_negatives, groups, side="right"),
        answered_positives=int(np.count_nonzero(probability[y] >= threshold)),
        answered_negatives=int(np.count_nonzero(probability[~y] >= threshold)),
    )


def run_down(ranking: Ranking, counts: Counts) -> RunningSums:
    """The running sums of `counts` (draws, units)."""
    return RunningSums(_running(counts, ranking.positives), _running(counts, ranking.negatives))


def confusion_sums(ranking: Ranking, sums: RunningSums) -> FloatArray:
    """True positives, false positives, positives, negatives of each draw: (draws, 4)."""
    columns = [
        sums.positives[:, ranking.answered_positives],
        sums.negatives[:, ranking.answered_negatives],
        sums.positives[:, -1],
        sums.negatives[:, -1],
    ]
    return np.column_stack(columns).astype(np.float64)


def ranking_metrics(ranking: Ranking, sums: RunningSums) -> dict[MetricName, FloatArray]:
    """roc_auc and pr_auc of each draw (draws,); NaN for a draw with only one class."""
    tp = sums.positives.take(ranking.positives_up_to, axis=1)
    fp = sums.negatives.take(ranking.negatives_up_to, axis=1)
    found = np.diff(tp, axis=1, prepend=0).astype(np.float64)
    twice_above = fp + sums.negatives.take(ranking.negatives_before, axis=1)
    above = np.einsum("dg,dg->d", found, twice_above.astype(np.float64)) / 2
    precision = tp / np.maximum(tp + fp, 1)
    positives = sums.positives[:, -1].astype(np.float64)
    pairs = positives * sums.negatives[:, -1]
    two_classes = np.where(pairs > 0, positives, 0.0)
    return {
        "roc_auc": ratio(pairs - above, pairs, np.nan),
        "pr_auc": ratio(np.einsum("dg,dg->d", found, precision), two_classes, np.nan),
    }


def _running(counts: Counts, order: IntArray) -> Counts:
    """Running sums of each draw's counts in `order`, with a 0 before the first."""
    running = np.zeros((len(counts), len(order) + 1), dtype=counts.dtype)
    np.cumsum(counts.take(order, axis=1), axis=1, dtype=counts.dtype, out=running[:, 1:])
    return running
