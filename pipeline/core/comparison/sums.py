"""The metrics that are functions of weighted sums: accuracy to calibration error.

Each row adds a few numbers (is it a true positive, what is its log loss, ...). Summed once per
resampling unit (a row, or a whole block of rows) they make a table, and every bootstrap draw is one
matrix product: how often each unit was drawn, times the table.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from pipeline.config import MetricName

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Counts = npt.NDArray[np.signedinteger]

CALIBRATION_BINS = 10
_TP, _FP, _POSITIVES, _NEGATIVES = range(4)
_CONFUSION_COLUMNS = 4


def sum_table(
    y: BoolArray,
    probability: FloatArray,
    threshold: float,
    metrics: Collection[MetricName],
    *,
    unit_of_row: IntArray,
    units: int,
    with_confusion: bool = True,
) -> FloatArray:
    """What each unit adds to the sums that `metrics` need: shape (units, columns).

    The first four columns are true positives, false positives, positives and negatives (left out
    where a ranking gives them); then one of log losses and ten of calibration residuals (label
    minus probability, by bin), if asked for.
    Memory is 8 bytes a cell: 120 MB for a million rows with every column.
    """
    positive = probability >= threshold
    rows = [y & positive, ~y & positive, y, ~y] if with_confusion else []
    columns = [_per_unit(unit_of_row[row], units) for row in rows]
    if "log_loss" in metrics:
        columns.append(_per_unit(unit_of_row, units, row_log_loss(y, probability)))
    if "calibration_error" in metrics:
        bins = calibration_bin(probability)
        for index in range(CALIBRATION_BINS):
            inside = bins == index
            residual = y[inside] - probability[inside]
            columns.append(_per_unit(unit_of_row[inside], units, residual))
    return np.column_stack(columns) if columns else np.empty((units, 0))


def _per_unit(unit: IntArray, units: int, values: FloatArray | None = None) -> FloatArray:
    """The sum of `values` (or the number of rows) of each unit."""
    return np.bincount(unit, weights=values, minlength=units).astype(np.float64)


def row_log_loss(y: BoolArray, probability: FloatArray) -> FloatArray:
    """-ln of the probability given to what happened, clipped to one float eps from 0 and 1."""
    eps = float(np.finfo(np.float64).eps)
    given = np.where(y, probability, 1 - probability)
    return np.asarray(-np.log(np.clip(given, eps, 1 - eps)), dtype=np.float64)


def calibration_bin(probability: FloatArray) -> IntArray:
    """The bin 0 to 9 of each probability: [0, 0.1), [0.1, 0.2), ..., [0.9, 1]."""
    bins = np.floor(probability * CALIBRATION_BINS).astype(np.int64)
    return np.minimum(bins, CALIBRATION_BINS - 1)


def metrics_of_sums(
    sums: FloatArray, metrics: Collection[MetricName]
) -> dict[MetricName, FloatArray]:
    """Those of `metrics` that sums decide, for sums of shape (draws, columns of sum_table)."""
    tp, fp, positives, negatives = sums.T[:_CONFUSION_COLUMNS]
    rows = positives + negatives
    figures = confusion_metrics(tp, fp, positives, negatives)
    column = _CONFUSION_COLUMNS
    if "log_loss" in metrics:
        figures["log_loss"] = sums[:, column] / rows
        column += 1
    if "calibration_error" in metrics:
        residuals = sums[:, column : column + CALIBRATION_BINS]
        figures["calibration_error"] = np.abs(residuals).sum(axis=1) / rows
    return {metric: values for metric, values in figures.items() if metric in metrics}


def confusion_metrics(
    tp: FloatArray, fp: FloatArray, positives: FloatArray, negatives: FloatArray
) -> dict[MetricName, FloatArray]:
    """The seven thresholded metrics; a ratio of a class that nobody named or has is 0."""
    fn, tn = positives - tp, negatives - fp
    rows = positives + negatives

    def weighted(of_positive: FloatArray, of_negative: FloatArray) -> FloatArray:
        return (positives * of_positive + negatives * of_negative) / rows

    precision, recall = ratio(tp, tp + fp), ratio(tp, positives)
    f1 = ratio(2 * tp, 2 * tp + fp + fn)
    return {
        "accuracy": (tp + tn) / rows,
        "precision_weighted": weighted(precision, ratio(tn, tn + fn)),
        "recall_weighted": weighted(recall, ratio(tn, negatives)),
        "f1_weighted": weighted(f1, ratio(2 * tn, 2 * tn + fp + fn)),
        "precision": precision,
        "recall": recall,
        "f1": f1,
    }


def ratio(part: FloatArray, whole: FloatArray, empty: float = 0.0) -> FloatArray:
    """Divide, giving `empty` where the whole is 0."""
    out: FloatArray = np.full(np.shape(whole), empty)
    np.divide(part, whole, out=out, where=whole > 0)
    return out
