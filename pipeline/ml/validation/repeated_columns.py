"""Columns of one name: reported as a fault, and all but the first left aside."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from pipeline.ml.incident import Finding
from pipeline.ml.validation.schema_fault import fault


def find_repeated_columns(frame: pd.DataFrame) -> Iterator[Finding]:
    """Names that more than one column has."""
    for name in frame.columns[frame.columns.duplicated()].unique():
        count = int((frame.columns == name).sum())
        yield fault(
            "repeated_column",
            str(name),
            found=f"{count} columns of this name (only the first is checked further)",
            expected="one",
            rows=len(frame),
        )


def first_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with the first column of each name; itself, not a copy, where none is repeated."""
    if frame.columns.is_unique:
        return frame
    return frame.loc[:, ~frame.columns.duplicated()]
