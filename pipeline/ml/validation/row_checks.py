"""Amount, labels and times of collected rows, of the frame alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from pipeline.config import RowRules
from pipeline.domain import Verdict
from pipeline.ml.incident import Finding, examples_of, first_event
from pipeline.ml.validation.column_profile import numbers
from pipeline.ml.validation.frame_finding import finding, has_times


def check_rows(frame: pd.DataFrame, min_rows: int) -> Iterator[Finding]:
    """At least `min_rows` rows."""
    yield finding(
        "rows",
        passed=len(frame) >= min_rows,
        found=f"{len(frame):,} rows",
        expected=f"at least {min_rows:,}",
        mend="look for an outage of the feed, or a window that is too short (params.yaml)",
    )


def check_labels(
    frame: pd.DataFrame,
    rules: RowRules,
    *,
    as_of: datetime,
    label_maturity_hours: float,
    recent_days: float,
) -> Iterator[Finding]:
    """Coverage of mature rows (events before `as_of` minus maturity), classes, and rate.

    Coverage is asked of the newest `recent_days` alone too, from their start on, as they were
    collected: the holdout is cut from these, and where labels are still to come there, those that
    came early are not like the others. Where there is not one row, it is the source that is at
    fault, and that is said.
    """
    if not has_times(frame, "event_time") or "label" not in frame:
        return
    until = as_of - timedelta(hours=label_maturity_hours)
    mature = frame["event_time"] < until
    recent = mature & (frame["event_time"] >= until - timedelta(days=recent_days))
    yield _coverage(
        "label_coverage",
        frame[mature],
        "old enough to have a label",
        least=rules.min_label_coverage,
        mend="look for a label feed that is late or a label join that no longer matches",
    )
    yield _coverage(
        "recent_label_coverage",
        frame[recent],
        f"of the {recent_days:g} days before {until:%FT%TZ}",
        least=rules.min_label_coverage,
        mend=(
            f"collect.label_maturity_hours ({label_maturity_hours:g}) is likely shorter than labels"
            " take: raise it; or look for a label feed that is late"
        ),
    )
    labels = numbers(frame["label"][mature])
    if len(labels):
        yield from _check_label_values(labels, rules.label_rate)


_SILENT = "look for a source that fell silent: see when its last row came; labels are not at fault"


def _coverage(check: str, rows: pd.DataFrame, whose: str, *, least: float, mend: str) -> Finding:
    """The share of `rows` that have a label. Of no rows it is 0, and that is no label's fault."""
    share = len(numbers(rows["label"])) / len(rows) if len(rows) else 0.0
    unlabelled = rows["label"].isna()
    return finding(
        check,
        "label",
        passed=share >= least,
        found=(
            f"{share:.1%} of {len(rows):,} rows {whose} have one"
            if len(rows)
            else f"no row at all {whose}"
        ),
        expected=f"at least {least:.1%}",
        rows=int(unlabelled.sum()),
        since=first_event(rows["event_time"][unlabelled]),
        mend=mend if len(rows) else _SILENT,
    )


def _check_label_values(labels: np.ndarray, band: tuple[float, float]) -> Iterator[Finding]:
    rate = float(labels.mean())
    classes = len(np.unique(labels))
    yield finding(
        "label_classes",
        "label",
        passed=classes == 2,
        found=f"{classes} different labels among {len(labels):,}",
        expected="both 0 and 1",
        mend="look at how the label is computed and at the filter of the query",
    )
    low, high = band
    yield finding(
        "label_rate",
        "label",
        passed=low <= rate <= high,
        found=f"{rate:.2%} of {len(labels):,} labels are 1",
        expected=f"{low:.2%} to {high:.2%}",
        mend="look for a label whose meaning changed; widen validate.label_rate only if it is real",
    )


def check_times(frame: pd.DataFrame, as_of: datetime) -> Iterator[Finding]:
    """No event, row or label may be later than `as_of`: it could not have been known then."""
    for name in ("event_time", "available_at", "label_available_at"):
        if not has_times(frame, name):
            continue
        late = frame[name] > as_of
        count = int(late.sum())
        yield finding(
            "future",
            name,
            passed=count == 0,
            found=f"{count:,} of {len(frame):,} rows are later than as_of",
            expected=f"none later than {as_of:%Y-%m-%dT%H:%M:%SZ}",
            rows=count,
            examples=examples_of(frame[name][late].head(1000)),
            since=first_event(frame.get("event_time", frame[name])[late]),
            mend="look for a clock or a time zone at the source, or a query that ignores as_of",
        )


def check_lead(frame: pd.DataFrame) -> Iterator[Finding]:
    """A hint, which stops nothing, where most rows were known before their event.

    A row may be known ahead, such as a plan; but local times taken for UTC look just like that.
    """
    if not (has_times(frame, "event_time") and has_times(frame, "available_at")):
        return
    lead = frame["event_time"] - frame["available_at"]
    ahead = lead > timedelta(0)
    found = f"{ahead.mean():.1%} of {len(frame):,} rows were available before their event"
    mend = ""
    if ahead.mean() > 0.5:
        hours = lead[ahead].median() / timedelta(hours=1)
        said = f"{hours:,.0f}" if hours >= 100 else f"{hours:.3g}"
        found += f", by {said} hours in the median"
        mend = "looks like a time zone: all times of query.py are UTC; fine for what is planned"
    expected = "half of them at most, unless rows are known ahead"
    yield Finding("available_ahead", "available_at", Verdict.PASS, found, expected, mend=mend)
