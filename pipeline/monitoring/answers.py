"""The champion's answers as the windows that the performance triggers judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from pipeline.adapters.scores import Answers
from pipeline.core.cbpe import estimate_performance
from pipeline.core.comparison.scoring import POSITIVE_CLASS, score
from pipeline.core.triggers.labelled import LabelledWindow
from pipeline.core.triggers.windows import Window
from pipeline.trigger_config import METRIC_ALIASES

ESTIMATED = ("accuracy", "precision", "recall", "f1", "f1_weighted", "roc_auc")


def labelled_windows(
    answers: Answers, windows: Sequence[Window], threshold: float
) -> tuple[LabelledWindow, ...]:
    """Each window's rows, labels and metrics; a score at or above `threshold` answers positive."""
    return tuple(_summarise(answers, window, threshold) for window in windows)


def _summarise(answers: Answers, window: Window, threshold: float) -> LabelledWindow:
    part = answers.between(window.start, window.end)
    has_label = ~np.isnan(part.label)
    labels = part.label[has_label]
    metrics, estimates = {}, {}
    if labels.size:
        metrics = named(measured(labels, part.score[has_label], threshold))
    if part.score.size:
        found = asdict(estimate_performance(part.score, threshold))
        estimates = named({name: found[name] for name in ESTIMATED if found[name] is not None})
    positives = int(np.count_nonzero(labels))
    return LabelledWindow(window, len(part.score), len(labels), metrics, estimates, positives)


def measured(label: np.ndarray, probability: np.ndarray, threshold: float) -> dict[str, float]:
    """Every metric of the rows (n,) with a label; see scoring.

    Of rows without a positive nothing was there to be found: their 0 of precision, recall and F1
    is no fault of the champion's, so the positive class is left out.
    """
    figures = score(label.astype(int), probability, threshold)
    has_positive = bool(label.any())
    return {m: figure for m, figure in figures.items() if has_positive or m not in POSITIVE_CLASS}


def named(metrics: Mapping[str, float]) -> dict[str, float]:
    """`metrics` with the other names that configs/triggers.yaml may call them by."""
    others = {alias: metrics[name] for alias, name in METRIC_ALIASES.items() if name in metrics}
    return others | metrics
