"""The champion's answers as the windows that the performance triggers judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from pipeline.adapters.scores import Answers
from pipeline.core.cbpe import estimate_performance
from pipeline.core.comparison.scoring import score
from pipeline.core.triggers.labelled import LabelledWindow
from pipeline.core.triggers.windows import Window

# Names of one thing in two places: a protocol's "f1" is the weighted one that models are judged by.
ALIASES = {"f1": "f1_weighted", "f1_score": "f1_weighted", "precision": "precision_weighted"}
ALIASES |= {"recall": "recall_weighted"}


def labelled_windows(
    answers: Answers, windows: Sequence[Window], threshold: float
) -> tuple[LabelledWindow, ...]:
    """Each window's rows, labels and metrics; a score at or above `threshold` answers positive."""
    return tuple(_summarise(answers, window, threshold) for window in windows)


def _summarise(answers: Answers, window: Window, threshold: float) -> LabelledWindow:
    part = answers.between(window.start, window.end)
    has_label = ~np.isnan(part.label)
    metrics, estimates = {}, {}
    if has_label.any():
        metrics = named(score(part.label[has_label].astype(int), part.score[has_label], threshold))
    if part.score.size:
        found = asdict(estimate_performance(part.score, threshold))
        keep = ("accuracy", "f1_weighted", "roc_auc")
        estimates = named({name: found[name] for name in keep if found[name] is not None})
    return LabelledWindow(window, len(part.score), int(has_label.sum()), metrics, estimates)


def named(metrics: dict[str, float]) -> dict[str, float]:
    """`metrics` with the other names that configs/triggers.yaml may call them by."""
    others = {alias: metrics[name] for alias, name in ALIASES.items() if name in metrics}
    return metrics | others
