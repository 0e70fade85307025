"""Curves of a scored holdout: what the plots of `dvc plots diff` and the report are drawn from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_curve, roc_curve

CALIBRATION_BINS = 10
SCORE_BINS = 20


def roc_points(y: np.ndarray, probability: np.ndarray, points: int) -> pd.DataFrame:
    """Columns false_positive_rate and true_positive_rate, at most `points` + 1 rows."""
    fpr, tpr, _ = roc_curve(y, probability)
    return _thin(pd.DataFrame({"false_positive_rate": fpr, "true_positive_rate": tpr}), points)


def precision_recall_points(y: np.ndarray, probability: np.ndarray, points: int) -> pd.DataFrame:
    """Columns recall and precision, in rising order of recall, at most `points` + 1 rows."""
    precision, recall, _ = precision_recall_curve(y, probability)
    return _thin(pd.DataFrame({"recall": recall[::-1], "precision": precision[::-1]}), points)


def calibration_points(y: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Ten equal-width bins of the score: its mean, the observed rate, and how many rows."""
    bins = np.minimum((probability * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    frame = pd.DataFrame({"bin": bins, "score": probability, "label": y})
    table = frame.groupby("bin").agg(
        predicted=("score", "mean"), observed=("label", "mean"), rows=("label", "size")
    )
    return table.reset_index(drop=True)


def score_histogram(y: np.ndarray, probability: np.ndarray) -> pd.DataFrame:
    """Rows of each label in twenty equal-width bins of the score."""
    edges = np.linspace(0, 1, SCORE_BINS + 1)
    return pd.DataFrame(
        {
            "score": edges[:-1],
            "negatives": np.histogram(probability[y == 0], edges)[0],
            "positives": np.histogram(probability[y == 1], edges)[0],
        }
    )


def confusion_rows(y: np.ndarray, predicted: np.ndarray, names: tuple[str, str]) -> pd.DataFrame:
    """One row for each scored row, as DVC's confusion template wants it."""
    labels = np.array(names)
    return pd.DataFrame({"actual": labels[y], "predicted": labels[predicted]})


def _thin(frame: pd.DataFrame, points: int) -> pd.DataFrame:
    """Keep evenly spaced rows, always with the first and the last."""
    if len(frame) <= points:
        return frame
    keep = np.unique(np.linspace(0, len(frame) - 1, points).round().astype(int))
    return frame.iloc[keep].reset_index(drop=True)
