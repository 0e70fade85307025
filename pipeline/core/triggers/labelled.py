"""Windows with labels: which may be judged, and why the others may not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pipeline.core.triggers.windows import Window


@dataclass(frozen=True)
class LabelledWindow:
    """One window of the champion's answers, summarised.

    `rows` answered, `labelled` of them with a label by now; `metrics` on the labelled rows,
    `estimates` of the same metrics from the scores of all rows (see cbpe.py). `positives` are the
    labelled rows with label 1; None where nobody counted them.
    """

    window: Window
    rows: int
    labelled: int
    metrics: Mapping[str, float] = field(default_factory=dict)
    estimates: Mapping[str, float] = field(default_factory=dict)
    positives: int | None = None


@dataclass(frozen=True)
class LabelRules:
    """When labels suffice: all had `maturity` to come, and `min_coverage` of the rows have one."""

    at: datetime
    maturity: timedelta
    min_coverage: float


def why_unjudged(
    found: LabelledWindow, metrics: tuple[str, ...], min_rows: int, rules: LabelRules
) -> str | None:
    """Why the window says nothing about `metrics`, as a clause; None if it may be judged."""
    if not found.window.is_mature(rules.at, rules.maturity):
        return f"labels may still come until {found.window.end + rules.maturity:%Y-%m-%d %H:%MZ}"
    if is_unlabelled(found, rules):
        return f"{found.labelled} of {found.rows} rows have a label, below {rules.min_coverage:.0%}"
    if found.labelled < min_rows:
        return f"{found.labelled} labelled rows, fewer than {min_rows}"
    for metric in metrics:
        value = found.metrics.get(metric)
        if value is None or not math.isfinite(value):
            return f"no usable value of {metric} ({value})"
    return None


def is_unlabelled(found: LabelledWindow, rules: LabelRules) -> bool:
    """Whether a mature window lacks labels that should be there by now: an outage, not patience."""
    return found.rows > 0 and found.labelled < rules.min_coverage * found.rows
