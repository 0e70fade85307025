"""Every way in which a frame breaks configs/schema.yaml."""

from __future__ import annotations

import pandas as pd

from pipeline.config import Schema
from pipeline.domain import Verdict
from pipeline.ml.incident import Finding
from pipeline.ml.validation.column_faults import (
    find_label_time_faults,
    find_null_faults,
    find_repeated_values,
    find_too_many_categories,
)
from pipeline.ml.validation.pandera_schema import as_pandera
from pipeline.ml.validation.repeated_columns import find_repeated_columns, first_columns
from pipeline.ml.validation.schema_fault import WHERE
from pipeline.ml.validation.value_faults import find_value_faults

BLOCK_ROWS = 250_000


def check_schema(
    frame: pd.DataFrame, schema: Schema, *, block_rows: int = BLOCK_ROWS
) -> list[Finding]:
    """Every fault of `frame` against `schema` and the built-in columns, or one PASS.

    Ends of ranges are allowed values. A null fraction fails above `max_null_fraction`, a number of
    categories above `max_categories`. Nulls are no duplicates of one another.
    """
    pandera_schema = as_pandera(schema)
    repeated = list(find_repeated_columns(frame))
    frame = first_columns(frame)
    faults = [
        *repeated,
        *find_value_faults(frame, pandera_schema, block_rows),
        *find_null_faults(frame, schema),
        *find_repeated_values(frame, schema),
        *find_too_many_categories(frame, schema),
        *find_label_time_faults(frame),
    ]
    return faults or [
        Finding(
            check="schema",
            column=None,
            severity=Verdict.PASS,
            found=f"{len(frame):,} rows of {frame.shape[1]} columns as described",
            expected=f"what {WHERE} says",
        )
    ]
