"""Columns that say nothing, since every row says the same."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from pipeline.config import Schema
from pipeline.ml.incident import Finding, examples_of, first_event
from pipeline.ml.validation.frame_finding import finding


def check_constants(frame: pd.DataFrame, schema: Schema) -> Iterator[Finding]:
    """Each column must hold at least two values, unless its schema says may_be_constant."""
    names = [n for n, c in schema.columns.items() if n in frame and not c.may_be_constant]
    constant = [name for name in names if _is_constant(frame[name])]
    for name in constant:
        value = frame[name].dropna().head(1)
        yield finding(
            "constant",
            name,
            passed=False,
            found="one value in every row" if len(value) else "nothing but nulls",
            expected="at least two values (or may_be_constant in configs/schema.yaml)",
            rows=len(frame),
            examples=examples_of(value),
            since=first_event(frame.get("event_time")),
            mend="look for a default that replaced the real value",
        )
    if not constant:
        yield finding(
            "constant", passed=True, found=f"{len(names)} columns vary", expected="all vary"
        )


def _is_constant(values: pd.Series) -> bool:
    """One value or none, nulls aside. A column with both a value and nulls still says something."""
    known = values.dropna()
    if len(known) < len(values) and len(known):
        return False
    text = known.map(str) if known.dtype == object else known
    return not len(known) or bool((text == text.iloc[0]).all())
