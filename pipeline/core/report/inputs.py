"""What a report is made of: configuration as objects, artifacts as they were read from JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.config import ComparisonPolicy, MetricName, Params, UseCase

Json = Mapping[str, Any]

# Spaces inside a name are no-break: a table wraps elsewhere.
_SPACE = "\N{NO-BREAK SPACE}"
_LABELS = {
    "accuracy": "Accuracy",
    "precision_weighted": "Precision, weighted",
    "recall_weighted": "Recall, weighted",
    "f1_weighted": "F1, weighted",
    "precision": "Precision, positive",
    "recall": "Recall, positive",
    "f1": "F1, positive",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "log_loss": "Log loss",
    "calibration_error": "Calibration error",
    "selection_rate": "Selection rate",
    "tpr": "True positive rate",
    "fpr": "False positive rate",
}


@dataclass(frozen=True)
class Origin:
    """Where a run came from: the checked out commit (None outside git) and why it ran.

    `changed_files` are those that differed from the commit, apart from what a retrain writes.
    """

    trigger_type: str
    trigger_priority: str
    commit: str | None
    changed_files: tuple[str, ...] = ()


@dataclass(frozen=True)
class ReportInputs:
    """One field for each file that is read; None stands for what a first model does not have.

    `champion` is the champion pointer; `champion_params` is None also where the champion's package
    is not at hand.
    """

    usecase: UseCase
    params: Params
    policy: ComparisonPolicy
    origin: Origin
    collect: Json
    checks: Json
    split: Json
    train: Json
    trials: Sequence[Mapping[str, str]]
    challenger_params: Json
    details: Json
    latency: Json
    comparison: Json
    timings: Json
    champion: Json | None = None
    champion_params: Json | None = None
    package_digest: str | None = None

    @property
    def is_first(self) -> bool:
        """Whether there is no champion to compare with."""
        return self.comparison["champion"] is None


def label_of(metric: MetricName | str) -> str:
    """What a reader calls a metric or a rate."""
    return _LABELS.get(metric, metric).replace(" ", _SPACE)


def name_of(column: str, value: str) -> str:
    """A slice or a group: carrier = B6."""
    return f"{column}{_SPACE}={_SPACE}{value}"
