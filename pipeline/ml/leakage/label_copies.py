"""Features that are the label: by their name, or by their values."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.leakage.auc import MIN_CLASS_ROWS
from pipeline.ml.leakage.column_codes import as_numbers, features_of

LABEL_WORDS = frozenset({"label", "labels", "target", "targets", "outcome", "outcomes"})
LABEL_NAMES = frozenset({"y", "y_true", "ytrue", "ground_truth", "groundtruth"})
MAX_LABEL_CORRELATION = 0.999


def check_names(frame: pd.DataFrame, forbidden: Collection[str] = ()) -> Iterator[Finding]:
    """No feature may be on the list `forbidden`, or be named like a label (see `is_label_name`)."""
    names = features_of(frame)
    faults = {name: "a column that must not be a feature" for name in names if name in forbidden}
    faults |= {
        name: "a feature named like a label"
        for name in names
        if is_label_name(name) and name not in forbidden
    }
    for name, said in faults.items():
        mend = "take it out of the features; rename it in the query if it is no label"
        yield Finding(
            "column_name", name, Verdict.FAIL, said, "features only", len(frame), mend=mend
        )
    if not faults:
        said = f"no name among {len(names)} features looks like a label"
        yield Finding("column_name", None, Verdict.PASS, said, "features only")


def is_label_name(name: str) -> bool:
    """Whether a word of `name` is label, target or outcome, or all of it is y or ground truth."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).casefold()
    words = re.sub(r"[^a-z0-9]+", "_", words).strip("_")
    parts = {re.sub(r"\d+$", "", word) for word in words.split("_")}
    return bool(parts & LABEL_WORDS) or words in LABEL_NAMES


def check_label_copies(frame: pd.DataFrame) -> Iterator[Finding]:
    """No feature may be the label in other words: itself, its negation, |correlation| ≥ 0.999.

    A category with two values counts as 0 and 1.
    """
    labels = frame["label"].to_numpy(dtype=np.float64)
    copied = False
    for name in features_of(frame):
        said = _copy_of_label(as_numbers(frame[name]), labels)
        if said is None:
            continue
        copied = True
        mend = "take it out of the features: it will not be there when the model serves"
        yield Finding(
            "label_copy",
            name,
            Verdict.FAIL,
            said,
            "something else than the label",
            len(frame),
            mend=mend,
        )
    if not copied:
        yield Finding("label_copy", None, Verdict.PASS, "no feature is a copy", "none")


def _copy_of_label(values: np.ndarray | None, labels: np.ndarray) -> str | None:
    if values is None:
        return None
    known = np.isfinite(values)
    values, labels = values[known], labels[known]
    if len(values) < MIN_CLASS_ROWS or np.ptp(values) == 0 or np.ptp(labels) == 0:
        return None
    if np.array_equal(values, labels):
        return "equal to the label"
    if np.array_equal(values, 1 - labels):
        return "the negation of the label"
    correlation = float(np.corrcoef(values, labels)[0, 1])
    if abs(correlation) >= MAX_LABEL_CORRELATION:
        return f"correlation {correlation:.4f} with the label"
    return None
