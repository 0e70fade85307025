"""A check of a whole frame as a Finding, and whether its times can be checked at all."""

from __future__ import annotations

import pandas as pd

from pipeline.domain import Verdict
from pipeline.ml.incident import Finding


def finding(
    check: str,
    column: str | None = None,
    *,
    passed: bool,
    found: str,
    expected: str,
    rows: int = 0,
    examples: tuple[str, ...] = (),
    mend: str = "",
    since: str | None = None,
) -> Finding:
    """A PASS without advice, or a FAIL with it."""
    if passed:
        return Finding(check, column, Verdict.PASS, found, expected)
    return Finding(
        check, column, Verdict.FAIL, found, expected, rows, examples, mend=mend, since=since
    )


def has_times(frame: pd.DataFrame, name: str) -> bool:
    """Whether the column is there with times that know their zone; else the schema fails it."""
    return name in frame and isinstance(frame[name].dtype, pd.DatetimeTZDtype)
