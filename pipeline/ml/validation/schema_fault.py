"""One way in which rows break configs/schema.yaml, as a Finding that says what to do."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding, first_event

WHERE = "configs/schema.yaml"
MEND = {
    "missing_column": "restore the column in the query or at the source, or take it out of "
    "configs/schema.yaml",
    "unexpected_column": "leave it out of the query, or describe it in configs/schema.yaml",
    "repeated_column": "give each column of the query one name of its own",
    "type": "cast it in the query, or mend what writes it",
    "range": "look for a change of units or a broken sensor at the source; widen min or max only "
    "if such values are real",
    "finite": "find the division by zero or the overflow upstream",
    "categories": "add the category to configs/schema.yaml if it is real",
    "max_categories": "look for free text or ids in this column; raise max_categories if they are "
    "real",
    "nulls": "look for an outage at the source or a join that no longer matches",
    "unique": "look for a join that multiplies rows or a load that ran twice",
    "label_time": "a label needs the time at which it became known, at or after its event",
}


def fault(
    check: str,
    column: str,
    *,
    found: str,
    expected: str,
    rows: int,
    examples: Iterable[str] = (),
    since: str | None = None,
    severity: Verdict = Verdict.FAIL,
) -> Finding:
    """The Finding of a failed `check`, with what to do about it. KeyError for an unknown check."""
    mend = MEND[check]
    return Finding(
        check, column, severity, found, expected, rows, tuple(examples), mend=mend, since=since
    )


def since_of(frame: pd.DataFrame, failed: pd.Series) -> str | None:
    """The first event among the rows that the mask `failed` marks, where the frame has events."""
    return first_event(frame["event_time"][failed]) if "event_time" in frame else None
