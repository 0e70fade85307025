"""DeLong's test for two ROC-AUCs on the same rows, by the fast algorithm of Sun and Xu (2014).

The variance of an AUC comes from each row's placement: for a positive, the share of negatives
scored below it; for a negative, the share of positives above it (a tie is half). Midranks give all
placements in O(n log n). DeLong, DeLong and Clarke-Pearson (1988) is the source of the test.

Rows are taken as independent. Where they share days, the block bootstrap is the first reader and
this one is too sure of itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from pipeline.core.comparison.scoring import as_labels, as_probabilities
from pipeline.core.comparison.sums import BoolArray, FloatArray
from pipeline.domain import Interval


@dataclass(frozen=True)
class DeLong:
    """ROC-AUCs, their difference (challenger minus champion), and the two-sided p-value."""

    champion: float
    challenger: float
    difference: float
    standard_error: float
    interval: Interval
    p_value: float


def delong(
    y: npt.ArrayLike,
    champion: npt.ArrayLike,
    challenger: npt.ArrayLike,
    *,
    confidence: float,
) -> DeLong:
    """Compare two models' scores (n,) on the same rows y (n,).

    Everything but the AUCs is NaN with fewer than two positives or negatives, and the AUCs too
    with none. Without any variance (the same ranking twice) p is 1, or 0 if the AUCs differ.
    Raises ValueError for invalid input.
    """
    labels = as_labels(y)
    scores = [as_probabilities(model, len(labels)) for model in (champion, challenger)]
    of_positives, of_negatives = placements(labels, np.vstack(scores))
    aucs = of_positives.mean(axis=1) if of_positives.size else np.full(2, math.nan)
    difference = float(aucs[1] - aucs[0])
    error = math.sqrt(_variance_of_difference(of_positives) + _variance_of_difference(of_negatives))
    half = -float(special.ndtri((1 - confidence) / 2)) * error
    interval = Interval(difference - half, difference + half, confidence)
    p_value = _two_sided_p(difference, error)
    return DeLong(float(aucs[0]), float(aucs[1]), difference, error, interval, p_value)


def placements(y: BoolArray, scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Placements of the positives (models, P) and of the negatives (models, N)."""
    positives, negatives = int(y.sum()), int((~y).sum())
    if not positives or not negatives:
        return np.empty((len(scores), 0)), np.empty((len(scores), 0))
    everyone = np.array([midranks(model) for model in scores])
    among_positives = np.array([midranks(model) for model in scores[:, y]])
    among_negatives = np.array([midranks(model) for model in scores[:, ~y]])
    of_positives = (everyone[:, y] - among_positives) / negatives
    of_negatives = 1 - (everyone[:, ~y] - among_negatives) / positives
    return of_positives, of_negatives


def midranks(values: FloatArray) -> FloatArray:
    """Ranks from 1; equal values share the mean of their ranks."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle: FloatArray = np.cumsum(counts) - (counts - 1) / 2
    return middle[inverse]


def _variance_of_difference(of_rows: FloatArray) -> float:
    """The variance of the mean of challenger's minus champion's placements; NaN below two rows."""
    rows = of_rows.shape[1]
    return float(np.var(of_rows[1] - of_rows[0], ddof=1)) / rows if rows > 1 else math.nan


def _two_sided_p(difference: float, error: float) -> float:
    if error > 0 or math.isnan(error):
        return float(2 * special.ndtr(-abs(difference) / error))
    return 1.0 if difference == 0 else 0.0
